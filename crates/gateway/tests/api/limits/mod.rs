//! Every bound, filled over HTTP: the right refusal, its metric, and a gateway that works again afterwards.

mod attachments;
mod connections;
mod outbox;
mod polls;
mod readers;
mod refusals;
mod store;

use std::collections::BTreeSet;

use pollgate_testkit::{Answer, Gateway, TcpProxy, rabbitmq_url};

use crate::scrape::Scrape;
use crate::wire::Wire;
use crate::world::assert_problem;

/// Enough refusals for their times to differ: that all of them fall together by chance is 1 in 4^23.
const REFUSALS: usize = 24;

/// A poll that is held until this is dropped.
fn hold(gateway: &Gateway, user: &str) -> Wire {
    let mut wire = Wire::to(gateway);
    wire.ask("GET", "/v1/poll?wait=60", &gateway.token(user), b"");
    wire
}

/// Refused again and again: always with this status, code and name, never always with the same `Retry-After`, and
/// counted each time.
#[track_caller]
fn assert_refused(
    gateway: &Gateway,
    limit: &str,
    (status, code, named): (u16, &str, &str),
    again: impl Fn() -> Answer,
) {
    let before = Scrape::of(gateway).limit(limit)[2];
    let mut times = BTreeSet::new();
    for _ in 0..REFUSALS {
        let refused = again();
        assert_problem(&refused, status, code);
        assert!(refused.json["detail"].as_str().unwrap().contains(named), "{refused:?}");
        let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&seconds), "{refused:?}");
        times.insert(seconds);
    }
    assert!(times.len() > 1, "no jitter: always {times:?} s");
    let after = Scrape::of(gateway).limit(limit)[2];
    assert!(after >= before + REFUSALS as f64, "{limit}: {before}, then {after}");
}

/// The tests' RabbitMQ behind a proxy that can be cut; and the URL that leads through it.
pub(crate) fn proxied_rabbitmq() -> (TcpProxy, String) {
    let url = rabbitmq_url();
    let (_login, place) = url.split_once('@').unwrap();
    let (address, _vhost) = place.split_once('/').unwrap();
    let proxy = TcpProxy::start(address);
    let through = url.replace(address, &format!("127.0.0.1:{}", proxy.port()));
    (proxy, through)
}
