//! Held polls, attended mailboxes, bytes of an answer.

use pollgate_testkit::eventually;
use rstest::rstest;

use super::{assert_refused, hold};
use crate::scrape::{LIMIT, Scrape, until_used};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::world_with;

#[rstest]
fn held_polls_of_one_user(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder.env("POLLGATE_LIMITS__HELD_POLLS_PER_USER", "2").env("POLLGATE_POLL__HOLD_MS", "60000")
    });
    let held = [hold(&gateway, "bob"), hold(&gateway, "bob")];
    until_used(&gateway, "held_polls_per_user", 2.0);
    let bob = gateway.user("bob");
    let problem = (429, "throttled", "at most 2 polls may be held for one user");
    assert_refused(&gateway, "held_polls_per_user", problem, || bob.poll("wait=0"));
    assert_eq!(gateway.user("ann").poll("wait=0").status, 200, "others are not meant");
    drop(held);
    eventually("bob polls again", LIMIT, || bob.poll("wait=0").status == 200);
    until_used(&gateway, "held_polls_per_user", 0.0);
}

#[rstest]
fn held_polls_in_all(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder.env("POLLGATE_LIMITS__HELD_POLLS", "3").env("POLLGATE_POLL__HOLD_MS", "60000")
    });
    let held = ["ann", "bob", "eve"].map(|user| hold(&gateway, user));
    until_used(&gateway, "held_polls", 3.0);
    let fourth = gateway.user("dan");
    let problem = (503, "overloaded", "held polls");
    assert_refused(&gateway, "held_polls", problem, || fourth.poll("wait=0"));
    drop(held);
    eventually("a fourth polls", LIMIT, || fourth.poll("wait=0").status == 200);
    until_used(&gateway, "held_polls", 0.0);
}

#[rstest]
fn mailboxes_attended(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder
            .env("POLLGATE_LIMITS__MAILBOXES", "2")
            .env("POLLGATE_POLL__LINGER_MS", "300")
            .env("POLLGATE_POLL__HOLD_MS", "60000")
    });
    let held = ["ann", "bob"].map(|user| hold(&gateway, user));
    until_used(&gateway, "mailboxes", 2.0);
    let third = gateway.user("eve");
    let problem = (503, "overloaded", "mailboxes");
    assert_refused(&gateway, "mailboxes", problem, || third.poll("wait=0"));
    drop(held);
    eventually("a third is attended", LIMIT, || third.poll("wait=0").status == 200);
    until_used(&gateway, "mailboxes", 0.0);
}

#[rstest]
fn bytes_of_an_answer(#[values(Embedded, Production)] pair: Pair) {
    const MOST: usize = 1 << 20;
    const TEXT: usize = 60 << 10;
    let gateway = world_with(pair, |builder| builder);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    for _ in 0..30 {
        assert_eq!(ann.send("bob", &"x".repeat(TEXT)).status, 201);
    }
    // nothing is confirmed, so each answer holds what the one before held, and what came since
    let mut cut = bob.poll("cursor=&wait=0&limit=1000");
    eventually("an answer is cut", LIMIT, || {
        cut = bob.poll("cursor=&wait=1&limit=1000");
        cut.json["more"] == true
    });
    let around = r#"{"events":[],"cursor":"","resync":false,"more":false,"pause_ms":0}"#.len() + 200;
    let length = cut.body().len();
    assert!((MOST - 2 * TEXT..MOST + around).contains(&length), "{length} bytes");
    let refused = "pollgate_limit_refused_total{limit=\"most_bytes\"}";
    assert!(Scrape::of(&gateway).value(refused) >= 1.0);
    assert_eq!(crate::world::events(&bob, "", 31).len(), 31, "the rest follows");
}

#[rstest]
fn sessions_of_one_user(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__SESSIONS_PER_USER", "2"));
    let bob = gateway.user("bob");
    for session in ["one", "two", "one"] {
        assert_eq!(bob.poll(&format!("session={session}&cursor=&wait=0")).status, 200);
    }
    let third = bob.poll("session=three&cursor=&wait=0");
    crate::world::assert_problem(&third, 429, "throttled");
    assert_eq!(bob.poll("cursor=&wait=0").status, 200, "the main mailbox is no session");
    assert_eq!(gateway.user("ann").poll("session=three&cursor=&wait=0").status, 200, "others are not meant");
}
