//! `POST /v1/rooms/{id}/typing`: told to those who are there, stored nowhere.

use pollgate_testkit::{Answer, PgSchema, User, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scrape::{LIMIT, Scrape, until};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, assert_problem, world, world_with};

fn say(user: &User, room: &Value, typing: bool) -> Answer {
    user.post(&format!("/v1/rooms/{}/typing", room.as_str().unwrap()), &json!({"typing": typing}))
}

fn told(world: &World, result: &str) -> f64 {
    Scrape::of(world).value(&format!("pollgate_typing_total{{result=\"{result}\"}}"))
}

/// A direct room of ann and bob; both have nothing left to read.
fn room(world: &World) -> Value {
    world.user("ann").send("bob", "hi").json["room"].clone()
}

/// Everything up to the event that is sent for this, oldest first.
fn all(world: &World, user: &str) -> Vec<Value> {
    let last = json!({"to": [user], "type": "last"});
    assert_eq!(world.user_with("shop", "publish").post("/v1/events", &last).status, 202);
    let (user, mut cursor, mut events) = (world.user(user), String::new(), Vec::new());
    eventually("the last event comes", LIMIT, || {
        let answer = user.poll(&format!("cursor={cursor}&wait=1"));
        events.extend(answer.json["events"].as_array().unwrap().iter().cloned());
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        events.iter().any(|event| event["type"] == "last")
    });
    events
}

fn typing(events: &[Value]) -> Vec<(&Value, &Value)> {
    let typing = events.iter().filter(|event| event["type"] == "typing");
    typing.map(|event| (&event["room"], &event["data"])).collect()
}

#[rstest]
fn the_other_member_hears_of_it_and_the_typist_does_not(#[values(Embedded, Production)] pair: Pair) {
    let world = world(pair);
    let room = room(&world);
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    for user in [&ann, &bob] {
        assert_eq!(user.poll("cursor=&wait=0").status, 200, "both have a mailbox");
    }
    let answer = say(&ann, &room, true);
    assert_eq!((answer.status, answer.body().len()), (204, 0));
    assert_eq!(say(&ann, &room, false).status, 204);
    let came = all(&world, "bob");
    let heard: Vec<_> = typing(&came);
    let (on, off) = (json!({"user": "ann", "typing": true}), json!({"user": "ann", "typing": false}));
    assert_eq!(heard, [(&room, &on), (&room, &off)], "in order: {came:?}");
    assert_eq!(typing(&all(&world, "ann")), []);
}

#[rstest]
fn what_is_said_again_is_absorbed_and_another_word_is_not(#[values(Embedded, Production)] pair: Pair) {
    let world = world(pair);
    let room = room(&world);
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    bob.poll("cursor=&wait=0");
    for word in [true, false] {
        for _ in 0..20 {
            assert_eq!(say(&ann, &room, word).status, 204);
        }
    }
    let (told, absorbed) = (told(&world, "told"), told(&world, "absorbed"));
    assert!((told + absorbed - 40.0).abs() < 0.1 && told < 20.0, "{told} told, {absorbed} absorbed");
    let came = all(&world, "bob");
    let heard = typing(&came);
    assert!((heard.len() as f64 - told).abs() < 0.1, "{heard:?}");
    assert_eq!(heard.last().unwrap().1["typing"], false);
}

#[rstest]
fn only_members_may_say_it(#[values(Embedded, Production)] pair: Pair) {
    let world = world(pair);
    let room = room(&world);
    let ann = world.user("ann");
    for _ in 0..2 {
        assert_problem(&say(&world.user("eve"), &room, true), 404, "not-found");
        assert_eq!(say(&ann, &room, true).status, 204);
    }
    for nowhere in ["01890000-0000-7000-8000-000000000000", "none"] {
        assert_problem(&say(&ann, &json!(nowhere), true), 404, "not-found");
    }
    assert_problem(&say(&world.user_with("ann", "publish"), &room, true), 403, "forbidden");
    assert_problem(&say(&world.anybody(None), &room, true), 401, "unauthenticated");
    let path = format!("/v1/rooms/{}/typing", room.as_str().unwrap());
    for bad in [json!({}), json!({"typing": "yes"}), json!({"typing": true, "user": "bob"}), json!(true)] {
        assert_problem(&ann.post(&path, &bad), 400, "invalid-request");
    }
    assert_problem(&ann.get(&path), 405, "method-not-allowed");
}

#[rstest]
fn nobodys_mailbox_is_made_for_it(#[values(Embedded, Production)] pair: Pair) {
    let world = world(pair);
    let room = room(&world);
    let bob = world.user("bob");
    bob.poll("cursor=&wait=0");
    // ann has sent and never polled, so she has no mailbox
    assert_eq!(say(&bob, &room, true).status, 204);
    until(&world, "pollgate_typing_total{result=\"told\"}", 1.0);
    // what is published in passing goes out in order: this comes after it
    let after = json!({"to": ["bob"], "type": "after", "ephemeral": true});
    assert_eq!(world.user_with("shop", "publish").post("/v1/events", &after).status, 202);
    assert!(all(&world, "bob").iter().any(|event| event["type"] == "after"));
    let mailboxes = world.user_with("op", "operator").get("/v1/mailboxes?user=ann");
    assert_eq!(mailboxes.json["mailboxes"], json!([]));
}

#[rstest]
fn a_room_that_is_too_large_is_not_told(#[values(Embedded, Production)] pair: Pair) {
    let world = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__SIGNAL_MEMBERS", "1"));
    let room = room(&world);
    world.user("bob").poll("cursor=&wait=0");
    for word in [true, true, false] {
        assert_eq!(say(&world.user("ann"), &room, word).status, 204);
    }
    assert_problem(&say(&world.user("eve"), &room, true), 404, "not-found");
    assert!(told(&world, "told") < 0.5 && told(&world, "untold") > 1.5);
    assert_eq!(typing(&all(&world, "bob")), []);
}

/// A group room made by hand.
fn group(schema: &PgSchema, members: &[&str]) -> Value {
    let room = "01890000-0000-7000-8000-000000000001";
    let name = schema.name();
    schema.query(&format!(
        "insert into {name}.rooms (id, kind, name, last_seq, created_at_ms, updated_at_ms) \
         values ('{room}', 'group', 'all', 0, 0, 0)"
    ));
    members.iter().for_each(|member| join(schema, room, member));
    json!(room)
}

fn join(schema: &PgSchema, room: &str, member: &str) {
    let name = schema.name();
    schema.query(&format!(
        "insert into {name}.members (room_id, user_id, last_read_seq, joined_at_ms) values ('{room}', '{member}', 0, 0)"
    ));
}

#[test]
fn all_of_a_group_hear_of_it_and_who_joins_may_say_it_at_once() {
    let world = world(Production);
    let schema = world.schema.as_ref().unwrap();
    let room = group(schema, &["ann", "bob", "cyd"]);
    for user in ["bob", "cyd", "eve"] {
        world.user(user).poll("cursor=&wait=0");
    }
    assert_eq!(say(&world.user("ann"), &room, true).status, 204);
    assert_problem(&say(&world.user("eve"), &room, true), 404, "not-found");
    join(schema, room.as_str().unwrap(), "eve");
    assert_eq!(say(&world.user("eve"), &room, true).status, 204);
    for user in ["bob", "cyd"] {
        let came = all(&world, user);
        let typists: Vec<_> = typing(&came).iter().map(|(_, data)| data["user"].clone()).collect();
        assert_eq!(typists, ["ann", "eve"], "{user} hears of both");
    }
    assert_eq!(typing(&all(&world, "eve")), [], "she was not there when ann typed");
}
