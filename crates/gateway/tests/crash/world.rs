//! A gateway under load: senders that note what was accepted, readers that note what came.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pollgate_testkit::{Backends, Gateway, User};

use crate::ledger::Ledger;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_pollgate");
/// Every wait for a fact ends here.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn start(backends: Backends) -> Gateway {
    Gateway::builder(BINARY).backends(backends).env("POLLGATE_POLL__LINGER_MS", "1000").start()
}

/// Threads that send or read until they are stopped.
pub(crate) struct Crew {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Crew {
    pub(crate) fn new() -> Self {
        Self { stop: Arc::default(), threads: Vec::new(), ledger: Arc::default() }
    }

    /// Sends to `to` as fast as answers come; what is refused or breaks is tried again with the same `client_id`.
    pub(crate) fn sender(&mut self, sender: User, to: &'static str) {
        let (stop, ledger) = (self.stop.clone(), self.ledger.clone());
        self.threads.push(thread::spawn(move || {
            let mut number = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let message = serde_json::json!({
                    "to": to, "body": format!("message {number}"), "client_id": format!("c{number}"),
                });
                while !stop.load(Ordering::Relaxed) {
                    match sender.try_post("/v1/messages", &message) {
                        Ok(answer) if answer.status == 200 || answer.status == 201 => {
                            ledger.accepted(&answer.json);
                            break;
                        }
                        Ok(answer) => assert!(answer.status >= 500, "refused for good: {answer:?}"),
                        Err(_gone) => {}
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            }
        }));
    }

    /// Polls in a cursor loop, whatever happens to the gateway.
    pub(crate) fn reader(&mut self, reader: User) {
        let (stop, ledger) = (self.stop.clone(), self.ledger.clone());
        self.threads.push(thread::spawn(move || {
            let mut cursor = String::new();
            while !stop.load(Ordering::Relaxed) {
                match reader.try_poll(&format!("cursor={cursor}&wait=1")) {
                    Ok(answer) if answer.status == 200 => {
                        ledger.came(&answer.json);
                        cursor = answer.json["cursor"].as_str().unwrap().to_owned();
                    }
                    Ok(answer) => {
                        assert!(answer.status >= 500, "refused for good: {answer:?}");
                        thread::sleep(Duration::from_millis(50));
                    }
                    Err(_gone) => thread::sleep(Duration::from_millis(50)),
                }
            }
        }));
    }

    /// Waits until so many more were accepted.
    pub(crate) fn until_accepted(&self, more: usize) {
        let goal = self.ledger.count_accepted() + more;
        pollgate_testkit::eventually("more messages are accepted", LIMIT, || {
            self.ledger.count_accepted() >= goal
        });
    }

    pub(crate) fn until_nothing_is_missing(&self) {
        let started = Instant::now();
        while self.ledger.missing() > 0 {
            assert!(
                started.elapsed() < LIMIT,
                "{} of {} accepted messages did not come",
                self.ledger.missing(),
                self.ledger.count_accepted()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn stop(mut self) -> Arc<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
        self.ledger.clone()
    }
}
