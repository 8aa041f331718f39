//! The stages of a message's way, holds, and what happened more than once, in the Prometheus text format.

use pollgate_core::Snapshot;
use prometheus::proto::MetricFamily;

use super::family::{Label, counter, gauge, histogram, histograms};
use super::number;

/// Their families.
pub(super) fn of_stages(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let none = |value| [(None::<Label<'_>>, number(value))];
    vec![
        histograms(
            "pollgate_stage_seconds",
            "How long each stage of a message's way took.",
            "stage",
            &snapshot.stages,
        ),
        histograms(
            "pollgate_poll_hold_seconds",
            "How long polls were held, by their end.",
            "end",
            &snapshot.holds,
        ),
        counter(
            "pollgate_redelivered_total",
            "Events given to a client that it, or another, was or may have been given before.",
            none(snapshot.redelivered),
        ),
        counter(
            "pollgate_repeated_total",
            "Requests that were answered with what an earlier one came to.",
            none(snapshot.repeated),
        ),
        counter(
            "pollgate_resyncs_total",
            "Answers that told a client to read its rooms again, by the reason.",
            snapshot.resyncs.iter().map(|(reason, count)| (Some(("reason", *reason)), number(*count))),
        ),
        histogram(
            "pollgate_writer_batch_rows",
            "How much was written to the database in one transaction.",
            &snapshot.batches,
        ),
        gauge(
            "pollgate_pool_connections",
            "Connections of a pool.",
            snapshot.pools.iter().flat_map(|(pool, in_use, idle)| {
                [("in_use", *in_use), ("idle", *idle)]
                    .map(|(state, count)| ([("pool", *pool), ("state", state)], number(count)))
            }),
        ),
    ]
}

/// What of RabbitMQ is used; nothing with the in-process broker.
pub(super) fn of_usage(snapshot: &Snapshot) -> Vec<MetricFamily> {
    if snapshot.usage.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = snapshot.usage.iter().map(|one| one.cluster.to_string()).collect();
    let each = |of: fn(&pollgate_core::ClusterUse) -> u64| {
        names
            .iter()
            .zip(&snapshot.usage)
            .map(move |(name, one)| (Some(("cluster", name.as_str())), number(of(one))))
    };
    let sum = |of: fn(&pollgate_core::ClusterUse) -> u64| number(snapshot.usage.iter().map(of).sum());
    vec![
        counter(
            "pollgate_declarations_total",
            "Mailboxes declared, and publishes and attaches that needed no declaration.",
            [("declared", sum(|one| one.usage.declared)), ("cached", sum(|one| one.usage.cached))]
                .map(|(result, count)| (Some(("result", result)), count)),
        ),
        gauge("pollgate_broker_channels", "Channels open on this cluster.", each(|one| one.usage.channels)),
        counter(
            "pollgate_broker_reconnects_total",
            "Connections to this cluster that took the place of a lost one.",
            each(|one| one.usage.reconnects),
        ),
    ]
}

/// What became of finished spans.
pub(super) fn of_spans(spans: &[(&'static str, u64)]) -> MetricFamily {
    counter(
        "pollgate_trace_spans_total",
        "Finished spans, by what became of them.",
        spans.iter().map(|(result, count)| (Some(("result", *result)), number(*count))),
    )
}
