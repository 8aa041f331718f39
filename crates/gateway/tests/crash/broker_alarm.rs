//! RabbitMQ runs out of memory and blocks whoever publishes.

use pollgate_testkit::{Gateway, RabbitNode, eventually};

use crate::world::{Crew, LIMIT, gateway, on_broker, until_readiness};

/// Sends to somebody who does not read, until so many wait in the broker.
fn queue_for(gateway: &Gateway, user: &str, many: u64) {
    let eve = gateway.user("eve");
    for n in 0..many {
        assert_eq!(eve.send(user, &n.to_string()).status, 201);
    }
    let operator = eve.operator();
    eventually("they wait in the broker", LIMIT, || {
        let depth = operator.get(&format!("/v1/mailboxes?user={user}"));
        depth.json["mailboxes"][0]["ready"].as_u64() >= Some(many)
    });
}

/// The alarm begins with publications in flight: sends are accepted, what is queued is delivered to who comes for it,
/// readiness names the alarm and stays, and after it everything comes without anybody's help.
#[test]
fn a_memory_alarm_under_load_delays_and_loses_nothing() {
    let node = RabbitNode::start();
    let (_schema, backends) = on_broker(&node.url());
    let gateway = gateway(backends).env("POLLGATE_BROKER__TIMEOUT_MS", "2000").start();
    queue_for(&gateway, "zoe", 5);
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.sender(gateway.user("eve"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(50);
    for _ in 0..2 {
        node.raise_alarm();
        until_readiness(&gateway, 200, "broker", "blocked");
        crew.until_accepted(50);
        let queued = gateway.user("zoe").poll("cursor=&wait=5");
        let messages = queued.json["events"].as_array().unwrap().iter();
        assert_eq!(messages.filter(|e| e["type"] == "message.created").count(), 5, "{queued:?}");
        node.end_alarm();
        until_readiness(&gateway, 200, "broker", "up");
        crew.until_accepted(50);
    }
    crew.ends_well();
}

/// The alarm is on when the gateway is told to end: it ends with success, and the next one publishes what is left.
#[test]
fn a_gateway_that_ends_during_an_alarm_leaves_the_rest_to_the_next() {
    let node = RabbitNode::start();
    let (_schema, backends) = on_broker(&node.url());
    let mut gateway = gateway(backends).env("POLLGATE_HTTP__GRACE_MS", "3000").start();
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(20);
    node.raise_alarm();
    until_readiness(&gateway, 200, "broker", "blocked");
    crew.until_accepted(20);
    let status = gateway.terminate();
    assert!(status.success(), "{status:?}: {}", gateway.log());
    node.end_alarm();
    gateway.start_again();
    crew.ends_well();
}
