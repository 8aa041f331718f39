//! Connections, and the time a request may take to arrive.

use std::io::Write as _;
use std::time::Duration;

use rstest::rstest;

use crate::scrape::{Scrape, until_used};
use crate::wire::Wire;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::world_with;

#[rstest]
fn a_connection_too_many_waits_until_one_ends(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder.env("POLLGATE_HTTP__MOST_CONNECTIONS", "3").env("POLLGATE_HTTP__WORKERS", "1")
    });
    let token = gateway.token("bob");
    let mut served: Vec<Wire> = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::to(&gateway);
        wire.ask("GET", "/v1/poll?wait=0", &token, b"");
        assert_eq!(wire.reply().status, 200);
        served.push(wire);
    }
    until_used(&gateway, "most_connections", 3.0);
    let mut late = Wire::to(&gateway);
    late.ask("GET", "/v1/poll?wait=0", &token, b"");
    assert!(late.is_silent_for(Duration::from_millis(700)), "it was served beyond the bound");
    assert_eq!(Scrape::of(&gateway).limit("most_connections"), [3.0, 3.0, 1.0]);
    drop(served.pop());
    assert_eq!(late.reply().status, 200);
    drop((served, late));
    until_used(&gateway, "most_connections", 0.0);
}

/// Byte by byte is no way around it.
#[test]
fn a_head_that_does_not_end_in_time() {
    let gateway = world_with(Embedded, |builder| builder.env("POLLGATE_HTTP__HEADER_TIMEOUT_MS", "700"));
    let mut wire = Wire::to(&gateway);
    wire.stream.write_all(b"GET /v1/poll HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
    while wire.is_silent_for(Duration::from_millis(50)) {
        if wire.stream.write_all(b"x").is_err() {
            break;
        }
    }
    assert_eq!(wire.reply().status, 408);
    assert!(wire.is_closed());
    until_used(&gateway, "most_connections", 0.0);
}

#[test]
fn a_body_that_does_not_end_in_time() {
    let gateway = world_with(Embedded, |builder| builder.env("POLLGATE_HTTP__BODY_TIMEOUT_MS", "700"));
    let mut wire = Wire::to(&gateway);
    wire.ask_long("POST", "/v1/messages", &gateway.token("ann"), 100, br#"{"to":"#);
    let reply = wire.reply();
    let problem: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.status, &problem["code"]), (408, &serde_json::json!("request-timeout")), "{reply:?}");
    assert!(wire.is_closed(), "the rest of the body would be taken for a request");
    let late = "pollgate_limit_refused_total{limit=\"body_timeout_ms\"}";
    assert!((Scrape::of(&gateway).value(late) - 1.0).abs() < 0.1);
    assert_eq!(gateway.user("ann").send("bob", "in time").status, 201);
    until_used(&gateway, "most_connections", 0.0);
}
