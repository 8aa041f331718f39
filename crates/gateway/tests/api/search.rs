//! `GET /v1/search`, and what becomes of old messages.

use std::fmt::Write as _;

use pollgate_testkit::{Answer, User, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scrape::{LIMIT, Scrape, until};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, world, world_with};

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02x}").unwrap();
        all
    })
}

fn search(user: &User, q: &str, more: &str) -> Answer {
    user.get(&format!("/v1/search?q={}{more}", encoded(q)))
}

fn texts(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let messages = answer.json["messages"].as_array().unwrap().iter();
    messages.map(|message| message["body"].as_str().unwrap()).collect()
}

/// Waits until so many are found.
fn until_found(user: &User, q: &str, count: usize) {
    eventually("it is found", LIMIT, || texts(&search(user, q, "")).len() == count);
}

#[rstest]
fn a_message_is_found_by_its_words_soon_after_it_was_sent(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let sent = ann.send("bob", "Meet me at the Café tomorrow").json;
    ann.send("cyd", "The cafe is closed");
    until_found(&ann, "cafe", 2);
    let found = search(&bob, "CAFE tomor", "");
    assert_eq!(found.json, json!({"messages": [sent], "has_more": false, "next": null}));
    assert_eq!(
        texts(&search(&ann, "\"the cafe\"", "")),
        ["The cafe is closed", "Meet me at the Café tomorrow"]
    );
    assert_eq!(texts(&search(&ann, "cafe tomorrow closed", "")), Vec::<&str>::new());
    assert_eq!(texts(&search(&gateway.user("eve"), "cafe", "")), Vec::<&str>::new());
    until(&gateway, "pollgate_search_indexed_total", 2.0);
    until(&gateway, "pollgate_limit_used{limit=\"search_rooms\"}", 0.0);
}

#[rstest]
fn pages_are_asked_for_by_their_cursor_and_rooms_by_their_id(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let mut room = Value::Null;
    for n in 0..12 {
        room = ann.send(["bob", "cyd"][n % 2], &format!("apple {n}")).json["room"].clone();
    }
    until_found(&ann, "apple", 12);
    let (mut found, mut next) = (Vec::new(), String::new());
    for page in 0..3 {
        let answer = search(&ann, "apple", &format!("&limit=5{next}"));
        found.extend(texts(&answer).into_iter().map(ToOwned::to_owned));
        assert_eq!(answer.json["has_more"], page < 2);
        next = answer.json["next"].as_str().map(|next| format!("&before={next}")).unwrap_or_default();
    }
    let all: Vec<String> = (0..12).rev().map(|n| format!("apple {n}")).collect();
    assert_eq!((found, next.as_str()), (all, ""));
    let room = format!("&room={}", room.as_str().unwrap());
    assert_eq!(texts(&search(&ann, "apple", &room)).len(), 6);
    assert_eq!(texts(&search(&gateway.user("cyd"), "apple", &room)).len(), 6);
    assert_problem(&search(&gateway.user("bob"), "apple", &room), 404, "not-found");
    assert_problem(&search(&ann, "apple", "&room=lobby"), 404, "not-found");
}

#[rstest]
fn what_makes_no_sense_is_refused_and_nothing_is_syntax(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    ann.send("bob", "apple");
    until_found(&ann, "apple", 1);
    for query in [
        "",
        "q=",
        "q=%00a",
        "q=%3f%3f",
        "q=a&q=b",
        "q=a&limit=0",
        "q=a&limit=101",
        "q=a&limit=x",
        "q=a&before=",
        "q=a&before=x",
        "q=a&unknown=1",
        "room=x",
    ] {
        assert_problem(&ann.get(&format!("/v1/search?{query}")), 400, "invalid-request");
    }
    assert_problem(&search(&ann, &"x".repeat(201), ""), 400, "invalid-request");
    assert_eq!(search(&ann, &"x".repeat(200), "").status, 200);
    for q in [
        "apple*",
        "apple & !",
        "apple:*",
        "apple | pear:",
        "'apple",
        "\"apple",
        "apple\\",
        "(apple",
        "apple)",
        "-apple",
        "^apple",
        "words:apple",
        "apple NEAR/",
        "apple <->",
        "{apple}",
        "\"apple\" + \"",
        "apple;--",
        "apple\u{202e}",
    ] {
        let answer = search(&ann, q, "");
        assert_eq!(answer.status, 200, "{q}: {answer:?}");
    }
    assert_eq!(texts(&search(&ann, "'apple'); DROP", "")), Vec::<&str>::new());
    assert_problem(&gateway.user_with("shop", "publish").get("/v1/search?q=a"), 403, "forbidden");
    assert_problem(&gateway.anybody(None).get("/v1/search?q=a"), 401, "unauthenticated");
    assert_problem(&ann.post("/v1/search?q=a", &json!({})), 405, "method-not-allowed");
}

