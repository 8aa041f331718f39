//! `POST /v1/attachments`: the form, the answer, what is refused, and what is left of it.

use std::io::Write as _;
use std::time::Duration;

use pollgate_testkit::{FORM, FormField, eventually, form};
use rstest::rstest;
use serde_json::json;

use super::{PNG, files_in, folder, get, id};
use crate::scrape::{LIMIT, Scrape, until};
use crate::wire::Wire;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, assert_problem, world, world_with};

fn field<'f>(field: &'f str, content: &'f [u8]) -> FormField<'f> {
    FormField { field, file: Some("a.txt"), media_type: None, content }
}

/// Nothing is stored, finished or not.
#[track_caller]
fn assert_nothing_is_left(gateway: &World) {
    eventually("nothing is left", LIMIT, || files_in(&folder(gateway)).is_empty());
    if let Some(schema) = &gateway.schema {
        assert_eq!(schema.count("attachments"), 0);
    }
}

#[rstest]
fn an_upload_answers_what_it_stored(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let small = ann.upload("photo.png", "image/png", PNG);
    assert_eq!(
        small.json,
        json!({"id": id(&small), "name": "photo.png", "media_type": "image/png", "size": PNG.len()})
    );
    // several chunks of the storage, and not a multiple of them
    let large: Vec<u8> = (0..3_000_001_u32).map(|n| b"abcdefgh\n"[n as usize % 9]).collect();
    let large_id = id(&ann.upload("log.txt", "text/plain", &large));
    assert!(get(&ann, &large_id).body() == large, "what came down is not what went up");
    let files = files_in(&folder(&gateway));
    assert_eq!(files.len(), 2, "{files:?}");
    let digits = &large_id[32..];
    let place = folder(&gateway).join(&digits[..2]).join(&digits[2..]).join(&large_id);
    assert!(files.contains(&place), "{files:?}");
    let scrape = Scrape::of(&gateway);
    assert!((scrape.value("pollgate_attachment_uploads_total{result=\"stored\"}") - 2.0).abs() < 0.1);
    let bytes = (large.len() + PNG.len()) as f64;
    assert!((scrape.value("pollgate_attachment_bytes_total{direction=\"in\"}") - bytes).abs() < 0.1);
    assert!((scrape.value("pollgate_attachment_bytes_total{direction=\"out\"}") - 3_000_001.0).abs() < 0.1);
}

#[rstest]
fn names_are_made_harmless(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    for (given, name) in [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\temp\\\\grüße.txt", "grüße.txt"),
        ("the %22one%22.txt", "the \"one\".txt"),
        ("\u{202e}fdp.exe", "fdp.exe"),
        ("..", "file"),
        ("", "file"),
    ] {
        let uploaded = ann.upload(given, "text/plain", b"hello");
        assert_eq!((uploaded.status, &uploaded.json["name"]), (201, &json!(name)), "{uploaded:?}");
    }
    let long = ann.upload(&format!("{}.txt", "ä".repeat(300)), "text/plain", b"hello");
    assert_eq!(long.json["name"], format!("{}.txt", "ä".repeat(125)), "{long:?}");
}

#[rstest]
fn a_form_with_anything_else_is_refused_and_leaves_nothing(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let hello = field("file", b"hello");
    for (fields, what) in [
        (vec![], "no field"),
        (vec![field("photo", b"hello")], "another name"),
        (vec![hello, hello], "two files"),
        (vec![hello, FormField { file: None, ..field("caption", b"hi") }], "one more field"),
        (vec![field("file", b"")], "an empty file"),
    ] {
        let refused = ann.upload_form(&fields);
        assert_problem(&refused, 400, "invalid-request");
        assert!(!refused.json["detail"].as_str().unwrap().is_empty(), "{what}");
    }
    let cut = form(&[hello]);
    assert_problem(&ann.post_raw("/v1/attachments", FORM, &cut[..cut.len() - 9]), 400, "invalid-request");
    assert_problem(&ann.post_raw("/v1/attachments", "multipart/form-data", &cut), 400, "invalid-request");
    assert_problem(&ann.post("/v1/attachments", &json!({})), 415, "unsupported-media-type");
    assert_problem(&ann.post_raw("/v1/attachments?x=1", FORM, &cut), 400, "invalid-request");
    assert_problem(&ann.get("/v1/attachments"), 405, "method-not-allowed");
    let nobody = gateway.anybody(None).upload("a.txt", "text/plain", b"hello");
    assert_problem(&nobody, 401, "unauthenticated");
    let operator = gateway.user_with("op", "operator").upload("a.txt", "text/plain", b"hello");
    assert_problem(&operator, 403, "forbidden");
    assert_nothing_is_left(&gateway);
}

