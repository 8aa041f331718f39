//! Which bounds are worth a word: those at which somebody is refused, and the settings that move them.

use crate::Limit;

/// What somebody meets at a bound, and its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) name: &'static str,
    /// `None`: it is fixed.
    pub(super) setting: Option<&'static str>,
    /// What is refused there.
    pub(super) refused: &'static str,
    /// Near it is as bad as at it: it is shared by all. Bounds of one user are that user's business until they are met.
    pub(super) shared: bool,
}

const fn bound(
    name: &'static str,
    setting: Option<&'static str>,
    refused: &'static str,
    shared: bool,
) -> Bound {
    Bound { name, setting, refused, shared }
}

/// docs/limits.md says the same; a test holds the two together.
pub(super) const BOUNDS: [Bound; 14] = [
    bound("held_polls", Some("limits.held_polls"), "polls and streams are refused with 503", true),
    bound(
        "held_polls_per_user",
        Some("limits.held_polls_per_user"),
        "one user's polls are refused with 429",
        false,
    ),
    bound("mailboxes", Some("limits.mailboxes"), "polls and streams are refused with 503", true),
    bound("outbox_rows", Some("limits.outbox_rows"), "sends are refused with 503", true),
    bound("writer_queue", Some("store.writer_queue"), "sends are refused with 503", true),
    bound("pool_size", Some("store.pool_size"), "what reads from the database waits, then 503", true),
    bound("tickets", Some("limits.tickets"), "streams with a ticket are refused with 503", true),
    bound("most_connections", Some("http.most_connections"), "clients wait to be let in", true),
    bound(
        "throttle_entries",
        Some("limits.throttle_entries"),
        "users' requests are counted less exactly",
        true,
    ),
    bound("uploads", Some("attachments.uploads"), "uploads are refused with 503", true),
    bound(
        "uploads_per_user",
        Some("attachments.uploads_per_user"),
        "one user's uploads are refused with 429",
        false,
    ),
    bound("downloads", Some("attachments.downloads"), "downloads are refused with 503", true),
    bound(
        "downloads_per_user",
        Some("attachments.downloads_per_user"),
        "one user's downloads are refused with 429",
        false,
    ),
    bound("presence_users", None, "users are not shown as online", true),
];

/// What there is to know of a bound of this name.
pub(super) fn known(name: &str) -> Option<&'static Bound> {
    BOUNDS.iter().find(|bound| bound.name == name)
}

/// How often each bound was met at which somebody is refused.
pub(super) fn refusing(limits: &[Limit]) -> impl Iterator<Item = (&'static str, u64)> {
    limits.iter().filter_map(|limit| Some((known(limit.name)?.name, limit.refused?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_those_of_the_page_about_limits() {
        let page = include_str!("../../../../docs/limits.md");
        for bound in BOUNDS {
            let metric = format!("| `{}` |", bound.name);
            let row = page.lines().find(|line| line.trim_end().ends_with(&metric));
            let row = row.unwrap_or_else(|| panic!("{} has no row", bound.name));
            match bound.setting {
                Some(setting) => assert!(row.starts_with(&format!("| `{setting}`")), "{row}"),
                None => assert!(row.starts_with("| `fixed:"), "{row}"),
            }
        }
    }
}
