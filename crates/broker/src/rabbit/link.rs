//! Connections: made with a time limit, made again after a pause, never shared between purposes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool_lapin::{Config, Pool, PoolConfig, Runtime};
use futures::StreamExt as _;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::{ConnectionProperties, ErrorKind};

use super::settings::RabbitSettings;
use super::stats::{Counters, count};
use crate::BrokerError;

/// How often a connection is looked at that says nothing.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Waits for the broker, but not for ever.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer.map_err(|error| explained(&error)),
        Err(_elapsed) => Err(BrokerError::TimedOut(limit)),
    }
}

/// What an error of the client means to a caller.
pub(super) fn explained(error: &lapin::Error) -> BrokerError {
    match soft(error) {
        Some(_refusal) => BrokerError::Refused(error.to_string()),
        None => BrokerError::Unreachable(error.to_string()),
    }
}

/// The refusal of one operation, which costs its channel and not its connection.
pub(super) fn soft(error: &lapin::Error) -> Option<&AMQPSoftError> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => match error.kind() {
            AMQPErrorKind::Soft(soft) => Some(soft),
            AMQPErrorKind::Hard(_) => None,
        },
        _ => None,
    }
}

/// There is no such queue. The code alone does not say so: RabbitMQ answers with the same for a queue that is there and
/// whose node is down ("home node ... of durable queue ... is down or inaccessible").
pub(super) fn is_missing(error: &lapin::Error) -> bool {
    soft(error) == Some(&AMQPSoftError::NOTFOUND) && !error.to_string().contains("home node")
}

/// A pool of one connection for one purpose; recovery is ours, not the client library's.
pub(super) fn pool(settings: &RabbitSettings, purpose: &'static str) -> Result<Pool, BrokerError> {
    let config = Config { url: Some(settings.url.clone()), pool: Some(PoolConfig::new(1)) };
    let refused = |why: String| BrokerError::Refused(why);
    config
        .builder(move || properties(purpose), Runtime::Tokio1)
        .map_err(|error| refused(error.to_string()))?
        .build()
        .map_err(|error| refused(error.to_string()))
}

fn properties(purpose: &str) -> ConnectionProperties {
    ConnectionProperties::default().with_connection_name(format!("pollgate {purpose}").into())
}

/// The pool's connection, new when the last one is dead.
pub(super) async fn pooled(
    pool: &Pool,
    counters: &Counters,
    limit: Duration,
) -> Result<deadpool_lapin::Connection, BrokerError> {
    match tokio::time::timeout(limit, pool.get()).await {
        Ok(Ok(connection)) => {
            count(&counters.connections);
            Ok(connection)
        }
        Ok(Err(error)) => Err(BrokerError::Unreachable(error.to_string())),
        Err(_elapsed) => Err(BrokerError::TimedOut(limit)),
    }
}

/// A connection of its own, outside of any pool.
pub(super) async fn dial(
    settings: &RabbitSettings,
    counters: &Counters,
    purpose: &str,
) -> Result<Arc<lapin::Connection>, BrokerError> {
    let dialled = lapin::Connection::connect(&settings.url, properties(purpose));
    let connection = within(settings.timeout, dialled).await?;
    count(&counters.connections);
    Ok(Arc::new(connection))
}

/// Returns when the connection does not work any more.
pub(super) async fn until_dead(connection: &lapin::Connection) {
    let mut events = connection.events_listener();
    let mut look = tokio::time::interval(LOOK_EVERY);
    while connection.status().connected() {
        tokio::select! {
            _event = events.next() => {}
            _tick = look.tick() => {}
        }
    }
}

/// Pauses that grow from attempt to attempt, and differ between gateways that lost the same broker.
pub(super) struct Backoff {
    next: Duration,
    min: Duration,
    max: Duration,
}

impl Backoff {
    pub(super) fn new(settings: &RabbitSettings) -> Self {
        Self { next: settings.reconnect_min, min: settings.reconnect_min, max: settings.reconnect_max }
    }

    /// It worked: the next failure starts small again.
    pub(super) fn reset(&mut self) {
        self.next = self.min;
    }

    /// The pause to make now: half to all of the step.
    pub(super) fn pause(&mut self) -> Duration {
        let step = self.next;
        self.next = step.saturating_mul(2).min(self.max);
        step.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_start_small_again() {
        let settings = RabbitSettings::default();
        let mut backoff = Backoff::new(&settings);
        let first = backoff.pause();
        assert!(first >= settings.reconnect_min / 2 && first <= settings.reconnect_min);
        for _each in 0..20 {
            assert!(backoff.pause() <= settings.reconnect_max);
        }
        assert!(backoff.pause() >= settings.reconnect_max / 2);
        backoff.reset();
        assert!(backoff.pause() <= settings.reconnect_min);
    }
}
