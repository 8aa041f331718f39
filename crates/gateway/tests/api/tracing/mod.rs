//! One message is one trace, whichever gateways it passes; and tracing never costs a send.

mod collector;

use pollgate_testkit::{Answer, Builder, Came, Gateway, User, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use self::collector::{Collector, Seen};
use crate::limits::proxied_rabbitmq;
use crate::scrape::{LIMIT, Scrape, metric, until};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{BINARY, cursor, events, world_with};

const SERVER: i32 = 2;
const INTERNAL: i32 = 1;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

/// A caller's trace, by its number.
fn caller(number: u32) -> (String, String) {
    let trace = format!("{number:032x}");
    (format!("00-{trace}-b7ad6b7169203331-01"), trace)
}

/// Followed only when the caller says so, unless `ratio` says otherwise.
fn traced(builder: Builder, endpoint: &str, ratio: &str) -> Builder {
    builder
        .env("POLLGATE_TRACE__OTLP_ENDPOINT", endpoint)
        .env("POLLGATE_TRACE__SAMPLE_RATIO", ratio)
        .env("POLLGATE_TRACE__INTERVAL_MS", "20")
}

fn post(user: &User, path: &str, traceparent: &str, body: &Value) -> Answer {
    let headers =
        [("content-type", "application/json"), ("traceparent", traceparent), ("tracestate", "vendor=1")];
    user.request("POST", path, &headers, body.to_string().as_bytes()).unwrap()
}

fn send(user: &User, traceparent: &str, text: &str) -> Answer {
    let sent = post(user, "/v1/messages", traceparent, &json!({"to": "bob", "body": text}));
    assert_eq!(sent.status, 201, "{sent:?}");
    sent
}

fn named<'a>(spans: &'a [Seen], name: &str) -> &'a Seen {
    let mut found = spans.iter().filter(|span| span.name == name);
    let one = found.next().unwrap_or_else(|| panic!("no {name} in {spans:#?}"));
    assert!(found.next().is_none(), "more than one {name} in {spans:#?}");
    one
}

/// Another gateway on the same database and broker.
fn second(first: &Gateway) -> Gateway {
    first
        .environment()
        .iter()
        .fold(Gateway::builder(BINARY), |builder, (name, value)| builder.env(name, value))
        .start()
}

#[rstest]
fn one_message_is_one_trace(#[values(Embedded, Production)] pair: Pair) {
    let collector = Collector::start();
    let first = world_with(pair, |builder| traced(builder, &collector.url(), "0"));
    let other = matches!(pair, Production).then(|| second(&first));
    let bob = other.as_ref().unwrap_or(&first).user("bob");
    let begun = bob.poll("cursor=&wait=0");
    let (traceparent, trace) = caller(1);
    let sent = send(&first.user("ann"), &traceparent, "hi");
    let came = events(&bob, cursor(&begun), 2);
    assert_eq!(came[1]["id"], sent.json["id"]);

    let spans = collector.trace(&trace, if other.is_some() { 5 } else { 4 });
    let [accept, commit, publish, deliver] =
        ["POST /v1/messages", "commit", "publish", "deliver"].map(|name| named(&spans, name));
    assert_eq!((accept.kind, accept.parent.as_str()), (SERVER, "b7ad6b7169203331"));
    assert_eq!((commit.kind, &commit.parent), (INTERNAL, &accept.span));
    assert_eq!((publish.kind, &publish.parent), (PRODUCER, &commit.span));
    assert_eq!((deliver.kind, &deliver.parent), (CONSUMER, &publish.span));
    assert_eq!(accept.says("http.response.status_code"), "201");
    assert_eq!(accept.says("http.route"), "/v1/messages");
    assert_eq!(deliver.says("messaging.message.id"), sent.json["id"]);
    assert_eq!(deliver.says("pollgate.transport"), "poll");
    assert!(deliver.says("pollgate.hold_ms").parse::<u64>().is_ok());
    let instance = |span: &Seen| span.resource["service.instance.id"].clone();
    let system = if other.is_some() { "rabbitmq" } else { "pollgate" };
    assert_eq!([publish, deliver].map(|span| span.says("messaging.system")), [system; 2]);
    if other.is_some() {
        assert_eq!(named(&spans, "confirm").parent, publish.span);
        assert_ne!(instance(accept), instance(deliver), "another gateway delivered it");
    }
    for span in &spans {
        assert_eq!((span.state.as_str(), span.resource["service.name"].as_str()), ("vendor=1", "pollgate"));
        assert!(span.took_ns >= 0, "{span:?}");
        let values: Vec<&String> = span.attributes.values().collect();
        assert!(!values.iter().any(|value| ["ann", "bob", "hi"].contains(&value.as_str())), "{span:?}");
    }
}

