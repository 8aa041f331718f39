//! What a broker says of itself: the first frame of every connection, which the client library keeps to itself.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use lapin::protocol::connection::AMQPMethod;
use lapin::protocol::{AMQPClass, parse_class};
use lapin::tcp::AMQPUriTcpExt as _;
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;

use super::super::settings::RabbitSettings;
use crate::BrokerError;

/// The protocol's name and version, as a client says them first.
const HELLO: &[u8] = b"AMQP\0\0\x09\x01";
/// A frame's head: its kind, its channel and its size.
const HEAD: usize = 7;
/// More than any broker has to say of itself.
const MOST_BYTES: usize = 1 << 20;

/// What a broker says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Greeting {
    /// `RabbitMQ`.
    pub product: String,
    /// `3.10.8`.
    pub version: String,
    /// The cluster's own name.
    pub cluster: String,
    /// What it can do beyond the protocol.
    pub capabilities: Vec<String>,
}

/// Asks the broker who it is, without logging in.
///
/// # Errors
/// It cannot be reached, or speaks something else.
pub async fn greeting(settings: RabbitSettings) -> Result<Greeting, BrokerError> {
    let settings = settings.checked()?;
    let limit = settings.timeout;
    let asked = tokio::task::spawn_blocking(move || ask(&settings));
    match tokio::time::timeout(limit.saturating_mul(2), asked).await {
        Ok(Ok(greeting)) => greeting,
        Ok(Err(error)) => Err(BrokerError::Unreachable(error.to_string())),
        Err(_elapsed) => Err(BrokerError::TimedOut(limit)),
    }
}

fn ask(settings: &RabbitSettings) -> Result<Greeting, BrokerError> {
    let mut uri: AMQPUri = settings
        .url
        .parse()
        .map_err(|_quotes| BrokerError::Refused("the URL is not an AMQP URL".to_owned()))?;
    let limit = settings.timeout.max(Duration::from_millis(1));
    uri.query.connection_timeout = Some(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
    let mut stream = uri.connect().map_err(|error| BrokerError::Unreachable(error.to_string()))?;
    let mut read = || -> std::io::Result<Vec<u8>> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        stream.write_all(HELLO)?;
        let mut head = [0; HEAD];
        stream.read_exact(&mut head)?;
        let [kind, _, _, size @ ..] = head;
        let size = usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX);
        if kind != 1 || size > MOST_BYTES {
            return Err(std::io::Error::other("it does not speak AMQP 0-9-1"));
        }
        let mut payload = vec![0; size];
        stream.read_exact(&mut payload)?;
        Ok(payload)
    };
    let payload = read().map_err(|error| BrokerError::Unreachable(error.to_string()))?;
    understood(&payload)
}

fn understood(payload: &[u8]) -> Result<Greeting, BrokerError> {
    let strange = || BrokerError::Unreachable("it greets like no AMQP broker".to_owned());
    let (_rest, class) = parse_class(payload).map_err(|_shows_bytes| strange())?;
    let AMQPClass::Connection(AMQPMethod::Start(start)) = class else { return Err(strange()) };
    let properties = &start.server_properties;
    let capabilities = match properties.inner().get("capabilities") {
        Some(AMQPValue::FieldTable(table)) => on(table),
        _ => Vec::new(),
    };
    Ok(Greeting {
        product: text(properties, "product"),
        version: text(properties, "version"),
        cluster: text(properties, "cluster_name"),
        capabilities,
    })
}

fn text(table: &FieldTable, key: &str) -> String {
    match table.inner().get(key) {
        Some(AMQPValue::LongString(text)) => text.to_string(),
        Some(AMQPValue::ShortString(text)) => text.to_string(),
        _ => String::new(),
    }
}

fn on(table: &FieldTable) -> Vec<String> {
    let on = table.inner().iter().filter(|(_, value)| matches!(value, AMQPValue::Boolean(true)));
    on.map(|(name, _)| name.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_greeting_is_an_error_and_no_panic() {
        for bytes in [&b""[..], b"\0", b"HTTP/1.1 400 Bad Request", &[0, 10, 0, 10, 0, 9, 255, 255, 255, 255]]
        {
            assert!(understood(bytes).is_err(), "{bytes:?}");
        }
    }
}
