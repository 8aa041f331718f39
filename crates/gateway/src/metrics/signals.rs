//! Typing and presence, in the Prometheus text format.

use pollgate_core::SignalFigures;
use prometheus::proto::MetricFamily;

use super::family::{Sample, counter};
use super::number;

/// Counts as samples, each with its name as the label's value.
fn by<'a>(label: &'a str, counts: &'a [(&'static str, u64)]) -> impl Iterator<Item = Sample<'a>> {
    counts.iter().map(move |(name, count)| (Some((label, *name)), number(*count)))
}

/// Their families.
pub(super) fn of_signals(signals: &SignalFigures) -> [MetricFamily; 3] {
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
