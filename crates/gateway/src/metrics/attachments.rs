//! What is counted of attachments.

use pollgate_core::AttachmentFigures;
use prometheus::proto::MetricFamily;

use super::family::counter;
use super::number;

/// The families of attachments.
pub(super) fn families(figures: &AttachmentFigures) -> [MetricFamily; 4] {
    fn by<'a>(
        label: &'static str,
        counts: &'a [(&'static str, u64)],
    ) -> impl Iterator<Item = super::family::Sample<'a>> {
        counts.iter().map(move |(name, count)| (Some((label, *name)), number(*count)))
    }
    [
        counter(
            "pollgate_attachment_uploads_total",
            "Uploads that have ended, by how.",
            by("result", &figures.uploads),
        ),
        counter(
            "pollgate_attachment_bytes_total",
            "Bytes of files that came up (in) and went down (out).",
            by("direction", &figures.bytes),
        ),
        counter(
            "pollgate_attachment_storage_errors_total",
            "Failures of the attachment storage, by what was asked of it.",
            by("operation", &figures.storage_errors),
        ),
        counter(
            "pollgate_attachment_orphans_removed_total",
            "What was removed because nobody used it, by what it was.",
            by("kind", &figures.orphans),
        ),
    ]
}
