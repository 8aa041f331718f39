//! A node of one's own.

use std::fs::{self, OpenOptions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::unique_prefix;
use crate::ports::{self, local};
use crate::process::{PATIENCE, ended, output, signal};
use crate::wait::eventually;

// the programs themselves: what stands in the path switches to the machine's own user and settings
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CTL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
/// Nodes that have the same may form a cluster.
const COOKIE: &str = ".erlang.cookie";

/// A node of one's own, on free ports, with files of its own; dropping it ends it.
pub struct RabbitNode {
    files: TempDir,
    name: String,
    port: u16,
    dist_port: u16,
    child: Option<Child>,
}

impl RabbitNode {
    /// Starts a node and waits until it takes connections.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[], "")
    }

    /// The same, with these plugins, and this in its `rabbitmq.conf`.
    #[must_use]
    pub fn start_with(plugins: &[&str], configuration: &str) -> Self {
        let files = TempDir::new().expect("a directory");
        let name = format!("pollgate_{}@localhost", unique_prefix());
        let plugins = format!("[{}].", plugins.join(","));
        fs::write(files.path().join("plugins"), plugins).expect("a list of plugins");
        fs::write(files.path().join("rabbitmq.conf"), configuration).expect("a configuration");
        fs::write(files.path().join(COOKIE), "POLLGATETESTS").expect("a cookie");
        let mine_alone = fs::Permissions::from_mode(0o400);
        fs::set_permissions(files.path().join(COOKIE), mine_alone).expect("a cookie that nobody else reads");
        let mut node = Self { files, name, port: ports::free(), dist_port: ports::free(), child: None };
        node.start_again();
        node
    }

    /// Makes one cluster of this node and another; what this one has had is gone.
    pub fn join(&self, other: &Self) {
        for step in [
            &["stop_app"][..],
            &["reset"],
            &["join_cluster", &other.name],
            &["start_app"],
            &["await_startup"],
        ] {
            self.ctl(step);
        }
    }

    /// What a cluster calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, up or down.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Its port, up or down.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it in order, as an operator does. Its files stay.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.ctl(&["stop"]);
            ended(&self.name, &mut child);
        }
    }

    /// Ends it like a power cut does. Its files stay.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // an own group, made below: the script and the virtual machine under it, nobody else's processes
        signal("KILL", &[-i64::from(child.id())]);
        ended(&self.name, &mut child);
        // the script was our child and is reaped; the virtual machine was the script's
        eventually("its port is closed", PATIENCE, || !self.listens());
    }

    /// Starts it on the files and ports that it had, after [`Self::stop`] or [`Self::kill`].
    pub fn start_again(&mut self) {
        if self.child.is_some() {
            return;
        }
        let log = |name: &str| {
            let path = self.files.path().join(name);
            OpenOptions::new().create(true).append(true).open(path).expect("a log")
        };
        let mut command = Command::new(SERVER);
        self.environment(&mut command);
        command.process_group(0).stdin(Stdio::null()).stdout(log("out")).stderr(log("err"));
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{SERVER} does not run: {error}"));
        eventually("RabbitMQ listens", PATIENCE, || {
            let end = child.try_wait().expect("its state is known");
            assert!(end.is_none(), "RabbitMQ does not start: {}", self.printed());
            self.listens()
        });
        self.child = Some(child);
        self.ctl(&["await_startup"]);
    }

    /// Stops it, if it runs, and starts it.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Stops all its processes where they are: connections stay open, and nothing answers.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets them go on after [`Self::pause`].
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Has it run out of the memory it may use: it blocks whoever publishes.
    pub fn raise_alarm(&self) {
        self.ctl(&["set_vm_memory_high_watermark", "0.00001"]);
    }

    /// Ends what [`Self::raise_alarm`] began.
    pub fn end_alarm(&self) {
        self.ctl(&["set_vm_memory_high_watermark", "0.9"]);
    }

    fn signal(&self, name: &str) {
        if let Some(child) = &self.child {
            // an own group, made below: the script and the virtual machine under it
            signal(name, &[-i64::from(child.id())]);
        }
    }

    /// Runs `rabbitmqctl` on it; returns what that printed.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(CTL);
        self.environment(&mut command);
        output(command.args(["--silent", "-n", &self.name]).args(arguments))
    }

    fn listens(&self) -> bool {
        TcpStream::connect(local(self.port)).is_ok()
    }

    fn printed(&self) -> String {
        ["out", "err"]
            .map(|name| fs::read_to_string(self.files.path().join(name)).unwrap_or_default())
            .join("\n")
    }

    fn environment(&self, command: &mut Command) {
        let path = |name: &str| self.files.path().join(name);
        command
            .env("HOME", self.files.path()) // the cookie is there
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", path("mnesia"))
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_SCHEMA_DIR", path("schema"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", path("config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
            .env("RABBITMQ_CONFIG_FILE", path("rabbitmq"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_PID_FILE", path("pid"))
            // idle schedulers that spin would take the cores from what is tested
            .env("RABBITMQ_CTL_ERL_ARGS", "+sbwt none")
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none");
    }
}

impl Drop for RabbitNode {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal("KILL", &[-i64::from(child.id())]);
            drop(child.wait());
        }
    }
}
