//! What a file is, by its content: names and what clients say of their files prove nothing.

use std::borrow::Cow;

/// A file's beginning is looked at, this many bytes of it.
pub(crate) const HEAD: usize = 8192;

pub(crate) const TEXT: &str = "text/plain";
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// The media type of a file that begins like this; the whole of it when it is shorter than [`HEAD`].
pub(crate) fn media_type(head: &[u8]) -> &'static str {
    // signatures of two or three letters are words as well: what reads as text is text
    if is_text(head, false) {
        return of_text(head);
    }
    match infer::get(head).map(|kind| kind.mime_type()) {
        Some(found) if is_complete(found, head) => canonical(found),
        _other if is_text(head, true) => of_text(head),
        _other => UNKNOWN,
    }
}

/// UTF-8 without NUL as far as it goes; the last character may be cut. Other control characters are for some texts only.
fn is_text(head: &[u8], with_controls: bool) -> bool {
    let readable = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    let plain = |byte: &u8| match *byte {
        0 => false,
        0x08..=0x0d | 0x1b => true,
        1..=0x1f | 0x7f => with_controls,
        _ => true,
    };
    readable && head.iter().all(plain)
}

/// Which kind of text: some are programs to a browser, and are never taken for plain ones.
fn of_text(head: &[u8]) -> &'static str {
    let text = after_comments(head);
    if text.starts_with(b"%PDF-") {
        return "application/pdf";
    }
    if text.starts_with(b"{\\rtf") {
        return "application/rtf";
    }
    let lower = text.to_ascii_lowercase();
    let found = infer::get(&lower).map(|kind| kind.mime_type());
    if found == Some("text/html") || lower.starts_with(b"<!doctype html") {
        return "text/html";
    }
    if lower.first() == Some(&b'<') && lower.windows(4).any(|four| four == b"<svg") {
        return "image/svg+xml";
    }
    if found == Some("text/xml") || lower.starts_with(b"<?xml") || lower.starts_with(b"<!doctype") {
        return "text/xml";
    }
    TEXT
}

/// Past what a browser skips before it looks for markup: the byte order mark, white space, comments.
fn after_comments(head: &[u8]) -> &[u8] {
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let Some(comment) = rest.strip_prefix(b"<!--") else { return rest };
        match comment.windows(3).position(|three| three == b"-->") {
            Some(end) => rest = comment.get(end + 3..).unwrap_or_default(),
            None => return rest,
        }
    }
}

/// What browsers show in the page must begin with all of its signature, not with a part of it.
fn is_complete(found: &str, head: &[u8]) -> bool {
    match found {
        "image/png" => head.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/gif" => head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a"),
        "image/webp" => head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"),
        "image/jpeg" => head.starts_with(b"\xff\xd8\xff"),
        _other => true,
    }
}

/// One name for what has several.
pub(crate) fn canonical(name: &str) -> &'static str {
    NAMES.iter().find(|(alias, _)| *alias == name).map_or_else(|| known(name), |(_, one)| one)
}

/// The name as a constant, when it is one that can be told from the content; else [`UNKNOWN`].
fn known(name: &str) -> &'static str {
    RECOGNISED.iter().find(|one| **one == name).copied().unwrap_or(UNKNOWN)
}

/// The content tells whether a file is this.
pub(crate) fn is_recognised(name: &str) -> bool {
    RECOGNISED.contains(&name)
}

/// What clients and libraries call things, and what they are called here.
const NAMES: [(&str, &str); 22] = [
    ("application/vnd.rar", "application/vnd.rar"),
    ("application/x-rar-compressed", "application/vnd.rar"),
    ("application/x-zip", "application/zip"),
    ("application/x-zip-compressed", "application/zip"),
    ("application/x-gzip", "application/gzip"),
    ("application/x-pdf", "application/pdf"),
    ("audio/m4a", "audio/mp4"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/opus", "audio/ogg"),
    ("audio/vnd.wave", "audio/wav"),
    ("audio/wave", "audio/wav"),
    ("audio/x-wav", "audio/wav"),
    ("audio/x-flac", "audio/flac"),
    ("audio/x-aiff", "audio/aiff"),
    ("application/xml", "text/xml"),
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/x-png", "image/png"),
    ("image/x-icon", "image/vnd.microsoft.icon"),
    ("video/x-m4v", "video/mp4"),
    ("text/rtf", "application/rtf"),
];

/// What the content tells. Everything else is [`TEXT`] or [`UNKNOWN`].
const RECOGNISED: [&str; 53] = [
    "application/epub+zip",
    "application/gzip",
    "application/msword",
    "application/pdf",
    "application/postscript",
    "application/rtf",
    "application/vnd.microsoft.portable-executable",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.rar",
    "application/vnd.sqlite3",
    "application/wasm",
    "application/x-7z-compressed",
    "application/x-bzip2",
    "application/x-executable",
    "application/x-mach-binary",
    "application/x-shockwave-flash",
    "application/x-tar",
    "application/x-xz",
    "application/zip",
    "application/zstd",
    "audio/aac",
    "audio/aiff",
    "audio/amr",
    "audio/flac",
    "audio/midi",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heif",
    "image/jpeg",
    "image/jxl",
    "image/png",
    "image/svg+xml",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    "text/html",
    "text/xml",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
];

/// Looks on while a text goes by: it must stay UTF-8 without NUL to its end.
#[derive(Debug, Default)]
pub(crate) struct TextCheck {
    /// The first bytes of a character whose others have not come yet.
    cut: Vec<u8>,
}

impl TextCheck {
    /// More of it; `false`: this is no text.
    pub(crate) fn goes_on(&mut self, bytes: &[u8]) -> bool {
        let all: Cow<'_, [u8]> =
            if self.cut.is_empty() { Cow::Borrowed(bytes) } else { Cow::Owned([&self.cut, bytes].concat()) };
        self.cut.clear();
        if all.contains(&0) {
            return false;
        }
        match std::str::from_utf8(&all) {
            Ok(_) => true,
            Err(error) if error.error_len().is_none() => {
                self.cut.extend_from_slice(all.get(error.valid_up_to()..).unwrap_or_default());
                true
            }
            Err(_) => false,
        }
    }

    /// It ended between two characters.
    pub(crate) fn ends_well(&self) -> bool {
        self.cut.is_empty()
    }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
