//! Typing and presence, in the Prometheus text format.

use pollgate_core::SignalFigures;
use prometheus::proto::MetricFamily;

use super::family::counter;
use super::number;

/// Their families.
pub(super) fn of_signals(signals: &SignalFigures) -> [MetricFamily; 3] {
    let by = |label, counts: &[(&'static str, u64)]| {
        let sample = move |(name, count): (&'static str, u64)| (Some((label, name)), number(count));
        counts.to_vec().into_iter().map(sample)
    };
    [
        counter(
            "pollgate_typing_total",
            "Words of typing, by what came of them.",
            by("result", &signals.typing),
        ),
        counter(
            "pollgate_presence_changes_total",
            "Users who came online or went offline, found by this gateway.",
            by("to", &signals.changes),
        ),
        counter(
            "pollgate_presence_events_total",
            "Events that told of such a change, and changes that were not told to all who were to hear.",
            by("result", &signals.presence),
        ),
    ]
}
