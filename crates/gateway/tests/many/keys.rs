//! One `Idempotency-Key` is one publication, at however many gateways it is tried at once.

use std::thread;

use pollgate_testkit::{Answer, Gateway};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{LIMIT, World, all_events};

const ROUNDS: usize = 8;

fn publish(gateway: &Gateway, key: &str, data: &str) -> Answer {
    let event = json!({"to": ["bob"], "type": "order.updated", "data": data}).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    gateway.user_with("shop", "publish").request("POST", "/v1/events", &headers, event.as_bytes()).unwrap()
}

/// To bob came one event for each of these ids.
fn assert_came(world: &World, accepted: &[Value]) {
    let events = all_events(world, "bob");
    let mut came: Vec<_> = events.iter().map(|event| event["id"].as_str()).collect();
    let mut wanted: Vec<_> = accepted.iter().map(Value::as_str).collect();
    came.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(came, wanted);
}

/// Asks until the gateway reaches its database again.
fn accepted(gateway: &Gateway) -> Answer {
    let mut answer = publish(gateway, "\"k\"", "data");
    pollgate_testkit::eventually("the request is accepted", LIMIT, || {
        if answer.status == 503 {
            answer = publish(gateway, "\"k\"", "data");
        }
        answer.status != 503
    });
    assert_eq!(answer.status, 202, "{answer:?}");
    answer
}

/// Slow machines wait longer than the time-outs of a gateway.
fn patient(pair: Pair) -> World {
    World::with(pair, |_number, builder| builder.env("POLLGATE_STORE__STATEMENT_TIMEOUT_MS", "60000"))
}

#[rstest]
fn retries_at_once_are_one_publication(#[values(Embedded, Production)] pair: Pair) {
    let world = World::new(pair);
    let mut accepted = Vec::new();
    for round in 0..ROUNDS {
        let key = format!("\"round {round}\"");
        let answers = world.at_once(|gateway| {
            loop {
                let answer = publish(gateway, &key, &key);
                // the first one is in progress at this gateway: told so, a client comes again
                if answer.status != 409 {
                    return answer;
                }
                assert_eq!(answer.json["code"], "conflict", "{answer:?}");
            }
        });
        let first = &answers[0].json;
        assert!(answers.iter().all(|answer| answer.status == 202 && answer.json == *first), "{answers:?}");
        accepted.push(first["id"].clone());
        let other = publish(world.gateway(round), &key, "something else");
        assert_eq!((other.status, &other.json["code"]), (422, &json!("idempotency-key-reused")), "{other:?}");
    }
    assert_came(&world, &accepted);
}

/// While the first request is being committed: at the same gateway the second is told so, at another it waits for the
/// commit and is answered from it.
#[test]
fn a_request_in_progress_is_a_conflict_here_and_waited_for_elsewhere() {
    let world = patient(Production);
    let gate = world.schema().commit_gate("idempotency_keys");
    let (here, elsewhere) = (world.gateway(0), world.gateway(1));
    let mut accepted = Vec::new();
    for (key, data, status) in [("\"same\"", "first", 202), ("\"other\"", "second", 422)] {
        gate.close();
        thread::scope(|scope| {
            let first = scope.spawn(|| publish(here, key, "first"));
            pollgate_testkit::eventually("the commit is held", LIMIT, || gate.holds() == 1);
            let again = publish(here, key, "first");
            assert_eq!((again.status, &again.json["code"]), (409, &json!("conflict")), "{again:?}");
            let second = scope.spawn(|| publish(elsewhere, key, data));
            pollgate_testkit::eventually("the other gateway waits", LIMIT, || gate.waiting() == 1);
            gate.open();
            let (first, second) = (first.join().unwrap(), second.join().unwrap());
            assert_eq!((first.status, second.status), (202, status), "{first:?} {second:?}");
            if status == 202 {
                assert_eq!(first.json, second.json);
            }
            accepted.push(first.json["id"].clone());
        });
    }
    assert_came(&world, &accepted);
}

/// The first one's commit comes to nothing: whoever waited for it is the first now.
#[test]
fn a_request_whose_commit_is_refused_leaves_its_key_to_the_next() {
    let world = patient(Production);
    let gate = world.schema().commit_gate("idempotency_keys");
    let (here, elsewhere) = (world.gateway(0), world.gateway(1));
    gate.close();
    let second = thread::scope(|scope| {
        let first = scope.spawn(|| publish(here, "\"k\"", "data"));
        pollgate_testkit::eventually("the commit is held", LIMIT, || gate.holds() == 1);
        let second = scope.spawn(|| publish(elsewhere, "\"k\"", "data"));
        pollgate_testkit::eventually("the other gateway waits", LIMIT, || gate.waiting() == 1);
        gate.refuse();
        let first = first.join().unwrap();
        assert_eq!((first.status, &first.json["code"]), (503, &json!("store-unavailable")), "{first:?}");
        gate.open();
        second.join().unwrap()
    });
    let again = accepted(here);
    assert_eq!((second.status, &second.json), (202, &again.json), "{second:?} {again:?}");
    assert_came(&world, &[second.json["id"].clone()]);
}

/// The first one's commit does not end: whoever waits for it gives up, and nothing of that is kept.
#[test]
fn a_request_in_progress_elsewhere_is_not_waited_for_without_end() {
    let world = World::with(Production, |number, builder| {
        let patience_ms = if number == 0 { "60000" } else { "2000" };
        builder.env("POLLGATE_STORE__STATEMENT_TIMEOUT_MS", patience_ms)
    });
    let gate = world.schema().commit_gate("idempotency_keys");
    let (here, elsewhere) = (world.gateway(0), world.gateway(1));
    gate.close();
    let first = thread::scope(|scope| {
        let first = scope.spawn(|| publish(here, "\"k\"", "data"));
        pollgate_testkit::eventually("the commit is held", LIMIT, || gate.holds() == 1);
        let second = publish(elsewhere, "\"k\"", "data");
        assert_eq!((second.status, &second.json["code"]), (503, &json!("store-unavailable")), "{second:?}");
        let ann = elsewhere.user("ann");
        pollgate_testkit::eventually("others go on", LIMIT, || ann.send("bob", "hi").status == 201);
        gate.open();
        first.join().unwrap()
    });
    let again = accepted(elsewhere);
    assert_eq!((first.status, &first.json), (202, &again.json), "{first:?} {again:?}");
}

/// A day later a key is free again. Every gateway removes old keys, beginning when it starts.
#[test]
fn old_keys_are_free_again_and_go_away() {
    let mut world = World::new(Production);
    let first = publish(world.gateway(0), "\"k\"", "data");
    let age = "update idempotency_keys set created_at_ms = created_at_ms - 86400 * 1000 - 1";
    world.schema().query(age);
    let second = publish(world.gateway(1), "\"k\"", "other data");
    assert_eq!((first.status, second.status), (202, 202), "{second:?}");
    assert_ne!(first.json, second.json);
    let old =
        "insert into idempotency_keys select sha256(int4send(n)), '', '', 0 from generate_series(1, 1200) n";
    world.schema().query(old);
    assert_eq!(world.schema().count("idempotency_keys"), 1201);
    world.restart(0);
    let left = || world.schema().count("idempotency_keys") == 1;
    pollgate_testkit::eventually("the old keys are gone", LIMIT, left);
    let again = publish(world.gateway(0), "\"k\"", "other data");
    assert_eq!((again.status, &again.json), (202, &second.json), "the young one is not: {again:?}");
}
