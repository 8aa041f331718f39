//! `[throttle]`: how many requests a user may make.

use std::collections::BTreeMap;

use pollgate_core::ThrottleSettings;
use pollgate_model::{BadRate, Rate};
use serde::{Deserialize, Serialize};

use super::{SecretUrl, ms};

/// Longest kind of a context that may be named.
const LONGEST_KIND: usize = 64;
/// Most kinds: each has counters of its own in the metrics.
const MOST_KINDS: usize = 100;

/// A rate as it is written: `"60/min"`, or nothing for no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quota(pub Option<Rate>);

impl TryFrom<String> for Quota {
    type Error = BadRate;

    fn try_from(text: String) -> Result<Self, BadRate> {
        if text.is_empty() { Ok(Self(None)) } else { Ok(Self(Some(text.parse()?))) }
    }
}

impl From<Quota> for String {
    fn from(quota: Quota) -> Self {
        quota.0.map(|rate| rate.to_string()).unwrap_or_default()
    }
}

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct ThrottleSection {
    pub enabled: bool,
    pub messages: Quota,
    pub rooms: Quota,
    pub general: Quota,
    pub signals: Quota,
    pub publish: Quota,
    pub redis: SecretUrl,
    pub redis_prefix: String,
    pub timeout_ms: u64,
    pub context: BTreeMap<String, Quota>,
}

impl ThrottleSection {
    pub(super) fn problem(&self) -> Option<String> {
        let url = self.redis.expose();
        if !url.is_empty() && !url.starts_with("redis://") && !url.starts_with("rediss://") {
            return Some("throttle.redis: begins with \"redis://\" or \"rediss://\", or is empty".into());
        }
        if self.redis_prefix.is_empty() {
            return Some("throttle.redis_prefix must not be empty".into());
        }
        if self.context.len() > MOST_KINDS {
            return Some(format!("throttle.context: at most {MOST_KINDS} kinds"));
        }
        // the kind stands in a header field and in the names of counters
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let bad = |kind: &&String| !(1..=LONGEST_KIND).contains(&kind.len()) || !kind.bytes().all(plain);
        self.context.keys().find(bad).map(|kind| {
            format!("throttle.context: {kind:?} is no kind; 1 to {LONGEST_KIND} letters, digits, -, _ and .")
        })
    }

    /// The same for the rules; `entries` is a bound of another section.
    #[must_use]
    pub fn rules(&self, entries: usize) -> ThrottleSettings {
        ThrottleSettings {
            enabled: self.enabled,
            messages: self.messages.0,
            rooms: self.rooms.0,
            general: self.general.0,
            signals: self.signals.0,
            publish: self.publish.0,
            context: self.context.iter().map(|(kind, quota)| (kind.clone(), quota.0)).collect(),
            entries,
            timeout: ms(self.timeout_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, merge};

    fn said(text: &str) -> String {
        let checked = merge(text, "pollgate.toml", None).and_then(Settings::check);
        checked.unwrap_err().to_string()
    }

    #[test]
    fn rates_are_read_over_the_defaults() {
        let text = "[throttle]\nmessages = \"\"\nrooms = \"5/s\"\n[throttle.context]\ninvoice = \"7/h\"";
        let settings = Settings::check(merge(text, "pollgate.toml", None).unwrap()).unwrap();
        let rules = settings.throttle.rules(10);
        let shown = |rate: Option<pollgate_model::Rate>| rate.map(|rate| rate.to_string());
        assert_eq!((shown(rules.messages), shown(rules.rooms)), (None, Some("5/s".into())));
        assert_eq!(
            (shown(rules.general), shown(rules.signals)),
            (Some("30/min".into()), Some("120/min".into()))
        );
        assert_eq!(shown(rules.publish), None);
        let kinds: Vec<_> =
            rules.context.into_iter().map(|(kind, rate)| (kind, shown(rate).unwrap())).collect();
        assert_eq!(kinds, [("invoice".into(), "7/h".into()), ("order".into(), "60/min".to_owned())]);
        assert!(settings.shown().unwrap().contains("invoice = \"7/h\""));
    }

    #[test]
    fn a_bad_rate_names_its_key_and_says_what_a_rate_is() {
        for (section, key) in
            [("throttle", "messages"), ("throttle", "publish"), ("throttle.context", "order")]
        {
            for value in ["\"60\"", "\"60/m\"", "\"0/min\"", "\"-1/s\"", "60"] {
                let text = said(&format!("[{section}]\n{key} = {value}"));
                assert!(text.contains(&format!("{section}.{key}")), "{text}");
                assert!(value == "60" || text.contains("60/min"), "{text}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_a_password_is_not_shown() {
        assert!(said("[throttle]\nredis = \"http://:geheim@redis\"").contains("throttle.redis"));
        assert!(!said("[throttle]\nredis = \"http://:geheim@redis\"").contains("geheim"));
        assert!(said("[throttle]\nredis_prefix = \"\"").contains("throttle.redis_prefix"));
        assert!(said("[throttle.context]\n\"a b\" = \"1/s\"").contains("a b"));
        let many: String = (0..101).map(|kind| format!("k{kind} = \"1/s\"\n")).collect();
        assert!(said(&format!("[throttle.context]\n{many}")).contains("at most 100"));
        let shown =
            Settings::check(merge("[throttle]\nredis = \"redis://:geheim@redis\"", "", None).unwrap());
        assert!(!shown.unwrap().shown().unwrap().contains("geheim"));
    }
}
