//! RabbitMQ is there and cannot be talked to: it hangs, its line hangs, is cut or slow, connections or queues are taken
//! away.

use std::time::Duration;

use pollgate_testkit::{Backends, Gateway, RabbitNode, TcpProxy, Vhost, eventually, rabbitmq_url};

use crate::world::{Crew, LIMIT, gateway, on_broker, until_readiness};

/// Notices a silent broker after some seconds.
fn watchful(backends: Backends) -> Gateway {
    gateway(backends)
        .env("POLLGATE_BROKER__HEARTBEAT_S", "2")
        .env("POLLGATE_BROKER__TIMEOUT_MS", "2000")
        .start()
}

/// Two senders, and a reader of both who has begun: every kind of connection to the broker is in use.
fn crew(gateway: &Gateway) -> Crew {
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.sender(gateway.user("eve"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(50);
    crew.until_nothing_is_missing();
    crew
}

/// Waits until the heartbeat has ended the connections that only listen.
fn until_silence_is_noticed(gateway: &Gateway) {
    eventually("silent connections are given up", LIMIT, || {
        let log = gateway.log();
        ["a consuming", "the management"]
            .iter()
            .all(|which| log.contains(&format!("{which} connection to RabbitMQ is lost")))
    });
}

/// A proxy before the machine's broker, and the URL through it.
fn line() -> (TcpProxy, String) {
    let url = rabbitmq_url();
    let (head, path) = url.rsplit_once('/').unwrap();
    let (head, target) = head.rsplit_once('@').unwrap();
    let proxy = TcpProxy::start(target);
    let through = format!("{head}@127.0.0.1:{}/{path}", proxy.port());
    (proxy, through)
}

/// Every process of the broker stands still for longer than its heartbeat, then goes on.
#[test]
fn a_broker_that_hangs_longer_than_its_heartbeat_loses_nothing() {
    let node = RabbitNode::start();
    let (_schema, backends) = on_broker(&node.url());
    let gateway = watchful(backends);
    let crew = crew(&gateway);
    node.pause();
    until_readiness(&gateway, 503, "broker", "away");
    until_silence_is_noticed(&gateway);
    crew.until_accepted(50); // the promise does not need the broker
    node.resume();
    until_readiness(&gateway, 200, "broker", "up");
    crew.ends_well();
}

/// The line to the broker takes everything and passes nothing on, both ways, until the gateway has noticed.
#[test]
fn a_black_hole_before_the_broker_loses_nothing() {
    let (mut proxy, url) = line();
    let (_schema, backends) = on_broker(&url);
    let gateway = watchful(backends);
    let crew = crew(&gateway);
    proxy.blackhole();
    until_readiness(&gateway, 503, "broker", "away");
    until_silence_is_noticed(&gateway);
    crew.until_accepted(50);
    proxy.heal();
    until_readiness(&gateway, 200, "broker", "up");
    crew.ends_well();
}

/// The line to the broker is cut under load, again and again, once for long enough to be noticed.
#[test]
fn a_line_to_the_broker_that_is_cut_loses_nothing() {
    let (mut proxy, url) = line();
    let (_schema, backends) = on_broker(&url);
    let gateway = watchful(backends);
    let crew = crew(&gateway);
    for _ in 0..3 {
        proxy.cut();
        proxy.heal();
        crew.until_accepted(50);
    }
    proxy.cut();
    until_readiness(&gateway, 503, "broker", "away");
    crew.until_accepted(50);
    proxy.heal();
    until_readiness(&gateway, 200, "broker", "up");
    crew.ends_well();
}

/// Every byte to and from the broker is 200 ms late: nobody is told that it is away, and all comes.
#[test]
fn a_slow_line_to_the_broker_loses_nothing() {
    let (proxy, url) = line();
    let (_schema, backends) = on_broker(&url);
    let gateway = gateway(backends).start();
    let mut crew = crew(&gateway);
    proxy.delay(Duration::from_millis(200));
    crew.reader(gateway.user("zoe"), "zoe"); // attaches over the slow line
    crew.sender(gateway.user("ann"), "zoe");
    crew.until_accepted(200);
    let (status, json) = gateway.readiness();
    assert_eq!((status, &json["broker"]), (200, &"up".into()));
    crew.ends_well();
}

/// An operator closes every connection, again and again, under load.
#[test]
fn connections_closed_by_force_again_and_again_lose_nothing() {
    let vhost = Vhost::create();
    let (_schema, backends) = on_broker(&vhost.url());
    let gateway = watchful(backends);
    let crew = crew(&gateway);
    for _ in 0..4 {
        vhost.close_connections();
        crew.until_accepted(20);
    }
    until_readiness(&gateway, 200, "broker", "up");
    crew.ends_well();
}

/// All queues are deleted under load, several times: readers are told, and with the history they have everything.
#[test]
fn queues_deleted_under_load_are_told_and_with_the_history_nothing_is_lost() {
    let vhost = Vhost::create();
    let (_schema, backends) = on_broker(&vhost.url());
    let gateway = watchful(backends);
    let crew = crew(&gateway);
    for _ in 0..4 {
        vhost.delete_queues();
        crew.until_accepted(50);
    }
    crew.until_nothing_is_missing();
    let ledger = crew.stop();
    assert!(ledger.resyncs() > 0, "nobody was told");
}
