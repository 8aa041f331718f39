//! The browser side of pollgate, as files inside the binary.
//!
//! There is no build step: what stands in the source tree is what the browser gets. The table below is
//! written by hand, and a test compares it with the folder, so a file that was added but not listed fails.

/// A file as the gateway serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is served, without a leading slash, such as `demo/index.html`.
    pub path: &'static str,
    /// The whole content.
    pub bytes: &'static [u8],
    /// The value of `Content-Type`.
    pub media_type: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! embed {
    ($($path:literal: $media_type:expr),+ $(,)?) => {
        &[$(File { path: $path, bytes: include_bytes!(concat!("../", $path)), media_type: $media_type }),+]
    };
}

const FILES: &[File] = embed![
    "demo/api.js": JAVASCRIPT,
    "demo/conversation.js": JAVASCRIPT,
    "demo/demo.css": CSS,
    "demo/demo.js": JAVASCRIPT,
    "demo/icon.svg": SVG,
    "demo/index.html": HTML,
    "demo/loop.js": JAVASCRIPT,
    "demo/pane.js": JAVASCRIPT,
    "demo/tokens.js": JAVASCRIPT,
    "docs/docs.css": CSS,
    "docs/docs.js": JAVASCRIPT,
    "docs/icon.svg": SVG,
    "docs/index.html": HTML,
];

/// The policy the pages are written for: nothing inline, nothing from another host.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Every file there is.
#[must_use]
pub fn files() -> &'static [File] {
    FILES
}

/// The file at `path` (no leading slash); a path that ends in `/` names its `index.html`.
///
/// Nothing but the table is looked at, so there is no path that leaves it.
#[must_use]
pub fn file(path: &str) -> Option<File> {
    let (folder, name) = match path.strip_suffix('/') {
        Some(folder) => (folder, "index.html"),
        None => path.rsplit_once('/')?,
    };
    FILES.iter().copied().find(|file| file.path.rsplit_once('/') == Some((folder, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_its_index() {
        assert_eq!(file("demo/"), file("demo/index.html"));
        assert_eq!(file("demo/").unwrap().media_type, HTML);
    }

    #[test]
    fn what_is_not_in_the_table_is_not_found() {
        for path in ["", "/", "demo", "demo/../src/lib.rs", "demo/nothing.js", "/demo/index.html"] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn every_file_of_the_folders_is_in_the_table() {
        let files_of = |folder: &str| {
            let path = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
            let entries = std::fs::read_dir(path).unwrap();
            let name = |entry: std::io::Result<std::fs::DirEntry>| {
                format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy())
            };
            entries.map(name).collect::<Vec<_>>()
        };
        let mut there: Vec<_> = ["demo", "docs"].into_iter().flat_map(files_of).collect();
        there.sort();
        let listed: Vec<_> = files().iter().map(|file| file.path.to_owned()).collect();
        assert_eq!(there, listed);
    }

    #[test]
    fn the_pages_keep_to_their_policy() {
        for page in files().iter().filter(|file| file.media_type == HTML) {
            let text = std::str::from_utf8(page.bytes).unwrap();
            assert!(!text.contains("<style") && !text.contains(" style="), "{}: inline style", page.path);
            assert!(
                !text.contains(" onclick=") && !text.contains("<script>"),
                "{}: inline script",
                page.path
            );
            assert!(!text.contains("http://") && !text.contains("https://"), "{}: another host", page.path);
        }
    }
}
