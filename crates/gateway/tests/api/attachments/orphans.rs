//! What nobody uses goes away, and nothing else does.

use std::fs;
use std::time::{Duration, SystemTime};

use pollgate_testkit::{Builder, eventually};
use rstest::rstest;

use super::{PNG, files_in, folder, get, id, send_files};
use crate::scrape::{LIMIT, Scrape};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, world_with};

fn soon(builder: Builder) -> Builder {
    builder.env("POLLGATE_ATTACHMENTS__UPLOAD_S", "1").env("POLLGATE_ATTACHMENTS__ORPHAN_S", "2")
}

fn removed(scrape: &Scrape, kind: &str) -> f64 {
    scrape.value(&format!("pollgate_attachment_orphans_removed_total{{kind=\"{kind}\"}}"))
}

#[rstest]
fn a_file_that_no_message_holds_is_removed(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, soon);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let kept = id(&ann.upload("kept.png", "image/png", PNG));
    assert_eq!(send_files(&ann, "bob", &[&kept]).status, 201);
    let unused = id(&ann.upload("unused.png", "image/png", PNG));
    eventually("the unused one is gone", LIMIT, || get(&ann, &unused).status == 404);
    eventually("its bytes are gone", LIMIT, || files_in(&folder(&gateway)).len() == 1);
    assert_eq!(get(&bob, &kept).body(), PNG);
    assert!((removed(&Scrape::of(&gateway), "unused") - 1.0).abs() < 0.1);
    assert_problem(&send_files(&ann, "bob", &[&unused]), 400, "invalid-request");
}

#[test]
fn a_file_whose_last_message_is_gone_is_removed() {
    let gateway = world_with(Production, soon);
    let schema = gateway.schema.as_ref().unwrap();
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let id = id(&ann.upload("photo.png", "image/png", PNG));
    for to in ["bob", "eve"] {
        assert_eq!(send_files(&ann, to, &[&id]).status, 201);
    }
    schema.query("delete from attachment_uses where ctid = (select min(ctid) from attachment_uses)");
    let stays = || Scrape::of(&gateway);
    assert!((removed(&stays(), "unused")).abs() < 0.1, "one message is left");
    schema.query("delete from attachment_uses");
    eventually("it is gone", LIMIT, || get(&ann, &id).status == 404 && get(&bob, &id).status == 404);
    eventually("its bytes are gone", LIMIT, || files_in(&folder(&gateway)).is_empty());
}

/// Bytes whose row was never written, files of an upload that was cut off, and what is not ours.
#[rstest]
fn bytes_that_no_row_knows_of_are_removed(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, soon);
    let (ann, place) = (gateway.user("ann"), folder(&gateway));
    let kept = id(&ann.upload("kept.png", "image/png", PNG));
    assert_eq!(send_files(&ann, "bob", &[&kept]).status, 201);
    let below = place.join("ab/cd");
    fs::create_dir_all(&below).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let put = |name: &str| {
        let file = fs::File::create(below.join(name)).unwrap();
        file.set_modified(long_ago).unwrap();
    };
    put("01890000-0000-7000-8000-00000000abcd");
    put("01890000-0000-7000-8000-00000000abcd#1");
    // not under its own key, and not an attachment: somebody else's business
    put("01890000-0000-7000-8000-00000000ffff");
    put("notes.txt");
    eventually("they are gone", LIMIT, || files_in(&place).len() == 3);
    for name in ["01890000-0000-7000-8000-00000000ffff", "notes.txt"] {
        assert!(below.join(name).exists(), "{name}");
    }
    assert_eq!(get(&ann, &kept).status, 200);
    eventually("both are counted", LIMIT, || {
        let scrape = Scrape::of(&gateway);
        removed(&scrape, "unknown") > 0.5 && removed(&scrape, "unfinished") > 0.5
    });
}

/// A storage whose bytes are nearly all unknown belongs to another database.
#[test]
fn a_storage_of_another_database_is_left_alone() {
    let gateway = world_with(Embedded, soon);
    let place = folder(&gateway);
    for number in 0..150_u32 {
        let last = format!("{number:04x}");
        let below = place.join(&last[..2]).join(&last[2..]);
        fs::create_dir_all(&below).unwrap();
        let file = fs::File::create(below.join(format!("01890000-0000-7000-8000-00000000{last}"))).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
    eventually("it is said", LIMIT, || gateway.log().contains("is it the right one?"));
    assert_eq!(files_in(&place).len(), 150);
}
