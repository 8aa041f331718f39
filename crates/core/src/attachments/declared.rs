//! What a client says its file is: it may choose among what the content allows, and must not contradict it.

use super::content::{TEXT, UNKNOWN, canonical, is_recognised};

/// What the content is, and what else it may be called: kinds of text, sound in a container for films, and documents
/// that are zip archives.
const NARROWER: [(&str, &[&str]); 5] = [
    (
        TEXT,
        &[
            "text/csv",
            "text/markdown",
            "text/calendar",
            "text/vcard",
            "text/tab-separated-values",
            "application/json",
        ],
    ),
    ("video/webm", &["audio/webm"]),
    ("video/mp4", &["audio/mp4"]),
    ("audio/ogg", &["video/ogg"]),
    (
        "application/zip",
        &[
            "application/epub+zip",
            "application/vnd.oasis.opendocument.presentation",
            "application/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.text",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ],
    ),
];

/// The media type of a file whose content is `found`, and that its client calls `declared`.
///
/// # Errors
/// They contradict each other; the text says how.
pub(crate) fn agree(found: &'static str, declared: Option<&str>) -> Result<&'static str, String> {
    let declared = declared.unwrap_or_default().to_ascii_lowercase();
    let declared = declared.split(';').next().unwrap_or_default().trim();
    let one = canonical(declared);
    // a name that the content says nothing about is kept as it is
    let named = if one == UNKNOWN { declared } else { one };
    if named.is_empty() || named == UNKNOWN || named == found {
        return Ok(found);
    }
    let narrower = NARROWER.iter().find(|(wide, _)| *wide == found).map_or(&[][..], |(_, narrow)| narrow);
    if let Some(narrow) = narrower.iter().find(|narrow| **narrow == named) {
        return Ok(narrow);
    }
    let family = |of: &'static str| named.starts_with(of) && !found.starts_with(of);
    if is_recognised(named) || ["text/", "image/", "audio/", "video/"].into_iter().any(family) {
        return Err(format!("file: it is called {named}, and its content is {found}"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_narrow_and_not_contradict() {
        for (found, declared, agreed) in [
            ("image/png", None, Some("image/png")),
            ("image/png", Some("application/octet-stream"), Some("image/png")),
            ("image/jpeg", Some("image/jpg"), Some("image/jpeg")),
            ("text/plain", Some("Text/CSV; charset=utf-8"), Some("text/csv")),
            ("text/plain", Some("text/x-python"), Some("text/plain")),
            ("text/plain", Some("application/javascript"), Some("text/plain")),
            ("video/webm", Some("audio/webm;codecs=opus"), Some("audio/webm")),
            ("application/zip", Some("application/x-zip-compressed"), Some("application/zip")),
            ("image/png", Some("text/html"), None),
            ("text/plain", Some("text/html"), None),
            ("text/plain", Some("image/png"), None),
            ("text/plain", Some("image/x-unheard-of"), None),
            ("text/html", Some("image/png"), None),
            ("image/png", Some("text/csv"), None),
            ("image/svg+xml", Some("text/plain"), None),
            ("image/jpeg", Some("image/png"), None),
        ] {
            assert_eq!(agree(found, declared).ok(), agreed, "{found} {declared:?}");
        }
    }
}
