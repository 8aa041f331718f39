//! Alarms and purges with two gateways: each is told once, whoever finds it, and whoever dies.

use pollgate_testkit::{Gateway, eventually};
use serde_json::{Value, json};

use crate::world::{LIMIT, Pair, World};

fn world() -> World {
    World::with(Pair::Production, |_number, builder| {
        builder.env("POLLGATE_MAILBOX__ALARM_DEPTH", "20").env("POLLGATE_POLL__LINGER_MS", "200")
    })
}

fn fill(gateway: &Gateway, user: &str, events: usize) {
    let event = json!({"to": [user], "type": "news"});
    let batch = json!({"events": vec![event; events]});
    let answer = gateway.user_with("shop", "publish").post("/v1/events/batch", &batch);
    assert_eq!(answer.status, 202, "{answer:?}");
}

/// How often a message stands in the logs of both.
fn said(world: &World, message: &str) -> usize {
    let count = |number: usize| {
        let log = world.gateway(number).log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["fields"]["message"] == message).count()
    };
    count(0) + count(1)
}

fn alarms(gateway: &Gateway) -> usize {
    let answer = gateway.user_with("op", "operator").get("/v1/mailboxes");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["mailboxes"].as_array().unwrap().iter().filter(|row| row["alarm"] == true).count()
}

fn drain(gateway: &Gateway, user: &str) {
    let user = gateway.user(user);
    let mut cursor = String::new();
    eventually("all is read", LIMIT, || {
        let answer = user.poll(&format!("wait=0&limit=1000&cursor={cursor}"));
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        answer.json["events"].as_array().unwrap().is_empty()
    });
}

/// Both publish to the same users, so both look at them.
#[test]
fn each_alarm_is_told_once_over_all_gateways() {
    let world = world();
    let users = ["u1", "u2", "u3", "u4"];
    for user in users {
        for number in 0..2 {
            fill(world.gateway(number), user, 15);
        }
    }
    eventually("both know of all alarms", LIMIT, || [0, 1].iter().all(|n| alarms(world.gateway(*n)) == 4));
    eventually("they were told", LIMIT, || said(&world, "a mailbox is too deep") == 4);
    for (number, user) in users.iter().enumerate() {
        drain(world.gateway(number), user);
    }
    eventually("their ends were told", LIMIT, || said(&world, "a mailbox is no longer too deep") == 4);
    assert_eq!(said(&world, "a mailbox is too deep"), 4);
}

/// The gateway that found it, and to which all was published, is gone; the other one sees to it.
#[test]
fn an_alarm_ends_also_when_the_gateway_that_found_it_is_gone() {
    let mut world = world();
    fill(world.gateway(0), "bob", 30);
    eventually("it is told", LIMIT, || said(&world, "a mailbox is too deep") == 1);
    world.kill(0);
    assert_eq!(alarms(world.gateway(1)), 1);
    drain(world.gateway(1), "bob");
    eventually("its end is told", LIMIT, || said(&world, "a mailbox is no longer too deep") == 1);
    assert_eq!(alarms(world.gateway(1)), 0);
}

/// Purged at one gateway, made again by an event, read at the other: the reader is told, there too.
#[test]
fn a_purge_at_one_gateway_is_told_at_the_other() {
    let world = world();
    let bob = world.gateway(1).user("bob");
    let mut cursor = bob.poll("cursor=&wait=0").json["cursor"].as_str().unwrap().to_owned();
    fill(world.gateway(0), "bob", 5);
    let operator = world.gateway(0).user_with("op", "operator");
    eventually("all wait there", LIMIT, || operator.get("/v1/mailboxes?user=bob").json["total_ready"] == 5);
    assert_eq!(operator.delete("/v1/mailboxes/bob").status, 204);
    fill(world.gateway(0), "bob", 1);
    eventually("it is made again", LIMIT, || operator.get("/v1/mailboxes?user=bob").json["total_ready"] == 1);
    eventually("the reader is told", LIMIT, || {
        let answer = bob.poll(&format!("wait=0&cursor={cursor}"));
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        answer.json["resync"] == true
    });
}
