//! `GET /metrics`: the format, the figures, and the pages that describe them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use pollgate_testkit::{TcpProxy, eventually};
use rstest::rstest;
use serde_json::json;

use crate::scrape::{LIMIT, Scrape, metric, until};
use crate::wire::Wire;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, bodies, cursor, world, world_with};

#[rstest]
fn prometheus_has_nothing_to_say_against_the_text(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    gateway.user("ann").send("bob", "hi");
    let text = Scrape::of(&gateway).0;
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.spawn().expect("scripts/setup --tests brings promtool");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    let complaints = [said.stdout, said.stderr].concat();
    assert!(said.status.success() && complaints.is_empty(), "{}", String::from_utf8_lossy(&complaints));
    assert_problem(&gateway.at_operator_address().post("/metrics", &json!({})), 405, "method-not-allowed");
    assert_problem(&gateway.user("ann").get("/metrics"), 404, "not-found");
}

#[rstest]
fn sends_and_deliveries_are_counted_once(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let message = json!({"to": "bob", "body": "hi", "client_id": "1"});
    assert_eq!(ann.post("/v1/messages", &message).status, 201);
    assert_eq!(ann.post("/v1/messages", &message).status, 200);
    let mut polled = bob.poll("cursor=&wait=5");
    while bodies(&polled).is_empty() {
        polled = bob.poll("cursor=&wait=5");
    }
    assert_eq!(bob.poll("cursor=&wait=5").json["events"], polled.json["events"], "answered again");
    let scrape = Scrape::of(&gateway);
    for (sample, value) in [
        ("pollgate_messages_sent_total", 1.0),
        ("pollgate_message_send_seconds_count", 1.0),
        ("pollgate_message_send_seconds_bucket{le=\"+Inf\"}", 1.0),
        ("pollgate_delivery_seconds_count", 2.0), // the room and the message
        ("pollgate_delivery_seconds_bucket{le=\"600\"}", 2.0),
        ("pollgate_redelivered_total", 2.0), // both, asked for once more
        ("pollgate_repeated_total", 1.0),
        ("pollgate_stage_seconds_count{stage=\"accept\"}", 2.0),
        ("pollgate_stage_seconds_count{stage=\"commit\"}", 1.0),
        ("pollgate_stage_seconds_count{stage=\"deliver\"}", 2.0),
        ("pollgate_stage_seconds_count{stage=\"publish\"}", 2.0),
        ("pollgate_writer_batch_rows_count", 2.0), // the repeat is looked up in one of its own
        ("pollgate_broker_up", 1.0),
        ("pollgate_broker_blocked", 0.0),
        ("pollgate_store_up", 1.0),
        ("pollgate_build_info{version=\"0.1.0\"}", 1.0),
    ] {
        assert!((scrape.value(sample) - value).abs() < 0.1, "{sample} is not {value}:\n{}", scrape.0);
    }
    assert!(scrape.value("pollgate_message_send_seconds_sum") > 0.0);
}

/// RabbitMQ confirms by itself; the in-process broker when its reader has confirmed.
#[rstest]
fn a_confirm_is_a_stage(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    ann.send("bob", "hi");
    if matches!(pair, Embedded) {
        assert!(metric(&gateway, "pollgate_stage_seconds_count{stage=\"confirm\"}") < 0.5);
        let mut polled = bob.poll("cursor=&wait=5");
        while bodies(&polled).is_empty() {
            polled = bob.poll("cursor=&wait=5");
        }
        bob.poll(&format!("cursor={}&wait=0", cursor(&polled)));
    }
    until(&gateway, "pollgate_stage_seconds_count{stage=\"confirm\"}", 2.0);
}

#[rstest]
fn connections_of_pools_are_seen(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    assert_eq!(gateway.user("ann").get("/v1/rooms").status, 200);
    let state = |scrape: &Scrape, pool: &str, state: &str| {
        scrape.find(&format!("pollgate_pool_connections{{pool=\"{pool}\",state=\"{state}\"}}"))
    };
    eventually("a reader's connection waits", LIMIT, || {
        state(&Scrape::of(&gateway), "store", "idle").is_some_and(|idle| idle >= 1.0)
    });
    let publishing = state(&Scrape::of(&gateway), "publishing", "in_use");
    assert_eq!(publishing, matches!(pair, Production).then_some(1.0));
}

