//! Two gateways on the same database and broker: one is killed, both are restarted one after the other, one's clock is
//! wrong.

use std::thread;
use std::time::Duration;

use pollgate_testkit::{Backends, Builder, Gateway, PgSchema, TcpProxy, User, eventually};

use crate::ledger::Ledger;
use crate::world::{Crew, LIMIT, gateway, production, start, until_held};

/// Debian's `faketime`, `scripts/setup --tests` installs it.
const LIBFAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// Longer than a gateway waits for another's answer.
const MOMENT: Duration = Duration::from_millis(400);

fn everywhere(gateways: &[Gateway], name: &str) -> Vec<User> {
    gateways.iter().map(|gateway| gateway.user(name)).collect()
}

/// Senders that take the other gateway when one fails them, and a reader who asks both in turn.
fn crew(gateways: &[Gateway]) -> Crew {
    let mut crew = Crew::new();
    crew.sender_over(everywhere(gateways, "ann"), "bob");
    crew.sender_over(everywhere(gateways, "eve").into_iter().rev().collect(), "bob");
    crew.reader_over(everywhere(gateways, "bob"), "bob");
    crew.until_accepted(50);
    crew
}

/// Either of the two is killed under load; senders and the reader go on with the other one.
#[test]
fn one_of_two_gateways_killed_under_load_loses_nothing() {
    let (_schema, backends) = production();
    let mut gateways = gateway(backends).start_two();
    let crew = crew(&gateways);
    for killed in [0, 1] {
        gateways[killed].kill();
        crew.until_accepted(50);
        gateways[killed].start_again();
        crew.until_accepted(50);
    }
    crew.ends_well();
}

/// Both are told to end, one after the other, under load, and start again: whatever send fails, one more attempt at the
/// other gateway mends it; held polls are sent there with advice when to come.
#[test]
fn a_rolling_restart_is_mended_by_one_retry_and_loses_nothing() {
    let (_schema, backends) = production();
    let mut gateways = gateway(backends).start_two();
    let crew = crew(&gateways);
    for each in [0, 1] {
        let zoe = gateways[each].user("zoe");
        let held = thread::spawn(move || zoe.poll("cursor=&wait=5.5"));
        until_held(&gateways[each], "zoe");
        let status = gateways[each].terminate();
        assert!(status.success(), "{status:?}: {}", gateways[each].log());
        let answer = held.join().unwrap();
        assert!(answer.json["pause_ms"].as_u64() > Some(0), "no advice: {answer:?}");
        crew.until_accepted(50);
        gateways[each].start_again();
        crew.until_accepted(50);
    }
    let ledger = crew.ends_well();
    assert!(ledger.most_tries() <= 2, "{} attempts for one message", ledger.most_tries());
}

/// No fault but a reader who asks both in turn, under more load than the machine carries: a mailbox moves between the two
/// with every poll, and now and then one does not answer the other in time.
#[test]
fn a_reader_of_both_in_turn_under_load_loses_nothing() {
    let (_schema, backends) = production();
    let gateways = gateway(backends).start_two();
    let mut crew = crew(&gateways);
    crew.sender(gateways[0].user("joe"), "bob");
    crew.sender(gateways[1].user("jim"), "bob");
    for _ in 0..4 {
        crew.until_accepted(400);
    }
    crew.ends_well();
}

/// Either of the two stands still for moments, longer than the other waits for its answer: both read the mailbox side
/// by side for a while, and still everything comes.
#[test]
fn a_gateway_that_stands_still_for_moments_loses_nothing() {
    let (_schema, backends) = production();
    let gateways = gateway(backends).start_two();
    let mut crew = crew(&gateways);
    crew.sender(gateways[0].user("joe"), "bob");
    crew.sender(gateways[1].user("jim"), "bob");
    for round in 0..12 {
        let still = &gateways[round % 2];
        still.pause();
        thread::sleep(MOMENT); // the fault itself
        still.resume();
        crew.until_accepted(100);
    }
    crew.ends_well();
}

/// A gateway that believes to live so many seconds later, or earlier.
fn off_by(seconds: i64, builder: Builder) -> Gateway {
    builder
        .env("LD_PRELOAD", LIBFAKETIME)
        .env("FAKETIME", &format!("{seconds:+}"))
        // what waits and what measures goes on as it is
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .start()
}

