//! The browser side of pollgate, as files inside the binary: the client library, the example pages, the page that shows
//! the API's description, and the one for those who run the gateway.
//!
//! There is no build step: what stands in the source tree is what the browser gets. An optimised build holds the files;
//! a debug build reads them from the source tree each time, so that a page is changed and looked at without building.

use std::borrow::Cow;

use rust_embed::RustEmbed;

/// The client library; served at `/client/`.
#[derive(RustEmbed)]
#[folder = "client/"]
#[allow_missing = true]
struct Client;

/// The example pages; served at `/demo/`.
#[derive(RustEmbed)]
#[folder = "../../examples/pages/"]
struct Demo;

/// Our part of the page that shows the API; served at `/docs/`.
#[derive(RustEmbed)]
#[folder = "docs/"]
struct Docs;

/// The page for those who run the gateway; served at `/` and `/operator/` of the operator address.
#[derive(RustEmbed)]
#[folder = "operator/"]
struct Operator;

/// A file as the gateway serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The whole content.
    pub bytes: Cow<'static, [u8]>,
    /// The value of `Content-Type`.
    pub media_type: &'static str,
}

/// What is served, by its ending. A file with another one may lie in the folders, and is no file of the gateway's.
const MEDIA_TYPES: [(&str, &str); 7] = [
    (".css", "text/css; charset=utf-8"),
    (".html", "text/html; charset=utf-8"),
    (".ico", "image/x-icon"),
    (".js", "text/javascript; charset=utf-8"),
    (".json", "application/json; charset=utf-8"),
    (".png", "image/png"),
    (".svg", "image/svg+xml"),
];
/// Belongs to whoever publishes the library, not to the browser.
const PRIVATE: [&str; 3] = ["package.json", "package-lock.json", "tsconfig.json"];

/// The policy the pages are written for: nothing inline, nothing from another host.
///
/// Pictures may be made by the page itself, such as a preview of a file, and the demo shows its pages side by side in
/// frames of its own.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The file at `path` (no leading slash), such as `client/pollgate.js`; a path that ends in `/` names its `index.html`.
#[must_use]
pub fn file(path: &str) -> Option<File> {
    let (folder, rest) = path.split_once('/')?;
    let named = match rest {
        "" => "index.html".to_owned(),
        folder if folder.ends_with('/') => format!("{folder}index.html"),
        file => file.to_owned(),
    };
    let name = named.rsplit('/').next()?;
    if PRIVATE.contains(&name) || named.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return None;
    }
    let (_, media_type) = MEDIA_TYPES.iter().find(|(ending, _)| name.ends_with(ending))?;
    let found = match folder {
        "client" => Client::get(&named),
        "demo" => Demo::get(&named),
        "docs" => Docs::get(&named),
        "operator" => Operator::get(&named),
        _ => None,
    }?;
    Some(File { bytes: found.data, media_type })
}

/// The path of every file there is, as [`file()`] takes it.
pub fn paths() -> impl Iterator<Item = String> {
    let client = Client::iter().map(|path| format!("client/{path}"));
    let demo = Demo::iter().map(|path| format!("demo/{path}"));
    let docs = Docs::iter().map(|path| format!("docs/{path}"));
    let operator = Operator::iter().map(|path| format!("operator/{path}"));
    client.chain(demo).chain(docs).chain(operator).filter(|path| file(path).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_its_index() {
        assert!(file("demo/").is_some());
        assert_eq!(file("demo/"), file("demo/index.html"));
        assert_eq!(file("demo/").unwrap().media_type, "text/html; charset=utf-8");
    }

    #[test]
    fn what_is_no_file_of_the_pages_is_not_found() {
        let none = [
            "",
            "/",
            "demo",
            "demo//",
            "demo/../src/lib.rs",
            "demo/../../crates/web/docs/index.html",
            "demo/nothing.js",
            "/demo/index.html",
            "client/package.json",
            "client/../Cargo.toml",
            "client/.gitignore",
        ];
        for path in none {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn the_pages_keep_to_their_policy() {
        let mut pages = 0;
        for path in paths().filter(|path| path.ends_with(".html")) {
            pages += 1;
            let page = file(&path).unwrap();
            let text = std::str::from_utf8(&page.bytes).unwrap();
            assert!(!text.contains("<style") && !text.contains(" style="), "{path}: inline style");
            assert!(!text.contains(" onclick=") && !text.contains("<script>"), "{path}: inline script");
            assert!(!text.contains("http://") && !text.contains("https://"), "{path}: another host");
        }
        assert!(pages >= 2, "{pages} pages");
    }
}