/// A held poll ends by its time, and by an event: neither looks like a request.
#[rstest]
fn polls_and_what_is_not_sampled_have_no_span(#[values(Embedded, Production)] pair: Pair) {
    let collector = Collector::start();
    let gateway = world_with(pair, |builder| traced(builder, &collector.url(), "0"));
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    assert_eq!(ann.send("bob", "nobody asked").status, 201);
    let (unsampled, trace) = caller(2);
    send(&ann, &unsampled.replace("-01", "-00"), "the caller does not sample");
    for bad in ["", "00-0-0-01", "garbage", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
        send(&ann, bad, "no trace");
    }
    let polled = events(&bob, "", 7);
    assert_eq!(bob.poll("wait=0").status, 200);
    assert_eq!(polled.len(), 7);
    let (sampled, last) = caller(3);
    send(&ann, &sampled, "the last");
    let _all = collector.trace(&last, if matches!(pair, Production) { 4 } else { 3 });
    assert!(collector.spans().iter().all(|span| span.trace == last), "{:#?}", collector.spans());
    assert!(collector.spans().iter().all(|span| span.trace != trace));
}

#[test]
fn by_ratio_each_message_begins_a_trace_over_http_and_over_a_websocket() {
    let collector = Collector::start();
    let gateway = world_with(Embedded, |builder| {
        traced(builder, &collector.url(), "1").env("POLLGATE_TRACE__HEADERS", "x-key=geheim, x-tenant = 7")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut socket = ann.ws("");
    socket.call("send", &json!({"to": "bob", "body": "over a socket"})).unwrap();
    let came = events(&bob, "", 2);
    let id = came[1]["id"].as_str().unwrap().to_owned();
    let delivered = || {
        let spans = collector.spans();
        spans.iter().find(|span| span.name == "deliver" && span.says("messaging.message.id") == id).cloned()
    };
    eventually("it is delivered", LIMIT, || delivered().is_some());
    // to bob, and to ann's own mailbox, which the socket reads
    let spans = collector.trace(&delivered().unwrap().trace, 5);
    let mut transports: Vec<&str> = spans
        .iter()
        .filter(|span| span.name == "deliver")
        .map(|span| span.says("pollgate.transport"))
        .collect();
    transports.sort_unstable();
    assert_eq!(transports, ["poll", "ws"]);
    let accept = named(&spans, "WS send");
    assert_eq!((accept.parent.as_str(), accept.kind), ("", SERVER));
    assert_eq!(named(&spans, "commit").parent, accept.span);
    let head = collector.heads().pop().unwrap();
    assert!(
        head.starts_with("post /v1/traces ")
            && head.contains("x-key: geheim")
            && head.contains("x-tenant: 7"),
        "{head}"
    );
    assert!(!gateway.log().contains("geheim"));
}

/// Events of a back end, durable and ephemeral, to somebody who listens by SSE.
#[rstest]
fn events_are_followed_to_a_stream(#[values(Embedded, Production)] pair: Pair) {
    let collector = Collector::start();
    let gateway = world_with(pair, |builder| traced(builder, &collector.url(), "0"));
    let back_end = gateway.user_with("shop", "publish");
    let mut stream = gateway.user("bob").stream("");
    let (traceparent, trace) = caller(4);
    let batch = json!({"events": [
        {"to": ["bob"], "type": "order", "data": 1},
        {"to": ["bob"], "type": "hint", "data": 2, "ephemeral": true},
    ]});
    let accepted = post(&back_end, "/v1/events/batch", &traceparent, &batch);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let ids: Vec<&str> =
        accepted.json["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    for _ in 0..2 {
        assert!(matches!(stream.next_event(LIMIT), Came::Frame(_)));
    }
    let spans = collector.trace(&trace, if matches!(pair, Production) { 6 } else { 5 });
    let delivered = |id: &str| {
        let of = |span: &&Seen| span.name == "deliver" && span.says("messaging.message.id") == id;
        spans.iter().find(of).unwrap_or_else(|| panic!("{id} in {spans:#?}"))
    };
    assert_eq!(delivered(ids[0]).parent, named(&spans, "publish").span);
    assert_eq!(delivered(ids[1]).parent, named(&spans, "POST /v1/events/batch").span);
    assert_eq!(delivered(ids[0]).says("pollgate.transport"), "sse");
}

/// The outbox keeps it: what waits there while the gateway is killed, and with it the broker away, is the same trace.
#[rstest]
fn a_message_that_outlives_its_gateway_keeps_its_trace(#[values(Embedded, Production)] pair: Pair) {
    let collector = Collector::start();
    let mut broker = matches!(pair, Production).then(proxied_rabbitmq);
    let mut gateway = world_with(pair, |builder| {
        let builder = traced(builder, &collector.url(), "0");
        broker.iter().fold(builder, |builder, (_, url)| builder.env("POLLGATE_BROKER__URL", url))
    });
    if let Some((proxy, _)) = &mut broker {
        proxy.cut();
        until(&gateway, "pollgate_broker_up", 0.0);
    }
    let (traceparent, trace) = caller(5);
    let sent = send(&gateway.user("ann"), &traceparent, "wait for me");
    assert!(gateway.gateway.terminate().success());
    if let Some((proxy, _)) = &mut broker {
        proxy.heal();
    }
    gateway.gateway.start_again();
    let came = events(&gateway.user("bob"), "", 2);
    assert_eq!(came[1]["id"], sent.json["id"]);
    let of_trace = || collector.spans().into_iter().filter(|span| span.trace == trace).collect::<Vec<_>>();
    eventually("it is delivered", LIMIT, || of_trace().iter().any(|span| span.name == "deliver"));
    let spans = of_trace();
    let (commit, deliver) = (named(&spans, "commit"), named(&spans, "deliver"));
    let publish = spans.iter().find(|span| span.span == deliver.parent).expect("it was published");
    assert_eq!((publish.name.as_str(), &publish.parent), ("publish", &commit.span));
    assert_ne!(commit.resource["service.instance.id"], deliver.resource["service.instance.id"]);
}

/// What was told before the end is exported before it, although the interval is not over.
#[test]
fn the_last_spans_go_out_when_the_gateway_stops() {
    let collector = Collector::start();
    let mut gateway = world_with(Embedded, |builder| {
        traced(builder, &collector.url(), "0")
            .env("POLLGATE_TRACE__INTERVAL_MS", "600000")
            .env("POLLGATE_LOG__LEVEL", "info,pollgate=debug")
    });
    let (traceparent, trace) = caller(6);
    send(&gateway.user("ann"), &traceparent, "hi");
    assert_eq!(collector.spans().len(), 0);
    assert!(gateway.gateway.terminate().success());
    let names: Vec<String> = collector.trace(&trace, 3).into_iter().map(|span| span.name).collect();
    assert!(names.contains(&"commit".to_owned()), "{names:?}");
    assert!(gateway.log().contains(&format!("\"trace_id\":\"{trace}\"")), "the log does not name the trace");
}

#[rstest]
fn a_collector_that_is_away_costs_no_send_and_one_line(#[values(Embedded, Production)] pair: Pair) {
    let mut gateway = world_with(pair, |builder| {
        // nobody listens on port 1
        traced(builder, "http://127.0.0.1:1", "1").env("POLLGATE_TRACE__TIMEOUT_MS", "200")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    for number in 0..20 {
        assert_eq!(ann.send("bob", &number.to_string()).status, 201);
    }
    assert_eq!(events(&bob, "", 21).len(), 21);
    let failed = || metric(&gateway, "pollgate_trace_spans_total{result=\"failed\"}");
    eventually("spans are given up", LIMIT, || failed() >= 60.0);
    assert_eq!(gateway.log().matches("the collector did not take spans").count(), 1);
    assert!(gateway.gateway.terminate().success());
}

#[test]
fn spans_that_find_the_queue_full_are_dropped_and_counted() {
    let collector = Collector::silent();
    let gateway = world_with(Embedded, |builder| {
        traced(builder, &collector.url(), "1")
            .env("POLLGATE_TRACE__QUEUE_SPANS", "4")
            .env("POLLGATE_TRACE__BATCH_SPANS", "2")
            .env("POLLGATE_TRACE__TIMEOUT_MS", "600000")
    });
    let ann = gateway.user("ann");
    for number in 0..20 {
        assert_eq!(ann.send("bob", &number.to_string()).status, 201);
    }
    let scrape = Scrape::of(&gateway);
    let [most, used, refused] = scrape.limit("queue_spans");
    assert!((most - 4.0).abs() < 0.1 && used <= 4.0, "{used} of {most}");
    assert!(refused >= 1.0);
    assert!(scrape.value("pollgate_trace_spans_total{result=\"dropped\"}") >= refused);
}
