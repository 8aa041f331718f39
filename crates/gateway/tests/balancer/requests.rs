//! Sends and polls through the balancer while both gateways are well.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use pollgate_testkit::{User, eventually};
use serde_json::json;

use crate::world::{LIMIT, World, address};

/// Polls in a cursor loop until so many different events have come; the longest answer on the way.
fn poll_until(user: &User, wanted: usize) -> usize {
    let (mut came, mut cursor, mut longest) = (BTreeSet::new(), String::new(), 0);
    eventually(&format!("{wanted} events come"), LIMIT, || {
        let answer = user.poll(&format!("cursor={cursor}&wait=1&limit=1000"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let events = answer.json["events"].as_array().unwrap();
        came.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        cursor = answer.json["cursor"].as_str().unwrap().to_owned();
        longest = longest.max(answer.body().len());
        came.len() >= wanted
    });
    longest
}

#[test]
fn sends_and_polls_alternate_between_the_gateways_and_arrive() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    for n in 0..10 {
        let answer = ann.send("bob", &n.to_string());
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    poll_until(&bob, 10);
    for name in ["cid", "dan"] {
        assert_eq!(world.user(name).poll("wait=0").status, 200);
    }
    for gateway in [&world.a, &world.b] {
        let to = format!(" to={} ", address(gateway));
        eventually("both gateways have served both", LIMIT, || {
            let log = world.nginx.access_log();
            let served = |what: &str| log.iter().any(|line| line.contains(what) && line.contains(&to));
            served("POST /v1/messages 201") && served("GET /v1/poll 200")
        });
    }
}

#[test]
fn a_hold_runs_to_its_end() {
    let world = World::new();
    let polls = ["ann", "bob"].map(|name| {
        let user = world.user(name);
        thread::spawn(move || user.poll("cursor=&wait=5.5"))
    });
    for poll in polls {
        let answer = poll.join().unwrap();
        assert_eq!((answer.status, &answer.json["events"]), (200, &json!([])), "{answer:?}");
    }
}

#[test]
fn an_event_wakes_a_held_poll() {
    let world = World::with(|builder| builder.env("POLLGATE_POLL__HOLD_MS", "60000"));
    let bob = world.user("bob");
    let held = thread::spawn(move || bob.poll("cursor=&wait=60"));
    eventually("bob's poll is held", LIMIT, || world.is_attended("bob"));
    let sent = world.user("ann").send("bob", "wake up");
    assert_eq!(sent.status, 201, "{sent:?}");
    // a balancer that had waited for the end of the hold would have answered 504 before
    let answer = held.join().unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.json["events"].as_array().unwrap().is_empty(), "{answer:?}");
}

#[test]
fn a_client_that_leaves_ends_its_hold() {
    let world = World::with(|builder| {
        builder.env("POLLGATE_POLL__HOLD_MS", "60000").env("POLLGATE_LIMITS__HELD_POLLS_PER_USER", "1")
    });
    let mut client = TcpStream::connect(world.nginx.address()).unwrap();
    let token = world.a.token("bob");
    let request =
        format!("GET /v1/poll?wait=60 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    eventually("bob's poll is held", LIMIT, || world.is_attended("bob"));
    let full = |gateway: &pollgate_testkit::Gateway| gateway.user("bob").poll("wait=0").status == 429;
    let holder = if full(&world.a) { &world.a } else { &world.b };
    assert!(full(holder), "one of the two holds it");
    drop(client);
    // less than the balancer waits for an answer, which would end the hold as well
    eventually("bob may poll again", Duration::from_secs(20), || !full(holder));
    eventually("the balancer says so", LIMIT, || {
        world.nginx.access_log().iter().any(|line| line.contains("GET /v1/poll 499"))
    });
}

#[test]
fn the_largest_batch_and_the_largest_answers_pass() {
    const EVENTS: usize = 128;
    // a second gateway would share the events out
    let world = World::with_one_gateway();
    let shop = world.user_with("shop", "publish");
    let data = "x".repeat((8 << 20) / EVENTS - 64);
    let event = json!({"to": ["bob"], "type": "order.updated", "data": data});
    let batch = json!({"events": vec![event; EVENTS]}).to_string();
    assert!((8 << 20) - batch.len() < 64 << 10, "it is as large as may be: {}", batch.len());
    let answer = shop.post_raw("/v1/events/batch", "application/json", batch.as_bytes());
    assert_eq!(answer.status, 202, "{answer:?}");
    let longest = poll_until(&world.user("bob"), EVENTS);
    assert!(longest > 900 << 10, "the longest answer had {longest} bytes");

    // one that is larger is refused by the gateway, which says why, and not by the balancer
    let answer = shop.post_raw("/v1/events/batch", "application/json", &vec![b' '; (8 << 20) + 1]);
    assert_eq!((answer.status, &answer.json["code"]), (413, &json!("too-large")), "{answer:?}");
}
