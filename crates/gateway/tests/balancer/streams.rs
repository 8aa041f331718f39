//! Streams through the balancer.

use std::time::{Duration, Instant};

use pollgate_testkit::{Came, WsCame};
use serde_json::json;

use crate::world::{LIMIT, World};

/// A balancer that buffered would keep the frame until others fill its buffer.
#[test]
fn an_event_of_a_stream_comes_at_once() {
    let world = World::new();
    let mut stream = world.user("bob").stream("session=tab");
    assert_eq!(stream.answer.status, 200);
    world.user("ann").send("bob", "hi");
    loop {
        let Came::Frame(frame) = stream.next_event(LIMIT) else { panic!("it ended") };
        if frame.event.as_deref() == Some("message.created") {
            assert_eq!(frame.data["data"]["body"], "hi");
            break;
        }
    }
}

#[test]
fn a_websocket_passes() {
    let world = World::new();
    let ticket =
        world.user("bob").post("/v1/tickets", &json!({})).json["ticket"].as_str().unwrap().to_owned();
    // any gateway takes a ticket that another one made
    let mut socket = world.user("bob").ws(&format!("session=tab&ticket={ticket}"));
    assert_eq!(socket.call("ping", &json!({})), Ok(json!({})));
    let sent = socket.call("send", &json!({"to": "ann", "body": "hi"})).unwrap();
    loop {
        let WsCame::Json(frame) = socket.next_event(LIMIT) else { panic!("it ended") };
        if frame["event"]["type"] == "message.created" {
            assert_eq!(frame["event"]["data"], sent);
            break;
        }
    }
    for line in world.nginx.access_log() {
        assert!(!line.contains(&ticket), "{line}");
    }
}

#[test]
fn a_client_that_leaves_ends_its_stream() {
    let world = World::new();
    let stream = world.user("bob").stream("session=tab");
    let held = || {
        let figure = |gateway: &pollgate_testkit::Gateway| {
            let text =
                String::from_utf8(gateway.at_operator_address().get("/metrics").body().to_vec()).unwrap();
            let line =
                text.lines().find(|line| line.starts_with("pollgate_streams_held{kind=\"sse\"}")).unwrap();
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        figure(&world.a) + figure(&world.b)
    };
    pollgate_testkit::eventually("it is held", LIMIT, || held() == 1.0);
    let left = Instant::now();
    drop(stream);
    pollgate_testkit::eventually("it is not held any more", LIMIT, || held() == 0.0);
    assert!(left.elapsed() < Duration::from_secs(10), "not by its end, but by a heartbeat");
}
