//! A Prometheus of one's own.

use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::ports::{self, local};
use crate::process::PATIENCE;
use crate::user::User;
use crate::wait::eventually;

/// A server on a free port, with what it stores in a folder of its own; dropping it ends it.
pub struct Prometheus {
    port: u16,
    child: Child,
    files: TempDir,
}

impl Prometheus {
    /// Starts it on these files: name and content. `prometheus.yml` must be among them.
    #[must_use]
    pub fn start(files: &[(&str, String)]) -> Self {
        let folder = TempDir::new().expect("a directory");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("a file");
        }
        let port = ports::free();
        let path = |name: &str| folder.path().join(name).display().to_string();
        // a test that is cut off leaves no server behind
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "prometheus", "--log.level=warn"]);
        command.arg(format!("--config.file={}", path("prometheus.yml")));
        command.arg(format!("--storage.tsdb.path={}", path("data")));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("setpriv runs");
        let mut server = Self { port, child, files: folder };
        eventually("Prometheus is ready (scripts/setup --tests brings it)", PATIENCE, || {
            let end = server.child.try_wait().expect("its state is known");
            assert!(end.is_none(), "Prometheus does not run: {}", server.log());
            let ready = server.caller().request("GET", "/-/ready", &[], &[]);
            ready.is_ok_and(|answer| answer.status == 200)
        });
        server
    }

    /// Asks for the samples of an expression now: objects with `metric` and `value`.
    ///
    /// # Errors
    /// What Prometheus has against the expression.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let data = self.ask("query", &[("query", expression)])?;
        let result = data.get("result").and_then(Value::as_array).cloned();
        result.ok_or_else(|| format!("{expression}: no vector but {data}"))
    }

    /// The values of a label among the series that a selector finds.
    ///
    /// # Errors
    /// What Prometheus has against the selector.
    pub fn label_values(&self, label: &str, selector: &str) -> Result<Vec<String>, String> {
        let data = self.ask(&format!("label/{label}/values"), &[("match[]", selector)])?;
        let values = data.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(values.iter().filter_map(|value| value.as_str().map(ToOwned::to_owned)).collect())
    }

    /// All rules, as they were last evaluated.
    #[must_use]
    pub fn rules(&self) -> Vec<Value> {
        let data = self.ask("rules", &[]).expect("rules are told");
        list(&data, "groups").iter().flat_map(|group| list(group, "rules")).collect()
    }

    /// Alerts that are pending or firing.
    #[must_use]
    pub fn alerts(&self) -> Vec<Value> {
        list(&self.ask("alerts", &[]).expect("alerts are told"), "alerts")
    }

    fn ask(&self, what: &str, fields: &[(&str, &str)]) -> Result<Value, String> {
        let query = serde_urlencoded::to_string(fields).map_err(|error| error.to_string())?;
        let answer = self.caller().request("GET", &format!("/api/v1/{what}?{query}"), &[], &[])?;
        match answer.json.get("data") {
            Some(data) if answer.status == 200 => Ok(data.clone()),
            _ => Err(format!("{fields:?}: {}", String::from_utf8_lossy(answer.body()))),
        }
    }

    fn caller(&self) -> User {
        User::new(local(self.port), "", None)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).unwrap_or_default()
    }
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("Prometheus: {}", self.log());
        }
    }
}
