//! What refusing costs: no memory that stays.

use std::fs;
use std::io::Write as _;

use pollgate_testkit::Gateway;

use crate::scrape::{LIMIT, Scrape, until_used};
use crate::wire::Wire;
use crate::world::Pair::Embedded;
use crate::world::world_with;

const MIB: usize = 1 << 20;

/// What the gateway's process has in memory, in bytes.
fn resident(gateway: &Gateway) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// Grows by less than `slack` over these rounds. Some go before: buffers and threads that stay are made once, and the
/// allocator keeps what the largest crowd needed.
#[track_caller]
fn assert_flat(gateway: &Gateway, slack: usize, warming: usize, rounds: usize, mut round: impl FnMut()) {
    (0..warming).for_each(|_| round());
    let before = resident(gateway);
    (0..rounds).for_each(|_| round());
    let after = resident(gateway);
    assert!(after < before + slack, "{} MiB, then {} MiB", before / MIB, after / MIB);
}

/// 20,000 sends of 4 KiB: a leak of their bodies would be 80 MiB.
#[test]
fn refused_sends_stay_in_no_memory() {
    const EACH: usize = 500;
    const ROUNDS: usize = 10;
    const WIRES: usize = 4;
    let gateway = world_with(Embedded, |builder| {
        builder
            .env("POLLGATE_LIMITS__OUTBOX_ROWS", "1")
            // a line for each refusal is not what is measured here
            .env("POLLGATE_LOG__LEVEL", "error,pollgate::start=info")
    });
    assert_eq!(gateway.user("ann").send("bob", "fills the outbox").status, 201);
    let token = gateway.token("ann");
    let body = format!(r#"{{"to":"bob","body":"{}"}}"#, "x".repeat(4096));
    let round = || {
        std::thread::scope(|scope| {
            for _ in 0..WIRES {
                scope.spawn(|| {
                    let mut wire = Wire::to(&gateway);
                    for _ in 0..EACH {
                        wire.ask("POST", "/v1/messages", &token, body.as_bytes());
                        assert_eq!(wire.reply().status, 503);
                    }
                });
            }
        });
    };
    assert_flat(&gateway, 32 * MIB, 2, ROUNDS, round);
    assert!(Scrape::of(&gateway).limit("outbox_rows")[2] >= (ROUNDS * EACH * WIRES) as f64);
}

/// 150 bodies a round, of which 256 KiB come and the end does not: a leak of them would be 300 MiB.
#[test]
fn bodies_that_never_end_stay_in_no_memory() {
    const WIRES: usize = 150;
    let gateway = world_with(Embedded, |builder| builder.env("POLLGATE_HTTP__BODY_TIMEOUT_MS", "1000"));
    let token = gateway.token("ann");
    let half = vec![b' '; 256 << 10];
    let round = || {
        let mut wires: Vec<Wire> = (0..WIRES).map(|_| Wire::to(&gateway)).collect();
        for wire in &mut wires {
            wire.ask_long("POST", "/v1/messages", &token, 300 << 10, b"");
            // on a busy machine some are given up before all of it is sent
            drop(wire.stream.write_all(&half));
        }
        for wire in &mut wires {
            assert!(!wire.is_silent_for(LIMIT), "it is not given up");
        }
        drop(wires);
        until_used(&gateway, "most_connections", 0.0);
    };
    assert_flat(&gateway, 128 * MIB, 5, 8, round);
    let late = "pollgate_limit_refused_total{limit=\"body_timeout_ms\"}";
    assert!((Scrape::of(&gateway).value(late) - (13 * WIRES) as f64).abs() < 0.5);
}
