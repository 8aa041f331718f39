//! The way to PostgreSQL breaks in the middle of a commit: nobody at the gateway knows whether it took place. Retries with
//! the same `client_id` or `Idempotency-Key` find out.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use pollgate_testkit::{
    Answer, Backends, Gateway, PgSchema, TcpProxy, User, eventually, rabbitmq_url, unique_prefix,
};
use serde_json::{Value, json};

use crate::world::{BINARY, LIMIT};

/// Requests that are made again and again until they are accepted.
#[derive(Clone, Copy)]
enum Retry {
    ClientId,
    IdempotencyKey,
}

impl Retry {
    fn ask(self, user: &User, name: &str) -> Result<Answer, String> {
        match self {
            Self::ClientId => {
                let message = json!({"to": "bob", "body": name, "client_id": name});
                user.try_post("/v1/messages", &message)
            }
            Self::IdempotencyKey => {
                let event =
                    json!({"to": ["bob"], "type": "order.updated", "data": {"body": name}}).to_string();
                let headers = [("content-type", "application/json"), ("idempotency-key", name)];
                user.request("POST", "/v1/events", &headers, event.as_bytes())
            }
        }
    }
}

/// What came of it.
#[derive(Default)]
struct Books {
    stop: AtomicBool,
    /// The test has failed: nothing is tried again.
    failed: AtomicBool,
    /// Answers that left it open, by kind of request.
    uncertain: [AtomicUsize; 2],
    /// Messages that were there already.
    found: AtomicUsize,
    /// The id of what was accepted, by the name of the request.
    accepted: Mutex<BTreeMap<String, String>>,
}

impl Books {
    fn count(&self) -> usize {
        self.accepted.lock().unwrap().len()
    }

    fn uncertain(&self) -> [usize; 2] {
        [&self.uncertain[0], &self.uncertain[1]].map(|count| count.load(Ordering::Relaxed))
    }

    /// Asks for one thing after the other, each until it is accepted.
    fn keep_asking(&self, user: &User, how: Retry) {
        for number in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let name = format!("{}-{number}", how as u8);
            while !self.is_accepted(how.ask(user, &name), how, &name) {
                if self.failed.load(Ordering::Relaxed) {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn is_accepted(&self, answer: Result<Answer, String>, how: Retry, name: &str) -> bool {
        let Ok(answer) = answer else { return false };
        match answer.status {
            200..=202 => {
                let id = answer.json["id"].as_str().unwrap().to_owned();
                assert_eq!(self.accepted.lock().unwrap().insert(name.to_owned(), id), None);
                self.found.fetch_add(usize::from(answer.status == 200), Ordering::Relaxed);
                return true;
            }
            503 if answer.json["detail"].as_str().unwrap().contains("may have been stored") => {
                self.uncertain[how as usize].fetch_add(1, Ordering::Relaxed);
            }
            other => assert_eq!(other, 503, "refused for good: {answer:?}"),
        }
        false
    }
}

/// Dropping it ends the asking.
struct End<'b>(&'b Books);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.failed.store(thread::panicking(), Ordering::Relaxed);
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

/// Reads until all that was accepted has come; what came, as (name, event id), repeats of an event left out.
fn read(bob: &User, accepted: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut came: BTreeMap<String, String> = BTreeMap::new();
    let mut cursor = String::new();
    eventually("what was accepted comes", LIMIT, || {
        let answer = bob.poll(&format!("cursor={cursor}&wait=1&limit=1000"));
        assert_eq!((answer.status, &answer.json["resync"]), (200, &json!(false)), "{answer:?}");
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        for event in answer.json["events"].as_array().unwrap() {
            if let (Value::String(id), Value::String(name)) = (&event["id"], &event["data"]["body"]) {
                came.insert(id.clone(), name.clone());
            }
        }
        accepted.values().all(|id| came.contains_key(id))
    });
    let mut came: Vec<_> = came.into_iter().map(|(id, name)| (name, id)).collect();
    came.sort_unstable();
    came
}

/// Breaks the way while a commit is held, until requests of both kinds were left in the open.
fn broken_in_mid_commit(takes_place: bool) {
    let schema = PgSchema::create();
    let url = schema.url();
    let server = url.split_once('@').and_then(|(_, rest)| rest.split_once('/')).unwrap().0;
    let mut way = TcpProxy::start(server);
    let backends = Backends::Production {
        pg_url: url.replace(server, &format!("127.0.0.1:{}", way.port())),
        amqp_url: rabbitmq_url(),
        prefix: unique_prefix(),
    };
    // time-outs are not what ends these commits
    let builder = Gateway::builder(BINARY).env("POLLGATE_STORE__STATEMENT_TIMEOUT_MS", "60000");
    let gateway = builder.backends(backends).start();
    let gate = schema.commit_gate("outbox");
    let books = Books::default();
    thread::scope(|scope| {
        let _end = End(&books);
        for how in [Retry::ClientId, Retry::IdempotencyKey] {
            let (books, user) = (&books, gateway.user_with("shop", "user publish"));
            scope.spawn(move || books.keep_asking(&user, how));
        }
        let mut before = books.uncertain();
        eventually("requests of both kinds are left in the open", LIMIT, || {
            let goal = books.count() + 10;
            eventually("more is accepted", LIMIT, || books.count() >= goal);
            gate.close();
            eventually("a commit is held", LIMIT, || gate.holds() > 0);
            way.cut();
            eventually("somebody hears that it is not known", LIMIT, || books.uncertain() != before);
            if !takes_place {
                gate.refuse();
            }
            way.heal();
            gate.open();
            before = books.uncertain();
            before.iter().all(|count| *count > 0)
        });
        let goal = books.count() + 10;
        eventually("more is accepted", LIMIT, || books.count() >= goal);
    });
    let accepted = books.accepted.lock().unwrap();
    if takes_place {
        assert!(books.found.load(Ordering::Relaxed) > 0, "a retry finds what was stored");
    }
    let wanted: Vec<_> = accepted.iter().map(|(name, id)| (name.clone(), id.clone())).collect();
    assert_eq!(
        read(&gateway.user("bob"), &accepted),
        wanted,
        "each came, as one event, the one that was answered"
    );
    let of = |how: Retry| {
        let prefix = format!("{}-", how as u8);
        i64::try_from(accepted.keys().filter(|name| name.starts_with(&prefix)).count()).unwrap()
    };
    assert_eq!(schema.count("messages"), of(Retry::ClientId));
    assert_eq!(schema.count("idempotency_keys"), of(Retry::IdempotencyKey));
    eventually("nothing is left to be published", LIMIT, || schema.count("outbox") == 0);
}

#[test]
fn commits_of_unknown_outcome_that_took_place_are_found() {
    broken_in_mid_commit(true);
}

#[test]
fn commits_of_unknown_outcome_that_did_not_take_place_are_made_up_for() {
    broken_in_mid_commit(false);
}
