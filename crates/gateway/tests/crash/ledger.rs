//! Counts what was accepted and what came.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use serde_json::Value;

/// What one test has sent and received.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Books>);

#[derive(Default)]
struct Books {
    /// Message ids that a 2xx was given for.
    accepted: HashSet<String>,
    /// How often each message id came.
    came: HashMap<String, u64>,
    /// Event ids by message id: a repeat must bear the same one.
    events: HashMap<String, String>,
}

impl Ledger {
    pub(crate) fn accepted(&self, message: &Value) {
        self.0.lock().unwrap().accepted.insert(message["id"].as_str().unwrap().to_owned());
    }

    /// Takes in a poll's answer.
    pub(crate) fn came(&self, answer: &Value) {
        let mut books = self.0.lock().unwrap();
        for event in answer["events"].as_array().unwrap() {
            if event["type"] != "message.created" {
                continue;
            }
            let message = event["data"]["id"].as_str().unwrap().to_owned();
            let id = event["id"].as_str().unwrap().to_owned();
            let known = books.events.entry(message.clone()).or_insert_with(|| id.clone());
            assert_eq!(*known, id, "a repeat with another id");
            *books.came.entry(message).or_default() += 1;
        }
    }

    pub(crate) fn count_accepted(&self) -> usize {
        self.0.lock().unwrap().accepted.len()
    }

    /// Accepted and not come yet.
    pub(crate) fn missing(&self) -> usize {
        let books = self.0.lock().unwrap();
        books.accepted.iter().filter(|id| !books.came.contains_key(*id)).count()
    }
}
