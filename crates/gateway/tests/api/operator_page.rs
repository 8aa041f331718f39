//! The operator page: its files, its figures, who else is here, what is wrong.

use pollgate_testkit::{Backends, Gateway, PgSchema, TcpProxy, eventually, rabbitmq_url, unique_prefix};
use rstest::rstest;
use serde_json::Value;

use crate::scrape::{LIMIT, Scrape};
use crate::watching::{Watcher, codes};
use crate::wire::Wire;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{BINARY, assert_problem, world, world_with};

const FILES: [(&str, &str); 6] = [
    ("/", "text/html; charset=utf-8"),
    ("/operator/main.js", "text/javascript; charset=utf-8"),
    ("/operator/page.css", "text/css; charset=utf-8"),
    ("/operator/vendor/uplot/dist/uPlot.esm.js", "text/javascript; charset=utf-8"),
    ("/operator/shared/common/tokens.css", "text/css; charset=utf-8"),
    ("/operator/shared/client/transport/frames.js", "text/javascript; charset=utf-8"),
];

#[test]
fn the_page_is_on_the_operator_address_alone() {
    // the example pages are switched off, and what both share is there all the same
    let gateway = world_with(Embedded, |builder| builder.env("POLLGATE_HTTP__DEMO", "false"));
    let (operator, public) = (gateway.at_operator_address(), gateway.anybody(None));
    for (path, media_type) in FILES {
        let file = operator.get(path);
        assert_eq!((file.status, file.header("content-type")), (200, Some(media_type)), "{path}");
        let policy = file.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_problem(&public.get(path), 404, "not-found");
    }
    assert_problem(&public.get("/operator/live"), 404, "not-found");
    for none in [
        "/operator/nothing.js",
        "/operator/../Cargo.toml",
        "/operator/shared/chat/chat.js",
        "/operator/shared/common",
        "/operator/shared/client/package.json",
        "/operator/vendor/uplot/README.md",
    ] {
        assert_problem(&operator.get(none), 404, "not-found");
    }
    assert_problem(&operator.post("/", &Value::Null), 405, "method-not-allowed");
    assert_problem(&operator.get("/operator/live?step=fine"), 400, "invalid-request");
}

/// The value of this name in a line, by the names of the first frame.
fn value(hello: &Value, line: &Value, name: &str) -> Option<f64> {
    let fields = hello["fields"].as_array().unwrap();
    let place = fields.iter().position(|field| field == name).unwrap();
    line[place].as_f64()
}

#[rstest]
fn figures_come_as_they_change(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let mut watcher = Watcher::of(&gateway);
    let head = watcher.head.to_lowercase();
    assert!(head.contains("content-type: text/event-stream") && head.contains("cache-control: no-store"));
    let (event, hello) = watcher.next().unwrap();
    assert_eq!((event.as_str(), hello["version"].as_str()), ("hello", Some(env!("CARGO_PKG_VERSION"))));
    let mut held = Wire::to(&gateway);
    held.ask("GET", "/v1/poll?wait=60&cursor=", &gateway.token("eve"), b"");
    let bob = gateway.user("bob");
    let (mut sent, mut delivered, mut polls) = (0.0, 0.0, 0.0_f64);
    let mut cursor = String::new();
    while sent <= 0.0 || delivered <= 0.0 || polls < 1.0 {
        assert_eq!(gateway.user("ann").send("bob", "hi").status, 201);
        let answer = bob.poll(&format!("cursor={cursor}&wait=1"));
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        let (event, look) = watcher.next().unwrap();
        assert_eq!(event, "look");
        // the first look has nothing to compare itself with
        let line = &look["fine"];
        if line.is_null() {
            continue;
        }
        sent += value(&hello, line, "sends").unwrap();
        delivered += value(&hello, line, "deliveries").unwrap();
        polls = polls.max(value(&hello, line, "held").unwrap());
        if value(&hello, line, "sends").unwrap() > 0.0 {
            let p99 = value(&hello, line, "send_p99_ms").unwrap();
            assert!(p99 > 0.0 && p99 >= value(&hello, line, "send_p50_ms").unwrap(), "{look}");
        }
        assert_eq!(value(&hello, line, "store_up"), Some(1.0), "{look}");
        assert_eq!(value(&hello, line, "broker_up"), Some(1.0), "{look}");
    }
    // nothing in it names a user
    let state = watcher.until("this gateway is known", |state| state["instances"][0]["report"].is_object());
    let own = &state["instances"][0];
    assert_eq!((own["own"].as_bool(), own["standing"].as_str()), (Some(true), Some("here")));
    assert_eq!(own["id"], hello["instance"]);
    assert_eq!(state["embedded_broker"], matches!(pair, Embedded));
    assert!(codes(&state).is_empty(), "{state}");
    let all = format!("{hello}{state}");
    assert!(!all.contains("\"bob\"") && !all.contains("\"ann\""), "{all}");

    // who comes later is told what was before
    let (_, hello) = Watcher::of(&gateway).next().unwrap();
    let fine = hello["fine"].as_array().unwrap();
    assert!(fine.iter().any(|line| value(&hello, line, "sends").unwrap() > 0.0), "{hello}");
}

