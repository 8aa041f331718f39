//! `[trace]`: spans for OpenTelemetry.

use serde::{Deserialize, Serialize};

use super::{Secret, SecretUrl};

/// Most spans of one request to the collector: so many stay far below the size that collectors take.
const MOST_BATCH: usize = 10_000;

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct TraceSettings {
    pub otlp_endpoint: SecretUrl,
    pub headers: Secret,
    pub sample_ratio: f64,
    pub service_name: String,
    pub timeout_ms: u64,
    pub interval_ms: u64,
    pub batch_spans: usize,
    pub queue_spans: usize,
}

impl TraceSettings {
    /// The first thing that is wrong.
    pub(super) fn problem(&self) -> Option<String> {
        let url = self.otlp_endpoint.expose();
        if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
            return Some("trace.otlp_endpoint: begins with \"http://\" or \"https://\", or is empty".into());
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return Some("trace.sample_ratio: from 0 to 1".into());
        }
        if self.service_name.trim().is_empty() {
            return Some("trace.service_name must not be empty".into());
        }
        if self.headers().is_none() {
            return Some("trace.headers: \"name=value\", several with commas between".into());
        }
        let positive = [
            ("timeout_ms", self.timeout_ms),
            ("interval_ms", self.interval_ms),
            ("batch_spans", self.batch_spans as u64),
        ];
        if let Some((key, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Some(format!("trace.{key} must not be 0"));
        }
        if self.batch_spans > MOST_BATCH {
            return Some(format!("trace.batch_spans must be at most {MOST_BATCH}"));
        }
        (self.queue_spans < self.batch_spans)
            .then(|| "trace.queue_spans must not be below trace.batch_spans".into())
    }

    /// The headers for the collector; `None`: they cannot be read.
    pub(crate) fn headers(&self) -> Option<Vec<(String, String)>> {
        let each = self.headers.expose().split(',').map(str::trim).filter(|pair| !pair.is_empty());
        each.map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            let readable = !name.is_empty()
                && name.bytes().all(token)
                && value.bytes().all(|b| matches!(b, b' '..=b'~'));
            readable.then(|| (name.to_owned(), value.to_owned()))
        })
        .collect()
    }

    /// Where spans go; `None`: nowhere.
    pub(crate) fn endpoint(&self) -> Option<String> {
        let url = self.otlp_endpoint.expose().trim_end_matches('/');
        if url.is_empty() {
            return None;
        }
        Some(if url.ends_with("/v1/traces") { url.to_owned() } else { format!("{url}/v1/traces") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> TraceSettings {
        TraceSettings {
            otlp_endpoint: "http://collector:4318".to_owned().into(),
            headers: Secret::default(),
            sample_ratio: 1.0,
            service_name: "pollgate".into(),
            timeout_ms: 1,
            interval_ms: 1,
            batch_spans: 1,
            queue_spans: 1,
        }
    }

    #[test]
    fn headers_are_pairs_and_are_not_shown() {
        let with = |headers: &str| TraceSettings { headers: headers.to_owned().into(), ..settings() };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let read = with("authorization=Bearer a=b, x-tenant = 7,").headers().unwrap();
        assert_eq!(read, [pair("authorization", "Bearer a=b"), pair("x-tenant", "7")]);
        assert_eq!(with("").headers(), Some(Vec::new()));
        for bad in ["geheim", "=geheim", "a b=geheim", "a=gehe\nim"] {
            let said = with(bad).problem().unwrap();
            assert!(said.starts_with("trace.headers") && !said.contains("geheim"), "{said}");
            assert!(!format!("{:?}", with(bad)).contains("geheim"));
            assert!(!toml::to_string(&with(bad)).unwrap().contains("geheim"));
        }
    }

    #[test]
    fn an_endpoint_is_the_collectors_or_the_whole_path() {
        let at = |url: &str| TraceSettings { otlp_endpoint: url.to_owned().into(), ..settings() };
        assert_eq!(at("").endpoint(), None);
        for url in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"] {
            assert_eq!(at(url).endpoint().as_deref(), Some("http://c:4318/v1/traces"));
        }
        assert_eq!(at("https://c/otlp").endpoint().as_deref(), Some("https://c/otlp/v1/traces"));
        assert!(at("collector:4317").problem().unwrap().starts_with("trace.otlp_endpoint"));
        assert_eq!(settings().problem(), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for ratio in [-0.1, 1.1, f64::NAN] {
            assert!(TraceSettings { sample_ratio: ratio, ..settings() }.problem().is_some());
        }
        assert!(TraceSettings { queue_spans: 1, batch_spans: 2, ..settings() }.problem().is_some());
        assert!(TraceSettings { service_name: " ".into(), ..settings() }.problem().is_some());
    }
}
