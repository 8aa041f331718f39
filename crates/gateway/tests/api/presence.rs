//! `GET /v1/presence`, and who hears that somebody came or went.

use std::thread;

use pollgate_testkit::{Builder, User, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scrape::{LIMIT, Scrape, until};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, assert_problem, world, world_with};

/// Whoever stops polling is offline soon.
fn hasty(builder: Builder) -> Builder {
    builder.env("POLLGATE_POLL__LINGER_MS", "200").env("POLLGATE_PRESENCE__OFFLINE_AFTER_MS", "300")
}

fn ask(user: &User, query: &str) -> Value {
    let answer = user.get(&format!("/v1/presence?{query}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["users"].clone()
}

/// Waits until somebody is online, or not, for this user; since when.
fn until_online(user: &User, of: &str, online: bool) -> String {
    let mut found = Value::Null;
    eventually(&format!("{of} online: {online}"), LIMIT, || {
        found = ask(user, &format!("user={of}"))[0].clone();
        found["online"] == online && !found["since"].is_null()
    });
    found["since"].as_str().unwrap().to_owned()
}

/// Polls until that is seen: who is [`hasty`] may be offline before somebody has looked. Since when.
fn until_come(bob: &User, watcher: &User) -> String {
    let mut found = Value::Null;
    eventually("bob is online", LIMIT, || {
        bob.poll("cursor=&wait=0");
        found = ask(watcher, "user=bob")[0].clone();
        found["online"] == true && !found["since"].is_null()
    });
    found["since"].as_str().unwrap().to_owned()
}

fn unseen(user: &str) -> Value {
    json!({"user": user, "online": false, "since": null})
}

#[rstest]
fn one_is_online_while_one_polls_and_a_while_after(#[values(Embedded, Production)] pair: Pair) {
    let world = world_with(pair, hasty);
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    ann.send("bob", "hi");
    assert_eq!(ask(&ann, "user=bob&user=ann&user=bob"), json!([unseen("bob"), unseen("ann")]));
    let came = until_come(&bob, &ann);
    let went = until_online(&ann, "bob", false);
    let back = until_come(&bob, &ann);
    // all of one length, so they compare as texts
    assert!(came.ends_with('Z') && came.len() == 24 && came < went && went < back, "{came} {went} {back}");
}

#[rstest]
fn one_sees_those_one_shares_a_room_with_and_an_application_sees_all(
    #[values(Embedded, Production)] pair: Pair,
) {
    let world = world(pair);
    let (ann, bob, eve) = (world.user("ann"), world.user("bob"), world.user("eve"));
    ann.send("bob", "hi");
    for user in [&bob, &eve] {
        user.poll("cursor=&wait=0");
    }
    until_online(&ann, "bob", true);
    let shop = world.user_with("shop", "publish");
    until_online(&shop, "eve", true);
    until_online(&eve, "eve", true);
    assert_eq!(ask(&ann, "user=eve"), json!([unseen("eve")]), "as if never seen");
    assert_eq!(ask(&eve, "user=bob&user=nobody"), json!([unseen("bob"), unseen("nobody")]));
    let all = ask(&world.user_with("op", "operator"), "user=eve&user=bob&user=joe");
    let online: Vec<_> = all.as_array().unwrap().iter().map(|one| one["online"].clone()).collect();
    assert_eq!(online, [true, true, false]);
}

#[rstest]
fn a_question_that_makes_no_sense_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let world = world(pair);
    let ann = world.user("ann");
    let many = |count: usize| (0..count).map(|n| format!("user={n}")).collect::<Vec<_>>().join("&");
    assert_eq!(ask(&ann, &many(100)).as_array().unwrap().len(), 100);
    for bad in ["", &many(101), "user=", "user=a&who=b", "user=a%00b", &format!("user={}", "x".repeat(129))] {
        assert_problem(&ann.get(&format!("/v1/presence?{bad}")), 400, "invalid-request");
    }
    assert_problem(&world.anybody(None).get("/v1/presence?user=ann"), 401, "unauthenticated");
    assert_problem(&ann.post("/v1/presence", &json!({})), 405, "method-not-allowed");
    for bad in ["presence=maybe", "presence=", "presence=true&presence=true"] {
        assert_problem(&ann.poll(&format!("wait=0&{bad}")), 400, "invalid-request");
    }
    assert_eq!(ann.poll("wait=0&presence=false").status, 200);
}

/// Somebody who polls all the time until an event of type `last` comes; all that came.
fn listen(user: User, query: &'static str) -> thread::JoinHandle<Vec<Value>> {
    thread::spawn(move || {
        let (mut cursor, mut events) = (String::new(), Vec::<Value>::new());
        while events.iter().all(|event| event["type"] != "last") {
            let answer = user.poll(&format!("cursor={cursor}&wait=1{query}"));
            assert_eq!(answer.status, 200, "{answer:?}");
            events.extend(answer.json["events"].as_array().unwrap().iter().cloned());
            answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        }
        events
    })
}

/// What was heard of one user.
fn heard(events: &[Value], of: &str) -> Vec<Value> {
    let presence = events.iter().filter(|event| event["type"] == "presence");
    presence.map(|event| event["data"].clone()).filter(|data| data["user"] == of).collect()
}

/// Ends those who listen.
fn end(world: &World, users: &[&str]) {
    let last = json!({"to": users, "type": "last"});
    assert_eq!(world.user_with("shop", "publish").post("/v1/events", &last).status, 202);
}

#[rstest]
fn those_hear_who_share_a_room_and_asked_to(#[values(Embedded, Production)] pair: Pair) {
    let world = world_with(pair, hasty);
    let (ann, bob, cyd) = (world.user("ann"), world.user("bob"), world.user("cyd"));
    ann.send("bob", "hi");
    cyd.send("bob", "hi");
    let asked = listen(ann.clone(), "&presence=true");
    let silent = listen(cyd, "");
    let stranger = listen(world.user("eve"), "&presence=true");
    let op = world.user_with("op", "operator");
    for user in ["ann", "cyd", "eve"] {
        until_online(&op, user, true);
    }
    let came = until_come(&bob, &ann);
    let went = until_online(&ann, "bob", false);
    until(&world, "pollgate_presence_events_total{result=\"told\"}", 2.0);
    end(&world, &["ann", "cyd", "eve"]);
    let of_ann = asked.join().unwrap();
    let both = [
        json!({"user": "bob", "online": true, "since": came}),
        json!({"user": "bob", "online": false, "since": went}),
    ];
    assert_eq!(heard(&of_ann, "bob"), both);
    assert!(of_ann.iter().all(|event| event["type"] != "presence" || event.get("room").is_none()));
    for events in [silent.join().unwrap(), stranger.join().unwrap()] {
        assert!(events.iter().all(|event| event["type"] != "presence"), "{events:?}");
    }
    let scrape = Scrape::of(&world);
    assert!(scrape.value("pollgate_presence_changes_total{to=\"online\"}") > 3.5, "all four came");
    assert!(scrape.value("pollgate_presence_events_total{result=\"dropped\"}") < 0.5);
}

#[rstest]
fn a_session_that_does_not_ask_any_more_is_told_no_more(#[values(Embedded, Production)] pair: Pair) {
    let world = world_with(pair, |builder| hasty(builder).env("POLLGATE_POLL__HOLD_MS", "1000"));
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    ann.send("bob", "hi");
    assert_eq!(ann.poll("cursor=&wait=0&presence=true").status, 200);
    let listening = listen(ann.clone(), "");
    // until her question has run out, and that is written, she hears of bob now and then
    let mut before = told(&world);
    eventually("bob comes and goes, and nobody hears", LIMIT, || {
        until_come(&bob, &ann);
        until_online(&ann, "bob", false);
        std::mem::replace(&mut before, told(&world)) == told(&world)
    });
    end(&world, &["ann"]);
    let heard = heard(&listening.join().unwrap(), "bob").len();
    assert!(heard as u64 <= before, "{heard} of {before}");
    assert_eq!(ask(&ann, "user=ann")[0]["online"], true, "she has been there all the time");
}

fn told(world: &World) -> u64 {
    Scrape::of(world).value("pollgate_presence_events_total{result=\"told\"}") as u64
}

#[rstest]
fn in_a_room_that_is_too_large_nobody_is_told_and_all_may_ask(#[values(Embedded, Production)] pair: Pair) {
    let world = world_with(pair, |builder| hasty(builder).env("POLLGATE_LIMITS__SIGNAL_MEMBERS", "1"));
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    ann.send("bob", "hi");
    let listening = listen(ann.clone(), "&presence=true");
    until_online(&ann, "ann", true);
    until_come(&bob, &ann);
    until_online(&ann, "bob", false);
    end(&world, &["ann"]);
    assert_eq!(heard(&listening.join().unwrap(), "bob"), Vec::<Value>::new());
}

#[test]
fn the_users_of_a_killed_gateway_are_offline_some_time_after_it_starts_again() {
    let mut world = world_with(Embedded, hasty);
    world.user("ann").send("bob", "hi");
    world.user("bob").poll("cursor=&wait=0");
    let came = until_online(&world.user("ann"), "bob", true);
    world.gateway.kill();
    world.gateway.start_again();
    let went = until_online(&world.user("ann"), "bob", false);
    assert!(went > came);
    until(&world, "pollgate_presence_changes_total{to=\"offline\"}", 1.0);
}