#[test]
fn a_bounded_number_watches() {
    let gateway = world(Embedded);
    let mut all: Vec<Watcher> = (0..32).map(|_| Watcher::of(&gateway)).collect();
    let operator = gateway.at_operator_address();
    let refused = operator.get("/operator/live");
    assert_problem(&refused, 503, "overloaded");
    assert!(refused.json["detail"].as_str().unwrap().contains("watchers"), "{refused:?}");
    assert_eq!(Scrape::of(&gateway).limit("watchers"), [32.0, 32.0, 1.0]);
    drop(all.pop());
    eventually("a place is free", LIMIT, || Scrape::of(&gateway).limit("watchers")[1] < 32.0);
    assert_eq!(Watcher::of(&gateway).next().unwrap().0, "hello");
    assert_eq!(all[0].next().unwrap().0, "hello", "the others go on");
}

#[test]
fn who_watches_is_told_that_the_gateway_stops() {
    let mut world = world(Embedded);
    let mut watcher = Watcher::of(&world);
    assert_eq!(watcher.next().unwrap().0, "hello");
    assert!(world.gateway.terminate().success());
    let mut last = None;
    while let Some((event, data)) = watcher.next() {
        last = Some((event, data));
    }
    let (event, data) = last.expect("a last word");
    assert_eq!((event.as_str(), data["end"].as_str()), ("end", Some("drained")));
}

fn two() -> (Gateway, Gateway, PgSchema) {
    let schema = PgSchema::create();
    let prefix = unique_prefix();
    let start = || {
        let backends =
            Backends::Production { pg_url: schema.url(), amqp_url: rabbitmq_url(), prefix: prefix.clone() };
        // a poll that is held is to be seen in a report, however late that comes
        Gateway::builder(BINARY).backends(backends).env("POLLGATE_POLL__HOLD_MS", "60000").start()
    };
    let (one, other) = (start(), start());
    (one, other, schema)
}

/// The other gateway, as the one that is watched knows it.
fn other(state: &Value) -> &Value {
    let instances = state["instances"].as_array().unwrap();
    instances.iter().find(|one| one["own"] == false).unwrap_or(&Value::Null)
}

#[test]
fn gateways_know_of_each_other_and_miss_one_that_is_killed() {
    let (one, mut killed, _schema) = two();
    let mut held = Wire::to(&killed);
    held.ask("GET", "/v1/poll?wait=60&cursor=", &killed.token("eve"), b"");
    let mut watcher = Watcher::of(&one);
    let both = watcher.until("both are here", |state| other(state)["report"]["held"].as_f64() >= Some(1.0));
    let report = &other(&both)["report"];
    assert_eq!(report["operator"].as_str(), killed.operator_url().strip_prefix("http://"), "{both}");
    assert!(other(&both)["clock_ms"].as_i64().unwrap().abs() < 5000, "{both}");
    killed.kill();
    let state = watcher.until("one is gone", |state| other(state)["standing"] == "gone");
    assert!(codes(&state).contains(&"instance-gone".to_owned()), "{state}");
}

#[test]
fn a_gateway_that_stops_in_order_is_not_missed() {
    let (one, mut stopped, _schema) = two();
    let mut watcher = Watcher::of(&one);
    watcher.until("both are here", |state| other(state)["standing"] == "here");
    assert!(stopped.terminate().success());
    let state = watcher.until("one has stopped", |state| other(state)["standing"] != "here");
    assert_eq!(other(&state)["standing"], "stopped", "{state}");
    assert!(!codes(&state).contains(&"instance-gone".to_owned()), "{state}");
}

#[test]
fn what_is_away_is_found_and_what_is_back_is_not() {
    let schema = PgSchema::create();
    let (mut broker, amqp_url) = crate::limits::proxied_rabbitmq();
    let pg = schema.url();
    let address = pg.split('@').nth(1).unwrap().split('/').next().unwrap();
    let mut store = TcpProxy::start(address);
    let through = pg.replace(address, &format!("127.0.0.1:{}", store.port()));
    let gateway = world_with(Production, |builder| {
        builder.env("POLLGATE_BROKER__URL", &amqp_url).env("POLLGATE_STORE__URL", &through)
    });
    let mut watcher = Watcher::of(&gateway);
    let finds = |watcher: &mut Watcher, code: &'static str| {
        let state = watcher.until(code, |state| codes(state).contains(&code.to_owned()));
        let findings = state["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["code"] == code).unwrap();
        for field in ["title", "detail", "meaning", "action", "docs"] {
            assert!(finding[field].as_str().is_some_and(|words| !words.is_empty()), "{finding}");
        }
        assert_eq!(finding["severity"], "bad", "{finding}");
    };
    store.blackhole();
    finds(&mut watcher, "store-away");
    store.heal();
    broker.cut();
    finds(&mut watcher, "broker-away");
    broker.heal();
    let gone = |code: &'static str| move |state: &Value| !codes(state).iter().any(|one| one == code);
    watcher.until("the broker is back", gone("broker-away"));
    watcher.until("the database is back", gone("store-away"));
}
