//! A cluster of one's own.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::psql;
use crate::ports;
use crate::process::{PATIENCE, ended, output, signal};
use crate::wait::eventually;

/// A cluster of one's own, on a free port, with files of its own, as careful with them as a real one; dropping it ends it.
pub struct PgCluster {
    files: TempDir,
    programs: PathBuf,
    /// Who it runs as; PostgreSQL refuses to be root.
    user: Option<(u32, u32)>,
    port: u16,
    child: Option<Child>,
}

impl PgCluster {
    /// Makes a cluster, starts it, and waits until it answers.
    #[must_use]
    pub fn start() -> Self {
        let files = TempDir::new().expect("a directory");
        let user = system_user();
        if let Some((uid, gid)) = user {
            chown(files.path(), Some(uid), Some(gid)).expect("the directory is given away");
        }
        let mut cluster = Self { files, programs: programs(), user, port: ports::free(), child: None };
        let data = cluster.data();
        let made = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-D"];
        output(cluster.command("initdb").args(made).arg(data));
        cluster.start_again();
        cluster
    }

    /// Where it is, up or down.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Its port, up or down.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it in order: transactions under way are rolled back, sessions ended.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal("INT", &[i64::from(child.id())]);
            ended("PostgreSQL", &mut child);
        }
    }

    /// Ends all its processes at once, like a power cut; what it had synced stays.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let postmaster = i64::from(child.id());
        signal("STOP", &[postmaster]); // so that it starts no others meanwhile
        let mut all = children(postmaster);
        all.push(postmaster);
        signal("KILL", &all);
        ended("PostgreSQL", &mut child);
    }

    /// Starts it on the files and the port that it had, after [`Self::stop`] or [`Self::kill`].
    pub fn start_again(&mut self) {
        if self.child.is_some() {
            return;
        }
        let mut child = self.spawn();
        eventually("PostgreSQL answers", PATIENCE, || {
            if child.try_wait().expect("its state is known").is_some() {
                // processes of the one before may hold its shared memory for a moment yet
                child = self.spawn();
            }
            self.answers()
        });
        self.child = Some(child);
    }

    /// Stops all its processes where they are: connections stay open, and nothing answers.
    pub fn pause(&self) {
        if let Some(child) = &self.child {
            let postmaster = i64::from(child.id());
            signal("STOP", &[postmaster]);
            signal("STOP", &children(postmaster));
        }
    }

    /// Lets them go on after [`Self::pause`].
    pub fn resume(&self) {
        if let Some(child) = &self.child {
            let postmaster = i64::from(child.id());
            let mut all = children(postmaster);
            all.push(postmaster);
            signal("CONT", &all);
        }
    }

    /// Runs one statement; returns the rows, columns separated by `|`.
    pub fn query(&self, statement: &str) -> String {
        psql(&self.url(), statement)
    }

    /// From now on its log has every statement, of sessions that are open too.
    pub fn log_statements(&self) {
        self.query("alter system set log_statement = 'all'");
        self.query("select pg_reload_conf()");
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.files.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn data(&self) -> PathBuf {
        self.files.path().join("data")
    }

    fn answers(&self) -> bool {
        let mut ready = Command::new(self.programs.join("pg_isready"));
        ready.args(["-q", "-t", "5", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        ready.status().is_ok_and(|status| status.success())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.files.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn spawn(&self) -> Child {
        let log = File::options().create(true).append(true).open(self.files.path().join("log"));
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=on",
            "max_connections=100",
            "shared_buffers=32MB",
        ] {
            command.args(["-c", setting]);
        }
        // a group of its own: a signal from the keyboard is not for it
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a log"));
        command.spawn().expect("postgres runs")
    }
}

impl Drop for PgCluster {
    fn drop(&mut self) {
        self.resume(); // a stopped process takes no other signal than a kill
        let Some(mut child) = self.child.take() else { return };
        signal("QUIT", &[i64::from(child.id())]);
        drop(child.wait());
    }
}

/// The newest of Debian's.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max().expect("PostgreSQL's server is installed")
}

/// Root starts it as `postgres`, anybody else as themselves.
pub(super) fn system_user() -> Option<(u32, u32)> {
    let own = fs::metadata("/proc/self").expect("/proc is there").uid();
    if own != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("a list of users");
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("the user postgres");
    let mut numbers = line.split(':').skip(2).map(|number| number.parse().expect("a number"));
    Some((numbers.next().expect("a user's number"), numbers.next().expect("a group's number")))
}

/// PostgreSQL puts each of its processes into a group of its own: they are found by their parent.
fn children(parent: i64) -> Vec<i64> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let listed = fs::read_to_string(path).unwrap_or_default();
    listed.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}