/// How many seconds later the second gateway says that it is, by the times of messages sent through both.
fn difference(gateways: &[Gateway; 2], schema: &PgSchema) -> i64 {
    let ids = gateways.each_ref().map(|gateway| {
        let answer = gateway.user("ann").send("eve", "what time is it?");
        answer.json["id"].as_str().unwrap().to_owned()
    });
    let at = |id: &str| -> i64 {
        let table = format!("{}.messages", schema.name());
        schema.query(&format!("select created_at_ms from {table} where id = '{id}'")).trim().parse().unwrap()
    };
    (at(&ids[1]) - at(&ids[0])) / 1000
}

/// Waits until both have renewed their leases for more than the time after which one counts as dead, and sees to it that
/// neither is ever given up.
fn outlive_a_lease(schema: &PgSchema) {
    let look = || {
        let table = format!("{}.instances", schema.name());
        let found = schema.query(&format!("select min(heartbeat_ms), count(*) from {table}"));
        let (oldest, count) = found.trim().split_once('|').unwrap();
        assert_eq!(count, "2", "a living gateway was taken for dead");
        oldest.parse::<i64>().unwrap()
    };
    let first = look();
    eventually("both leases are renewed", LIMIT, || look() > first + 16_000);
}

fn with_one_clock_off(seconds: i64) {
    let (schema, backends) = production();
    let gateways = [start(backends.clone()), off_by(seconds, gateway(backends))];
    let seen = difference(&gateways, &schema);
    assert!((seen - seconds).abs() < 30, "the clocks are {seen} s apart");
    let mut crew = Crew::new();
    for (place, reader) in [(0, "bob"), (1, "zoe")] {
        crew.reader(gateways[place].user(reader), reader);
        crew.sender(gateways[0].user("ann"), reader);
        crew.sender(gateways[1].user("eve"), reader);
    }
    crew.sender_over(everywhere(&gateways, "ann"), "kim");
    crew.reader_over(everywhere(&gateways, "kim"), "kim");
    outlive_a_lease(&schema);
    crew.ends_well();
    for gateway in &gateways {
        assert!(!gateway.log().contains("adopted"), "rows of a living gateway were adopted");
    }
    let short = gateways[0].token_with("bob", "user", 60);
    let early = gateways[1].anybody(Some(&format!("Bearer {short}"))).poll("cursor=&wait=0");
    // the leeway is 5 s: a clock that is further ahead lets tokens run out before their time
    assert_eq!(early.status, if seconds > 0 { 401 } else { 200 }, "{early:?}");
}

/// One clock is two minutes ahead: nothing is lost, nobody resyncs, nobody is taken for dead.
#[test]
fn a_gateway_two_minutes_ahead_loses_nothing() {
    with_one_clock_off(120);
}

/// One clock is two minutes behind: nothing is lost, nobody resyncs, nobody is taken for dead.
#[test]
fn a_gateway_two_minutes_behind_loses_nothing() {
    with_one_clock_off(-120);
}

/// Cut off from the broker and alive: it cannot be asked for the mailbox it has, and its events come back when the
/// broker gives its connections up.
#[test]
fn a_gateway_cut_off_from_the_broker_holds_nobody_up_and_loses_nothing() {
    let (_schema, backends) = production();
    let Backends::Production { pg_url, amqp_url, prefix } = backends.clone() else {
        panic!("production it is")
    };
    let address = amqp_url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let mut line = TcpProxy::start(&address);
    let through = amqp_url.replace(&address, &format!("127.0.0.1:{}", line.port()));
    let cut_off = gateway(Backends::Production { pg_url, amqp_url: through, prefix })
        .env("POLLGATE_BROKER__HEARTBEAT_S", "2")
        .start();
    let well = gateway(backends).start();
    let ledger = Ledger::default();
    let first = cut_off.user("bob").poll("cursor=&session=tab&wait=0");
    line.blackhole();
    for number in 0..20 {
        ledger.accepted("bob", &well.user("ann").send("bob", &format!("{number}")).json);
    }
    let mut cursor = first.json["cursor"].as_str().unwrap().to_owned();
    eventually("what was accepted comes", LIMIT, || {
        let answer = well.user("bob").poll(&format!("cursor={cursor}&session=tab&wait=1"));
        ledger.came("bob", &answer.json);
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        ledger.missing() == 0
    });
    // and back again, over the line that is well by then
    line.heal();
    ledger.accepted("bob", &well.user("ann").send("bob", "after").json);
    eventually("the other one has it again", LIMIT, || {
        let answer = cut_off.user("bob").poll(&format!("cursor={cursor}&session=tab&wait=1"));
        if answer.status == 200 {
            ledger.came("bob", &answer.json);
            answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        }
        ledger.missing() == 0
    });
}
