//! The real binary as a child process.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::ports::{self, local};
use crate::process::{PATIENCE, ended, signal};
use crate::token::sign;
use crate::user::{TOKENS_LAST_S, User};
use crate::wait::eventually;

mod builder;

pub use builder::{Backends, Builder};

/// Ports are looked for and then bound: another process may be in between.
const TRIES: usize = 5;
/// So much of its log is shown when a test fails.
const TAIL: usize = 60;

/// A gateway; dropping it kills it, and shows the end of its log when the test has failed.
pub struct Gateway {
    binary: PathBuf,
    files: TempDir,
    environment: BTreeMap<String, String>,
    public: SocketAddr,
    operator: SocketAddr,
    child: Option<Child>,
}

impl Gateway {
    /// Collects what the `pollgate` at this path is started with.
    pub fn builder(binary: impl AsRef<Path>) -> Builder {
        Builder::new(binary.as_ref())
    }

    fn start(binary: PathBuf, files: TempDir, environment: BTreeMap<String, String>) -> Self {
        let nowhere = local(0);
        let mut gateway =
            Self { binary, files, environment, public: nowhere, operator: nowhere, child: None };
        for _ in 0..TRIES {
            let (public, operator) = (local(ports::free()), local(ports::free()));
            for (name, address) in
                [("POLLGATE_HTTP__LISTEN", public), ("POLLGATE_HTTP__OPERATOR_LISTEN", operator)]
            {
                gateway.environment.insert(name.to_owned(), address.to_string());
            }
            match gateway.run() {
                Ok(()) => return gateway,
                Err(said) if said.contains("in use") => {}
                Err(said) => panic!("the gateway does not start:\n{said}"),
            }
        }
        panic!("the gateway found no free ports:\n{}", gateway.log())
    }

    /// Starts it with what it was started with before, on the same ports, after [`Self::kill`] or [`Self::terminate`].
    pub fn start_again(&mut self) {
        if self.child.is_none() {
            self.run().unwrap_or_else(|said| panic!("the gateway does not start again:\n{said}"));
        }
    }

    /// Runs it until it is ready. If it ends before: what it said.
    fn run(&mut self) -> Result<(), String> {
        let before = self.log().len();
        let mut child = self.spawn();
        let said = |gateway: &Self| gateway.log().get(before..).unwrap_or_default().to_owned();
        let mut end = None;
        eventually("the gateway listens", PATIENCE, || {
            end = child.try_wait().expect("its state is known");
            match addresses(&said(self)) {
                Some((public, operator)) => (self.public, self.operator) = (public, operator),
                None => return end.is_some(),
            }
            true
        });
        if end.is_none() {
            let operator = self.at_operator_address();
            eventually("the gateway is ready", PATIENCE, || {
                end = child.try_wait().expect("its state is known");
                end.is_some()
                    || operator.request("GET", "/readyz", &[], &[]).is_ok_and(|answer| answer.status == 200)
            });
        }
        if let Some(status) = end {
            return Err(format!("{status}\n{}", said(self)));
        }
        self.child = Some(child);
        Ok(())
    }

    fn spawn(&self) -> Child {
        let log = |name: &str| {
            let path = self.files.path().join(name);
            File::options().create(true).append(true).open(path).expect("a log")
        };
        // a test that is cut off leaves no gateway behind: setpriv asks the kernel for that, and becomes the gateway
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.binary);
        command.arg("serve").current_dir(self.files.path());
        command.stdin(Stdio::null()).stdout(log("out")).stderr(log("log"));
        for (name, _value) in std::env::vars_os() {
            // settings meant for another gateway, or for these tests
            if name.to_string_lossy().starts_with("POLLGATE_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.envs(&self.environment);
        command.spawn().unwrap_or_else(|error| panic!("{} does not run: {error}", self.binary.display()))
    }

    /// Where clients call it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// Where operators call it.
    #[must_use]
    pub fn operator_url(&self) -> String {
        format!("http://{}", self.operator)
    }

    /// The process, while it runs.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// What it was started with, for commands that are to meet the same data.
    #[must_use]
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// What it has logged, all starts together.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.files.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Stops it where it is: connections stay open, and nothing answers.
    pub fn pause(&self) {
        signal("STOP", &[i64::from(self.pid())]);
    }

    /// Lets it go on after [`Self::pause`].
    pub fn resume(&self) {
        signal("CONT", &[i64::from(self.pid())]);
    }

    /// Ends it without a warning, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("it is gone");
        }
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        signal("TERM", &[i64::from(child.id())]);
        ended("the gateway", &mut child)
    }

    /// What it says of its readiness: the status, and the JSON.
    #[must_use]
    pub fn readiness(&self) -> (u16, Value) {
        let answer = self.at_operator_address().get("/readyz");
        (answer.status, answer.json)
    }

    /// A token of a user.
    #[must_use]
    pub fn token(&self, user: &str) -> String {
        self.token_with(user, "user", TOKENS_LAST_S)
    }

    /// A token with these scopes that runs out after `ttl_s` seconds; less than 0: it has run out.
    #[must_use]
    pub fn token_with(&self, user: &str, scope: &str, ttl_s: i64) -> String {
        sign(self.secret(), user, scope, ttl_s)
    }

    /// A user.
    #[must_use]
    pub fn user(&self, name: &str) -> User {
        self.user_with(name, "user")
    }

    /// Somebody with these scopes.
    #[must_use]
    pub fn user_with(&self, name: &str, scope: &str) -> User {
        let token = self.token_with(name, scope, TOKENS_LAST_S);
        self.anybody(Some(&format!("Bearer {token}")))
    }

    /// Somebody with this `Authorization`, or none.
    #[must_use]
    pub fn anybody(&self, authorization: Option<&str>) -> User {
        User::new(self.public, self.secret(), authorization.map(ToOwned::to_owned))
    }

    /// Somebody without a token at the operator address.
    #[must_use]
    pub fn at_operator_address(&self) -> User {
        User::new(self.operator, self.secret(), None)
    }

    fn secret(&self) -> &str {
        self.environment.get(builder::SECRET_NAME).expect("the builder sets one")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
            eprintln!("the end of the gateway's log:\n{}", tail.join("\n"));
        }
    }
}

/// Where it says that it listens: the public address, and that of operators.
fn addresses(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    in_json(log).or_else(|| in_text(log))
}

fn in_text(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line = log.lines().find(|line| line.contains(": listening "))?;
    let address = |name: &str| line.split(' ').find_map(|field| field.strip_prefix(name))?.parse().ok();
    Some((address("public=")?, address("operator=")?))
}

fn in_json(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let fields = lines.filter_map(|line| line.get("fields").cloned());
    let mut listening = fields.filter(|fields| fields.get("message").is_some_and(|text| text == "listening"));
    let found = listening.next()?;
    let address = |name: &str| found.get(name)?.as_str()?.parse().ok();
    Some((address("public")?, address("operator")?))
}