#[rstest]
fn a_text_is_not_found_from_the_answer_on(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let (first, second) = (ann.send("bob", "apple one").json, ann.send("bob", "apple two").json);
    until_found(&ann, "apple", 2);
    let path = |message: &Value| {
        format!(
            "/v1/rooms/{}/messages/{}",
            message["room"].as_str().unwrap(),
            message["id"].as_str().unwrap()
        )
    };
    let edited = ann.patch(&path(&first), &json!({"body": "pear"}));
    assert_eq!(edited.status, 200, "{edited:?}");
    assert_eq!(texts(&search(&ann, "apple", "")), ["apple two"]);
    assert_eq!(texts(&search(&ann, "pear", "")), ["pear"], "and the new one is at once");
    assert_eq!(ann.delete(&path(&second)).status, 204);
    assert_eq!(texts(&search(&ann, "apple", "")), Vec::<&str>::new());
    assert_eq!(texts(&search(&ann, "two", "")), Vec::<&str>::new());
}

#[rstest]
fn switched_off_it_is_not_there_and_nothing_is_indexed(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_SEARCH__ENABLED", "false"));
    let ann = gateway.user("ann");
    let sent = ann.send("bob", "apple").json;
    assert_problem(&search(&ann, "apple", ""), 404, "not-found");
    let path =
        format!("/v1/rooms/{}/messages/{}", sent["room"].as_str().unwrap(), sent["id"].as_str().unwrap());
    assert_eq!(ann.delete(&path).status, 204, "the rest goes on");
    let scrape = Scrape::of(&gateway);
    assert!(scrape.value("pollgate_search_indexed_total") < 0.5);
    assert!(scrape.limit("search_rooms")[1] < 0.5);
}

#[rstest]
fn old_messages_go_and_the_room_goes_on(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder.env("POLLGATE_RETENTION__MESSAGES_PER_ROOM", "3").env("POLLGATE_RETENTION__EVERY_S", "1")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    // bob takes what he gets, so that nothing waits for him
    let came = |count: usize| crate::world::events(&bob, "", count);
    let mut room = String::new();
    for n in 1..=10 {
        ann.send("bob", &format!("apple {n}")).json["room"].as_str().unwrap().clone_into(&mut room);
    }
    let all = came(11);
    bob.poll("wait=0");
    assert_eq!(all.len(), 11);
    let seqs = || -> Vec<i64> {
        let page = bob.get(&format!("/v1/rooms/{room}/messages"));
        page.json["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_i64().unwrap()).collect()
    };
    eventually("the old ones are gone", LIMIT, || {
        bob.poll("wait=0");
        seqs() == [8, 9, 10]
    });
    until(&gateway, "pollgate_retention_removed_total", 7.0);
    eventually("the index follows", LIMIT, || texts(&search(&ann, "apple", "")).len() == 3);
    let before = bob.get(&format!("/v1/rooms/{room}/messages?before=8"));
    assert_eq!((&before.json["messages"], &before.json["has_more"]), (&json!([]), &json!(false)));
    let listed = bob.get("/v1/rooms").json["rooms"][0].clone();
    assert_eq!((&listed["last_seq"], &listed["unread"]), (&json!(10), &json!(10)), "unread counts places");
    assert_eq!(ann.send("bob", "more").json["seq"], 11);
}
