//! `POST /v1/messages`.

use rstest::rstest;
use serde_json::json;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, cursor, events, events_of, world, world_with};

#[rstest]
fn an_answer_has_every_field_and_the_event_repeats_it(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let sent =
        gateway.user("ann").post("/v1/messages", &json!({"to": "bob", "body": "hi", "client_id": "c1"}));
    assert_eq!(sent.status, 201, "{sent:?}");
    let fields: Vec<&str> = sent.json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected =
        ["id", "room", "seq", "sender", "body", "client_id", "attachments", "reply_to", "created_at"];
    expected.sort_unstable();
    assert_eq!(
        {
            let mut fields = fields;
            fields.sort_unstable();
            fields
        },
        expected
    );
    assert_eq!((&sent.json["seq"], &sent.json["sender"]), (&json!(1), &json!("ann")));

    let events = events(&gateway.user("bob"), "", 2);
    assert_eq!(events[0]["type"], "room.created", "before the first message: {events:?}");
    let event = &events[1];
    assert_eq!(event["type"], "message.created");
    assert_eq!(event["data"], sent.json);
    assert_eq!(event["room"], sent.json["room"]);
    assert!(event["at"].as_str().unwrap().ends_with('Z'));
}

#[rstest]
fn the_same_client_id_again_is_the_same_message(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let message = json!({"to": "bob", "body": "hi", "client_id": "c1"});
    let first = ann.post("/v1/messages", &message);
    let again = ann.post("/v1/messages", &message);
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json, again.json);
    let other = ann.post("/v1/messages", &json!({"to": "bob", "body": "another", "client_id": "c1"}));
    assert_problem(&other, 409, "conflict");
    // somebody else's client ids are another matter
    assert_eq!(gateway.user("eve").post("/v1/messages", &message).status, 201);

    // two rooms, one message in each, and nothing more
    let events = events(&gateway.user("bob"), "", 4);
    assert_eq!(events.len(), 4, "{events:?}");
    let messages = events.iter().filter(|event| event["type"] == "message.created").count();
    assert_eq!(messages, 2, "ann's once, eve's once: {events:?}");
}

#[rstest]
fn a_message_to_a_room_needs_membership(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let room = gateway.user("ann").send("bob", "hi").json["room"].clone();
    let reply = gateway.user("bob").post("/v1/messages", &json!({"room": room, "body": "hello"}));
    assert_eq!((reply.status, &reply.json["seq"]), (201, &json!(2)));
    let outsider = gateway.user("eve").post("/v1/messages", &json!({"room": room, "body": "hello"}));
    assert_problem(&outsider, 404, "not-found");
    let nowhere = gateway.user("eve").post("/v1/messages", &json!({"room": "lobby", "body": "hello"}));
    assert_problem(&nowhere, 404, "not-found");
}

#[rstest]
fn what_makes_no_sense_is_refused_and_leaves_nothing(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__TEXT_BYTES", "1000"));
    let ann = gateway.user("ann");
    for bad in [
        json!({"body": "to nobody"}),
        json!({"to": "bob", "room": "x", "body": "both"}),
        json!({"to": "bob", "body": ""}),
        json!({"to": "", "body": "hi"}),
        json!({"to": "x".repeat(129), "body": "hi"}),
        json!({"to": "b\u{0}b", "body": "hi"}),
        json!({"to": "bob", "body": "nul \u{0}"}),
        json!({"to": "bob", "body": "hi", "client_id": "x".repeat(65)}),
        json!({"to": "bob", "body": "hi", "reply_to": "nothing"}),
        json!({"to": "bob", "body": "hi", "reply_to": "01890000-0000-7000-8000-000000000000"}),
        json!({"to": "bob", "body": "hi", "attachments": ["01890000-0000-7000-8000-000000000000"]}),
        json!({"to": "bob", "body": "hi", "boddy": "typo"}),
        json!({"to": "bob", "body": 7}),
        json!(["to", "bob"]),
    ] {
        assert_problem(&ann.post("/v1/messages", &bad), 400, "invalid-request");
    }
    let long = ann.post("/v1/messages", &json!({"to": "bob", "body": "x".repeat(1001)}));
    assert_problem(&long, 413, "too-large");
    assert_eq!(ann.send("bob", &"x".repeat(1000)).json["seq"], 1, "nothing was left behind");
}

#[rstest]
fn a_reply_names_a_message_of_the_room(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let first = gateway.user("ann").send("bob", "hi");
    let reply = gateway
        .user("bob")
        .post("/v1/messages", &json!({"to": "ann", "body": "hello", "reply_to": first.json["id"]}));
    assert_eq!((reply.status, &reply.json["reply_to"]), (201, &first.json["id"]));
    let elsewhere = gateway
        .user("bob")
        .post("/v1/messages", &json!({"to": "eve", "body": "hello", "reply_to": first.json["id"]}));
    assert_problem(&elsewhere, 400, "invalid-request");
}

#[rstest]
fn one_may_talk_to_oneself(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let first = ann.poll("cursor=&wait=0");
    assert_eq!(ann.send("ann", "note to self").status, 201);
    let events = events(&ann, cursor(&first), 2);
    assert_eq!(events[1]["data"]["body"], "note to self", "{events:?}");
}

#[rstest]
fn the_senders_other_sessions_get_the_message(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let laptop = ann.poll("cursor=&session=laptop&wait=0");
    ann.send("bob", "from the phone");
    let events = events_of(&ann, "&session=laptop", cursor(&laptop), 2);
    assert_eq!(events[1]["data"]["body"], "from the phone", "{events:?}");
}

#[rstest]
fn only_the_publish_scope_sends_in_anothers_name(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let message = json!({"from": "ann", "to": "bob", "body": "hi"});
    assert_problem(&gateway.user("eve").post("/v1/messages", &message), 403, "forbidden");
    let sent = gateway.user_with("shop", "publish").post("/v1/messages", &message);
    assert_eq!((sent.status, &sent.json["sender"]), (201, &json!("ann")));
}
