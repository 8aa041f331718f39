//! How deep mailboxes are, in the Prometheus text format.

use pollgate_core::{DepthFigures, Snapshot};
use prometheus::proto::MetricFamily;

use super::family::{Label, counter, gauge};
use super::number;

/// Names of the counts in [`pollgate_core::DepthFigures::totals`], in their order.
const DEPTHS: [&str; 4] = ["1-9", "10-99", "100-999", "1000+"];

/// Their families. What is noted is told only while it is known, and names only while there are any.
pub(super) fn families(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let one = |value| [(None::<Label<'_>>, value)];
    let DepthFigures { looks, purged, totals, deepest } = &snapshot.depths;
    let mut families = vec![
        gauge(
            "pollgate_mailboxes_attended",
            "Mailboxes that this gateway reads for its clients.",
            one(number(snapshot.attended as u64)),
        ),
        counter(
            "pollgate_mailbox_looks_total",
            "Mailboxes that were looked at to find deep ones.",
            one(number(*looks)),
        ),
        counter(
            "pollgate_mailboxes_purged_total",
            "Events that operators deleted from mailboxes.",
            one(number(*purged)),
        ),
    ];
    if let Some(totals) = totals {
        let counts = DEPTHS.iter().zip(totals.by_depth);
        families.push(gauge(
            "pollgate_mailboxes_alarming",
            "Mailboxes with an alarm, over all gateways.",
            one(number(totals.alarms)),
        ));
        families.push(gauge(
            "pollgate_mailboxes_by_depth",
            "Noted mailboxes by the number of events that wait, over all gateways.",
            counts.map(|(depth, count)| (Some(("depth", *depth)), number(count))),
        ));
    }
    if !deepest.is_empty() {
        families.push(gauge(
            "pollgate_mailbox_depth",
            "Events that wait in the deepest mailboxes, over all gateways.",
            deepest.iter().map(|row| {
                let session = row.size.mailbox.session.as_ref().map_or("", |session| session.as_str());
                let labels = [("user", row.size.mailbox.user.as_str()), ("session", session)];
                (labels, number(row.size.ready))
            }),
        ));
    }
    families
}
