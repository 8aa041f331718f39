//! Throttling: classes, the fields of answers, and what is not counted.

use pollgate_testkit::{Answer, Builder};
use rstest::rstest;
use serde_json::json;

use crate::scrape::Scrape;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, assert_problem, world, world_with};

/// Rates so slow that no token comes back while a test runs.
fn throttled(pair: Pair) -> World {
    world_with(pair, switched_on)
}

fn switched_on(builder: Builder) -> Builder {
    builder
        .env("POLLGATE_THROTTLE__ENABLED", "true")
        .env("POLLGATE_THROTTLE__MESSAGES", "10/h")
        .env("POLLGATE_THROTTLE__ROOMS", "5/h")
        .env("POLLGATE_THROTTLE__TIMEOUT_MS", "10000")
}

/// The number under this name in a field, as in `"messages";r=9;t=360`.
fn part(answer: &Answer, field: &str, name: &str) -> u64 {
    let value = answer.header(field).unwrap_or_else(|| panic!("no {field}: {answer:?}"));
    let number = value.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    number.unwrap_or_else(|| panic!("no {name}: {value}")).parse().unwrap()
}

fn refused(answer: &Answer) {
    assert_problem(answer, 429, "throttled");
    assert_eq!(part(answer, "ratelimit", "r"), 0);
    let later: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(later >= part(answer, "ratelimit", "t").min(60), "{answer:?}");
}

#[rstest]
fn every_answer_of_a_class_says_what_is_left_until_nothing_is(#[values(Embedded, Production)] pair: Pair) {
    let gateway = throttled(pair);
    let ann = gateway.user("ann");
    for left in (0..10).rev() {
        let sent = ann.send("bob", "hi");
        assert_eq!(sent.status, 201, "{sent:?}");
        assert_eq!(sent.header("ratelimit-policy"), Some("\"messages\";q=10;w=3600"), "{sent:?}");
        assert_eq!(part(&sent, "ratelimit", "r"), left, "{sent:?}");
        let full_in = part(&sent, "ratelimit", "t");
        assert!(((10 - left) * 360 - 60..=(10 - left) * 360).contains(&full_in), "{sent:?}");
    }
    let too_many = ann.send("bob", "hi");
    refused(&too_many);
    assert_eq!(too_many.header("ratelimit-policy"), Some("\"messages\";q=10;w=3600"), "{too_many:?}");
    assert_eq!(gateway.user("eve").send("bob", "hi").status, 201, "each user by itself");

    let room =
        gateway.user("bob").poll("cursor=&wait=5").json["events"][0]["room"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        let page = ann.get(&format!("/v1/rooms/{room}/messages"));
        assert_eq!(page.status, 200, "another class: {page:?}");
        assert_eq!(page.header("ratelimit-policy"), Some("\"rooms\";q=5;w=3600"), "{page:?}");
    }
    refused(&ann.get(&format!("/v1/rooms/{room}/messages")));
    let no_room = gateway.user("bob").get("/v1/rooms/00000000-0000-0000-0000-000000000000/messages");
    assert_problem(&no_room, 404, "not-found");
    assert_eq!(part(&no_room, "ratelimit", "r"), 4, "an answer of a class, whatever it is");

    let scrape = Scrape::of(&gateway);
    for (class, count) in [("messages", 1.0), ("rooms", 1.0), ("general", 0.0), ("context.order", 0.0)] {
        let sample = format!("pollgate_throttled_total{{class=\"{class}\"}}");
        assert!((scrape.value(&sample) - count).abs() < 0.1, "{}", scrape.0);
    }
    let settled = scrape.value("pollgate_throttle_settlements_total");
    assert_eq!(settled > 0.0, matches!(pair, Production), "the embedded pair counts in memory");
    assert!(scrape.value("pollgate_throttle_settlement_errors_total") < 0.1);
    assert!(scrape.limit("throttle_entries")[1] >= 3.0);
}

#[rstest]
fn a_repeat_and_what_makes_no_sense_are_not_counted(#[values(Embedded, Production)] pair: Pair) {
    let gateway = throttled(pair);
    let ann = gateway.user("ann");
    let message = json!({"to": "bob", "body": "hi", "client_id": "1"});
    assert_eq!(ann.post("/v1/messages", &message).status, 201);
    for _ in 0..30 {
        assert_eq!(ann.post("/v1/messages", &message).status, 200);
        assert_problem(&ann.post("/v1/messages", &json!({"too": "bob"})), 400, "invalid-request");
    }
    for _ in 0..9 {
        assert_eq!(ann.send("bob", "hi").status, 201);
    }
    refused(&ann.send("bob", "hi"));
}

