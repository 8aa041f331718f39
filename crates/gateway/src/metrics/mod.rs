//! `GET /metrics`: what is counted anywhere, put into the Prometheus text format when somebody looks.
//!
//! docs/metrics.md names every family; a test holds the two together.

mod attachments;
mod connections;
mod depth;
mod family;
mod signals;
mod stages;
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pollgate_broker::BrokerState;
use pollgate_core::{Limit, Snapshot, ThrottleFigures};
use prometheus::TextEncoder;
use prometheus::proto::MetricFamily;

pub(crate) use connections::Connections;
use family::{Label, counter, gauge, histogram};

/// What the HTTP layer itself counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    connections: Arc<Connections>,
    body_time_ms: u64,
    bodies_late: AtomicU64,
}

impl Metrics {
    /// Nothing is counted yet.
    pub(crate) fn new(most_connections: usize, body_time: Duration) -> Self {
        Self {
            connections: Connections::new(most_connections),
            body_time_ms: u64::try_from(body_time.as_millis()).unwrap_or(u64::MAX),
            bodies_late: AtomicU64::new(0),
        }
    }

    /// The connections of the public address.
    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    /// A body did not arrive in time.
    pub(crate) fn body_was_late(&self) {
        self.bodies_late.fetch_add(1, Ordering::Relaxed);
    }

    /// The bounds that this layer keeps.
    pub(crate) fn limits(&self) -> [Limit; 2] {
        let refused = Some(self.bodies_late.load(Ordering::Relaxed));
        let body = Limit { name: "body_timeout_ms", most: self.body_time_ms, used: None, refused };
        [self.connections.limit(), body]
    }

