//! What a gateway is started with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Gateway;

/// Signs and verifies the tokens, unless a test says another one.
const SECRET: &str = "a secret of the tests, long enough";
pub(super) const SECRET_NAME: &str = "POLLGATE_AUTH__JWT__HS256_SECRET";

/// What a gateway keeps its data in.
#[derive(Clone, Debug)]
pub enum Backends {
    /// SQLite in this directory, and the broker in the process.
    Embedded(PathBuf),
    /// PostgreSQL and RabbitMQ.
    Production {
        /// The database.
        pg_url: String,
        /// The broker's virtual host.
        amqp_url: String,
        /// What the names of the gateway's queues begin with.
        prefix: String,
    },
}

/// Collects what a gateway is started with.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    binary: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Builder {
    pub(super) fn new(binary: &Path) -> Self {
        let builder = Self { binary: binary.to_owned(), environment: BTreeMap::new() };
        builder
            .env("POLLGATE_LOG__FORMAT", "json")
            .env("POLLGATE_LOG__LEVEL", "info")
            .env(SECRET_NAME, SECRET)
            // tests make more requests than users do; those about throttling switch it on
            .env("POLLGATE_THROTTLE__ENABLED", "false")
            // what a test leaves on a shared broker goes away soon
            .env("POLLGATE_MAILBOX__EXPIRES_S", "600")
    }

    /// What it keeps its data in; without this, the embedded pair in a directory of its own.
    pub fn backends(self, backends: Backends) -> Self {
        match backends {
            Backends::Embedded(folder) => self.env("POLLGATE_DATA_DIR", &folder.to_string_lossy()),
            Backends::Production { pg_url, amqp_url, prefix } => self
                .env("POLLGATE_STORE__URL", &pg_url)
                .env("POLLGATE_BROKER__KIND", "rabbitmq")
                .env("POLLGATE_BROKER__URL", &amqp_url)
                .env("POLLGATE_BROKER__PREFIX", &prefix),
        }
    }

    /// A setting, over whatever was said of it before.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts two gateways on the same backends, which must be [`Backends::Production`].
    #[must_use]
    pub fn start_two(self) -> [Gateway; 2] {
        [self.clone().start(), self.start()]
    }

    /// Starts the gateway and waits until it is ready.
    #[must_use]
    pub fn start(mut self) -> Gateway {
        let files = TempDir::new().expect("a directory");
        let data = files.path().join("data").to_string_lossy().into_owned();
        self.environment.entry("POLLGATE_DATA_DIR".to_owned()).or_insert(data);
        Gateway::start(self.binary, files, self.environment)
    }
}
