//! Child processes: signals, and waiting for their end.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::wait::eventually;

/// How long anything that is started here may take to start or to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Sends a signal to processes; a negative number names a process group. One that is gone already is no error.
pub(crate) fn signal(name: &str, ids: &[i64]) {
    let ids = ids.iter().map(ToString::to_string);
    let mut kill = Command::new("kill");
    kill.args(["-s", name, "--"]).args(ids).stdout(Stdio::null()).stderr(Stdio::null());
    kill.status().expect("kill runs");
}

/// Waits for the end of a child.
pub(crate) fn ended(what: &str, child: &mut Child) -> ExitStatus {
    let mut status = None;
    eventually(&format!("{what} ends"), PATIENCE, || {
        status = child.try_wait().expect("its state is known");
        status.is_some()
    });
    status.expect("it has ended")
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    // a second panic would end the whole test process
    if !output.status.success() && !std::thread::panicking() {
        panic!("{command:?}: {printed}{}", String::from_utf8_lossy(&output.stderr));
    }
    printed
}
