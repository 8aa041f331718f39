//! PostgreSQL is there and cannot be talked to: it hangs, its line hangs, is cut or slow.

use std::time::Duration;

use pollgate_testkit::{Backends, Gateway, PgCluster, TcpProxy, User, eventually, rabbitmq_url};

use crate::world::{Crew, LIMIT, gateway, on, until_readiness};

/// Waits for its database no longer than a second or two.
fn impatient(backends: Backends) -> Gateway {
    gateway(backends)
        .env("POLLGATE_STORE__STATEMENT_TIMEOUT_MS", "2000")
        .env("POLLGATE_STORE__ACQUIRE_TIMEOUT_MS", "2000")
        .env("POLLGATE_STORE__CONNECT_TIMEOUT_MS", "2000")
        .start()
}

fn crew(gateway: &Gateway) -> Crew {
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.sender(gateway.user("eve"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(50);
    crew
}

fn is_refused(sender: &User) -> bool {
    let answer = sender.send("bob", "refused, or stored and not told");
    answer.status == 503
        && answer.json["code"] == "store-unavailable"
        && answer.header("retry-after").is_some()
}

/// What must hold while the database is silent: every send is answered, in bounded time and in clear words, readiness
/// says it, and a poll waits and is answered.
fn silent_database_is_told(gateway: &Gateway) {
    let eve = gateway.user("eve");
    eventually("a send is refused", LIMIT, || is_refused(&eve));
    until_readiness(gateway, 503, "store", "away");
    for _ in 0..3 {
        assert!(is_refused(&eve), "accepted by a database that does not answer");
    }
    let poll = gateway.user("zoe").poll("cursor=&wait=1");
    assert_eq!(poll.status, 200, "{poll:?}");
}

fn through(cluster: &PgCluster) -> (TcpProxy, Backends) {
    let proxy = TcpProxy::start(&format!("127.0.0.1:{}", cluster.port()));
    let url = cluster.url().replace(&cluster.port().to_string(), &proxy.port().to_string());
    let backends = on(&url, &rabbitmq_url());
    (proxy, backends)
}

/// All processes of the database stand still for longer than the statement time-out, then go on.
#[test]
fn a_database_that_hangs_refuses_sends_in_bounded_time_and_loses_nothing() {
    let cluster = PgCluster::start();
    let gateway = impatient(on(&cluster.url(), &rabbitmq_url()));
    let crew = crew(&gateway);
    for _ in 0..2 {
        cluster.pause();
        silent_database_is_told(&gateway);
        cluster.resume();
        until_readiness(&gateway, 200, "store", "up");
        crew.until_accepted(50);
    }
    crew.ends_well();
}

/// The line to the database takes everything and passes nothing on; then it is another line.
#[test]
fn a_black_hole_before_the_database_refuses_sends_and_loses_nothing() {
    let cluster = PgCluster::start();
    let (mut proxy, backends) = through(&cluster);
    let gateway = impatient(backends);
    let crew = crew(&gateway);
    proxy.blackhole();
    silent_database_is_told(&gateway);
    proxy.heal();
    until_readiness(&gateway, 200, "store", "up");
    crew.until_accepted(50);
    proxy.blackhole();
    silent_database_is_told(&gateway);
    proxy.cut();
    proxy.heal();
    until_readiness(&gateway, 200, "store", "up");
    crew.ends_well();
}

/// The line to the database is cut under load, again and again, once for long enough to be noticed.
#[test]
fn a_line_to_the_database_that_is_cut_loses_nothing() {
    let cluster = PgCluster::start();
    let (mut proxy, backends) = through(&cluster);
    let gateway = impatient(backends);
    let crew = crew(&gateway);
    for _ in 0..3 {
        proxy.cut();
        proxy.heal();
        crew.until_accepted(50);
    }
    proxy.cut();
    silent_database_is_told(&gateway);
    proxy.heal();
    until_readiness(&gateway, 200, "store", "up");
    crew.ends_well();
}

/// Each round trip to the database takes 200 ms: sends take the several that a commit needs, and none is refused.
#[test]
fn a_slow_line_to_the_database_slows_sends_and_refuses_none() {
    let cluster = PgCluster::start();
    let (mut proxy, backends) = through(&cluster);
    let gateway = gateway(backends).start();
    let crew = crew(&gateway);
    proxy.delay(Duration::from_millis(100)); // each way
    crew.until_accepted(10);
    until_readiness(&gateway, 200, "store", "up");
    proxy.heal();
    let ledger = crew.ends_well();
    assert_eq!(ledger.most_tries(), 1, "a send was refused");
}
