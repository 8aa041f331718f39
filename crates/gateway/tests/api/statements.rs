//! What requests cost the database, by PostgreSQL's own log of every statement.

use std::time::Instant;

use pollgate_testkit::{Backends, Gateway, PgCluster, eventually, rabbitmq_url, unique_prefix};
use serde_json::json;

use crate::scrape::LIMIT;
use crate::world::BINARY;

/// What a gateway says and asks by itself, whatever its clients do.
const OWN: [&str; 25] = [
    "BEGIN",
    "COMMIT",
    "SET ",
    "SELECT 1",
    "INSERT INTO instances",
    "DELETE FROM instances",
    "UPDATE outbox SET instance",
    "SELECT id, heartbeat_ms",
    "SELECT \"outbox\"",
    "SELECT count(*), count(*) FILTER",
    "SELECT user_id, session, missed_at_ms",
    "SELECT \"mailbox_depths\"",
    "INSERT INTO mailbox_",
    "UPDATE mailbox_depths",
    "DELETE FROM mailbox_",
    "INSERT INTO placements",
    "DELETE FROM placements",
    "SELECT list, used_at_ms FROM placements",
    "DELETE FROM idempotency_keys",
    "UPDATE presence_gateways",
    "SELECT instance, ",
    "SELECT count(*) FROM (SELECT 1 FROM presence",
    "INSERT INTO presence",
    "DELETE FROM presence",
    "UPDATE presence ",
];

struct World {
    cluster: PgCluster,
    gateway: Gateway,
}

impl World {
    fn new() -> Self {
        let cluster = PgCluster::start();
        let backends =
            Backends::Production { pg_url: cluster.url(), amqp_url: rabbitmq_url(), prefix: unique_prefix() };
        // nobody leaves while a test takes its time
        let gateway =
            Gateway::builder(BINARY).backends(backends).env("POLLGATE_POLL__LINGER_MS", "60000").start();
        Self { cluster, gateway }
    }

    /// The statements of the gateway while `work` is done.
    fn statements(&self, work: impl FnOnce()) -> Vec<String> {
        self.cluster.query("select 'the work begins'");
        work();
        self.cluster.query("select 'the work is done'");
        let log = self.cluster.log();
        let (_, after) = log.rsplit_once("select 'the work begins'").unwrap();
        let (during, _) = after.split_once("select 'the work is done'").unwrap();
        let statements = during.lines().filter_map(|line| {
            let (_, said) = line.split_once(" LOG:  ")?;
            let (how, statement) = said.split_once(": ")?;
            (how == "statement" || how.starts_with("execute ")).then(|| statement.to_owned())
        });
        statements.filter(|one| !one.is_empty() && !one.starts_with("select '")).collect()
    }

    /// Statements are logged, and nothing of what came before is under way.
    fn settle(&self) {
        self.cluster.log_statements();
        eventually("the outbox is empty", LIMIT, || {
            self.cluster.query("select count(*) from outbox").trim() == "0"
        });
        eventually("statements are logged", LIMIT, || {
            self.cluster.log().contains(": UPDATE presence_gateways")
        });
    }
}

/// Those that are not the gateway's own.
fn asked(statements: &[String]) -> Vec<&String> {
    statements.iter().filter(|statement| !OWN.iter().any(|own| statement.starts_with(own))).collect()
}

#[test]
fn typing_writes_nothing_and_asks_who_is_in_a_group_once_in_a_while() {
    let world = World::new();
    let ann = world.gateway.user("ann");
    let direct = ann.send("bob", "hi").json["room"].as_str().unwrap().to_owned();
    let group = "01890000-0000-7000-8000-000000000001";
    world.cluster.query(&format!(
        "insert into rooms (id, kind, name, last_seq, created_at_ms, updated_at_ms) values ('{group}', 'group', 'all', 0, 0, 0); \
         insert into members (room_id, user_id, last_read_seq, joined_at_ms) \
         select '{group}', who, 0, 0 from unnest(array['ann', 'bob', 'cyd']) as who"
    ));
    world.settle();
    let say = |room: &str, typing: bool| {
        let answer = ann.post(&format!("/v1/rooms/{room}/typing"), &json!({"typing": typing}));
        assert_eq!(answer.status, 204, "{answer:?}");
    };
    // every word another one than the last: nothing is absorbed
    let in_direct = world.statements(|| (0..60).for_each(|n| say(&direct, n % 2 == 0)));
    assert_eq!(asked(&in_direct), Vec::<&String>::new(), "a direct room is known");
    let started = Instant::now();
    let in_group = world.statements(|| (0..60).for_each(|n| say(group, n % 2 == 0)));
    let most = 1 + started.elapsed().as_secs() / 5;
    let asked_there = asked(&in_group);
    assert!(asked_there.len() as u64 <= most && !asked_there.is_empty(), "{asked_there:?}");
    assert!(asked_there.iter().all(|one| one.starts_with("SELECT \"members\"")), "{asked_there:?}");
    // that all of this would be seen
    let sent = world.statements(|| assert_eq!(ann.send("bob", "hi").status, 201));
    assert!(asked(&sent).iter().any(|one| one.starts_with("INSERT INTO messages")), "{sent:?}");
}

#[test]
fn a_crowd_that_comes_is_written_together_and_stays_for_nothing() {
    let world = World::new();
    world.settle();
    let names: Vec<String> = (0..100).map(|n| format!("user{n}")).collect();
    let poll = || {
        for name in &names {
            assert_eq!(world.gateway.user(name).poll("cursor=&wait=0&presence=true").status, 200);
        }
    };
    let online = || world.cluster.query("select count(*) from presence where online = 1").trim() == "100";
    let count = |statements: &[String]| {
        statements.iter().filter(|one| one.starts_with("INSERT INTO presence_seats")).count() as u128
    };
    let started = Instant::now();
    let coming = world.statements(|| {
        poll();
        eventually("all are online", LIMIT, online);
    });
    // one for each time that the gateway writes, twice a second
    let most = 2 + started.elapsed().as_millis() / 500;
    assert!((1..=most).contains(&count(&coming)), "{} of at most {most}", count(&coming));
    let staying = world.statements(poll);
    assert_eq!(count(&staying), 0, "nothing has changed");
    assert_eq!(asked(&staying), Vec::<&String>::new());
}
