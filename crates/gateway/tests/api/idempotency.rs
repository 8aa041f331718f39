//! `Idempotency-Key` on `POST /v1/events` and `/v1/events/batch`.

use pollgate_testkit::{Answer, User};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, cursor, events, world};

const ONE: &str = "/v1/events";
const BATCH: &str = "/v1/events/batch";

fn post(user: &User, path: &str, key: &str, json: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    user.request("POST", path, &headers, json.to_string().as_bytes()).unwrap()
}

fn event(data: u32) -> Value {
    json!({"to": ["bob"], "type": "order.updated", "data": data})
}

/// Sends something behind it all, and checks that of all the rest these came and nothing else.
fn assert_came(bob: &User, wanted: &[&Value]) {
    let last = json!({"to": "bob", "body": "the last one"});
    assert_eq!(bob.post("/v1/messages", &last).status, 201);
    // his room and his message come as well
    let came = events(bob, "", wanted.len() + 2);
    let published = came.iter().filter(|event| event["type"] == "order.updated").map(|event| &event["id"]);
    assert_eq!(sorted(published), sorted(wanted.iter().copied()), "{came:?}");
}

fn sorted<'v>(ids: impl Iterator<Item = &'v Value>) -> Vec<&'v str> {
    let mut ids: Vec<_> = ids.map(|id| id.as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[rstest]
fn the_same_request_again_is_answered_like_the_first_one(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (shop, bob) = (gateway.user_with("shop", "publish"), gateway.user("bob"));
    let first = post(&shop, ONE, "\"8e03978e-40d5\"", &event(1));
    assert_eq!(first.status, 202, "{first:?}");
    for key in ["\"8e03978e-40d5\"", "8e03978e-40d5"] {
        let again = post(&shop, ONE, key, &event(1));
        assert_eq!((again.status, &again.json), (202, &first.json), "{again:?}");
    }
    let batch = json!({"events": [event(2), event(3)]});
    let accepted = post(&shop, BATCH, "8e03978e-40d5", &batch);
    assert_eq!(
        accepted.json["ids"].as_array().unwrap().len(),
        2,
        "another endpoint, another key: {accepted:?}"
    );
    let again = post(&shop, BATCH, "8e03978e-40d5", &batch);
    assert_eq!((again.status, &again.json), (202, &accepted.json));
    let ids = &accepted.json["ids"];
    assert_came(&bob, &[&first.json["id"], &ids[0], &ids[1]]);
}

#[rstest]
fn a_key_stands_for_one_request_of_one_caller(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (shop, depot) = (gateway.user_with("shop", "publish"), gateway.user_with("depot", "publish"));
    let first = post(&shop, ONE, "\"k\"", &event(1));
    assert_problem(&post(&shop, ONE, "\"k\"", &event(2)), 422, "idempotency-key-reused");
    let other = post(&depot, ONE, "\"k\"", &event(2));
    assert_eq!(other.status, 202, "{other:?}");
    let again = post(&shop, ONE, "\"k\"", &event(1));
    assert_eq!(again.json, first.json);
    assert_came(&gateway.user("bob"), &[&first.json["id"], &other.json["id"]]);
}

#[rstest]
fn what_was_refused_may_be_tried_again_with_the_same_key(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let nowhere = json!({"room": "01890000-0000-7000-8000-000000000000", "type": "a", "data": 1});
    assert_problem(&post(&shop, ONE, "\"k\"", &nowhere), 404, "not-found");
    assert_problem(&post(&shop, ONE, "\"k\"", &json!({"to": [], "type": "a"})), 400, "invalid-request");
    let batch = json!({"events": [event(1), nowhere]});
    assert_problem(&post(&shop, BATCH, "\"k\"", &batch), 404, "not-found");
    assert_eq!(post(&shop, ONE, "\"k\"", &event(1)).status, 202);
    assert_eq!(post(&shop, BATCH, "\"k\"", &json!({"events": [event(1)]})).status, 202);
}

#[rstest]
fn what_is_no_key_is_refused(#[values(Embedded)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let long = "x".repeat(256);
    for key in ["", "\"\"", "\"a", "a b", "a, b", "\"a\", \"b\"", "ä", &long] {
        assert_problem(&post(&shop, ONE, key, &event(1)), 400, "invalid-request");
    }
    let twice = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "a")];
    let answer = shop.request("POST", ONE, &twice, event(1).to_string().as_bytes()).unwrap();
    assert_problem(&answer, 400, "invalid-request");
    let user = gateway.user("ann");
    assert_problem(&post(&user, ONE, "a", &event(1)), 403, "forbidden");
}

#[rstest]
fn ephemeral_events_under_a_key_go_out_once(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (shop, bob) = (gateway.user_with("shop", "publish"), gateway.user("bob"));
    let here = bob.poll("cursor=&wait=0");
    let hint = json!({"to": ["bob"], "type": "hint", "data": 1, "ephemeral": true});
    let first = post(&shop, ONE, "\"k\"", &hint);
    let batch = json!({"events": [hint, event(1)]});
    let both = post(&shop, BATCH, "\"k\"", &batch);
    assert_eq!((first.status, both.status), (202, 202), "{first:?} {both:?}");
    for _ in 0..3 {
        assert_eq!(post(&shop, ONE, "\"k\"", &hint).json, first.json);
        assert_eq!(post(&shop, BATCH, "\"k\"", &batch).json, both.json);
    }
    let last = shop.post(ONE, &event(2));
    let came = events(&bob, cursor(&here), 4);
    let ids = &both.json["ids"];
    let wanted = [&first.json["id"], &ids[0], &ids[1], &last.json["id"]];
    assert_eq!(sorted(came.iter().map(|event| &event["id"])), sorted(wanted.into_iter()));
}
