//! One line of the record: how it was at a moment, and what came and went since the one before.

use std::time::Instant;

use pollgate_model::Timestamp;

use super::quantile::quantile;
use crate::{Histogram, Limit, Snapshot};

/// Figures that only grow, at one moment.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    at: Instant,
    sending: Histogram,
    delivering: Histogram,
    polls: u64,
    pub(super) superseded: u64,
    throttled: u64,
    refused: u64,
    pub(super) unanswered: u64,
    pub(super) settle_failures: u64,
    pub(super) storage_errors: u64,
    /// How often each bound was met.
    pub(super) met: Vec<(&'static str, u64)>,
}

/// What there is at the other gateways, as they reported it last.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Others {
    pub(super) held: f64,
    pub(super) sends: f64,
    pub(super) deliveries: f64,
    pub(super) outbox_rows: f64,
}

/// The names of a line's values, in their order.
pub(super) const FIELDS: [&str; 24] = [
    "at_ms",
    "held",
    "streams",
    "sends",
    "deliveries",
    "polls",
    "throttled",
    "refused",
    "send_p50_ms",
    "send_p95_ms",
    "send_p99_ms",
    "delivery_p50_ms",
    "delivery_p95_ms",
    "delivery_p99_ms",
    "outbox_rows",
    "outbox_oldest_s",
    "store_up",
    "broker_up",
    "all_held",
    "all_sends",
    "all_deliveries",
    "all_outbox_rows",
    "deepest",
    "alarming",
];

/// One line, its values by [`FIELDS`]; `None`: nothing can be said.
pub(super) type Line = [Option<f64>; FIELDS.len()];

impl Counts {
    pub(super) fn of(snapshot: &Snapshot, limits: &[Limit]) -> Self {
        let ends = |wanted: &str| {
            snapshot.polls.iter().filter(|(end, _)| *end == wanted).map(|(_, count)| count).sum()
        };
        Self {
            at: Instant::now(),
            sending: snapshot.sending.clone(),
            delivering: snapshot.delivering.clone(),
            polls: snapshot.polls.iter().map(|(_, count)| count).sum(),
            superseded: ends("superseded"),
            throttled: snapshot.throttle.refused.iter().map(|(_, count)| count).sum(),
            // some bounds cut or forget without refusing anything
            refused: super::limits::refusing(limits).map(|(_, count)| count).sum(),
            unanswered: snapshot.handovers.unanswered,
            settle_failures: snapshot.throttle.failures,
            storage_errors: snapshot.attachments.storage_errors.iter().map(|(_, count)| count).sum(),
            met: super::limits::refusing(limits).collect(),
        }
    }

    /// Messages stored since `before`.
    pub(super) fn sends_since(&self, before: &Self) -> u64 {
        self.sending.count.saturating_sub(before.sending.count)
    }

    /// Polls that have ended since `before`.
    pub(super) fn polls_since(&self, before: &Self) -> u64 {
        self.polls.saturating_sub(before.polls)
    }

    /// 99 of 100 messages since `before` were stored within so many seconds.
    pub(super) fn send_p99_since(&self, before: &Self) -> Option<f64> {
        quantile(&before.sending, &self.sending, 0.99)
    }

    /// The line of what happened since `before`.
    pub(super) fn line(&self, before: &Self, snapshot: &Snapshot, others: Others) -> Line {
        let seconds = self.at.saturating_duration_since(before.at).as_secs_f64().max(0.001);
        let per_second = |now: u64, then: u64| round(number(now.saturating_sub(then)) / seconds);
        let rate = |now, then| Some(per_second(now, then));
        let ms = |before, now, share| Some(round(quantile(before, now, share)? * 1000.0));
        let (held, outbox_rows) = (number(snapshot.held as u64), number(snapshot.outbox_rows as u64));
        let sends = per_second(self.sending.count, before.sending.count);
        let deliveries = per_second(self.delivering.count, before.delivering.count);
        let streams: usize = snapshot.streams.held.iter().map(|(_, held)| held).sum();
        let broker_up = snapshot.brokers.iter().all(|(_, state)| state.up && !state.blocked);
        let depths = &snapshot.depths;
        // unknown while nobody looks
        let deepest = depths.totals.map(|_| depths.deepest.first().map_or(0, |one| one.size.ready));
        let flag = |up: bool| Some(f64::from(u8::from(up)));
        let (send, delivery) = ((&before.sending, &self.sending), (&before.delivering, &self.delivering));
        [
            Some(whole(Timestamp::now().as_ms())),
            Some(held),
            Some(number(streams as u64)),
            Some(sends),
            Some(deliveries),
            rate(self.polls, before.polls),
            rate(self.throttled, before.throttled),
            rate(self.refused, before.refused),
            ms(send.0, send.1, 0.5),
            ms(send.0, send.1, 0.95),
            ms(send.0, send.1, 0.99),
            ms(delivery.0, delivery.1, 0.5),
            ms(delivery.0, delivery.1, 0.95),
            ms(delivery.0, delivery.1, 0.99),
            Some(outbox_rows),
            snapshot.outbox_oldest.map(|age| round(age.as_secs_f64())),
            flag(snapshot.store_up),
            flag(broker_up),
            Some(others.held + held),
            Some(round(others.sends + sends)),
            Some(round(others.deliveries + deliveries)),
            Some(others.outbox_rows + outbox_rows),
            deepest.map(number),
            depths.totals.as_ref().map(|totals| number(totals.alarms)),
        ]
    }
}

/// The value of this name in a line.
pub(super) fn value(line: &Line, name: &str) -> Option<f64> {
    let place = FIELDS.iter().position(|field| *field == name)?;
    line.get(place).copied().flatten()
}

#[expect(clippy::cast_precision_loss, reason = "a figure stays far below 2^53")]
pub(super) const fn number(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "a time in milliseconds stays far below 2^53")]
const fn whole(value: i64) -> f64 {
    value as f64
}

/// A thousandth is finer than anybody reads, and keeps the text short.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
