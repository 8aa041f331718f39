//! How RabbitMQ is reached and used.

use std::fmt;
use std::time::Duration;

use lapin::uri::AMQPUri;

use crate::BrokerError;

/// The longest prefix: names must fit into 255 bytes.
const MOST_PREFIX_BYTES: usize = 40;

/// How RabbitMQ is reached and used.
#[derive(Clone, PartialEq, Eq)]
pub struct RabbitSettings {
    /// Where it is: `amqp://user:password@host:5672/vhost`, or `amqps://` for TLS.
    pub url: String,
    /// Names of the exchange and of all queues start with it.
    pub prefix: String,
    /// Most publishes on their way without a confirm.
    pub publish_window: usize,
    /// Most connections for consuming.
    pub consume_connections: usize,
    /// Most mailboxes that share a channel.
    pub mailboxes_per_channel: usize,
    /// Most channels of a consuming connection.
    pub channels_per_connection: usize,
    /// How long the broker may take for one answer.
    pub timeout: Duration,
    /// Seconds between heartbeats; a peer that is silent for two of them is gone.
    pub heartbeat_s: u16,
    /// The first pause before connecting again.
    pub reconnect_min: Duration,
    /// The longest pause before connecting again.
    pub reconnect_max: Duration,
}

impl Default for RabbitSettings {
    fn default() -> Self {
        Self {
            url: "amqp://127.0.0.1:5672/%2f".to_owned(),
            prefix: "pollgate".to_owned(),
            publish_window: 256,
            consume_connections: 1,
            mailboxes_per_channel: 200,
            channels_per_connection: 50,
            timeout: Duration::from_secs(5),
            heartbeat_s: 10,
            reconnect_min: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for RabbitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the URL holds a password
        f.debug_struct("RabbitSettings")
            .field("url", &"***")
            .field("prefix", &self.prefix)
            .field("publish_window", &self.publish_window)
            .field("consume_connections", &self.consume_connections)
            .field("mailboxes_per_channel", &self.mailboxes_per_channel)
            .field("channels_per_connection", &self.channels_per_connection)
            .field("timeout", &self.timeout)
            .field("heartbeat_s", &self.heartbeat_s)
            .field("reconnect_min", &self.reconnect_min)
            .field("reconnect_max", &self.reconnect_max)
            .finish()
    }
}

impl RabbitSettings {
    /// The settings as they are used: bounds are at least one, the URL carries the heartbeat.
    pub(super) fn checked(mut self) -> Result<Self, BrokerError> {
        if self.prefix.is_empty() || self.prefix.len() > MOST_PREFIX_BYTES {
            return Err(BrokerError::Refused(format!("the prefix must have 1 to {MOST_PREFIX_BYTES} bytes")));
        }
        // the parser's own words may quote the URL, and with it the password
        let uri: AMQPUri = self
            .url
            .parse()
            .map_err(|_quotes| BrokerError::Refused("the URL is not an AMQP URL".to_owned()))?;
        if uri.query.heartbeat.is_none() {
            self.url.push(if self.url.contains('?') { '&' } else { '?' });
            self.url.push_str(&format!("heartbeat={}", self.heartbeat_s));
        }
        for bound in [
            &mut self.publish_window,
            &mut self.consume_connections,
            &mut self.mailboxes_per_channel,
            &mut self.channels_per_connection,
        ] {
            *bound = (*bound).max(1);
        }
        self.reconnect_min = self.reconnect_min.max(Duration::from_millis(1));
        self.reconnect_max = self.reconnect_max.max(self.reconnect_min);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_errors_show_the_password() {
        let settings =
            RabbitSettings { url: "nonsense://u:secret@h".to_owned(), ..RabbitSettings::default() };
        assert!(!format!("{settings:?}").contains("secret"));
        assert!(!format!("{:?}", settings.checked().unwrap_err()).contains("secret"));
    }

    #[test]
    fn the_url_carries_the_heartbeat_unless_it_has_its_own() {
        let url = |url: &str| {
            RabbitSettings { url: url.to_owned(), ..RabbitSettings::default() }.checked().unwrap().url
        };
        assert_eq!(url("amqp://h/v"), "amqp://h/v?heartbeat=10");
        assert_eq!(url("amqp://h/v?channel_max=9"), "amqp://h/v?channel_max=9&heartbeat=10");
        assert_eq!(url("amqp://h/v?heartbeat=3"), "amqp://h/v?heartbeat=3");
    }
}
