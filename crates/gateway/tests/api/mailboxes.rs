//! How much waits where: lists, alarms, purges, and the command line.

use std::process::{Command, Output, Stdio};

use pollgate_testkit::{Builder, Gateway, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scrape::{LIMIT, Scrape, until};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{BINARY, World, assert_problem, cursor, world, world_with};

/// Alarms at more than 20 events, which end at 16; 2 are noted.
fn watched(builder: Builder) -> Builder {
    builder.env("POLLGATE_MAILBOX__ALARM_DEPTH", "20")
}

/// So many events for a user.
fn fill(gateway: &Gateway, user: &str, events: usize) {
    let event = json!({"to": [user], "type": "news"});
    let batch = json!({"events": vec![event; events]});
    let answer = gateway.user_with("shop", "publish").post("/v1/events/batch", &batch);
    assert_eq!(answer.status, 202, "{answer:?}");
}

fn deepest(gateway: &Gateway, query: &str) -> Vec<Value> {
    let answer = gateway.user_with("op", "operator").get(&format!("/v1/mailboxes{query}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["mailboxes"].as_array().unwrap().clone()
}

fn until_deep(gateway: &Gateway, query: &str, rows: &[(&str, u64, bool)]) {
    eventually("they are found", LIMIT, || {
        let found = deepest(gateway, query);
        let found: Vec<_> = found
            .iter()
            .map(|row| (row["user"].as_str().unwrap(), row["ready"].as_u64().unwrap(), row["alarm"] == true))
            .collect();
        found == rows
    });
}

/// Lines of the log with this message, and of whom each is.
fn said(gateway: &Gateway, message: &str) -> Vec<String> {
    let log = gateway.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let fields = lines.map(|line| line["fields"].clone()).filter(|fields| fields["message"] == message);
    fields.map(|fields| fields["user"].as_str().unwrap().to_owned()).collect()
}

fn run(gateway: &Gateway, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("mailboxes").args(arguments).envs(gateway.environment()).stdin(Stdio::null());
    command.output().unwrap()
}

#[rstest]
fn the_deepest_are_found_without_being_named(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, watched);
    assert_eq!(deepest(&gateway, ""), [] as [Value; 0]);
    fill(&gateway, "bob", 30);
    fill(&gateway, "zoe", 5);
    fill(&gateway, "eve", 1); // not worth noting
    until_deep(&gateway, "", &[("bob", 30, true), ("zoe", 5, false)]);
    until_deep(&gateway, "?min_depth=6", &[("bob", 30, true)]);
    until_deep(&gateway, "?limit=1", &[("bob", 30, true)]);
    until_deep(&gateway, "?user=zoe", &[("zoe", 5, false)]);
    let one = deepest(&gateway, "?user=bob").remove(0);
    assert_eq!((&one["session"], &one["consumers"]), (&Value::Null, &json!(0)));
    let at_operators = gateway.at_operator_address();
    assert_problem(&at_operators.get("/v1/mailboxes"), 401, "unauthenticated");
    let operator = gateway.user_with("op", "operator");
    assert_eq!(deepest(&gateway, "?session=a"), [] as [Value; 0]);
    for limit in ["0", "101"] {
        assert_problem(&operator.get(&format!("/v1/mailboxes?limit={limit}")), 400, "invalid-request");
    }
}

#[rstest]
fn an_alarm_starts_and_ends_with_one_line_each(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, watched);
    fill(&gateway, "bob", 21);
    until(&gateway, "pollgate_mailboxes_alarming", 1.0);
    until(&gateway, "pollgate_mailbox_depth{user=\"bob\",session=\"\"}", 21.0);
    until(&gateway, "pollgate_mailboxes_by_depth{depth=\"10-99\"}", 1.0);
    assert_eq!(said(&gateway, "a mailbox is too deep"), ["bob"]);
    let bob = gateway.user("bob");
    let first = bob.poll("cursor=&wait=5&limit=1000");
    bob.poll(&format!("wait=0&cursor={}", cursor(&first)));
    until(&gateway, "pollgate_mailboxes_alarming", 0.0);
    until(&gateway, "pollgate_mailboxes_by_depth{depth=\"10-99\"}", 0.0);
    assert_eq!(said(&gateway, "a mailbox is too deep"), ["bob"]);
    assert_eq!(said(&gateway, "a mailbox is no longer too deep"), ["bob"]);
    assert!(Scrape::of(&gateway).value("pollgate_mailbox_looks_total") >= 2.0);
}

/// The session of a tab that was closed fills up: nobody publishes to it by name, and nobody reads it.
#[rstest]
fn a_session_that_was_left_is_found(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| watched(builder).env("POLLGATE_POLL__LINGER_MS", "200"));
    gateway.user("bob").poll("cursor=&wait=0&session=tab");
    until(&gateway, "pollgate_mailboxes_attended", 0.0);
    fill(&gateway, "bob", 25);
    eventually("it is noted", LIMIT, || {
        let rows = deepest(&gateway, "");
        rows.iter().any(|row| row["session"] == "tab" && row["ready"] == 25 && row["alarm"] == true)
    });
    let of_session = deepest(&gateway, "?user=bob&session=tab");
    assert_eq!((of_session.len(), &of_session[0]["session"]), (1, &json!("tab")));
}

