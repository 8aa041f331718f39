//! The writers' queue and the readers' connections.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pollgate_testkit::eventually;

use super::assert_refused;
use crate::scrape::{LIMIT, Scrape, until_used};
use crate::wire::Wire;
use crate::world::Pair::Production;
use crate::world::world_with;

/// Somebody else's lock on a table, until this is dropped.
struct Blocker(Child);

impl Blocker {
    fn of(url: &str, table: &str, mode: &str) -> Self {
        let mut psql = Command::new("psql");
        psql.arg(url).args(["-q", "-X", "-v", "ON_ERROR_STOP=1"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = psql.spawn().unwrap();
        let lock = format!("begin; lock table {table} in {mode} mode;\n");
        child.stdin.as_mut().unwrap().write_all(lock.as_bytes()).unwrap();
        Self(child)
    }
}

impl Drop for Blocker {
    fn drop(&mut self) {
        drop(self.0.stdin.take()); // the end of its input ends the session, and that the lock
        drop(self.0.wait());
    }
}

#[test]
fn the_writers_queue() {
    let gateway = world_with(Production, |builder| {
        builder
            .env("POLLGATE_STORE__WRITERS", "1")
            .env("POLLGATE_STORE__WRITER_QUEUE", "4")
            .env("POLLGATE_STORE__STATEMENT_TIMEOUT_MS", "60000")
    });
    let ann = gateway.user("ann");
    assert_eq!(ann.send("bob", "before").status, 201);
    let blocker = Blocker::of(&gateway.schema.as_ref().unwrap().url(), "rooms", "exclusive");
    let body = br#"{"to":"bob","body":"in the queue"}"#;
    // the writer takes as many as there are when it turns to its queue, so how many fill it is not known before
    let (mut waiting, started) = (Vec::new(), Instant::now());
    while Scrape::of(&gateway).limit("writer_queue")[1] < 4.0 {
        assert!(started.elapsed() < LIMIT && waiting.len() < 200, "the queue does not fill");
        let mut wire = Wire::to(&gateway);
        wire.ask("POST", "/v1/messages", &gateway.token("ann"), body);
        if wire.is_silent_for(Duration::from_millis(50)) {
            waiting.push(wire);
        }
    }
    let problem = (503, "overloaded", "writer queue");
    assert_refused(&gateway, "writer_queue", problem, || ann.send("bob", "refused"));
    drop(blocker);
    for mut wire in waiting {
        assert_eq!(wire.reply().status, 201, "what was queued is written");
    }
    eventually("ann sends again", LIMIT, || ann.send("bob", "after").status == 201);
    until_used(&gateway, "writer_queue", 0.0);
}

#[test]
fn the_readers_connections() {
    let gateway = world_with(Production, |builder| {
        builder
            // whoever indexes would wait for the table on the one connection there is
            .env("POLLGATE_SEARCH__ENABLED", "false")
            .env("POLLGATE_STORE__POOL_SIZE", "1")
            .env("POLLGATE_STORE__ACQUIRE_TIMEOUT_MS", "500")
            .env("POLLGATE_STORE__STATEMENT_TIMEOUT_MS", "60000")
    });
    let ann = gateway.user("ann");
    let sent = ann.send("bob", "hi");
    let path = format!("/v1/rooms/{}/messages", sent.json["room"].as_str().unwrap());
    let blocker = Blocker::of(&gateway.schema.as_ref().unwrap().url(), "messages", "access exclusive");
    let mut reading = Wire::to(&gateway);
    eventually("a reader waits for the lock", LIMIT, || {
        reading = Wire::to(&gateway);
        reading.ask("GET", &path, &gateway.token("ann"), b"");
        reading.is_silent_for(Duration::from_millis(1500))
    });
    until_used(&gateway, "pool_size", 1.0);
    assert_refused(&gateway, "pool_size", (503, "overloaded", "database pool"), || ann.get(&path));
    assert!(Scrape::of(&gateway).value("pollgate_store_up") > 0.5, "it is busy, not away");
    drop(blocker);
    assert_eq!(reading.reply().status, 200);
    eventually("ann reads again", LIMIT, || ann.get(&path).status == 200);
}
