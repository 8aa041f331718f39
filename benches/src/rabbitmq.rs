//! A RabbitMQ node of one's own, for the length of a measurement.
//!
//! A node of the machine may have too few open files for thousands of queues, and others use it. This one has as many
//! as the system allows, its files stand in a temporary folder, and it ends with the measurement.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const START_PATIENCE: Duration = Duration::from_secs(90);
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);
/// Debian's own start script refuses to run as root and drops the open files limit; this one does neither.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// A running node.
pub(crate) struct Node {
    /// Its process: a script, with the node below it.
    pub(crate) pid: u32,
    address: SocketAddr,
    child: Child,
    _files: TempDir,
}

impl Node {
    /// Starts a node on a free port and waits until it takes connections.
    ///
    /// # Errors
    /// RabbitMQ is not installed, or does not start.
    pub(crate) async fn start(address: SocketAddr, distribution: SocketAddr) -> Result<Self, String> {
        let files = TempDir::with_prefix("pollgate-bench-rabbitmq-").map_err(|error| error.to_string())?;
        let path = |name: &str| files.path().join(name);
        let mut command = Command::new(SERVER);
        command
            .env("HOME", files.path()) // the cookie is there
            .env("RABBITMQ_NODENAME", format!("pollgate_bench_{}@localhost", address.port()))
            .env("RABBITMQ_NODE_IP_ADDRESS", Ipv4Addr::LOCALHOST.to_string())
            .env("RABBITMQ_NODE_PORT", address.port().to_string())
            .env("RABBITMQ_DIST_PORT", distribution.port().to_string())
            .env("RABBITMQ_MNESIA_BASE", path("mnesia"))
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_SCHEMA_DIR", path("schema"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", path("config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
            .env("RABBITMQ_CONFIG_FILE", path("rabbitmq"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_PID_FILE", path("pid"))
            // idle schedulers that spin would take the cores from what is measured
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none");
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.process_group(0).spawn().map_err(|error| format!("{SERVER}: {error}"))?;
        let pid = child.id().ok_or("RabbitMQ ended at once")?;
        let mut node = Self { pid, address, child, _files: files };
        match timeout(START_PATIENCE, node.until_listening()).await {
            Ok(Ok(())) => Ok(node),
            Ok(Err(why)) => Err(why),
            Err(_elapsed) => {
                node.stop().await;
                Err(format!("RabbitMQ did not start within {START_PATIENCE:?}"))
            }
        }
    }

    async fn until_listening(&mut self) -> Result<(), String> {
        while TcpStream::connect(self.address).await.is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("RabbitMQ ended: {status}"));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@{}/%2f", self.address)
    }

    /// Ends it with all that is below it. Nothing of it is worth a clean end: its files go too.
    pub(crate) async fn stop(mut self) {
        // an own process group, made at its start: nobody else's processes are in it
        let group = format!("-{}", self.pid);
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status().await;
        if killed.is_err() || timeout(STOP_PATIENCE, self.child.wait()).await.is_err() {
            eprintln!("left behind: RabbitMQ, process {}", self.pid);
        }
    }
}
