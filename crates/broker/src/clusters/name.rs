//! What a cluster is called: the place that its URL names, without credentials.

use std::fmt;

use lapin::uri::AMQPUri;
use twox_hash::XxHash3_64;

use crate::BrokerError;

/// A cluster's name: `host:port/vhost`. Everything about where users are placed hangs on it, so it never changes
/// with credentials or options, and it shows none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

impl ClusterName {
    /// The name of the broker that lives in this process.
    #[must_use]
    pub fn in_process() -> Self {
        Self("memory".to_owned())
    }

    /// The name of the cluster at an AMQP URL.
    ///
    /// # Errors
    /// It is no AMQP URL; the error does not repeat it.
    pub fn of_url(url: &str) -> Result<Self, BrokerError> {
        // the parser's own words may quote the URL, and with it the password
        let uri: AMQPUri =
            url.parse().map_err(|_quotes| BrokerError::Refused("the URL is not an AMQP URL".to_owned()))?;
        let mut name = format!("{}:{}/", uri.authority.host.to_ascii_lowercase(), uri.authority.port);
        for byte in uri.vhost.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
                name.push(char::from(byte));
            } else {
                name.push_str(&format!("%{byte:02x}"));
            }
        }
        Ok(Self(name))
    }

    /// A name as it was printed.
    pub(super) fn printed(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a number, the same everywhere and for good; never 0.
    #[must_use]
    pub fn number(&self) -> u32 {
        let [.., a, b, c, d] = self.hash().to_be_bytes();
        u32::from_be_bytes([a, b, c, d]).max(1)
    }

    pub(super) fn hash(&self) -> u64 {
        XxHash3_64::oneshot(self.0.as_bytes())
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str) -> String {
        ClusterName::of_url(url).unwrap().to_string()
    }

    #[test]
    fn a_name_is_the_place_and_nothing_else() {
        assert_eq!(name("amqp://ann:secret@MQ1/%2f?heartbeat=3"), "mq1:5672/%2f");
        assert_eq!(name("amqp://mq1"), "mq1:5672/%2f");
        assert_eq!(name("amqps://mq1/a%20b,c"), "mq1:5671/a%20b%2cc");
        assert_eq!(name("amqp://10.0.0.1:5673/shop_1"), "10.0.0.1:5673/shop_1");
    }

    #[test]
    fn what_is_no_url_is_not_repeated() {
        let error = ClusterName::of_url("nonsense://ann:secret@mq").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