/// A client that polls and does not keep up: what its gateway cannot take waits at the broker.
#[rstest]
fn a_reader_that_does_not_keep_up_is_found(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| watched(builder).env("POLLGATE_MAILBOX__PREFETCH", "5"));
    let bob = gateway.user("bob");
    let stuck = bob.poll("cursor=&wait=0&session=tab");
    fill(&gateway, "bob", 40);
    eventually("it is noted", LIMIT, || {
        bob.poll(&format!("wait=0&session=tab&cursor={}", cursor(&stuck)));
        deepest(&gateway, "").iter().any(|row| row["ready"] == 35 && row["alarm"] == true)
    });
}

#[rstest]
fn a_purge_tells_the_reader_and_nobody_else(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_POLL__LINGER_MS", "200"));
    let (ann, bob, zoe) = (gateway.user("ann"), gateway.user("bob"), gateway.user("zoe"));
    let operator = gateway.user_with("op", "operator");
    let [of_bob, of_zoe] = [&bob, &zoe].map(|user| cursor(&user.poll("cursor=&wait=0")).to_owned());
    until(&gateway, "pollgate_mailboxes_attended", 0.0);
    fill(&gateway, "bob", 7);
    fill(&gateway, "zoe", 3);
    until_deep(&gateway, "?user=bob", &[("bob", 7, false)]);
    until_deep(&gateway, "?user=zoe", &[("zoe", 3, false)]);
    assert_problem(&ann.delete("/v1/mailboxes/bob"), 403, "forbidden");
    assert_problem(&operator.delete("/v1/mailboxes/bob?session=tab"), 404, "not-found");
    assert_problem(&operator.delete("/v1/mailboxes/nobody"), 404, "not-found");
    assert_problem(&operator.delete("/v1/mailboxes/bob?all=1"), 400, "invalid-request");
    let purged = operator.delete("/v1/mailboxes/bob");
    assert_eq!((purged.status, purged.header("x-purged-events")), (204, Some("7")), "{purged:?}");
    fill(&gateway, "bob", 1); // which makes it again, before its reader comes back
    until_deep(&gateway, "?user=bob", &[("bob", 1, false)]);
    let told = bob.poll(&format!("wait=5&cursor={of_bob}"));
    assert_eq!((told.status, &told.json["resync"]), (200, &json!(true)), "{told:?}");
    let next = bob.poll(&format!("wait=0&cursor={}", cursor(&told)));
    assert_eq!(next.json["resync"], false, "told once: {next:?}");
    let untouched = zoe.poll(&format!("wait=5&cursor={of_zoe}"));
    assert_eq!(
        (&untouched.json["resync"], untouched.json["events"].as_array().unwrap().len()),
        (&json!(false), 3)
    );
    until(&gateway, "pollgate_mailboxes_purged_total", 7.0);
    assert_eq!(said(&gateway, "a mailbox was purged"), ["bob"]);
}

