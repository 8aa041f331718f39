//! `GET` and `HEAD /v1/attachments/{id}`: headers, parts, conditions, and who may.

use std::io::Read as _;

use pollgate_testkit::User;
use rstest::rstest;

use super::{PNG, get, id, send_files};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, assert_problem, world};

const TEXT: &[u8] = b"0123456789";

fn uploaded(gateway: &World) -> (User, String) {
    let ann = gateway.user("ann");
    let id = id(&ann.upload("digits.txt", "text/plain", TEXT));
    (ann, id)
}

#[rstest]
fn the_head_of_an_answer_says_what_the_file_is(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, id) = uploaded(&gateway);
    let answer = get(&ann, &id);
    assert_eq!((answer.status, answer.body()), (200, TEXT));
    for (name, value) in [
        ("content-length", "10"),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        ("content-disposition", "attachment; filename=\"digits.txt\""),
        ("cross-origin-resource-policy", "same-origin"),
        ("etag", &format!("\"{id}\"")),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
    assert!(answer.header("last-modified").unwrap().ends_with(" GMT"), "{answer:?}");
    assert!(answer.header("x-request-id").is_some());
    let named = super::id(&ann.upload("grüße %221%22.txt", "text/plain", TEXT));
    assert_eq!(
        get(&ann, &named).header("content-disposition"),
        Some("attachment; filename=\"gr__e _1_.txt\"; filename*=UTF-8''gr%C3%BC%C3%9Fe%20%221%22.txt")
    );
}

#[rstest]
fn a_part_is_answered_as_one(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, id) = uploaded(&gateway);
    let path = format!("/v1/attachments/{id}");
    let tag = format!("\"{id}\"");
    let date = get(&ann, &id).header("last-modified").unwrap().to_owned();
    let all = (200, "0123456789", None);
    for (range, if_range, (status, body, content_range)) in [
        ("bytes=0-0", None, (206, "0", Some("bytes 0-0/10"))),
        ("bytes=3-5", None, (206, "345", Some("bytes 3-5/10"))),
        ("bytes=7-", None, (206, "789", Some("bytes 7-9/10"))),
        ("bytes=-2", None, (206, "89", Some("bytes 8-9/10"))),
        ("bytes=5-99", None, (206, "56789", Some("bytes 5-9/10"))),
        ("bytes=-99", None, (206, "0123456789", Some("bytes 0-9/10"))),
        ("bytes=3-5", Some(tag.as_str()), (206, "345", Some("bytes 3-5/10"))),
        ("bytes=3-5", Some(date.as_str()), (206, "345", Some("bytes 3-5/10"))),
        ("bytes=3-5", Some("\"another\""), all),
        ("bytes=3-5", Some("Sat, 01 Jan 2000 00:00:00 GMT"), all),
        ("bytes=0-1,3-4", None, all),
        ("bytes=5-3", None, all),
        ("bytes=abc", None, all),
        ("lines=1-2", None, all),
        ("bytes=99999999999999999999-", None, all),
    ] {
        let mut headers = vec![("range", range)];
        headers.extend(if_range.map(|value| ("if-range", value)));
        let answer = ann.get_with(&path, &headers);
        assert_eq!(answer.status, status, "{range} {if_range:?}: {answer:?}");
        assert_eq!(String::from_utf8_lossy(answer.body()), body, "{range} {if_range:?}");
        assert_eq!(answer.header("content-range"), content_range, "{range} {if_range:?}");
    }
    for range in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
        let answer = ann.get_with(&path, &[("range", range)]);
        assert_problem(&answer, 416, "range-not-satisfiable");
        assert_eq!(answer.header("content-range"), Some("bytes */10"), "{range}");
    }
}

