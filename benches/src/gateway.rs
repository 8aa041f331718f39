//! Gateways of one's own: started with fresh state on free ports, stopped and cleaned up afterwards.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::cli::{Pair, Run};
use crate::http::Client;
use crate::process::{Watched, find};
use crate::rabbitmq::Node;
use crate::sender::refusal;

const START_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const COMMAND_PATIENCE: Duration = Duration::from_secs(60);
const LOG_LINES_SHOWN: usize = 15;
/// The embedded pair's database, in the gateway's home.
const FILE: &str = "pollgate.db";

/// One gateway, or several on the same state.
pub(crate) struct Gateways {
    /// What they check tokens with.
    pub(crate) secret: String,
    running: Vec<Gateway>,
    backends: Backends,
}

/// Where a gateway's data stands.
pub(crate) enum Database {
    /// A PostgreSQL database's URL, with the schema.
    Pg(String),
    /// An SQLite file.
    Sqlite(PathBuf),
}

/// A running gateway.
struct Gateway {
    address: SocketAddr,
    operator: SocketAddr,
    pid: u32,
    child: Child,
    home: TempDir,
}

/// What was made in the services, to be removed again.
struct Backends {
    pair: Pair,
    database: String,
    name: String,
    broker: Option<Broker>,
}

/// The RabbitMQ that is measured.
enum Broker {
    Own(Box<Node>),
    Given(String),
}

impl Broker {
    fn url(&self) -> String {
        match self {
            Self::Own(node) => node.url(),
            Self::Given(url) => url.clone(),
        }
    }
}

impl Gateways {
    /// Makes fresh state, starts the gateways on it, and waits until they are ready.
    ///
    /// # Errors
    /// When the state cannot be made, or a gateway does not become ready; its last log lines come with it.
    pub(crate) async fn start(run: &Run) -> Result<Self, String> {
        if run.pair == Pair::Embedded && run.gateways > 1 {
            return Err("the embedded pair is for one gateway".into());
        }
        let secret = uuid::Uuid::new_v4().to_string() + &uuid::Uuid::new_v4().to_string();
        let mut gateways = Self { secret, running: Vec::new(), backends: Backends::make(run).await? };
        for _each in 0..run.gateways {
            // one after the other: the first one makes the tables
            if let Err(why) = gateways.add(run).await {
                let log = gateways.running.last().map(Gateway::last_words).unwrap_or_default();
                gateways.stop().await;
                return Err(format!("{why}\n{log}"));
            }
        }
        Ok(gateways)
    }

    async fn add(&mut self, run: &Run) -> Result<(), String> {
        let gateway = Gateway::start(run, &self.secret, &self.backends)?;
        self.running.push(gateway);
        match self.running.last_mut() {
            Some(started) => started.wait_until_ready().await,
            None => Ok(()),
        }
    }

    /// Their public addresses.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.running.iter().map(|one| one.address).collect()
    }

    /// Where their data stands.
    pub(crate) fn database(&self) -> Database {
        match (self.backends.pair, self.running.first()) {
            (Pair::Embedded, Some(gateway)) => Database::Sqlite(gateway.home.path().join(FILE)),
            _ => Database::Pg(self.backends.database_url()),
        }
    }

    /// The broker, for gateways beside these.
    pub(crate) fn broker_url(&self) -> Option<String> {
        self.backends.broker.as_ref().map(Broker::url)
    }

    /// The process, when there is only one.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self.running.as_slice() {
            [only] => Some(only.pid),
            _ => None,
        }
    }

    /// The processes to watch: the gateways and, where they are on this machine, broker and database.
    pub(crate) fn processes(&self) -> Vec<Watched> {
        let name = |number: usize| match self.running.len() {
            1 => "gateway".to_owned(),
            _ => format!("gateway {}", number + 1),
        };
        let gateways = self.running.iter().enumerate();
        let mut all: Vec<Watched> = gateways.map(|(n, one)| Watched::tree(&name(n), one.pid)).collect();
        if self.backends.pair == Pair::Production {
            let broker = match &self.backends.broker {
                Some(Broker::Own(node)) => Some(node.pid),
                Some(Broker::Given(_)) | None => find("beam.smp"),
            };
            let services = [("broker", broker), ("database", find("postgres"))];
            all.extend(services.into_iter().filter_map(|(name, pid)| Some(Watched::tree(name, pid?))));
        }
        all
    }

    /// Asks the gateways to end, ends those that do not, and removes what was made for them.
    pub(crate) async fn stop(self) {
        for gateway in self.running {
            gateway.stop().await;
        }
        self.backends.remove().await;
    }
}

