//! Logs: a span for each stage, and nothing that nobody may read.

use std::time::Duration;

use rstest::rstest;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{bodies, cursor, world_with};

#[rstest]
fn every_stage_is_a_span_and_neither_token_nor_text_is_logged(#[values(Embedded, Production)] pair: Pair) {
    let directives = "info,pollgate=debug,pollgate_core=debug,pollgate_store=debug,pollgate_broker=debug";
    let gateway = world_with(pair, |builder| {
        builder.env("POLLGATE_LOG__LEVEL", directives).env("POLLGATE_LOG__SLOW_MS", "0")
    });
    let bob = gateway.user("bob");
    gateway.user("ann").send("bob", "unspeakable");
    let mut polled = bob.poll(&format!("cursor=&wait=5&token={}", gateway.token("bob")));
    while bodies(&polled).is_empty() {
        polled = bob.poll(&format!("cursor={}&wait=5", cursor(&polled)));
    }
    pollgate_testkit::eventually("every stage has said how long it took", Duration::from_secs(10), || {
        let log = gateway.log();
        let ended = |stage: &str| {
            log.lines()
                .any(|line| line.contains("time.busy") && line.contains(&format!("\"name\":\"{stage}\"")))
        };
        ["accept", "commit", "publish", "deliver"].into_iter().all(ended)
    });
    let log = gateway.log();
    // everything is slower than nothing, and of many slow ones a line a second speaks
    assert!(log.contains("slow stage: commit took"), "a slow stage does not stand out");
    assert!(!log.contains("unspeakable"), "a text in the log");
    assert!(!log.contains("returned_messages"), "the AMQP client logs what came back");
    assert!(!log.contains(&gateway.token("bob")) && !log.contains("eyJ"), "a token in the log");
}
