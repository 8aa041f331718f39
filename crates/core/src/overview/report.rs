//! What a gateway says of itself to the others, in its row of the database: bounded, and read by other versions.

use serde::{Deserialize, Serialize};

/// Who this gateway is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The host's name.
    pub name: String,
    /// Where it serves the public.
    pub public: String,
    /// Where it serves operators.
    pub operator: String,
}

/// A longer report is no report: nobody's row may fill another one's memory.
pub(super) const MOST_BYTES: usize = 4096;
/// Names and addresses are cut to this.
const MOST_CHARS: usize = 128;
/// Findings that are named.
const MOST_FINDINGS: usize = 16;

/// As JSON between gateways, which may be of different versions: fields are only ever added, and each may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) public: String,
    pub(super) operator: String,
    /// When it started, by its own clock.
    pub(super) started_ms: i64,
    /// When it wrote this, by its own clock.
    pub(super) at_ms: i64,
    pub(super) draining: bool,
    pub(super) held: f64,
    pub(super) streams: f64,
    pub(super) sends: f64,
    pub(super) deliveries: f64,
    pub(super) send_p99_ms: Option<f64>,
    pub(super) delivery_p99_ms: Option<f64>,
    pub(super) outbox_rows: f64,
    pub(super) outbox_oldest_s: Option<f64>,
    /// `up`, `blocked`, `away`, `partly`.
    pub(super) broker: String,
    /// What is wrong there, by code.
    pub(super) findings: Vec<String>,
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

impl Report {
    /// Of this gateway, without figures yet.
    pub(super) fn of(identity: &Identity, started_ms: i64) -> Self {
        Self {
            name: cut(&identity.name),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            public: cut(&identity.public),
            operator: cut(&identity.operator),
            started_ms,
            ..Self::default()
        }
    }

    /// Names what is wrong here.
    pub(super) fn with_findings<'a>(mut self, codes: impl Iterator<Item = &'a str>) -> Self {
        self.findings = codes.take(MOST_FINDINGS).map(str::to_owned).collect();
        self
    }

    /// As it is written; `None`: it is too long to be.
    pub(super) fn json(&self) -> Option<String> {
        serde_json::to_string(self).ok().filter(|json| json.len() <= MOST_BYTES)
    }

    /// What another gateway has written; `None`: nothing that can be read.
    pub(super) fn read(json: &str) -> Option<Self> {
        // serde would take a list of the fields in their order, too
        let may_be_one = json.len() <= MOST_BYTES && json.starts_with('{');
        may_be_one.then(|| serde_json::from_str(json).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_by_other_versions() {
        let identity = Identity { name: "a".into(), public: "a:8080".into(), operator: "a:9090".into() };
        let report =
            Report { held: 3.0, ..Report::of(&identity, 7) }.with_findings(["store-away"].into_iter());
        assert_eq!(Report::read(&report.json().unwrap()), Some(report));
        let newer = r#"{"name":"b","something":{"new":true}}"#;
        assert_eq!(Report::read(newer), Some(Report { name: "b".into(), ..Report::default() }));
        for bad in ["", "[]", "null", r#"{"name":1}"#] {
            assert_eq!(Report::read(bad), None, "{bad}");
        }
        let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(MOST_BYTES));
        assert_eq!(Report::read(&long), None);
    }

    #[test]
    fn whatever_a_gateway_is_called_its_report_fits() {
        let long = "\u{1F980}".repeat(10_000);
        let identity = Identity { name: long.clone(), public: long.clone(), operator: long };
        let codes = ["mailboxes-alarming"; 100];
        let report = Report::of(&identity, 0).with_findings(codes.into_iter());
        assert!(report.json().is_some());
    }
}