impl Gateway {
    fn start(run: &Run, secret: &str, backends: &Backends) -> Result<Self, String> {
        let home = TempDir::with_prefix("pollgate-bench-").map_err(|error| error.to_string())?;
        let [address, operator] = free_addresses()?;
        let binary = run.gateway.canonicalize().map_err(|e| format!("{}: {e}", run.gateway.display()))?;
        let log = File::create(home.path().join("log")).map_err(|error| error.to_string())?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        // a measurement that is cut off leaves no gateway behind: setpriv asks the kernel for that, and becomes the gateway
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(binary);
        command.arg("serve").current_dir(home.path()).stdin(Stdio::null()).stdout(log).stderr(errors);
        for (name, _value) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("POLLGATE_")) {
                command.env_remove(&name); // settings meant for another gateway
            }
        }
        command.env("POLLGATE_HTTP__LISTEN", address.to_string());
        command.env("POLLGATE_HTTP__OPERATOR_LISTEN", operator.to_string());
        command.env("POLLGATE_AUTH__JWT__HS256_SECRET", secret);
        command.env("POLLGATE_LOG__LEVEL", "warn");
        // what is measured is what a gateway can do, and that is more than one user may
        command.env("POLLGATE_THROTTLE__ENABLED", "false");
        backends.configure(&mut command, &home);
        command.envs(run.env.iter().filter_map(|setting| setting.split_once('=')));
        let child = command.kill_on_drop(true).spawn().map_err(|error| format!("gateway: {error}"))?;
        let pid = child.id().ok_or("the gateway ended at once")?;
        Ok(Self { address, operator, pid, child, home })
    }

    async fn wait_until_ready(&mut self) -> Result<(), String> {
        const LOOK: Duration = Duration::from_millis(50);
        let operator = self.operator;
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {operator}\r\n\r\n");
        let mut client = Client::new(operator);
        let mut last = String::new();
        let ready = async {
            loop {
                if let Ok(Some(status)) = self.child.try_wait() {
                    return Err(format!("the gateway ended: {status}"));
                }
                last = match client.exchange(request.as_bytes(), COMMAND_PATIENCE).await {
                    Ok(answer) if answer.status == 200 => return Ok(()),
                    Ok(answer) => refusal(&answer),
                    Err(error) => error.to_string(),
                };
                sleep(LOOK).await;
            }
        };
        let outcome = timeout(START_PATIENCE, ready).await;
        outcome.unwrap_or_else(|_elapsed| {
            Err(format!("the gateway was not ready within {START_PATIENCE:?}: {last}"))
        })
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(LOG_LINES_SHOWN)..).unwrap_or_default().join("\n")
    }

    /// Asks it to end, and ends it if it does not.
    async fn stop(mut self) {
        let pid = self.pid.to_string();
        let asked = command("kill", &["-TERM", &pid]).await;
        if asked.is_err() || timeout(STOP_PATIENCE, self.child.wait()).await.is_err() {
            eprintln!("the gateway did not end when asked to; it was killed");
            if let Err(error) = self.child.kill().await {
                eprintln!("killing it failed: {error}");
            }
        }
    }
}

impl Backends {
    async fn make(run: &Run) -> Result<Self, String> {
        let name = format!("pollgate_bench_{}", uuid::Uuid::new_v4().simple());
        let database = run.database.clone();
        if run.pair == Pair::Embedded {
            return Ok(Self { pair: run.pair, database, name, broker: None });
        }
        let broker = match &run.rabbitmq {
            Some(url) => Broker::Given(url.clone()),
            None => {
                let [address, distribution] = free_addresses()?;
                Broker::Own(Box::new(Node::start(address, distribution).await?))
            }
        };
        let backends = Self { pair: run.pair, database, name, broker: Some(broker) };
        let statement = format!("create schema {}", backends.name);
        command("psql", &["-X", "-q", "-d", &backends.database, "-c", &statement]).await?;
        Ok(backends)
    }

    fn database_url(&self) -> String {
        let separator = if self.database.contains('?') { '&' } else { '?' };
        format!("{}{separator}options=-csearch_path%3D{}", self.database, self.name)
    }

    fn configure(&self, command: &mut Command, home: &TempDir) {
        match self.pair {
            Pair::Embedded => {
                let file = home.path().join(FILE);
                command.env("POLLGATE_STORE__URL", format!("sqlite://{}", file.display()));
                command.env("POLLGATE_BROKER__KIND", "memory");
            }
            Pair::Production => {
                command.env("POLLGATE_STORE__URL", self.database_url());
                command.env("POLLGATE_BROKER__KIND", "rabbitmq");
                command
                    .env("POLLGATE_BROKER__URL", self.broker.as_ref().map(Broker::url).unwrap_or_default());
                command.env("POLLGATE_BROKER__PREFIX", self.name.replace("pollgate_bench_", "bench."));
                command.env("POLLGATE_MAILBOX__EXPIRES_S", "300");
                command.env("POLLGATE_MAILBOX__SESSION_EXPIRES_S", "120");
            }
        }
    }

    async fn remove(self) {
        if self.pair == Pair::Embedded {
            return; // its state is in the temporary folder
        }
        let statement = format!("drop schema {} cascade", self.name);
        let schema = command("psql", &["-X", "-q", "-d", &self.database, "-c", &statement]).await;
        if let Err(error) = schema {
            eprintln!("left behind: {error}");
        }
        if let Some(Broker::Own(node)) = self.broker {
            node.stop().await;
        }
    }
}

async fn command(program: &str, arguments: &[&str]) -> Result<(), String> {
    let running = Command::new(program).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(COMMAND_PATIENCE, running)
        .await
        .map_err(|_elapsed| format!("{program} took longer than {COMMAND_PATIENCE:?}"))?
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), words.trim()))
}

/// Two ports that were free a moment ago.
fn free_addresses() -> Result<[SocketAddr; 2], String> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let both = [bind(), bind()];
    let [public, operator] = both.map(|listener| listener.and_then(|listener| listener.local_addr()));
    Ok([public.map_err(|error| error.to_string())?, operator.map_err(|error| error.to_string())?])
}
