//! `GET /v1/rooms/{room}/messages`.

use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, world};

#[rstest]
fn pages_go_both_ways_oldest_first(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let room = ann.send("bob", "1").json["room"].as_str().unwrap().to_owned();
    for n in 2..=10 {
        ann.send("bob", &n.to_string());
    }
    let page = |query: &str| gateway.user("bob").get(&format!("/v1/rooms/{room}/messages?{query}")).json;
    let seqs = |page: &Value| -> Vec<i64> {
        page["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_i64().unwrap()).collect()
    };
    let newest = page("limit=4");
    assert_eq!((seqs(&newest), &newest["has_more"]), (vec![7, 8, 9, 10], &json!(true)));
    assert_eq!(
        (&newest["oldest_id"], &newest["newest_id"], &newest["count"]),
        (&json!(7), &json!(10), &json!(4))
    );
    let before = page("before=7&limit=100");
    assert_eq!((seqs(&before), &before["has_more"]), ((1..=6).collect(), &json!(false)));
    let after = page("after=2&limit=3");
    assert_eq!((seqs(&after), &after["has_more"]), (vec![3, 4, 5], &json!(true)));
    let empty = page("after=10");
    assert_eq!(
        (seqs(&empty), &empty["oldest_id"], &empty["newest_id"]),
        (vec![], &json!(null), &json!(null))
    );
    assert_eq!(seqs(&page("")).len(), 10);
}

#[rstest]
fn only_members_see_it_and_limits_hold(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let room = gateway.user("ann").send("bob", "hi").json["room"].as_str().unwrap().to_owned();
    let path = format!("/v1/rooms/{room}/messages");
    assert_problem(&gateway.user("eve").get(&path), 404, "not-found");
    assert_problem(&gateway.user("eve").get("/v1/rooms/lobby/messages"), 404, "not-found");
    for bad in ["limit=0", "limit=101", "before=x", "unknown=1", "after=1&after=2"] {
        assert_problem(&gateway.user("ann").get(&format!("{path}?{bad}")), 400, "invalid-request");
    }
}

#[rstest]
fn a_long_page_is_compressed_for_those_who_take_it(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let room = ann.send("bob", &"long ".repeat(1000)).json["room"].as_str().unwrap().to_owned();
    let path = format!("/v1/rooms/{room}/messages");
    let plain = ann.get(&path);
    assert_eq!(plain.header("content-encoding"), None);
    let length = ann.raw_length(&path, &[("accept-encoding", "gzip")]);
    assert!(length < 1000, "{length} bytes of a repetitive text");
}