#[rstest]
fn what_the_client_has_is_not_sent_again(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, id) = uploaded(&gateway);
    let path = format!("/v1/attachments/{id}");
    let date = get(&ann, &id).header("last-modified").unwrap().to_owned();
    let (tag, weak) = (format!("\"{id}\""), format!("\"other\", W/\"{id}\""));
    for (name, value, status) in [
        ("if-none-match", tag.as_str(), 304),
        ("if-none-match", weak.as_str(), 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"other\"", 200),
        ("if-modified-since", date.as_str(), 304),
        ("if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ("if-modified-since", "yesterday", 200),
    ] {
        let answer = ann.get_with(&path, &[(name, value)]);
        assert_eq!(answer.status, status, "{name}: {value}: {answer:?}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
        assert_eq!(answer.body().is_empty(), status == 304);
    }
    let both = ann.get_with(&path, &[("if-none-match", "\"other\""), ("if-modified-since", &date)]);
    assert_eq!(both.status, 200, "a tag counts more than a date");
}

#[rstest]
fn head_answers_the_same_without_the_bytes(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, id) = uploaded(&gateway);
    let whole = |path: &str, range: &[(&str, &str)]| {
        let mut came = String::new();
        ann.begin(&ann.bytes("HEAD", path, range, &[])).read_to_string(&mut came).unwrap();
        came.to_lowercase()
    };
    let head = whole(&format!("/v1/attachments/{id}"), &[]);
    assert!(head.starts_with("http/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    for line in ["content-length: 10", "accept-ranges: bytes", "content-type: text/plain; charset=utf-8"] {
        assert!(head.contains(line), "{head}");
    }
    let part = whole(&format!("/v1/attachments/{id}"), &[("range", "bytes=2-3")]);
    assert!(part.starts_with("http/1.1 206 ") && part.contains("content-range: bytes 2-3/10"), "{part}");
    let missing = whole("/v1/attachments/01890000-0000-7000-8000-000000000000", &[]);
    assert!(missing.starts_with("http/1.1 404 "), "{missing}");
}

#[rstest]
fn a_file_is_had_by_its_uploader_and_by_members_of_a_room_that_holds_it(
    #[values(Embedded, Production)] pair: Pair,
) {
    let gateway = world(pair);
    let (ann, bob, eve) = (gateway.user("ann"), gateway.user("bob"), gateway.user("eve"));
    let id = id(&ann.upload("photo.png", "image/png", PNG));
    assert_eq!(get(&ann, &id).status, 200);
    assert_problem(&get(&bob, &id), 404, "not-found");
    assert_eq!(send_files(&ann, "bob", &[&id]).status, 201);
    assert_eq!(get(&bob, &id).body(), PNG);
    assert_problem(&get(&eve, &id), 404, "not-found");
    // forwarded by somebody who has it
    assert_eq!(send_files(&bob, "eve", &[&id]).status, 201);
    assert_eq!(get(&eve, &id).body(), PNG);
    assert_problem(&gateway.anybody(None).get(&format!("/v1/attachments/{id}")), 401, "unauthenticated");
    assert_problem(&get(&ann, "no-id"), 404, "not-found");
    assert_problem(&ann.get(&format!("/v1/attachments/{id}?x=1")), 400, "invalid-request");
    assert_problem(
        &ann.post_raw(&format!("/v1/attachments/{id}"), "text/plain", b"x"),
        405,
        "method-not-allowed",
    );
}

#[test]
fn who_has_left_the_room_has_its_files_no_more() {
    let gateway = world(Production);
    let schema = gateway.schema.as_ref().unwrap();
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let id = id(&ann.upload("photo.png", "image/png", PNG));
    assert_eq!(send_files(&ann, "bob", &[&id]).status, 201);
    assert_eq!(get(&bob, &id).status, 200);
    schema.query("delete from members where user_id in ('ann', 'bob')");
    assert_problem(&get(&bob, &id), 404, "not-found");
    assert_eq!(get(&ann, &id).status, 200, "it is still ann's own");
    assert_problem(&send_files(&bob, "eve", &[&id]), 400, "invalid-request");
}
