//! The command as it is typed, on a set-up that the test describes.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use pollgate_testkit::{Vhost, eventually, free_port, unique_prefix};
use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_pollgate");
/// Nothing that anybody would guess.
const SECRET: &str = "q7Jw0uYv3nF5eKx9RzLh2TbMd8cGpA4iSo6";

/// How long a fact is waited for.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Nothing is left in a virtual host; the broker takes a moment for what goes with its connection.
#[track_caller]
pub(crate) fn assert_left_as_it_was(vhost: &Vhost) {
    eventually("nothing is left", LIMIT, || vhost.left().is_empty());
}

/// A set-up, in a folder of its own.
pub(crate) struct SetUp {
    pub(crate) folder: TempDir,
    environment: BTreeMap<String, String>,
    arguments: Vec<String>,
}

/// What the doctor said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) report: Value,
}

impl SetUp {
    /// Everything embedded.
    pub(crate) fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").to_string_lossy().into_owned();
        let set_up = Self::bare(folder);
        let address = |port: u16| format!("127.0.0.1:{port}");
        set_up
            .env("DATA_DIR", &data)
            .env("AUTH__JWT__HS256_SECRET", SECRET)
            .env("HTTP__LISTEN", &address(free_port()))
            .env("HTTP__OPERATOR_LISTEN", &address(free_port()))
            // as many as any machine that runs tests has room for
            .env("HTTP__MOST_CONNECTIONS", "1000")
            .env("LIMITS__HELD_POLLS", "1000")
            .env("BROKER__MEMORY_BYTES", "1000000")
    }

    /// Nothing said at all, in this folder.
    pub(crate) fn bare(folder: TempDir) -> Self {
        Self { folder, environment: BTreeMap::new(), arguments: Vec::new() }
    }

    /// PostgreSQL here, RabbitMQ there.
    pub(crate) fn production(pg_url: &str, amqp_url: &str) -> Self {
        Self::embedded()
            .env("STORE__URL", pg_url)
            .env("BROKER__KIND", "rabbitmq")
            .env("BROKER__URL", amqp_url)
            .env("BROKER__PREFIX", &unique_prefix())
            .env("HTTP__DEMO", "false")
            .env("MAILBOX__MAX_LENGTH", "200")
    }

    /// A setting, without what all of them begin with.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(format!("POLLGATE_{name}"), value.to_owned());
        self
    }

    /// Only these families.
    pub(crate) fn only(self, families: &str) -> Self {
        self.args(&["--only", families])
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    pub(crate) fn setting(&self, name: &str) -> &str {
        &self.environment[&format!("POLLGATE_{name}")]
    }

    /// Runs the doctor.
    pub(crate) fn output(&self, more: &[&str]) -> Output {
        let mut command = Command::new(BINARY);
        command.arg("doctor").args(&self.arguments).args(more).current_dir(self.folder.path());
        for (name, _value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("POLLGATE_") || name == "KUBERNETES_SERVICE_HOST" {
                command.env_remove(name);
            }
        }
        command.envs(&self.environment).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs the doctor and reads what it says.
    pub(crate) fn doctor(&self) -> Said {
        let output = self.output(&["--json"]);
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
        Said { code: output.status.code().unwrap(), report }
    }
}

impl Said {
    /// The findings of a check, or of all whose name begins so.
    pub(crate) fn of(&self, check: &str) -> Vec<&Value> {
        let all = self.report["findings"].as_array().unwrap();
        all.iter().filter(|finding| finding["check"].as_str().unwrap().starts_with(check)).collect()
    }

    /// A check found this, and its words hold these; whoever reads it is told what it means and what to do.
    #[track_caller]
    pub(crate) fn assert(&self, check: &str, level: &str, words: &[&str]) {
        let fits = |finding: &&Value| finding["level"] == level;
        let found = self.of(check).into_iter().find(fits);
        let found = found.unwrap_or_else(|| panic!("no {level} of {check}: {:#}", self.report));
        let text = found.to_string();
        for word in words {
            assert!(text.contains(word), "no {word:?} in {found:#}");
        }
        if level == "problem" || level == "warning" {
            for told in ["means", "change"] {
                assert!(found[told].as_str().is_some_and(|text| !text.is_empty()), "no {told}: {found:#}");
            }
        }
        assert_eq!(self.code == 1, self.report["status"] == "problem", "{:#}", self.report);
    }

    /// Nothing is wrong, but for what a machine may lack.
    #[track_caller]
    pub(crate) fn assert_well(&self) {
        assert_eq!(self.code, 0, "{:#}", self.report);
        let findings = self.report["findings"].as_array().unwrap();
        let wrong: Vec<_> = findings
            .iter()
            .filter(|finding| finding["level"] == "problem" || finding["level"] == "warning")
            // those are the machine's own, and a test has its cases for them
            .filter(|finding| {
                !["system.", "clock.even", "files.space", "store.space", "store.latency", "broker.publish"]
                    .iter()
                    .any(|own| finding["check"].as_str().unwrap().starts_with(own))
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
