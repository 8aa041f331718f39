//! A message that is changed at several gateways at once has one text in the end, and each change is told once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use pollgate_testkit::{Answer, Gateway, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{CLIENTS, LIMIT, World, all_events};

fn path(message: &Value) -> String {
    format!("/v1/rooms/{}/messages/{}", message["room"].as_str().unwrap(), message["id"].as_str().unwrap())
}

fn edit(gateway: &Gateway, message: &Value, text: &str) -> Answer {
    gateway.user("ann").patch(&path(message), &json!({"body": text}))
}

fn delete(gateway: &Gateway, message: &Value) -> Answer {
    gateway.user("ann").delete(&path(message))
}

/// The only message, as each gateway shows it.
fn shown(world: &World, message: &Value) -> Value {
    let page = |number| {
        let room = message["room"].as_str().unwrap();
        world.gateway(number).user("bob").get(&format!("/v1/rooms/{room}/messages")).json["messages"].clone()
    };
    assert_eq!(page(0), page(1));
    assert_eq!(page(0).as_array().unwrap().len(), 1);
    page(0)[0].clone()
}

fn of_kind<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["type"] == kind).map(|event| &event["data"]).collect()
}

fn found(world: &World, q: &str) -> usize {
    let answer = world.gateway(1).user("bob").get(&format!("/v1/search?q={q}"));
    answer.json["messages"].as_array().unwrap().len()
}

#[rstest]
fn edits_at_once_are_told_once_each_and_the_last_one_stands(#[values(Embedded, Production)] pair: Pair) {
    let world = World::new(pair);
    let sent = world.gateway(0).user("ann").send("bob", "first").json;
    eventually("it is indexed", LIMIT, || found(&world, "first") == 1);
    let number = AtomicUsize::new(0);
    let answers = world.at_once(|gateway| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        edit(gateway, &sent, &format!("text{number} all"))
    });
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let told = all_events(&world, "bob");
    let told: BTreeSet<&str> =
        of_kind(&told, "message.updated").iter().map(|data| data["body"].as_str().unwrap()).collect();
    let asked: BTreeSet<&str> = answers.iter().map(|answer| answer.json["body"].as_str().unwrap()).collect();
    assert_eq!((told.len(), &told), (CLIENTS, &asked));
    let last = shown(&world, &sent);
    assert!(answers.iter().any(|answer| answer.json == last), "{last}");
    let (word, _) = last["body"].as_str().unwrap().split_once(' ').unwrap();
    assert_eq!(
        (found(&world, "first"), found(&world, &format!("%22{word}%22")), found(&world, "all")),
        (0, 1, 1)
    );
    let listed = world.gateway(1).user("bob").get("/v1/rooms").json["rooms"][0].clone();
    assert_eq!(listed["last_message"]["text"], last["body"], "the room list shows the same");
}

#[rstest]
fn a_deletion_amid_edits_is_told_once_and_stays(#[values(Embedded, Production)] pair: Pair) {
    let world = World::new(pair);
    let sent = world.gateway(0).user("ann").send("bob", "first").json;
    let number = AtomicUsize::new(0);
    let answers = world.at_once(|gateway| match number.fetch_add(1, Ordering::Relaxed) {
        number if number % 2 == 0 => edit(gateway, &sent, &format!("text {number}")),
        _ => delete(gateway, &sent),
    });
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!(count(204), CLIENTS / 2, "{answers:?}");
    assert_eq!(count(200) + count(409), CLIENTS / 2, "{answers:?}");
    let events = all_events(&world, "bob");
    assert_eq!(of_kind(&events, "message.deleted").len(), 1, "{events:?}");
    assert_eq!(of_kind(&events, "message.updated").len(), count(200), "{events:?}");
    let left = shown(&world, &sent);
    assert_eq!((&left, &left["body"]), (of_kind(&events, "message.deleted")[0], &json!("")));
    eventually("the room is indexed", LIMIT, || {
        world.gateway(0).user("ann").send("bob", "second");
        found(&world, "second") > 0
    });
    assert_eq!((found(&world, "text"), found(&world, "first")), (0, 0));
}

/// What was sent at one gateway is found at the other, and what one that was killed left is indexed by the next.
#[test]
fn what_a_killed_gateway_did_not_index_is_found() {
    let mut world = World::new(Production);
    for round in 0..3 {
        let word = format!("apple{round}");
        assert_eq!(world.gateway(0).user("ann").send("bob", &word).status, 201);
        world.restart(0);
        eventually("it is found", LIMIT, || found(&world, &word) == 1);
    }
}

/// Both are told to remove; what they remove together is what there is to remove.
#[test]
fn two_gateways_remove_old_messages_once() {
    let world = World::with(Production, |_number, builder| {
        builder.env("POLLGATE_RETENTION__MESSAGES_PER_ROOM", "5").env("POLLGATE_RETENTION__EVERY_S", "1")
    });
    for n in 0..60 {
        assert_eq!(world.gateway(n).user("ann").send(["bob", "cyd"][n % 2], "apple").status, 201);
    }
    eventually("the old ones are gone", LIMIT, || world.schema().count("messages") == 10);
    let removed = |number: usize| -> u64 {
        let text = world.gateway(number).at_operator_address().get("/metrics");
        let text = String::from_utf8(text.body().to_vec()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("pollgate_retention_removed_total "));
        line.unwrap().parse().unwrap()
    };
    eventually("both say what they did", LIMIT, || removed(0) + removed(1) == 50);
    eventually("the index follows", LIMIT, || world.schema().count("search_words") == 10);
}
