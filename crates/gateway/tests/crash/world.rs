//! Gateways under load: senders that note what was accepted, readers that note what came.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pollgate_testkit::{
    Answer, Backends, Builder, Gateway, PgSchema, User, eventually, rabbitmq_url, unique_prefix,
};
use serde_json::json;

use crate::ledger::Ledger;
use crate::transports::{Look, look};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_pollgate");
/// Every wait for a fact ends here.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// Between two attempts of one client.
const AGAIN: Duration = Duration::from_millis(20);

/// A gateway with a short linger time, on these backends.
pub(crate) fn gateway(backends: Backends) -> Builder {
    Gateway::builder(BINARY).backends(backends).env("POLLGATE_POLL__LINGER_MS", "1000")
}

pub(crate) fn start(backends: Backends) -> Gateway {
    gateway(backends).start()
}

/// A schema in the machine's database, and a place on this broker.
pub(crate) fn on_broker(amqp_url: &str) -> (PgSchema, Backends) {
    let schema = PgSchema::create();
    let backends = on(&schema.url(), amqp_url);
    (schema, backends)
}

/// This database and this broker, under names that nobody else has.
pub(crate) fn on(pg_url: &str, amqp_url: &str) -> Backends {
    Backends::Production { pg_url: pg_url.to_owned(), amqp_url: amqp_url.to_owned(), prefix: unique_prefix() }
}

/// A schema in the machine's database, and the machine's broker.
pub(crate) fn production() -> (PgSchema, Backends) {
    on_broker(&rabbitmq_url())
}

/// Waits until readiness has this status and says this of the part.
pub(crate) fn until_readiness(gateway: &Gateway, status: u16, part: &str, says: &str) {
    eventually(&format!("readiness is {status}, the {part} {says}"), LIMIT, || {
        let (code, json) = gateway.readiness();
        code == status && json[part] == says
    });
}

/// Threads that send or read until they are stopped.
pub(crate) struct Crew {
    stop: Arc<AtomicBool>,
    stop_sending: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Crew {
    pub(crate) fn new() -> Self {
        Self {
            stop: Arc::default(),
            stop_sending: Arc::default(),
            senders: Vec::new(),
            readers: Vec::new(),
            ledger: Arc::default(),
        }
    }

    /// Sends to `to` as fast as answers come; what is refused or breaks is tried again with the same `client_id`.
    pub(crate) fn sender(&mut self, sender: User, to: &'static str) {
        self.sender_over(vec![sender], to);
    }

    /// [`Self::sender`] that knows several gateways: each attempt after a failed one goes to the next of them.
    pub(crate) fn sender_over(&mut self, ways: Vec<User>, to: &'static str) {
        let (stop, ledger) = (self.stop_sending.clone(), self.ledger.clone());
        self.senders.push(thread::spawn(move || {
            let stopped = || stop.load(Ordering::Relaxed);
            let mut way = 0;
            let mut number = 0_u64;
            while !stopped() {
                number += 1;
                let message = json!({
                    "to": to, "body": format!("message {number}"), "client_id": format!("{to}-{number}"),
                });
                let (begun, mut tries) = (Instant::now(), 0);
                while !stopped() {
                    tries += 1;
                    match ways[way].try_post("/v1/messages", &message) {
                        Ok(answer) if answer.status == 200 || answer.status == 201 => {
                            ledger.accepted_after(to, &answer.json, tries, begun.elapsed());
                            break;
                        }
                        Ok(answer) => assert!(answer.status >= 500, "refused for good: {answer:?}"),
                        Err(_gone) => {}
                    }
                    way = (way + 1) % ways.len();
                    thread::sleep(AGAIN);
                }
            }
        }));
    }

    /// Reads in a cursor loop, by polls and by streams, whatever happens to the gateway.
    pub(crate) fn reader(&mut self, reader: User, name: &'static str) {
        self.reader_over(vec![reader], name);
    }

    /// [`Self::reader`] that asks several gateways in turn.
    pub(crate) fn reader_over(&mut self, ways: Vec<User>, name: &'static str) {
        let (stop, ledger) = (self.stop.clone(), self.ledger.clone());
        self.readers.push(thread::spawn(move || {
            let mut cursor = String::new();
            let mut read = HashMap::new();
            for (turn, way) in ways.iter().cycle().enumerate() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                match look(way, &cursor, turn / ways.len()) {
                    Look::Had(answer) => {
                        ledger.came(name, &answer);
                        if answer["resync"] != true || read_history(way, name, &ledger, &mut read) {
                            answer["cursor"].as_str().unwrap().clone_into(&mut cursor);
                        }
                    }
                    Look::Nothing(code) => {
                        // a gateway that stood still may let a mailbox go late, to one that does not wait any more
                        let superseded = code.as_deref() == Some("superseded");
                        assert!(!superseded || ways.len() > 1, "nobody else reads this mailbox");
                        thread::sleep(AGAIN);
                    }
                }
            }
        }));
    }