/// The mailbox is read at that moment: the poll that is held ends with the news.
#[rstest]
fn a_purge_under_a_held_poll_ends_it_with_resync(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_POLL__HOLD_MS", "20000"));
    let bob = gateway.user("bob");
    let first = cursor(&bob.poll("cursor=&wait=0&session=tab")).to_owned();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| bob.poll(&format!("wait=20&session=tab&cursor={first}")));
        until(&gateway, "pollgate_polls_held", 1.0);
        let operator = gateway.user_with("op", "operator");
        assert_eq!(operator.delete("/v1/mailboxes/bob?session=tab").status, 204);
        let told = held.join().unwrap();
        assert_eq!(told.json["resync"], true, "{told:?}");
    });
    fill(&gateway, "bob", 1);
    eventually("it reads on", LIMIT, || {
        let answer = bob.poll("cursor=&wait=1&session=tab");
        answer.json["events"].as_array().unwrap().len() == 1
    });
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[rstest]
fn the_command_line_shows_the_deepest_and_ends_with_1_while_an_alarm_stands(
    #[values(Embedded, Production)] pair: Pair,
) {
    let gateway = world_with(pair, watched);
    let quiet = run(&gateway, &[]);
    assert!(quiet.status.success(), "{quiet:?}");
    fill(&gateway, "bob", 30);
    fill(&gateway, "zoe", 5);
    until_deep(&gateway, "", &[("bob", 30, true), ("zoe", 5, false)]);
    let all = run(&gateway, &["--json"]);
    assert_eq!(all.status.code(), Some(1), "{all:?}");
    assert_eq!(json_of(&all)["total_ready"], 35);
    let table = run(&gateway, &["--min-depth", "6"]);
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    assert_eq!(table.status.code(), Some(1));
    assert!(text.contains("bob") && text.contains("ALARM") && !text.contains("zoe"), "{text}");
    assert!(text.ends_with("30 ready in 1 mailboxes, 1 alarms\n"), "{text}");
    let shallow = run(&gateway, &["--user", "zoe", "--json"]);
    assert_eq!((shallow.status.code(), &json_of(&shallow)["total_ready"]), (Some(0), &json!(5)));
    let session = run(&gateway, &["--user", "bob", "--session", "tab", "--json"]);
    assert_eq!((session.status.code(), &json_of(&session)["mailboxes"]), (Some(0), &json!([])));
    for wrong in [&["--session", "a"][..], &["--limit", "0"], &["--watch", "0"], &["purge", "--user", "bob"]]
    {
        assert!(!run(&gateway, wrong).status.success(), "{wrong:?}");
    }
    assert_eq!(deepest(&gateway, "?user=bob").len(), 1, "nobody said that it is meant");
    let purged = run(&gateway, &["purge", "--user", "bob", "--yes"]);
    let text = String::from_utf8_lossy(&purged.stdout).into_owned();
    assert!(purged.status.success() && text.starts_with("deleted the 30 events"), "{purged:?}");
    assert_eq!(deepest(&gateway, "?user=bob"), [] as [Value; 0]);
    assert!(!run(&gateway, &["purge", "--user", "bob", "--yes"]).status.success(), "it is gone");
}

/// Without a gateway, from the configuration alone.
#[test]
fn the_command_line_needs_no_gateway_beside_rabbitmq() {
    let mut world = world_with(Production, watched);
    fill(&world, "bob", 30);
    until_deep(&world, "", &[("bob", 30, true)]);
    world.gateway.kill();
    let shown = run(&world, &["--json"]);
    let row = json_of(&shown)["mailboxes"][0].clone();
    assert_eq!((shown.status.code(), &row["user"], &row["ready"]), (Some(1), &json!("bob"), &json!(30)));
}

/// Lines that come again and again, and an end by Ctrl-C.
#[rstest]
fn watching_goes_on_until_it_is_interrupted(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let mut command = Command::new(BINARY);
    command.args(["mailboxes", "--watch", "1", "--json"]).envs(gateway.environment());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    for _ in 0..2 {
        let row: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(row["mailboxes"], json!([]));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

/// Many more mailboxes than may be looked at: the number of looks follows the time, and the bound of what is watched holds.
#[rstest]
fn looks_and_memory_stay_within_their_bounds(#[values(Embedded, Production)] pair: Pair) {
    let world: World = world_with(pair, |builder| {
        watched(builder)
            .env("POLLGATE_MAILBOX__LOOKS_PER_SECOND", "20")
            .env("POLLGATE_LIMITS__WATCHED_MAILBOXES", "1000")
            .env("POLLGATE_LOG__LEVEL", "warn,pollgate=info")
    });
    let looks = || Scrape::of(&world).value("pollgate_mailbox_looks_total");
    let (begun, before) = (std::time::Instant::now(), looks());
    let shop = world.user_with("shop", "publish");
    // each user gets enough to be looked at
    let users: Vec<String> = (0..1500).map(|number| format!("u{number}")).collect();
    for some in users.chunks(500) {
        let event = json!({"to": some, "type": "news"});
        let answer = shop.post("/v1/events/batch", &json!({"events": [event, event, event]}));
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    eventually("all are with the broker, and the watch is full", LIMIT, || {
        let [_most, used, refused] = Scrape::of(&world).limit("watched_mailboxes");
        assert!(used <= 1000.0);
        refused >= 300.0
    });
    eventually("some were looked at", LIMIT, || looks() >= before + 60.0);
    let (after, took) = (looks(), begun.elapsed());
    let most = 20.0 * (took.as_secs_f64() + 2.0);
    assert!(after - before <= most, "{} looks in {took:?}", after - before);
}
