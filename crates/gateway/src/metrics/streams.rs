//! Streams, in the Prometheus text format.

use pollgate_core::StreamFigures;
use prometheus::proto::MetricFamily;

use super::family::{counter, gauge};
use super::number;

/// Their families.
pub(super) fn of_streams(streams: &StreamFigures) -> [MetricFamily; 2] {
    let ended = streams.ended.iter();
    [
        gauge(
            "pollgate_streams_held",
            "Streams that have begun and not ended, by kind.",
            streams.held.iter().map(|(kind, held)| ([("kind", *kind)], number(*held as u64))),
        ),
        counter(
            "pollgate_streams_total",
            "Streams that have ended, by kind and by what ended them.",
            ended.map(|(kind, end, count)| ([("kind", *kind), ("end", *end)], number(*count))),
        ),
    ]
}
