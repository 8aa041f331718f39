//! `POST /v1/events` and `/v1/events/batch`.

use rstest::rstest;
use serde_json::json;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, cursor, events, world, world_with};

#[rstest]
fn an_event_reaches_its_users_as_it_was_posted(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let data = json!({"order": 7, "text": "größer", "nested": [1, null, {"a": 1.5}]});
    let event = json!({"to": ["ann", "bob"], "type": "order.updated", "data": data});
    let accepted = shop.post("/v1/events", &event);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    for name in ["ann", "bob"] {
        let polled = gateway.user(name).poll("cursor=&wait=5");
        let event = &polled.json["events"][0];
        assert_eq!((&event["type"], &event["data"]), (&json!("order.updated"), &data), "{polled:?}");
        assert_eq!(event["id"], accepted.json["id"]);
        assert!(event.get("room").is_none());
    }
}

#[rstest]
fn an_ephemeral_event_reaches_those_who_are_there_and_nobody_else(
    #[values(Embedded, Production)] pair: Pair,
) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let bob = gateway.user("bob");
    let here = bob.poll("cursor=&wait=0");
    let event = json!({"to": ["bob", "eve"], "type": "hint", "data": 1, "ephemeral": true});
    assert_eq!(shop.post("/v1/events", &event).status, 202);
    let polled = bob.poll(&format!("cursor={}&wait=5", cursor(&here)));
    assert_eq!(polled.json["events"][0]["type"], "hint");
    let depth = gateway.user_with("op", "operator").get("/v1/mailboxes?user=eve");
    assert_eq!(depth.json["mailboxes"], json!([]), "nobody's mailbox was made for it");
}

#[rstest]
fn a_batch_is_accepted_whole_or_not_at_all(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let good = json!({"to": ["bob"], "type": "a", "data": 1});
    let nowhere = json!({"room": "01890000-0000-7000-8000-000000000000", "type": "b", "data": 2});
    let refused = shop.post("/v1/events/batch", &json!({"events": [good, nowhere]}));
    assert_problem(&refused, 404, "not-found");
    let accepted = shop.post("/v1/events/batch", &json!({"events": [good, good, good]}));
    assert_eq!((accepted.status, accepted.json["ids"].as_array().unwrap().len()), (202, 3));
    let ids: Vec<_> = events(&gateway.user("bob"), "", 3).iter().map(|event| event["id"].clone()).collect();
    assert_eq!(&ids, accepted.json["ids"].as_array().unwrap(), "in order, and nothing of the refused batch");
}

#[rstest]
fn an_event_to_a_room_reaches_its_members(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let room = gateway.user("ann").send("bob", "hi").json["room"].clone();
    let shop = gateway.user_with("shop", "publish");
    let accepted = shop.post("/v1/events", &json!({"room": room, "type": "order.updated", "data": {}}));
    assert_eq!(accepted.status, 202);
    let bob = gateway.user("bob");
    let mut polled = bob.poll("cursor=&wait=5");
    while polled.json["events"].as_array().unwrap().len() < 3 {
        polled = bob.poll("cursor=&wait=5");
    }
    assert_eq!(
        (&polled.json["events"][2]["room"], &polled.json["events"][2]["id"]),
        (&room, &accepted.json["id"])
    );
}

#[rstest]
fn a_user_named_twice_gets_an_event_once(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let twice = json!({"to": ["bob", "bob"], "type": "a", "data": "\u{0} stays"});
    let after = json!({"to": ["bob"], "type": "b"});
    assert_eq!(shop.post("/v1/events", &twice).status, 202);
    assert_eq!(shop.post("/v1/events", &after).status, 202);
    let events = events(&gateway.user("bob"), "", 2);
    assert_eq!((&events[0]["type"], &events[0]["data"]), (&json!("a"), &json!("\u{0} stays")));
    assert_eq!((&events[1]["type"], &events[1]["data"]), (&json!("b"), &json!(null)));
}

#[rstest]
fn data_is_bounded_whoever_it_is_for(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__TEXT_BYTES", "1000"));
    let room = gateway.user("ann").send("bob", "hi").json["room"].clone();
    let shop = gateway.user_with("shop", "publish");
    let data = "x".repeat(1000);
    for large in
        [json!({"to": ["bob"], "type": "a", "data": data}), json!({"room": room, "type": "a", "data": data})]
    {
        assert_problem(&shop.post("/v1/events", &large), 413, "too-large");
    }
}

#[rstest]
fn events_need_the_publish_scope_and_sense(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let event = json!({"to": ["bob"], "type": "a", "data": 1});
    assert_problem(&gateway.user("ann").post("/v1/events", &event), 403, "forbidden");
    let shop = gateway.user_with("shop", "publish");
    for bad in [
        json!({"type": "a", "data": 1}),
        json!({"to": [], "type": "a", "data": 1}),
        json!({"to": ["bob"], "type": "", "data": 1}),
        json!({"to": ["bob"], "data": 1}),
        json!({"to": ["bob"], "type": "a", "data": 1, "ttl_ms": 0}),
        json!({"to": ["bob"], "type": "a", "data": 1, "ttl": 5}),
        json!({"to": ["bob"], "room": "x", "type": "a", "data": 1}),
    ] {
        assert_problem(&shop.post("/v1/events", &bad), 400, "invalid-request");
    }
    assert_problem(&shop.post("/v1/events/batch", &json!({"events": []})), 400, "invalid-request");
}
