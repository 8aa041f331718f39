//! Counts what was accepted and what came.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What one test has sent and received.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Books>);

#[derive(Default)]
struct Books {
    /// Message ids that a 2xx was given for, and when.
    accepted: HashMap<String, Instant>,
    /// Rooms that they went to.
    rooms: HashSet<String>,
    /// How often each message id came, or was found in the history.
    came: HashMap<String, u64>,
    /// Event ids by message id: a repeat must bear the same one.
    events: HashMap<String, String>,
    resyncs: u64,
    /// The most attempts that a message took.
    most_tries: u32,
    longest_send: Duration,
    longest_way: Duration,
}

impl Ledger {
    pub(crate) fn accepted(&self, message: &Value) {
        self.accepted_after(message, 1, Duration::ZERO);
    }

    /// Accepted after so many attempts, and so much time.
    pub(crate) fn accepted_after(&self, message: &Value, tries: u32, took: Duration) {
        let mut books = self.0.lock().unwrap();
        books.accepted.entry(message["id"].as_str().unwrap().to_owned()).or_insert_with(Instant::now);
        books.rooms.insert(message["room"].as_str().unwrap().to_owned());
        books.most_tries = books.most_tries.max(tries);
        books.longest_send = books.longest_send.max(took);
    }

    /// Takes in a poll's answer.
    pub(crate) fn came(&self, answer: &Value) {
        let mut books = self.0.lock().unwrap();
        books.resyncs += u64::from(answer["resync"] == true);
        for event in answer["events"].as_array().unwrap() {
            if event["type"] != "message.created" {
                continue;
            }
            let message = event["data"]["id"].as_str().unwrap().to_owned();
            let id = event["id"].as_str().unwrap().to_owned();
            let known = books.events.entry(message.clone()).or_insert_with(|| id.clone());
            assert_eq!(*known, id, "a repeat with another id");
            if let Some(at) = books.accepted.get(&message).filter(|_| !books.came.contains_key(&message)) {
                books.longest_way = books.longest_way.max(at.elapsed());
            }
            *books.came.entry(message).or_default() += 1;
        }
    }

    /// Takes in a page of a room's history, which a client reads when it was told to.
    pub(crate) fn read(&self, page: &Value) {
        let mut books = self.0.lock().unwrap();
        for message in page["messages"].as_array().unwrap() {
            books.came.entry(message["id"].as_str().unwrap().to_owned()).or_default();
        }
    }

    pub(crate) fn rooms(&self) -> Vec<String> {
        self.0.lock().unwrap().rooms.iter().cloned().collect()
    }

    pub(crate) fn count_accepted(&self) -> usize {
        self.0.lock().unwrap().accepted.len()
    }

    /// Accepted and not come yet.
    pub(crate) fn missing(&self) -> usize {
        let books = self.0.lock().unwrap();
        books.accepted.keys().filter(|id| !books.came.contains_key(*id)).count()
    }

    /// Answers that said that something may have been missed.
    pub(crate) fn resyncs(&self) -> u64 {
        self.0.lock().unwrap().resyncs
    }

    pub(crate) fn most_tries(&self) -> u32 {
        self.0.lock().unwrap().most_tries
    }

    /// What clients saw, in a line.
    pub(crate) fn summary(&self) -> String {
        let books = self.0.lock().unwrap();
        let repeats: u64 = books.came.values().map(|times| times.saturating_sub(1)).sum();
        format!(
            "accepted {}, repeats {repeats}, resyncs {}, most tries {}, longest send {:?}, longest from 2xx to reader {:?}",
            books.accepted.len(),
            books.resyncs,
            books.most_tries,
            books.longest_send,
            books.longest_way,
        )
    }
}
