//! RabbitMQ stops, restarts, or loses a queue.

use pollgate_testkit::{
    Backends, Came, Gateway, PgSchema, RabbitNode, Vhost, WsCame, eventually, unique_prefix,
};

use crate::world::{BINARY, Crew, LIMIT};

fn gateway_on(node: &RabbitNode, schema: &PgSchema, persistence: &str) -> Gateway {
    Gateway::builder(BINARY)
        .backends(Backends::Production {
            pg_url: schema.url(),
            amqp_url: node.url(),
            prefix: unique_prefix(),
        })
        .env("POLLGATE_BROKER__PERSISTENCE", persistence)
        .env("POLLGATE_POLL__LINGER_MS", "1000")
        .start()
}

/// Stopped under load, sends go on; started again, everything comes.
#[test]
fn a_broker_outage_under_load_loses_nothing() {
    let (mut node, schema) = (RabbitNode::start(), PgSchema::create());
    let gateway = gateway_on(&node, &schema, "all");
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(50);
    node.stop();
    crew.until_accepted(50); // the promise does not need the broker
    node.start_again();
    crew.until_accepted(50);
    crew.until_nothing_is_missing();
    crew.stop();
    drop(gateway);
}

/// With `unstored` a restart may lose what waited, and then it is said.
#[test]
fn a_broker_restart_with_unstored_messages_is_said() {
    let (mut node, schema) = (RabbitNode::start(), PgSchema::create());
    let gateway = gateway_on(&node, &schema, "unstored");
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let first = bob.poll("cursor=&wait=0");
    let cursor = first.json["cursor"].as_str().unwrap().to_owned();
    assert_eq!(ann.send("bob", "lost with the broker").status, 201);
    eventually("the relay is done", LIMIT, || schema.count("outbox") == 0);
    node.kill();
    node.start_again();
    let mut cursor = cursor;
    eventually("a client that may have missed something hears it", LIMIT, || {
        let answer = bob.poll(&format!("cursor={cursor}&wait=1"));
        if answer.status == 200 {
            answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        }
        answer.status == 200 && answer.json["resync"] == true
    });
}

/// The queue is deleted behind our back while somebody polls it: healed, said, and nothing that is sent later is lost.
#[test]
fn a_queue_deleted_meanwhile_is_made_again() {
    let (vhost, schema) = (Vhost::create(), PgSchema::create());
    let prefix = unique_prefix();
    let gateway = Gateway::builder(BINARY)
        .backends(Backends::Production { pg_url: schema.url(), amqp_url: vhost.url(), prefix })
        .start();
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let first = bob.poll("cursor=&wait=0");
    let cursor = first.json["cursor"].as_str().unwrap().to_owned();
    let held = {
        let (bob, cursor) = (gateway.user("bob"), cursor.clone());
        std::thread::spawn(move || bob.poll(&format!("cursor={cursor}&wait=5")))
    };
    vhost.delete_queues();
    let told = held.join().unwrap();
    assert_eq!(told.json["resync"], true, "{told:?}");
    let cursor = told.json["cursor"].as_str().unwrap();
    assert_eq!(ann.send("bob", "after").status, 201);
    let answer = bob.poll(&format!("cursor={cursor}&wait=5"));
    assert!(answer.json["events"].as_array().is_some_and(|events| !events.is_empty()), "{answer:?}");
}

/// Streams are told of an outage in a heartbeat's time, and none begins during it; with the last cursor they go on.
#[test]
fn streams_end_when_the_broker_is_away_and_go_on_when_it_is_back() {
    let (mut node, schema) = (RabbitNode::start(), PgSchema::create());
    let gateway = Gateway::builder(BINARY)
        .backends(Backends::Production {
            pg_url: schema.url(),
            amqp_url: node.url(),
            prefix: unique_prefix(),
        })
        .env("POLLGATE_STREAM__HEARTBEAT_MS", "1000")
        .start();
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let (mut sse, mut ws) = (bob.stream("session=sse"), bob.ws("session=ws"));
    node.stop();
    assert_eq!(ann.send("bob", "meanwhile").status, 201);
    let told =
        |end: &serde_json::Value| end["end"] == "broker-unavailable" && end["pause_ms"].as_u64() > Some(0);
    let end = sse.next_event(LIMIT);
    assert!(matches!(&end, Came::Frame(frame) if told(&frame.data)), "{end:?}");
    let end = ws.next_event(LIMIT);
    assert!(matches!(&end, WsCame::Json(frame) if told(frame)), "{end:?}");
    assert_eq!(ws.next(LIMIT), WsCame::Close(1013, "broker-unavailable".into()));
    assert_eq!(bob.stream("session=sse").answer.json["code"], "broker-unavailable");
    assert_eq!(bob.ws_with("session=ws", &[]).map(drop), Err(503));
    node.start_again();
    eventually("streams begin again", LIMIT, || bob.stream("session=sse").answer.status == 200);
    for session in ["session=sse", "session=ws"] {
        let mut socket = bob.ws(session);
        loop {
            match socket.next_event(LIMIT) {
                WsCame::Json(frame) if frame["event"]["data"]["body"] == "meanwhile" => break,
                WsCame::Json(_) => {}
                other => panic!("{session}: {other:?}"),
            }
        }
    }
}