#[rstest]
fn a_file_that_is_too_large_is_refused_and_leaves_nothing(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_ATTACHMENTS__MOST_BYTES", "1000000"));
    let ann = gateway.user("ann");
    let text = vec![b'x'; 1_000_001];
    assert_problem(&ann.upload("a.txt", "text/plain", &text), 413, "too-large");
    // what says itself how long it is, and is not read at all
    let mut wire = Wire::to(&gateway);
    let head = format!(
        "POST /v1/attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {FORM}\r\n\
         content-length: 99999999\r\n\r\n",
        gateway.token("ann")
    );
    wire.stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(wire.reply().status, 413);
    // what does not say so
    let mut chunked = Wire::to(&gateway);
    let head = head.replace("content-length: 99999999", "transfer-encoding: chunked");
    chunked.stream.write_all(head.as_bytes()).unwrap();
    let whole = form(&[field("file", &text)]);
    chunked.stream.write_all(format!("{:x}\r\n", whole.len()).as_bytes()).unwrap();
    // the gateway may have answered, and closed its end, before all of it is written
    drop(chunked.stream.write_all(&whole));
    assert_eq!(chunked.reply().status, 413);
    assert_nothing_is_left(&gateway);
    let refused = "pollgate_limit_refused_total{limit=\"attachment_bytes\"}";
    assert!((Scrape::of(&gateway).value(refused) - 3.0).abs() < 0.1);
    id(&ann.upload("a.txt", "text/plain", &text[1..]));
}

/// Begins an upload and writes so much of its file.
fn begin(gateway: &World, user: &str, content: &[u8]) -> Wire {
    let mut wire = Wire::to(gateway);
    let whole = form(&[field("file", content)]);
    let head = format!(
        "POST /v1/attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {FORM}\r\n\
         content-length: {}\r\n\r\n",
        gateway.token(user),
        whole.len() + 1_000_000
    );
    wire.stream.write_all(head.as_bytes()).unwrap();
    wire.stream.write_all(&whole[..whole.len() - 40]).unwrap();
    wire
}

#[rstest]
fn a_client_that_leaves_midway_leaves_nothing(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let wire = begin(&gateway, "ann", &vec![b'x'; 2_000_000]);
    eventually("it is being stored", LIMIT, || !files_in(&folder(&gateway)).is_empty());
    drop(wire);
    until(&gateway, "pollgate_attachment_uploads_total{result=\"left\"}", 1.0);
    assert_nothing_is_left(&gateway);
}

#[rstest]
fn a_client_that_falls_silent_is_not_waited_for(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_HTTP__BODY_TIMEOUT_MS", "700"));
    let mut wire = begin(&gateway, "ann", &vec![b'x'; 2_000_000]);
    assert_eq!(wire.reply().status, 408);
    assert_nothing_is_left(&gateway);
}

/// Byte by byte is no way around it.
#[test]
fn an_upload_that_does_not_end_is_not_waited_for() {
    let gateway = world_with(Embedded, |builder| builder.env("POLLGATE_ATTACHMENTS__UPLOAD_S", "2"));
    let mut wire = begin(&gateway, "ann", &vec![b'x'; 10_000]);
    while wire.is_silent_for(Duration::from_millis(50)) {
        if wire.stream.write_all(b"x").is_err() {
            break;
        }
    }
    assert_eq!(wire.reply().status, 408);
    assert_nothing_is_left(&gateway);
}

pub(crate) fn hold_upload(gateway: &World, user: &str) -> Wire {
    begin(gateway, user, &[b'x'; 100])
}