/// A mailbox is declared once; from then on what is known of it holds, until somebody deletes it.
#[test]
fn declarations_channels_and_reconnects_are_counted() {
    let (mut broker, amqp_url) = crate::limits::proxied_rabbitmq();
    let gateway = world_with(Production, |builder| builder.env("POLLGATE_BROKER__URL", &amqp_url));
    let ann = gateway.user("ann");
    let declared =
        |result: &str| metric(&gateway, &format!("pollgate_declarations_total{{result=\"{result}\"}}"));
    ann.send("bob", "hi");
    until(&gateway, "pollgate_outbox_rows", 0.0);
    let (made, cached) = (declared("declared"), declared("cached"));
    assert!(made >= 1.0);
    for _ in 0..3 {
        ann.send("bob", "hi");
    }
    until(&gateway, "pollgate_outbox_rows", 0.0);
    assert!((declared("declared") - made).abs() < 0.5, "nothing was declared again");
    assert!(declared("cached") >= cached + 3.0);
    let cluster = |family: &str| {
        let scrape = Scrape::of(&gateway);
        let line = scrape.0.lines().find(|line| line.starts_with(&format!("{family}{{cluster=")));
        line.unwrap().rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(cluster("pollgate_broker_channels") >= 2.0);
    assert!(cluster("pollgate_broker_reconnects_total") < 0.5);
    broker.cut();
    until(&gateway, "pollgate_broker_up", 0.0);
    broker.heal();
    until(&gateway, "pollgate_broker_up", 1.0);
    eventually("what was lost is there again", LIMIT, || cluster("pollgate_broker_reconnects_total") >= 2.0);
}

/// A hold is no latency: it has a histogram of its own.
#[rstest]
fn holds_and_resyncs_are_counted(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let bob = gateway.user("bob");
    let first = bob.poll("cursor=&wait=0.5");
    let held = "pollgate_poll_hold_seconds_sum{end=\"time\"}";
    until(&gateway, "pollgate_poll_hold_seconds_count{end=\"time\"}", 1.0);
    assert!(metric(&gateway, held) >= 0.4, "half a second, less some jitter");
    assert!(metric(&gateway, "pollgate_delivery_seconds_count") < 0.5);
    // a session that was never here had a mailbox that is gone
    let gone = bob.poll(&format!("cursor={}&session=other&wait=0", cursor(&first)));
    assert_eq!(gone.json["resync"], true, "{gone:?}");
    until(&gateway, "pollgate_resyncs_total{reason=\"gone\"}", 1.0);
    until(&gateway, "pollgate_resyncs_total{reason=\"moved\"}", 0.0);
}

#[rstest]
fn statements_are_counted_by_kind_of_connection(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    assert_eq!(ann.send("bob", "hi").status, 201);
    let count = |kind: &str| {
        Scrape::of(&gateway).value(&format!("pollgate_store_statements_total{{connections=\"{kind}\"}}"))
    };
    // the gateway's own services read too, so these are the least there are
    let (readers, writers) = (count("readers"), count("writers"));
    assert!(writers >= 6.0, "{writers}");
    for _ in 0..5 {
        assert_eq!(ann.get("/v1/rooms").status, 200);
    }
    assert!(count("readers") >= readers + 5.0, "{readers}");
    ann.send("bob", "hi");
    assert!(count("writers") >= writers + 6.0, "{writers}");
}

#[rstest]
fn polls_are_counted_by_their_end(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_POLL__HOLD_MS", "20000"));
    let bob = gateway.user("bob");
    let ended = |end: &str| format!("pollgate_polls_total{{end=\"{end}\"}}");
    let first = bob.poll("cursor=&wait=0");
    until(&gateway, &ended("time"), 1.0);

    let hold = |query: &str| {
        let mut wire = Wire::to(&gateway);
        wire.ask("GET", &format!("/v1/poll?wait=20&{query}"), &gateway.token("bob"), b"");
        wire
    };
    let mut superseded = hold(&format!("cursor={}", cursor(&first)));
    until(&gateway, "pollgate_polls_held", 1.0);
    let mut informed = hold(&format!("cursor={}", cursor(&first)));
    assert_eq!(superseded.reply().status, 409);
    until(&gateway, &ended("superseded"), 1.0);

    gateway.user("ann").send("bob", "hi");
    assert_eq!(informed.reply().status, 200);
    until(&gateway, &ended("events"), 1.0);
    until(&gateway, "pollgate_polls_held", 0.0);

    let mut leaving = Wire::to(&gateway);
    leaving.ask("GET", "/v1/poll?wait=20", &gateway.token("eve"), b"");
    until(&gateway, "pollgate_polls_held", 1.0);
    drop(leaving);
    until(&gateway, &ended("gone"), 1.0);
    until(&gateway, "pollgate_polls_held", 0.0);
}

/// Holds end over some time when the gateway stops, and its operators see it.
#[test]
fn a_drain_is_counted() {
    let gateway = world_with(Embedded, |builder| {
        builder.env("POLLGATE_POLL__HOLD_MS", "20000").env("POLLGATE_LIMITS__HELD_POLLS_PER_USER", "40")
    });
    let wires: Vec<Wire> = (0..40)
        .map(|_| {
            let mut wire = Wire::to(&gateway);
            wire.ask("GET", "/v1/poll?wait=20", &gateway.token("bob"), b"");
            wire
        })
        .collect();
    until(&gateway, "pollgate_polls_held", 40.0);
    let asked = Command::new("kill").args(["-TERM", &gateway.pid().to_string()]).status().unwrap();
    assert!(asked.success());
    eventually("a poll has been drained", LIMIT, || {
        Scrape::of(&gateway).value("pollgate_polls_total{end=\"drained\"}") >= 1.0
    });
    drop(wires);
}

#[test]
fn what_is_away_is_seen() {
    let schema = pollgate_testkit::PgSchema::create();
    let (mut broker, amqp_url) = crate::limits::proxied_rabbitmq();
    let pg = schema.url();
    let address = pg.split('@').nth(1).unwrap().split('/').next().unwrap();
    let mut store = TcpProxy::start(address);
    let through = pg.replace(address, &format!("127.0.0.1:{}", store.port()));
    let gateway = world_with(Production, |builder| {
        builder.env("POLLGATE_BROKER__URL", &amqp_url).env("POLLGATE_STORE__URL", &through)
    });
    store.blackhole();
    until(&gateway, "pollgate_store_up", 0.0);
    assert_eq!(Scrape::of(&gateway).find("pollgate_outbox_oldest_seconds"), None);
    store.heal();
    until(&gateway, "pollgate_store_up", 1.0);
    broker.cut();
    until(&gateway, "pollgate_broker_up", 0.0);
    assert_problem(&gateway.user("bob").poll("wait=0"), 503, "broker-unavailable");
    until(&gateway, "pollgate_polls_total{end=\"failed\"}", 1.0);
    broker.heal();
    until(&gateway, "pollgate_broker_up", 1.0);
}

/// Cells of the tables in a page: those in backquotes, row by row.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    rows.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect())
}

