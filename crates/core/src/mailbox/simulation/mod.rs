//! Several gateways, one broker and their clients in one thread, on a clock of their own, from a seed.
//!
//! The mailboxes are the real ones; broker and network are simulated: every step takes its time, requests get lost,
//! connections are cut, gateways die, are drained and come back, answers get lost on their way to the client.
//! What must hold whatever happens is checked in [`story`]; a story that breaks it names its seed, and
//! `POLLGATE_TEST_SIMULATION_SEED` tells exactly that story again. `POLLGATE_TEST_SIMULATION_SECONDS` sets how long new ones
//! are told; `scripts/simulate` does so for minutes.
//!
//! | module | holds |
//! | --- | --- |
//! | `world` | the broker: queues, consumers, what is unacked |
//! | `line` | one gateway's way to the broker, as a [`pollgate_broker::Broker`] |
//! | `wire` | what is on the way between the two |
//! | `gateway` | a gateway that can die and come back |
//! | `client` | a loop of polls and its diary |
//! | `streaming` | the same client, reading by a stream for a while |
//! | `story` | what happens, and what must hold in the end |

mod client;
mod gateway;
mod line;
mod story;
mod streaming;
mod wire;
mod world;

use std::time::{Duration, Instant};

use story::{Faults, tell};

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Tells stories until the time is up; one story when its seed is given.
fn tell_many(faults: Faults) {
    if let Some(seed) = number("POLLGATE_TEST_SIMULATION_SEED") {
        return drop(tell(seed, faults));
    }
    let time = Duration::from_secs(number("POLLGATE_TEST_SIMULATION_SECONDS").unwrap_or(20));
    let (start, mut told, mut events) = (Instant::now(), 0_u64, 0_usize);
    while start.elapsed() < time || told < 10 {
        let seed = rand::random();
        events += tell(seed, faults).events;
        told += 1;
    }
    println!("{told} stories, {events} events delivered");
}

/// Nothing fails; only answers get lost on their way to the client.
#[test]
fn between_healthy_gateways_nothing_is_lost_and_order_is_kept() {
    tell_many(Faults::NONE);
}

/// Clients leave in the middle of polls, load their page again, and requests between gateways get lost or come late.
#[test]
fn nothing_is_lost_when_clients_leave_and_gateways_do_not_hear_each_other() {
    tell_many(Faults::OF_CLIENTS);
}

/// All of that; and connections to the broker are cut, gateways die, drain and come back.
#[test]
fn nothing_is_lost_when_gateways_die_and_connections_break() {
    tell_many(Faults::ALL);
}

#[test]
fn a_seed_tells_the_same_story_again() {
    for seed in 0..5 {
        let (first, second) = (tell(seed, Faults::ALL), tell(seed, Faults::ALL));
        assert_eq!(first, second, "seed {seed}");
    }
}
