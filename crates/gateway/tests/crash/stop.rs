//! The gateway is told to end, in bad company.

use std::thread;
use std::time::{Duration, Instant};

use pollgate_testkit::{PgCluster, RabbitNode, rabbitmq_url};

use crate::clients::{half_a_body, half_a_head, never_reads};
use crate::world::{Crew, gateway, on, on_broker, production, until_held, until_readiness};

/// What the tests give a gateway to end.
const GRACE_MS: &str = "5000";
/// Twice that, for a busy machine; each thing that hangs would take longer by itself.
const SOON: Duration = Duration::from_secs(10);

/// Under load, with a half-posted body, half a head and a client that never reads, the broker just gone.
#[test]
fn sigterm_under_load_in_bad_company_ends_within_its_grace_and_loses_nothing() {
    let mut node = RabbitNode::start();
    let (_schema, backends) = on_broker(&node.url());
    let mut gateway = gateway(backends).env("POLLGATE_HTTP__GRACE_MS", GRACE_MS).start();
    let deaf = never_reads(&gateway, "deaf");
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.sender(gateway.user("eve"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(50);
    let (body, head) = (half_a_body(&gateway.user("zoe")), half_a_head(&gateway.user("zoe")));
    node.kill();
    crew.until_accepted(20);
    let begun = Instant::now();
    let status = gateway.terminate();
    println!("ended after {:?}", begun.elapsed());
    assert!(status.success(), "{status:?}: {}", gateway.log());
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    drop((deaf, body, head));
    node.start_again();
    gateway.start_again();
    crew.ends_well();
}

/// The database hangs when the gateway is told to end: it ends all the same, and the next one has everything.
#[test]
fn sigterm_before_a_database_that_hangs_ends_within_its_grace() {
    let cluster = PgCluster::start();
    let mut gateway = gateway(on(&cluster.url(), &rabbitmq_url()))
        .env("POLLGATE_STORE__STATEMENT_TIMEOUT_MS", "3000")
        .env("POLLGATE_STORE__ACQUIRE_TIMEOUT_MS", "60000") // readiness does not wait for that
        .env("POLLGATE_HTTP__GRACE_MS", GRACE_MS)
        .start();
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(50);
    cluster.pause();
    until_readiness(&gateway, 503, "store", "away");
    let begun = Instant::now();
    let status = gateway.terminate();
    println!("ended after {:?}", begun.elapsed());
    assert!(status.success(), "{status:?}: {}", gateway.log());
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    cluster.resume();
    gateway.start_again();
    crew.ends_well();
}

/// Three hundred held polls are answered one after the other and not all at once, each with advice of its own.
#[test]
fn a_drain_is_no_stampede() {
    const HELD: usize = 300;
    let (_schema, backends) = production();
    let mut gateway = gateway(backends).env("POLLGATE_POLL__HOLD_MS", "60000").start();
    let polls: Vec<_> = (0..HELD)
        .map(|n| {
            let user = gateway.user(&format!("user{n}"));
            thread::spawn(move || {
                let answer = user.poll("cursor=&wait=60");
                (Instant::now(), answer.json["pause_ms"].as_u64().unwrap())
            })
        })
        .collect();
    for n in 0..HELD {
        until_held(&gateway, &format!("user{n}"));
    }
    let status = gateway.terminate();
    let answers: Vec<_> = polls.into_iter().map(|poll| poll.join().unwrap()).collect();
    assert!(status.success(), "{status:?}");
    let first = answers.iter().map(|(at, _)| *at).min().unwrap();
    let last = answers.iter().map(|(at, _)| *at).max().unwrap();
    println!("answered over {:?}", last - first);
    assert!(last - first > Duration::from_millis(500), "all at once: {:?}", last - first);
    assert!(answers.iter().all(|(_, pause)| *pause > 0), "somebody was sent away without advice");
    let mut pauses: Vec<_> = answers.iter().map(|(_, pause)| *pause).collect();
    pauses.sort_unstable();
    pauses.dedup();
    assert!(pauses.len() > 10, "the same advice for all: {pauses:?}");
}
