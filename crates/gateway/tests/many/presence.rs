//! Presence over two gateways: a user is one, wherever the polls go.

use std::thread::JoinHandle;
use std::{slice, thread};

use pollgate_testkit::{User, eventually};
use serde_json::{Value, json};

use crate::world::{LIMIT, Pair, World};

fn world(linger_ms: &str, offline_after_ms: &str) -> World {
    World::with(Pair::Production, |_number, builder| {
        builder
            .env("POLLGATE_POLL__LINGER_MS", linger_ms)
            .env("POLLGATE_PRESENCE__OFFLINE_AFTER_MS", offline_after_ms)
    })
}

/// Whether somebody is online, as an operator sees it at that gateway.
fn online(world: &World, at: usize, user: &str) -> bool {
    let answer = world.gateway(at).user("ann").operator().get(&format!("/v1/presence?user={user}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["users"][0]["online"] == true
}

/// How many gateways say that somebody is there.
fn seats(world: &World, user: &str) -> i64 {
    let schema = world.schema();
    let table = format!("{}.presence_seats", schema.name());
    schema.query(&format!("select count(*) from {table} where user_id = '{user}'")).trim().parse().unwrap()
}

/// How many gateways there are that say who is there.
fn gateways(world: &World) -> i64 {
    world.schema().count("presence_gateways")
}

/// ann listens at one gateway until the last event comes: what she hears of bob.
fn listen(ann: User) -> JoinHandle<Vec<Value>> {
    thread::spawn(move || {
        let (mut cursor, mut heard) = (String::new(), Vec::new());
        loop {
            let answer = ann.poll(&format!("cursor={cursor}&wait=1&presence=true"));
            assert_eq!(answer.status, 200, "{answer:?}");
            let events = answer.json["events"].as_array().unwrap();
            let of_bob = |event: &&Value| event["type"] == "presence" && event["data"]["user"] == "bob";
            heard.extend(events.iter().filter(of_bob).map(|event| event["data"]["online"].clone()));
            if events.iter().any(|event| event["type"] == "last") {
                return heard;
            }
            answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        }
    })
}

/// Both are in a room, and ann listens at the second gateway.
fn begin(world: &World) -> JoinHandle<Vec<Value>> {
    let ann = world.gateway(1).user("ann");
    ann.send("bob", "hi");
    let listening = listen(ann);
    eventually("ann is there", LIMIT, || online(world, 0, "ann"));
    listening
}

/// How many changes a gateway has told of; they are seen in the database before.
fn told(world: &World, at: usize) -> u64 {
    let metrics = world.gateway(at).at_operator_address().get("/metrics");
    let text = String::from_utf8_lossy(metrics.body()).into_owned();
    let sample = "pollgate_presence_events_total{result=\"told\"} ";
    text.lines().find_map(|line| line.strip_prefix(sample)).unwrap().parse().unwrap()
}

/// Whatever either gateway has to tell has been told by now; what ann heard.
fn end(world: &World, at: &[usize], listening: JoinHandle<Vec<Value>>) -> Vec<Value> {
    for number in at {
        // what a gateway publishes in passing goes out in order
        let passing = json!({"to": ["ann"], "type": "passing", "ephemeral": true});
        let shop = world.gateway(*number).user_with("shop", "publish");
        assert_eq!(shop.post("/v1/events", &passing).status, 202);
    }
    let last = json!({"to": ["ann"], "type": "last"});
    let shop = world.gateway(at[0]).user_with("shop", "publish");
    assert_eq!(shop.post("/v1/events", &last).status, 202);
    listening.join().unwrap()
}

#[test]
fn who_reconnects_at_the_other_gateway_in_time_has_never_been_away_and_leaves_once() {
    let world = world("300", "3000");
    let listening = begin(&world);
    let bob = [world.gateway(0).user("bob"), world.gateway(1).user("bob")];
    bob[0].poll("cursor=&wait=0");
    eventually("bob is there", LIMIT, || online(&world, 1, "bob"));
    // to and fro; both say that he is there, and then one of them not any more
    for place in [1, 0, 1] {
        bob[place].poll("cursor=&wait=0");
    }
    eventually("both say so", LIMIT, || seats(&world, "bob") == 2);
    eventually("one does not say so any more, while bob stays at the other", LIMIT, || {
        bob[1].poll("cursor=&wait=0");
        seats(&world, "bob") == 1
    });
    assert!(online(&world, 0, "bob"));
    bob[0].poll("cursor=&wait=0");
    eventually("both say so again", LIMIT, || seats(&world, "bob") == 2);
    eventually("bob is gone", LIMIT, || !online(&world, 0, "bob"));
    assert_eq!(seats(&world, "bob"), 0);
    eventually("both changes are told", LIMIT, || told(&world, 0) + told(&world, 1) == 2);
    assert_eq!(end(&world, &[0, 1], listening), [true, false], "once each, whoever told it");
}

#[test]
fn the_users_of_a_killed_gateway_go_offline_once_and_those_who_moved_stay() {
    let mut world = world("60000", "2000");
    let listening = begin(&world);
    for user in ["bob", "joe"] {
        world.gateway(0).user(user).poll("cursor=&wait=0");
        eventually("both are there", LIMIT, || online(&world, 1, user));
    }
    eventually("ann is told", LIMIT, || told(&world, 0) == 1);
    world.kill(0);
    world.gateway(1).user("joe").poll("cursor=&wait=0");
    assert!(online(&world, 1, "bob"), "nobody knows yet");
    eventually("the dead gateway is forgotten", LIMIT, || gateways(&world) == 1);
    assert!(!online(&world, 1, "bob") && online(&world, 1, "joe") && online(&world, 1, "ann"));
    eventually("ann is told of it", LIMIT, || told(&world, 1) == 1);
    assert_eq!(end(&world, slice::from_ref(&1), listening), [true, false]);
}

#[test]
fn a_gateway_that_was_taken_for_dead_says_again_who_is_there() {
    let world = world("60000", "1000");
    world.gateway(0).user("bob").poll("cursor=&wait=0");
    eventually("bob is there", LIMIT, || online(&world, 1, "bob"));
    world.gateway(0).pause();
    eventually("bob is gone", LIMIT, || !online(&world, 1, "bob"));
    world.gateway(0).resume();
    eventually("bob is there again", LIMIT, || online(&world, 1, "bob"));
}

#[test]
fn whoever_moves_while_a_gateway_stops_has_never_been_away() {
    let mut world = world("300", "3000");
    let listening = begin(&world);
    world.gateway(0).user("bob").poll("cursor=&wait=0");
    eventually("ann is told", LIMIT, || told(&world, 0) == 1);
    world.terminate(0);
    eventually("the one that stopped is forgotten, while bob polls the other", LIMIT, || {
        world.gateway(1).user("bob").poll("cursor=&wait=0");
        gateways(&world) == 1
    });
    assert_eq!(end(&world, slice::from_ref(&1), listening), [true]);
}
