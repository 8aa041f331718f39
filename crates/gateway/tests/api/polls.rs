//! `GET /v1/poll`.

use std::time::{Duration, Instant};

use rstest::rstest;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, bodies, cursor, world, world_with};

#[rstest]
fn a_poll_with_nothing_at_hand_is_held_and_answered_empty(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let started = Instant::now();
    let polled = gateway.user("bob").poll("cursor=&wait=1");
    assert!(started.elapsed() >= Duration::from_millis(900));
    assert_eq!(polled.status, 200);
    assert_eq!(polled.json["events"].as_array().unwrap().len(), 0);
    assert_eq!(polled.json["resync"], false);
    assert_eq!(polled.json["more"], false);
    assert_eq!(polled.json["pause_ms"], 0);
    assert_eq!(polled.header("cache-control"), Some("no-store"));
    assert_eq!(polled.header("content-type"), Some("application/json; charset=utf-8"));
}

#[rstest]
fn a_held_poll_is_answered_on_arrival(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let first = gateway.user("bob").poll("cursor=&wait=0");
    let held = {
        let (bob, cursor) = (gateway.user("bob"), cursor(&first).to_owned());
        std::thread::spawn(move || bob.poll(&format!("cursor={cursor}&wait=5.5")))
    };
    gateway.user("ann").send("bob", "hi");
    let polled = held.join().unwrap();
    assert!(!polled.json["events"].as_array().unwrap().is_empty(), "{polled:?}");
}

#[rstest]
fn an_event_comes_again_until_its_cursor_does(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let bob = gateway.user("bob");
    gateway.user("ann").send("bob", "hi");
    let mut first = bob.poll("cursor=&wait=5");
    while bodies(&first).is_empty() {
        first = bob.poll("cursor=&wait=5");
    }
    let again = bob.poll("cursor=&wait=5");
    assert_eq!(again.json["events"], first.json["events"]);
    let on = bob.poll(&format!("cursor={}&wait=0", cursor(&again)));
    assert_eq!(bodies(&on).len(), 0);
}

#[rstest]
fn when_everything_is_confirmed_the_poll_is_held_again(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let bob = gateway.user("bob");
    gateway.user("ann").send("bob", "hi");
    let mut polled = bob.poll("cursor=&wait=5");
    while bodies(&polled).is_empty() {
        polled = bob.poll(&format!("cursor={}&wait=5", cursor(&polled)));
    }
    let started = Instant::now();
    let held = bob.poll(&format!("cursor={}&wait=1", cursor(&polled)));
    assert_eq!(held.json["events"].as_array().unwrap().len(), 0);
    assert!(started.elapsed() >= Duration::from_millis(900), "answered without news");
}

#[rstest]
fn a_simple_loop_gets_each_event_once(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let bob = gateway.user("bob");
    bob.poll("wait=0");
    for n in 0..3 {
        gateway.user("ann").send("bob", &n.to_string());
    }
    let mut texts = Vec::new();
    while texts.len() < 3 {
        let polled = bob.poll("wait=5");
        texts.extend(bodies(&polled));
    }
    assert_eq!(texts, ["0", "1", "2"]);
    assert_eq!(bodies(&bob.poll("wait=0")).len(), 0);
}

#[rstest]
fn a_second_cursor_poll_supersedes_the_first(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let first = gateway.user("bob").poll("cursor=&wait=0");
    let cursor = cursor(&first).to_owned();
    let held: Vec<_> = (0..2)
        .map(|_| {
            let (bob, cursor) = (gateway.user("bob"), cursor.clone());
            std::thread::spawn(move || bob.poll(&format!("cursor={cursor}&wait=2")))
        })
        .collect();
    let mut answers: Vec<_> = held.into_iter().map(|poll| poll.join().unwrap()).collect();
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].status, 200, "{answers:?}");
    assert_problem(&answers[1], 409, "superseded");
}

#[rstest]
fn a_backlog_comes_in_one_answer_unless_a_limit_cuts_it(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    for n in 0..20 {
        ann.send("bob", &n.to_string());
    }
    pollgate_testkit::eventually("all of it waits", Duration::from_secs(20), || {
        let depth = gateway.user_with("op", "operator").get("/v1/mailboxes?user=bob");
        depth.json["total_ready"].as_u64() == Some(21)
    });
    let cut = bob.poll("cursor=&wait=5&limit=5");
    assert_eq!(cut.json["events"].as_array().unwrap().len(), 5);
    assert_eq!(cut.json["more"], true);
    let rest = bob.poll(&format!("cursor={}&wait=5", cursor(&cut)));
    assert_eq!(rest.json["events"].as_array().unwrap().len(), 16, "{rest:?}");
    assert_eq!(rest.json["more"], false);
}

#[rstest]
fn a_client_that_leaves_frees_its_seat_at_once(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__HELD_POLLS_PER_USER", "1"));
    let bob = gateway.user("bob");
    bob.poll("cursor=&wait=0");
    for _ in 0..5 {
        bob.start_poll_and_leave("wait=5.5");
    }
    pollgate_testkit::eventually("the seat is free", Duration::from_secs(3), || {
        bob.poll("wait=0").status == 200
    });
}

#[rstest]
fn held_polls_of_one_user_are_bounded(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__HELD_POLLS_PER_USER", "2"));
    let held: Vec<_> = (0..4)
        .map(|_| {
            let bob = gateway.user("bob");
            std::thread::spawn(move || bob.poll("wait=2"))
        })
        .collect();
    let mut answers: Vec<_> = held.into_iter().map(|poll| poll.join().unwrap()).collect();
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 2, "{answers:?}");
    assert_problem(&answers[3], 429, "throttled");
}

#[rstest]
fn prefer_wait_is_honoured_and_said(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let started = Instant::now();
    let polled = gateway.user("bob").get_with("/v1/poll?cursor=", &[("prefer", "respond-async, wait=1")]);
    assert_eq!(polled.header("preference-applied"), Some("wait=1"));
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[rstest]
fn a_bad_query_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let bob = gateway.user("bob");
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "wait=-1",
        "wait=x",
        "wait=NaN",
        "cursor=nonsense",
        "session=",
        "unknown=1",
        "wait=1&wait=2",
        "session=a%00b",
    ] {
        assert_problem(&bob.poll(bad), 400, "invalid-request");
    }
    assert_eq!(bob.poll("cursor=&wait=0&limit=1000").status, 200);
    assert_eq!(bob.poll("cursor=&wait=1e99&limit=1&session=x").status, 200, "cut to the most, not refused");
}

#[rstest]
fn a_well_formed_cursor_of_long_ago_means_resync(#[values(Embedded, Production)] pair: Pair) {
    // of another process, and of a mailbox that has never been here
    let foreign = world(pair);
    let cursor_of_elsewhere = cursor(&foreign.user("bob").poll("cursor=&session=s&wait=0")).to_owned();
    let gateway = world(pair);
    let bob = gateway.user("bob");
    let told = bob.poll(&format!("cursor={cursor_of_elsewhere}&session=s&wait=5"));
    assert_eq!((told.status, &told.json["resync"]), (200, &serde_json::json!(true)));
    let heard = bob.poll(&format!("cursor={}&session=s&wait=0", cursor(&told)));
    assert_eq!(heard.json["resync"], false);
}
