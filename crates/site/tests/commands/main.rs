//! What the pages show as code is run, page by page and in its order, with the real binary.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod check;
mod excerpt;
mod nginx;
mod page;
mod printed;
mod script;
mod services;

use page::Page;

/// One test for each page, so that they run side by side and are named when they fail.
macro_rules! pages {
    ($($test:ident: $path:literal,)*) => {
        $(#[test]
        fn $test() {
            Page::read($path).run();
        })*

        const PAGES: &[&str] = &[$($path),*];
    };
}

pages! {
    readme: "README.md",
    examples: "examples/README.md",
    introduction: "docs/README.md",
    quick_start: "docs/quick-start.md",
    moving: "docs/moving.md",
    architecture: "docs/architecture.md",
    delivery: "docs/delivery.md",
    api: "docs/api.md",
    streams: "docs/streams.md",
    client: "docs/client.md",
    attachments: "docs/attachments.md",
    search: "docs/search.md",
    throttling: "docs/throttling.md",
    operations: "docs/operations.md",
    deployment: "docs/deployment.md",
    operator_page: "docs/operator-page.md",
    doctor: "docs/doctor.md",
    tracing: "docs/tracing.md",
    troubleshooting: "docs/troubleshooting.md",
    backup: "docs/backup.md",
    faults: "docs/faults.md",
    performance: "docs/performance.md",
}

#[test]
fn every_page_with_code_is_run() {
    let repository = pollgate_site::repository();
    let mut forgotten = Vec::new();
    for entry in std::fs::read_dir(repository.join("docs")).unwrap() {
        let path = format!("docs/{}", entry.unwrap().file_name().to_string_lossy());
        if path.ends_with(".md") && !PAGES.contains(&path.as_str()) && Page::read(&path).has_code() {
            forgotten.push(path);
        }
    }
    forgotten.sort();
    assert!(
        forgotten.is_empty(),
        "add these pages to `pages!` in crates/site/tests/commands/main.rs: {forgotten:?}"
    );
}