    /// Waits until so many more were accepted.
    pub(crate) fn until_accepted(&self, more: usize) {
        let goal = self.ledger.count_accepted() + more;
        eventually("more messages are accepted", LIMIT, || self.ledger.count_accepted() >= goal);
    }

    /// Waits until all has come that is accepted by now; senders may go on.
    pub(crate) fn until_nothing_is_missing(&self) {
        let started = Instant::now();
        let mut missing = self.ledger.which_are_missing();
        while !missing.is_empty() {
            assert!(
                started.elapsed() < LIMIT,
                "of {} accepted messages these did not come: {missing:?}",
                self.ledger.count_accepted(),
            );
            thread::sleep(AGAIN);
            missing.retain(|one| self.ledger.is_missing(one));
        }
    }

    /// Ends the senders, and waits for what they are sending.
    pub(crate) fn stop_sending(&mut self) {
        self.stop_sending.store(true, Ordering::Relaxed);
        for sender in self.senders.drain(..) {
            sender.join().unwrap();
        }
    }

    /// Ends the threads, and says what they saw.
    pub(crate) fn stop(mut self) -> Arc<Ledger> {
        self.stop_sending();
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.readers.drain(..) {
            thread.join().unwrap();
        }
        println!("{}", self.ledger.summary());
        self.ledger.clone()
    }

    /// The end of most tests: more is accepted, all of it comes, and nobody was told that something may be missing.
    pub(crate) fn ends_well(mut self) -> Arc<Ledger> {
        self.until_accepted(50);
        self.stop_sending();
        let started = Instant::now();
        self.until_nothing_is_missing();
        println!("all was there after {:?}", started.elapsed());
        let ledger = self.stop();
        assert_eq!(ledger.resyncs(), 0, "a resync that was not needed");
        ledger
    }
}

/// What a client does that may have missed something: it reads on in each room from where it has `read`. `false`: not all
/// could be read.
fn read_history(reader: &User, name: &'static str, ledger: &Ledger, read: &mut HashMap<String, i64>) -> bool {
    ledger.rooms().into_iter().all(|room| {
        let path = format!("/v1/rooms/{room}/messages?limit=100&after=");
        let after = read.entry(room).or_default();
        loop {
            let Ok(page) = reader.request("GET", &format!("{path}{after}"), &[], &[]) else { return false };
            if page.status != 200 {
                return page.status == 404; // a room of others
            }
            ledger.read(name, &page.json);
            *after = page.json["newest_id"].as_i64().unwrap_or(*after);
            if page.json["has_more"] != true {
                return true;
            }
        }
    })
}

/// Waits until a user's poll is held, as far as the broker shows it.
pub(crate) fn until_held(gateway: &Gateway, user: &str) {
    let operator = gateway.user("operator").operator();
    eventually("the poll is held", LIMIT, || {
        let depth: Answer = operator.get(&format!("/v1/mailboxes?user={user}"));
        depth.json["mailboxes"][0]["consumers"].as_u64().unwrap_or(0) > 0
    });
}
