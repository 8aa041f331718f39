//! What `GET /metrics` says.

use std::collections::BTreeSet;
use std::time::Duration;

use pollgate_testkit::{Gateway, eventually};

/// Every wait for a fact ends here.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// One look at the metrics.
pub(crate) struct Scrape(pub(crate) String);

impl Scrape {
    pub(crate) fn of(gateway: &Gateway) -> Self {
        let answer = gateway.at_operator_address().get("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        Self(String::from_utf8(answer.body().to_vec()).unwrap())
    }

    /// The value of a sample, written as it stands there: `name` or `name{label="value"}`.
    pub(crate) fn find(&self, sample: &str) -> Option<f64> {
        let rest = |line: &str| Some(line.strip_prefix(sample)?.strip_prefix(' ')?.parse().unwrap());
        self.0.lines().find_map(rest)
    }

    pub(crate) fn value(&self, sample: &str) -> f64 {
        self.find(sample).unwrap_or_else(|| panic!("no {sample} in\n{}", self.0))
    }

    /// The bound, what is used of it, and how often it was met.
    pub(crate) fn limit(&self, name: &str) -> [f64; 3] {
        ["", "_used", "_refused_total"]
            .map(|kind| self.value(&format!("pollgate_limit{kind}{{limit=\"{name}\"}}")))
    }

    /// Names of all families.
    pub(crate) fn families(&self) -> BTreeSet<String> {
        let types = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types.map(|family| family.split(' ').next().unwrap().to_owned()).collect()
    }

    /// Names of all bounds.
    pub(crate) fn limits(&self) -> BTreeSet<String> {
        let bounds = self.0.lines().filter_map(|line| line.strip_prefix("pollgate_limit{limit=\""));
        bounds.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }
}

/// Waits until a sample has this value.
#[track_caller]
pub(crate) fn until(gateway: &Gateway, sample: &str, value: f64) {
    eventually(&format!("{sample} is {value}"), LIMIT, || {
        Scrape::of(gateway).find(sample).is_some_and(|now| (now - value).abs() < 0.5)
    });
}

/// Waits until so much of a bound is used.
#[track_caller]
pub(crate) fn until_used(gateway: &Gateway, limit: &str, used: f64) {
    until(gateway, &format!("pollgate_limit_used{{limit=\"{limit}\"}}"), used);
}

/// The value of a sample now.
pub(crate) fn metric(gateway: &Gateway, sample: &str) -> f64 {
    Scrape::of(gateway).value(sample)
}
