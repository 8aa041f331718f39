//! One of the two gateways goes, by a kill or in order, while clients go on through the balancer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pollgate_testkit::{Answer, User, eventually};
use serde_json::{Value, json};

use crate::world::{LIMIT, World};

const READERS: [&str; 6] = ["bob", "cid", "dan", "eve", "fay", "gus"];

/// Clients in loops, until they are stopped.
#[derive(Default)]
struct Crowd {
    seen: Arc<Seen>,
    /// The sender's first.
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    /// Nothing more is sent.
    quiet: AtomicBool,
    stop: AtomicBool,
    polls: AtomicUsize,
    sends: AtomicUsize,
    /// Polls that were asked to pause before the next.
    paused: AtomicUsize,
    /// Answers that no client should see.
    wrong: Mutex<Vec<String>>,
    /// What was accepted and has not come, by recipient and text.
    missing: Mutex<BTreeSet<(String, String)>>,
    /// What came before its sender had its answer.
    early: Mutex<BTreeSet<(String, String)>>,
}

impl Seen {
    fn wrong(&self, what: &str, answer: &Result<Answer, String>) {
        self.wrong.lock().unwrap().push(format!("{what}: {answer:?}"));
    }

    fn accepted(&self, to: &str, text: String) {
        let key = (to.to_owned(), text);
        let mut missing = self.missing.lock().unwrap();
        if !self.early.lock().unwrap().contains(&key) {
            missing.insert(key);
        }
    }

    fn came(&self, reader: &str, event: &Value) {
        let Some(text) = event["data"]["body"].as_str() else { return };
        let key = (reader.to_owned(), text.to_owned());
        let mut missing = self.missing.lock().unwrap();
        if !missing.remove(&key) {
            self.early.lock().unwrap().insert(key);
        }
    }
}

impl Crowd {
    fn of(world: &World) -> Self {
        let mut crowd = Self::default();
        let (user, seen) = (world.user("ann"), crowd.seen.clone());
        crowd.threads.push(thread::spawn(move || send(&user, &seen)));
        for name in READERS {
            let (user, seen) = (world.user(name), crowd.seen.clone());
            crowd.threads.push(thread::spawn(move || read(name, &user, &seen)));
        }
        crowd
    }

    /// Waits until both have gone on for a while.
    fn goes_on(&self) {
        let polls = self.seen.polls.load(Ordering::Relaxed) + 30;
        let sends = self.seen.sends.load(Ordering::Relaxed) + 30;
        eventually("polls and sends go on", LIMIT, || {
            self.seen.polls.load(Ordering::Relaxed) >= polls
                && self.seen.sends.load(Ordering::Relaxed) >= sends
        });
    }

    /// Stops sending and waits for what is on its way, then ends.
    fn finish(mut self) -> Arc<Seen> {
        self.seen.quiet.store(true, Ordering::Relaxed);
        self.threads.remove(0).join().unwrap();
        eventually("all that was accepted has come", LIMIT, || self.seen.missing.lock().unwrap().is_empty());
        self.seen.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        let wrong = self.seen.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{} wrong answers: {wrong:#?}", wrong.len());
        drop(wrong);
        self.seen
    }
}

/// A cursor loop. Whatever happens to a gateway, a poll is answered 200.
fn read(name: &str, user: &User, seen: &Seen) {
    let mut cursor = String::new();
    while !seen.stop.load(Ordering::Relaxed) {
        let outcome = user.try_poll(&format!("cursor={cursor}&wait=1"));
        match &outcome {
            Ok(answer) if answer.status == 200 => {
                for event in answer.json["events"].as_array().unwrap() {
                    seen.came(name, event);
                }
                cursor = answer.json["cursor"].as_str().unwrap().to_owned();
                seen.paused.fetch_add(usize::from(answer.json["pause_ms"] != 0), Ordering::Relaxed);
            }
            _ => seen.wrong("poll", &outcome),
        }
        seen.polls.fetch_add(1, Ordering::Relaxed);
    }
}

const BEFORE_THE_RETRY: Duration = Duration::from_millis(250);

/// Sends to everybody in turn. A send that fails is repeated once, with the same `client_id`, and then it is accepted.
fn send(user: &User, seen: &Seen) {
    for (number, to) in READERS.iter().cycle().enumerate() {
        if seen.quiet.load(Ordering::Relaxed) {
            return;
        }
        let text = format!("message {number}");
        let message = json!({"to": to, "body": text, "client_id": text});
        let good = |outcome: &Result<Answer, String>| {
            outcome.as_ref().is_ok_and(|answer| matches!(answer.status, 200 | 201))
        };
        let first = user.try_post("/v1/messages", &message);
        if !good(&first) {
            // as client libraries do; until then the balancer still has idle connections to the gateway that died
            #[expect(clippy::disallowed_methods, reason = "the pause before a retry")]
            thread::sleep(BEFORE_THE_RETRY);
            let second = user.try_post("/v1/messages", &message);
            if !good(&second) {
                seen.wrong("first send", &first);
                seen.wrong("second send", &second);
                continue;
            }
        }
        seen.accepted(to, text);
        seen.sends.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_killed_gateway_costs_no_poll_and_no_message() {
    let mut world = World::new();
    let crowd = Crowd::of(&world);
    crowd.goes_on();
    world.a.kill();
    crowd.goes_on();
    // and it is found again when it is back
    let served = |log: &[String], gateway: &str| {
        log.iter().filter(|line| line.contains(&format!(" to={gateway} "))).count()
    };
    let address = crate::world::address(&world.a).to_string();
    let before = served(&world.nginx.access_log(), &address);
    world.a.start_again();
    eventually("the balancer uses it again", LIMIT, || served(&world.nginx.access_log(), &address) > before);
    crowd.finish();
}

#[test]
fn a_gateway_that_stops_in_order_ends_its_holds_and_costs_no_poll() {
    let mut world = World::new();
    let mut crowd = Crowd::of(&world);
    // nobody writes to these: of so many, some are held at the one that stops
    for number in 0..16 {
        let (user, seen) = (world.user(&format!("idle{number}")), crowd.seen.clone());
        crowd.threads.push(thread::spawn(move || read("idle", &user, &seen)));
    }
    crowd.goes_on();
    let status = world.a.terminate();
    assert!(status.success(), "{status:?}: {}", world.a.log());
    crowd.goes_on();
    let seen = crowd.finish();
    assert!(seen.paused.load(Ordering::Relaxed) > 0, "held polls were told to pause");
}