#[test]
fn the_pages_name_what_is_there_and_nothing_else() {
    let gateway = world(Production); // some families are about RabbitMQ
    // and one is about mailboxes in which much waits
    let event = json!({"to": ["bob"], "type": "news"});
    gateway.user_with("shop", "publish").post("/v1/events/batch", &json!({"events": vec![event; 20]}));
    until(&gateway, "pollgate_mailbox_depth{user=\"bob\",session=\"\"}", 20.0);
    let scrape = Scrape::of(&gateway);
    let metrics = include_str!("../../../../docs/metrics.md");
    let named = rows(metrics).map(|row| row[0].split('{').next().unwrap().to_owned());
    let named: BTreeSet<String> = named.filter(|name| name.starts_with("pollgate_")).collect();
    assert_eq!(named, scrape.families());

    let limits = include_str!("../../../../docs/limits.md");
    let mut labels = BTreeSet::new();
    let defaults: toml::Table = pollgate::settings::DEFAULTS.parse().unwrap();
    for row in rows(limits).filter(|row| row[0].contains('.')) {
        let (section, key) = row[0].split_once('.').unwrap();
        let default = &defaults[section][key];
        assert_eq!(row[1].replace(',', ""), default.to_string(), "{}", row[0]);
        labels.insert(row[3].to_owned());
    }
    for row in rows(limits).filter(|row| row[0].starts_with("fixed:")) {
        labels.insert(row[3].to_owned());
    }
    labels.remove("–");
    assert_eq!(labels, scrape.limits());
}
