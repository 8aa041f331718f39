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
    /// Message ids that a 2xx was given for, for whom, and when.
    accepted: HashMap<String, (&'static str, Instant)>,
    /// Rooms that they went to.
    rooms: HashSet<String>,
    /// How often each message id came to a reader, or was found in the history.
    came: HashMap<(&'static str, String), u64>,
    /// Event ids by message id: a repeat must bear the same one.
    events: HashMap<String, String>,
    resyncs: u64,
    /// The most attempts that a message took.
    most_tries: u32,
    longest_send: Duration,
    longest_way: Duration,
}

impl Ledger {
    pub(crate) fn accepted(&self, to: &'static str, message: &Value) {
        self.accepted_after(to, message, 1, Duration::ZERO);
    }

    /// Accepted after so many attempts, and so much time.
    pub(crate) fn accepted_after(&self, to: &'static str, message: &Value, tries: u32, took: Duration) {
        let mut books = self.0.lock().unwrap();
        let id = message["id"].as_str().unwrap().to_owned();
        books.accepted.entry(id).or_insert_with(|| (to, Instant::now()));
        books.rooms.insert(message["room"].as_str().unwrap().to_owned());
        books.most_tries = books.most_tries.max(tries);
        books.longest_send = books.longest_send.max(took);
    }

    /// Takes in a poll's answer to a reader.
    pub(crate) fn came(&self, reader: &'static str, answer: &Value) {
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
            let sent = books.accepted.get(&message).map(|(_to, at)| *at);
            let times = books.came.entry((reader, message)).or_default();
            *times += 1;
            if let (1, Some(at)) = (*times, sent) {
                books.longest_way = books.longest_way.max(at.elapsed());
            }
        }
    }

    /// Takes in a page of a room's history, which a client reads when it was told to.
    pub(crate) fn read(&self, reader: &'static str, page: &Value) {
        let mut books = self.0.lock().unwrap();
        for message in page["messages"].as_array().unwrap() {
            books.came.entry((reader, message["id"].as_str().unwrap().to_owned())).or_default();
        }
    }

    pub(crate) fn rooms(&self) -> Vec<String> {
        self.0.lock().unwrap().rooms.iter().cloned().collect()
    }

    pub(crate) fn count_accepted(&self) -> usize {
        self.0.lock().unwrap().accepted.len()
    }

    /// Accepted, and not come to whom they are for.
    pub(crate) fn missing(&self) -> usize {
        self.which_are_missing().len()
    }

    /// Ids of those, and for whom they are.
    pub(crate) fn which_are_missing(&self) -> Vec<(String, &'static str)> {
        let books = self.0.lock().unwrap();
        let all = books.accepted.iter().map(|(id, (to, _at))| (id.clone(), *to));
        all.filter(|(id, to)| !books.came.contains_key(&(*to, id.clone()))).collect()
    }

    /// One of [`Self::which_are_missing`] has still not come.
    pub(crate) fn is_missing(&self, (id, to): &(String, &'static str)) -> bool {
        !self.0.lock().unwrap().came.contains_key(&(*to, id.clone()))
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
