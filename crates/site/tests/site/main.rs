//! The site is whole: every page is in it, every link leads somewhere, and it needs no other host.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pollgate_site::markup::{self, References};
use pollgate_site::{book, forge, repository};
use tempfile::TempDir;

/// Text that is not in the site and read in the repository only.
const BESIDE: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "examples/README.md",
    "examples/pages/README.md",
    "crates/client/README.md",
    "migrations/README.md",
];

/// Files of `docs/` that are no pages.
const NO_PAGES: &[&str] = &["SUMMARY.md"];

fn pages_there() -> BTreeSet<PathBuf> {
    let files = fs::read_dir(repository().join("docs")).unwrap();
    let names = files.map(|entry| PathBuf::from(entry.unwrap().file_name()));
    let pages = names.filter(|name| name.extension().is_some_and(|extension| extension == "md"));
    pages.filter(|name| !NO_PAGES.iter().any(|other| name == Path::new(other))).collect()
}

fn is_outside(link: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

#[test]
fn every_page_is_listed() {
    let listed: BTreeSet<PathBuf> = book::pages(&repository()).unwrap().into_iter().collect();
    let unlisted: Vec<_> = pages_there().difference(&listed).cloned().collect();
    assert!(unlisted.is_empty(), "give these pages of docs/ a line in docs/SUMMARY.md: {unlisted:?}");
}

/// Built into a folder of the test's own, as `cargo run -p pollgate-site` does into `target/site`.
fn built() -> (TempDir, BTreeMap<String, References>) {
    let folder = TempDir::new().unwrap();
    book::build(&repository(), folder.path()).unwrap_or_else(|error| panic!("{error:?}"));
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            pages.insert(name, markup::read(&fs::read_to_string(&path).unwrap()));
        }
    }
    (folder, pages)
}

#[test]
fn links_of_the_site_lead_somewhere_and_its_files_are_its_own() {
    let (folder, pages) = built();
    assert!(pages.len() > pages_there().len(), "{:?}", pages.keys());
    let mut bad = Vec::new();
    for (name, page) in &pages {
        for asset in &page.assets {
            let path = asset.split(['?', '#']).next().unwrap_or_default();
            if is_outside(asset) || asset.starts_with("//") {
                bad.push(format!("{name} loads {asset} from another host"));
            } else if !asset.starts_with("data:")
                && !folder.path().join(path.trim_start_matches('/')).is_file()
            {
                bad.push(format!("{name} loads {asset}, which is not there"));
            }
        }
        for link in page.links.iter().filter(|link| !is_outside(link) && !link.is_empty()) {
            let (path, anchor) = link.split_once('#').map_or((link.as_str(), None), |(p, a)| (p, Some(a)));
            let target = if path.is_empty() { name.as_str() } else { path };
            // "not found" is shown at any address, so its links begin at the top
            let target = target.trim_start_matches('/');
            let target = if target.is_empty() { "index.html" } else { target };
            match (pages.get(target), anchor) {
                (Some(there), Some(anchor)) if !there.anchors.iter().any(|known| known == anchor) => {
                    bad.push(format!("{name} links {link}: {target} has no such heading"));
                }
                (None, _) if !folder.path().join(target).is_file() => {
                    bad.push(format!("{name} links {link}, which is not there"));
                }
                _ => {}
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// The same pages as they stand in the repository.
#[test]
fn links_in_the_repository_lead_somewhere() {
    let root = repository();
    let docs = pages_there().into_iter().chain(NO_PAGES.iter().map(PathBuf::from));
    let all = docs.map(|page| Path::new("docs").join(page)).chain(BESIDE.iter().map(PathBuf::from));
    let mut bad = Vec::new();
    for path in all {
        let page = forge::read(&fs::read_to_string(root.join(&path)).unwrap());
        for link in page.links.iter().filter(|link| !is_outside(link)) {
            let (file, anchor) = link.split_once('#').map_or((link.as_str(), None), |(f, a)| (f, Some(a)));
            let there = if file.is_empty() {
                root.join(&path)
            } else {
                root.join(&path).parent().unwrap().join(file)
            };
            if !there.exists() {
                bad.push(format!("{}: there is no {link}", path.display()));
            } else if let Some(anchor) = anchor {
                let text = fs::read_to_string(&there).unwrap_or_default();
                if !forge::read(&text).anchors.iter().any(|known| known == anchor) {
                    bad.push(format!("{}: {link}: there is no such heading", path.display()));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// What is broken is found.
#[test]
fn a_page_without_a_line_in_the_summary_is_found_missing() {
    let folder = TempDir::new().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::copy(repository().join("docs/book.toml"), docs.join("book.toml")).unwrap();
    fs::write(docs.join("SUMMARY.md"), "- [One](one.md)\n- [Two](two.md)\n").unwrap();
    fs::write(docs.join("one.md"), "# One\n").unwrap();
    let error = book::build(folder.path(), &folder.path().join("site")).unwrap_err();
    assert!(format!("{error:?}").contains("two.md"), "{error:?}");
}
