//! A pooler of one's own in front of the machine's database.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::cluster::system_user;
use super::machine;
use crate::ports::{self, local};
use crate::process::PATIENCE;
use crate::wait::eventually;

/// PgBouncer on a free port; dropping it ends it.
pub struct PgBouncer {
    _files: TempDir,
    port: u16,
    child: Child,
}

impl PgBouncer {
    /// Starts it in this mode, `session` or `transaction`, and waits until it listens.
    #[must_use]
    pub fn start(mode: &str) -> Self {
        let files = TempDir::new().expect("a directory");
        let port = ports::free();
        let database = machine();
        let (_, rest) = database.split_once("://").expect("POLLGATE_TEST_POSTGRES is a URL");
        let (user, place) = rest.split_once('@').expect("it names its user");
        let (place, name) = place.split_once('/').expect("it names its database");
        let (host, server_port) = place.split_once(':').unwrap_or((place, "5432"));
        let settings = format!(
            "[databases]\ntest = host={host} port={server_port} dbname={name} user={user}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             ignore_startup_parameters = options,extra_float_digits\n"
        );
        let path = files.path().join("pgbouncer.ini");
        fs::write(&path, settings).expect("its settings are written");
        let mut command = Command::new("pgbouncer");
        command.arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = system_user() {
            // it refuses to be root
            chown(files.path(), Some(uid), Some(gid)).expect("the directory is given away");
            command.uid(uid).gid(gid);
        }
        let child = command.spawn().expect("pgbouncer runs (scripts/setup --tests brings it)");
        let mut bouncer = Self { _files: files, port, child };
        eventually("pgbouncer listens", PATIENCE, || {
            let end = bouncer.child.try_wait().expect("its state is known");
            assert!(end.is_none(), "pgbouncer does not run: {end:?}");
            TcpStream::connect(local(port)).is_ok()
        });
        bouncer
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://anybody@127.0.0.1:{}/test", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