    /// Everything as text; `more` are bounds that others keep.
    ///
    /// # Errors
    /// A family without a name or a sample: a mistake in this program.
    pub(crate) fn text(
        &self,
        snapshot: Snapshot,
        more: &[Limit],
        spans: &[(&'static str, u64)],
    ) -> Result<String, prometheus::Error> {
        let mut families = figures(&snapshot);
        families.push(stages::of_spans(spans));
        let mut limits = snapshot.limits;
        limits.extend(self.limits());
        limits.extend_from_slice(more);
        families.extend(bounds(&limits));
        TextEncoder::new().encode_to_string(&families)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a double, and these stay far below 2^53")]
const fn number(value: u64) -> f64 {
    value as f64
}

fn flag(up: bool) -> f64 {
    f64::from(u8::from(up))
}

fn figures(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let one = |value| [(None::<Label<'_>>, value)];
    let ends = snapshot.polls.iter().map(|(end, polls)| (Some(("end", *end)), number(*polls)));
    let mut families = vec![
        gauge(
            "pollgate_build_info",
            "Always 1; the label names the version that runs.",
            [(Some(("version", env!("CARGO_PKG_VERSION"))), 1.0)],
        ),
        histogram(
            "pollgate_message_send_seconds",
            "From a checked message to its commit.",
            &snapshot.sending,
        ),
        counter(
            "pollgate_messages_sent_total",
            "Messages stored; repeats are not.",
            one(number(snapshot.sent)),
        ),
        gauge("pollgate_polls_held", "Polls that have begun and not ended.", one(snapshot.held as f64)),
        counter("pollgate_polls_total", "Polls that have ended, by what ended them.", ends),
        histogram(
            "pollgate_delivery_seconds",
            "From an event's acceptance to the first answer that holds it.",
            &snapshot.delivering,
        ),
    ];
    families.extend(stages::of_stages(snapshot));
    families.extend(stages::of_usage(snapshot));
    families.extend(of_store(snapshot));
    families.extend(of_throttle(&snapshot.throttle));
    families.extend(of_brokers(snapshot));
    families.extend(streams::of_streams(&snapshot.streams));
    families.extend(signals::of_signals(&snapshot.signals));
    families.extend(attachments::families(&snapshot.attachments));
    families.extend(depth::families(snapshot));
    families
}

fn of_store(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let one = |value| [(None, value)];
    let mut families = vec![
        counter(
            "pollgate_search_indexed_total",
            "Messages that were made findable.",
            one(number(snapshot.indexed)),
        ),
        counter(
            "pollgate_retention_removed_total",
            "Old messages that were removed.",
            one(number(snapshot.removed)),
        ),
        gauge(
            "pollgate_outbox_rows",
            "Committed events of this gateway that the broker has not answered for.",
            one(snapshot.outbox_rows as f64),
        ),
        gauge(
            "pollgate_store_up",
            "1: the database answered this scrape in time.",
            one(flag(snapshot.store_up)),
        ),
        counter(
            "pollgate_store_statements_total",
            "Statements that the database was asked for, by kind of connection.",
            [("readers", snapshot.statements.readers), ("writers", snapshot.statements.writers)]
                .map(|(kind, count)| (Some(("connections", kind)), number(count))),
        ),
    ];
    if let Some(age) = snapshot.outbox_oldest {
        families.push(gauge(
            "pollgate_outbox_oldest_seconds",
            "Age of the oldest of those events; absent when the database did not answer.",
            one(age.as_secs_f64()),
        ));
    }
    families
}

fn of_throttle(throttle: &ThrottleFigures) -> [MetricFamily; 3] {
    let refused =
        throttle.refused.iter().map(|(class, count)| (Some(("class", class.as_ref())), number(*count)));
    [
        counter(
            "pollgate_throttled_total",
            "Requests refused because their user made too many, by class.",
            refused,
        ),
        counter(
            "pollgate_throttle_settlements_total",
            "How often this gateway counted together with the others, for many users each time.",
            [(None, number(throttle.settlements))],
        ),
        counter(
            "pollgate_throttle_settlement_errors_total",
            "How often that failed: until it works, each gateway counts by itself.",
            [(None, number(throttle.failures))],
        ),
    ]
}

fn of_brokers(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let one = |value| [(None, value)];
    let all_up = snapshot.brokers.iter().all(|(_, state)| state.up);
    let any_blocked = snapshot.brokers.iter().any(|(_, state)| state.blocked);
    let names: Vec<String> = snapshot.brokers.iter().map(|(name, _)| name.to_string()).collect();
    let each = |of: fn(&BrokerState) -> bool| {
        let states = names.iter().zip(&snapshot.brokers);
        states.map(move |(name, (_, state))| (Some(("cluster", name.as_str())), flag(of(state))))
    };
    let moved = &snapshot.handovers;
    let moves = [
        ("handed_over", moved.handed_over),
        ("not_there", moved.not_there),
        ("unanswered", moved.unanswered),
        ("given", moved.given),
    ];
    let mut families = vec![
        gauge("pollgate_broker_up", "1: publishing and consuming work, on every cluster.", one(flag(all_up))),
        gauge(
            "pollgate_broker_blocked",
            "1: a cluster of the broker takes no publications (memory or disk alarm).",
            one(flag(any_blocked)),
        ),
        gauge(
            "pollgate_cluster_up",
            "1: publishing and consuming work on this cluster.",
            each(|state| state.up),
        ),
        gauge(
            "pollgate_cluster_blocked",
            "1: this cluster takes no publications (memory or disk alarm).",
            each(|state| state.blocked),
        ),
        counter(
            "pollgate_handovers_total",
            "Mailboxes asked for at other gateways, by what came of it, and given to them.",
            moves.map(|(result, count)| (Some(("result", result)), number(count))),
        ),
    ];
    if !snapshot.operations.is_empty() {
        families.push(counter(
            "pollgate_broker_operations_total",
            "What RabbitMQ was asked, by operation.",
            snapshot.operations.iter().map(|(name, count)| (Some(("operation", *name)), number(*count))),
        ));
    }
    families
}

fn bounds(limits: &[Limit]) -> [MetricFamily; 3] {
    let label = |limit: &Limit| Some(("limit", limit.name));
    [
        gauge(
            "pollgate_limit",
            "A bound, in the unit of its setting.",
            limits.iter().map(|limit| (label(limit), number(limit.most))),
        ),
        gauge(
            "pollgate_limit_used",
            "What is used of a bound now.",
            limits.iter().filter_map(|limit| Some((label(limit), number(limit.used?)))),
        ),
        counter(
            "pollgate_limit_refused_total",
            "How often a bound was met.",
            limits.iter().filter_map(|limit| Some((label(limit), number(limit.refused?)))),
        ),
    ]
}
