//! Methods, content types, request ids, CORS, and clients that misbehave.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::json;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, world, world_with};

#[rstest]
fn a_wrong_method_names_the_right_one(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let answer = gateway.user("ann").get("/v1/messages");
    assert_problem(&answer, 405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
    let answer = gateway.user("ann").post("/v1/poll", &serde_json::json!({}));
    assert_problem(&answer, 405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("GET"));
    assert_problem(&gateway.user("ann").get("/v1/nothing"), 404, "not-found");
    assert_problem(&gateway.user("ann").get("/nothing"), 404, "not-found");
}

#[rstest]
fn a_body_must_be_json_and_say_so(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let form = ann.post_raw("/v1/messages", "application/x-www-form-urlencoded", b"to=bob&body=hi");
    assert_problem(&form, 415, "unsupported-media-type");
    for broken in [&b"{"[..], b"", b"null", b"{\"to\":\"bob\",\"to\":\"eve\",\"body\":\"hi\"}", b"\xff"] {
        let answer = ann.post_raw("/v1/messages", "application/json", broken);
        assert_problem(&answer, 400, "invalid-request");
    }
    let charset =
        ann.post_raw("/v1/messages", "Application/JSON; charset=utf-8", br#"{"to":"bob","body":"hi"}"#);
    assert_eq!(charset.status, 201);
    let huge = vec![b' '; 2 << 20];
    assert_problem(&ann.post_raw("/v1/messages", "application/json", &huge), 413, "too-large");
}

/// A list of a type's fields in their order is what serde takes for the type, too.
#[rstest]
fn a_list_is_no_object(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user_with("ann", "user publish");
    let sent = ann.send("bob", "hi").json;
    let direct = format!("/v1/rooms/{}", sent["room"].as_str().unwrap());
    let group = ann.post("/v1/rooms", &json!({}));
    let group = format!("/v1/rooms/{}", group.json["id"].as_str().unwrap());
    let event = json!([["bob"], null, "order.updated", 1, false, null]);
    for (path, list) in [
        ("/v1/messages", json!(["bob", null, null, "hi", null, [], null])),
        ("/v1/events", event.clone()),
        ("/v1/events/batch", json!([[{ "to": ["bob"], "type": "order.updated" }]])),
        ("/v1/events/batch", json!({ "events": [event] })),
        ("/v1/rooms", json!([null, "Order 7", [], null, null, null, null])),
        ("/v1/rooms", json!({ "context": ["order", "7"] })),
        (&format!("{direct}/read"), json!([null, 1])),
        (&format!("{direct}/typing"), json!([true])),
    ] {
        assert_problem(&ann.post(path, &list), 400, "invalid-request");
    }
    assert_problem(&ann.patch(&group, &json!([null, null, null, null, null])), 400, "invalid-request");
    let message = format!("{direct}/messages/{}", sent["id"].as_str().unwrap());
    assert_problem(&ann.patch(&message, &json!(["hi again"])), 400, "invalid-request");
    assert_eq!(ann.post("/v1/rooms", &json!({ "context": { "kind": "order", "id": "7" } })).status, 201);
}

#[rstest]
fn a_sane_request_id_is_kept_and_any_other_replaced(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let bob = gateway.user("bob");
    let kept = bob.get_with("/v1/poll?wait=0", &[("x-request-id", "trace-7/a")]);
    assert_eq!(kept.header("x-request-id"), Some("trace-7/a"));
    for odd in ["with space", &"x".repeat(129), "quote\""] {
        let replaced = bob.get_with("/v1/poll?wait=0", &[("x-request-id", odd)]);
        let id = replaced.header("x-request-id").unwrap();
        assert!(id != odd && id.len() == 36, "{id}");
    }
}

#[rstest]
fn pages_of_other_origins_may_call_only_when_they_are_named(#[values(Embedded, Production)] pair: Pair) {
    let gateway =
        world_with(pair, |builder| builder.env("POLLGATE_HTTP__CORS_ORIGINS", "[\"https://shop.example\"]"));
    let bob = gateway.user("bob");
    let friend = bob.get_with("/v1/poll?wait=0", &[("origin", "https://shop.example")]);
    assert_eq!(friend.header("access-control-allow-origin"), Some("https://shop.example"));
    let stranger = bob.get_with("/v1/poll?wait=0", &[("origin", "https://evil.example")]);
    assert_eq!(stranger.header("access-control-allow-origin"), None);
}

/// A head that never ends is given up after the configured time; the gateway goes on.
#[rstest]
fn a_client_that_never_ends_its_request_is_given_up(#[values(Embedded)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder.env("POLLGATE_HTTP__HEADER_TIMEOUT_MS", "500").env("POLLGATE_HTTP__BODY_TIMEOUT_MS", "500")
    });
    let address = gateway.url().trim_start_matches("http://").to_owned();
    let started = Instant::now();
    let mut head = TcpStream::connect(&address).unwrap();
    head.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    head.write_all(b"GET /v1/poll HTTP/1.1\r\nhost: x\r\n").unwrap();
    let mut answer = Vec::new();
    let _closed = head.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));

    let mut body = TcpStream::connect(&address).unwrap();
    body.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{\"to\":",
        gateway.token("ann")
    );
    body.write_all(request.as_bytes()).unwrap();
    let mut answer = [0_u8; 12];
    body.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(gateway.user("ann").send("bob", "still there").json["seq"], 1);
}
