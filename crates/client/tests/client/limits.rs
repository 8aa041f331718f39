//! 429 and 503 with `Retry-After`.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pollgate_client::{NewMessage, State};
use pollgate_testkit::{Gateway, eventually, eventually_async};

use crate::world::Pair::Embedded;
use crate::world::{LIMIT, next_body, send_all, texts, world_with};

#[tokio::test(flavor = "multi_thread")]
async fn throttled_sends_wait_as_they_are_told() {
    let world = world_with(Embedded, |builder| {
        builder.env("POLLGATE_THROTTLE__ENABLED", "true").env("POLLGATE_THROTTLE__MESSAGES", "3/s")
    });
    let token = world.gateways[0].token("eve");
    let eve = world.builder().token(token).deadline(Duration::ZERO).build().unwrap();
    let mut refused = None;
    for _ in 0..20 {
        refused = refused.or(eve.send(NewMessage::to("bob", "now")).await.err());
    }
    let refused = refused.expect("a send was throttled");
    assert_eq!((refused.status(), refused.code()), (Some(429), Some("throttled")));
    assert!(refused.retry_after() >= Some(Duration::from_secs(1)) && refused.is_transient(), "{refused:?}");
    assert!(refused.problem().unwrap().request_id.is_some());
    // with a deadline all of them arrive, and none twice
    let texts = texts(8);
    send_all(&world.client("ann"), &texts).await;
    let mut events = world.client("bob").events("");
    let mut came = Vec::new();
    while came.len() < texts.len() {
        let body = next_body(&mut events).await;
        if body != "now" {
            came.push(body);
        }
    }
    assert_eq!(came, texts);
}

/// Both limits: for one user (429), and in all (503).
async fn a_loop_waits_for_a_place(limit: &str, status: u16, others: [&str; 2]) {
    let world =
        world_with(Embedded, |builder| builder.env(limit, "2").env("POLLGATE_POLL__HOLD_MS", "60000"));
    let held = others.map(|user| hold(&world.gateways[0], user));
    let bob = world.client("bob");
    let name = limit.rsplit("__").next().unwrap().to_lowercase();
    let used = format!("pollgate_limit_used{{limit=\"{name}\"}} 2");
    eventually("both places are taken", LIMIT, || {
        let metrics = world.gateways[0].at_operator_address().get("/metrics");
        String::from_utf8_lossy(metrics.body()).lines().any(|line| line == used)
    });
    let states = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&states);
    let mut events = bob.events("phone").on_state(move |state| {
        noted.lock().unwrap().push((Instant::now(), state.clone()));
    });
    let reading = tokio::spawn(async move { next_body(&mut events).await });
    eventually_async("the loop waits", LIMIT, async || !states.lock().unwrap().is_empty()).await;
    drop(held);
    world.client("ann").send(NewMessage::to("bob", "hi")).await.unwrap();
    assert_eq!(reading.await.unwrap(), "hi");
    let states = states.lock().unwrap();
    let (at, State::Waiting { retry_in, reason }) = &states[0] else { panic!("{states:?}") };
    assert!(reason.contains(&status.to_string()), "{reason}");
    assert!(*retry_in >= Duration::from_secs(1), "Retry-After was not waited for: {retry_in:?}");
    assert!(states[1].0 - *at >= *retry_in, "{states:?}");
}

/// A poll that is held until this is dropped.
fn hold(gateway: &Gateway, user: &str) -> TcpStream {
    let mut held = TcpStream::connect(gateway.url().replace("http://", "")).unwrap();
    held.write_all(&gateway.user(user).bytes("GET", "/v1/poll?wait=60", &[], b"")).unwrap();
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_too_many_polls_waits_for_a_place() {
    a_loop_waits_for_a_place("POLLGATE_LIMITS__HELD_POLLS_PER_USER", 429, ["bob", "bob"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_too_many_polls_lets_loops_wait() {
    a_loop_waits_for_a_place("POLLGATE_LIMITS__HELD_POLLS", 503, ["eve", "joe"]).await;
}