#[rstest]
fn applications_are_not_throttled_unless_that_is_configured(#[values(Embedded, Production)] pair: Pair) {
    let event = json!({"to": ["bob"], "type": "x", "ephemeral": true});
    let message = json!({"to": "bob", "from": "ann", "body": "hi"});
    let gateway = throttled(pair);
    let shop = gateway.user_with("shop", "publish");
    for _ in 0..30 {
        let (published, sent) = (shop.post("/v1/events", &event), shop.post("/v1/messages", &message));
        assert_eq!((published.status, sent.status), (202, 201), "{published:?} {sent:?}");
        assert_eq!((published.header("ratelimit"), sent.header("ratelimit")), (None, None));
    }
    let gateway = world_with(pair, |builder| switched_on(builder).env("POLLGATE_THROTTLE__PUBLISH", "4/h"));
    let shop = gateway.user_with("shop", "publish");
    assert_eq!(shop.post("/v1/events", &event).status, 202);
    assert_eq!(shop.post("/v1/messages", &message).status, 201);
    assert_eq!(shop.post("/v1/events/batch", &json!({"events": [event, event]})).status, 202);
    assert_eq!(shop.post("/v1/events", &event).header("ratelimit-policy"), Some("\"publish\";q=4;w=3600"));
    refused(&shop.post("/v1/events", &event));
}

#[test]
fn a_fast_loop_of_empty_polls_is_throttled_and_others_are_not() {
    let gateway = throttled(Embedded);
    let (bob, eve) = (gateway.user("bob"), gateway.user("eve"));
    // a mailbox takes a while to be attached
    bob.poll("cursor=&wait=0");
    let answers: Vec<Answer> = (0..400).map(|_| bob.poll("cursor=&wait=0")).collect();
    let (passed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(passed.len() >= 9 && !refused.is_empty(), "{} and {}", passed.len(), refused.len());
    assert_problem(refused[0], 429, "throttled");
    let counted = Scrape::of(&gateway).value("pollgate_throttled_total{class=\"polls\"}");
    assert!((counted - refused.len() as f64).abs() < 0.1);
    // with events at hand polls are as fast as they like
    for _ in 0..10 {
        assert_eq!(gateway.user("ann").send("eve", "hi").status, 201);
    }
    for _ in 0..40 {
        let answer = eve.poll("cursor=&wait=5");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.json["events"].as_array().unwrap().is_empty());
    }
}

#[test]
fn polls_are_in_no_class_and_operators_neither() {
    let gateway = throttled(Embedded);
    assert_eq!(gateway.user("bob").poll("cursor=&wait=0").header("ratelimit"), None);
    let operator = gateway.user_with("op", "operator");
    for _ in 0..70 {
        assert_eq!(operator.get("/v1/mailboxes?user=bob").status, 200);
    }
}

#[test]
fn switched_off_nothing_is_counted() {
    let gateway = world(Embedded);
    let ann = gateway.user("ann");
    for _ in 0..80 {
        let sent = ann.send("bob", "hi");
        assert_eq!((sent.status, sent.header("ratelimit")), (201, None), "{sent:?}");
        assert_eq!(gateway.user("eve").poll("cursor=&wait=0").status, 200);
    }
}

#[test]
fn a_browser_of_another_origin_may_read_the_fields() {
    let gateway =
        world_with(Embedded, |builder| switched_on(builder).env("POLLGATE_HTTP__CORS_ORIGINS", "[\"*\"]"));
    let body = json!({"to": "bob", "body": "hi"}).to_string();
    let headers = [("content-type", "application/json"), ("origin", "https://shop.example")];
    let sent = gateway.user("ann").request("POST", "/v1/messages", &headers, body.as_bytes()).unwrap();
    let exposed = sent.header("access-control-expose-headers").unwrap().to_lowercase();
    assert!(exposed.contains("ratelimit-policy") && sent.header("ratelimit").is_some(), "{sent:?}");
}
