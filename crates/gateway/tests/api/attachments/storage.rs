//! The storage is away: attachments are, and nothing else.

use std::fs;

use rstest::rstest;

use super::{PNG, files_in, folder, get, id, send_files};
use crate::scrape::Scrape;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, world};

#[rstest]
fn a_folder_that_is_away_is_said_and_comes_back(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let (before, place) = (id(&ann.upload("photo.png", "image/png", PNG)), folder(&gateway));
    let aside = place.with_extension("aside");
    fs::rename(&place, &aside).unwrap();
    // as a network folder looks that is not mounted
    fs::create_dir(&place).unwrap();
    for refused in [ann.upload("photo.png", "image/png", PNG), get(&ann, &before)] {
        assert_problem(&refused, 503, "store-unavailable");
        assert_eq!(refused.json["detail"], "the attachment storage is not available");
    }
    assert_eq!(gateway.readiness().0, 200, "messages go on");
    // the database knows it, so it goes along
    assert_eq!(send_files(&ann, "bob", &[&before]).status, 201);
    assert!(files_in(&place).is_empty(), "nothing is written to the wrong place");
    let scrape = Scrape::of(&gateway);
    for operation in ["write", "read"] {
        let errors = format!("pollgate_attachment_storage_errors_total{{operation=\"{operation}\"}}");
        assert!(scrape.value(&errors) > 0.5, "{operation}");
    }
    assert!(scrape.value("pollgate_attachment_uploads_total{result=\"failed\"}") > 0.5);
    fs::remove_dir(&place).unwrap();
    fs::rename(&aside, &place).unwrap();
    assert_eq!(get(&gateway.user("bob"), &before).body(), PNG);
    id(&ann.upload("photo.png", "image/png", PNG));
}

/// The row is there and the bytes are not: no answer that looks like an empty file.
#[test]
fn bytes_that_are_lost_are_an_error_of_ours() {
    let gateway = world(Embedded);
    let ann = gateway.user("ann");
    let id = id(&ann.upload("photo.png", "image/png", PNG));
    for file in files_in(&folder(&gateway)) {
        fs::remove_file(file).unwrap();
    }
    assert_problem(&get(&ann, &id), 500, "internal");
    assert!(gateway.log().contains("the attachment storage has no"));
}
