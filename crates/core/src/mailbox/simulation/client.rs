//! A client's cursor loop, and the diary of what it got.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use pollgate_model::Mailbox;

use super::gateway::Gateway;
use super::story::Faults;
use super::streaming::Place;
use super::world::World;
use crate::CoreError;
use crate::mailbox::{PollCursor, PollRequest, Polled};

/// What one client got.
#[derive(Default)]
pub(super) struct Diary {
    /// Numbers in the order in which they came first.
    pub(super) first: Vec<u64>,
    pub(super) had: BTreeSet<u64>,
    /// Came again although the client had confirmed them.
    pub(super) again: Vec<u64>,
    confirmed: BTreeSet<u64>,
    pub(super) resyncs: usize,
    /// How many were published when its first answer came: its mailbox is there since.
    pub(super) since: Option<u64>,
    pub(super) answers: usize,
}

impl Diary {
    fn note(&mut self, events: &[Bytes], resync: bool) -> Vec<u64> {
        self.answers += 1;
        self.resyncs += usize::from(resync);
        let number = |json: &Bytes| {
            let event: serde_json::Value = serde_json::from_slice(json).unwrap();
            event["number"].as_u64().unwrap()
        };
        let numbers: Vec<u64> = events.iter().map(number).collect();
        for number in &numbers {
            if self.had.insert(*number) {
                self.first.push(*number);
            } else if self.confirmed.contains(number) {
                self.again.push(*number);
            }
        }
        numbers
    }
}

/// A client and where it asks.
pub(super) struct Client {
    pub(super) world: Arc<World>,
    pub(super) gateways: Vec<Arc<Gateway>>,
    pub(super) mailbox: Mailbox,
    pub(super) faults: Faults,
    pub(super) diary: Arc<Mutex<Diary>>,
    pub(super) published: Arc<Mutex<u64>>,
    /// Stays with a gateway as long as that answers.
    pub(super) sticky: bool,
}

impl Client {
    /// Polls for ever, and reads by streams in between.
    pub(super) async fn run(self) {
        let mut place = Place { cursor: PollCursor::Start, answered: Vec::new() };
        let mut at = self.pick();
        loop {
            if !self.sticky {
                at = self.pick();
            }
            if self.world.chance(self.faults.stream_percent) {
                self.stream(at, &mut place).await;
            } else {
                let Some(polled) = self.poll(at, place.cursor).await else {
                    at = self.pick();
                    continue;
                };
                self.confirmed(place.answered);
                place.answered = self.note_events(&polled.events, polled.resync.is_some());
                place.cursor = PollCursor::At(polled.cursor);
                polled.receipt.written();
                tokio::time::sleep(polled.pause).await;
            }
            if self.world.chance(self.faults.reload_percent) {
                place = Place { cursor: PollCursor::Start, answered: Vec::new() };
            }
            tokio::time::sleep(Duration::from_micros(self.world.between(100, 5000))).await;
        }
    }

    /// Writes down what was confirmed.
    pub(super) fn confirmed(&self, confirmed: Vec<u64>) {
        self.diary.lock().unwrap().confirmed.extend(confirmed);
    }

    /// Writes down what came.
    pub(super) fn note_events(&self, events: &[Bytes], resync: bool) -> Vec<u64> {
        let mut diary = self.diary.lock().unwrap();
        diary.since.get_or_insert(*self.published.lock().unwrap());
        diary.note(events, resync)
    }

    fn pick(&self) -> usize {
        usize::try_from(self.world.between(0, self.gateways.len() as u64 - 1)).unwrap()
    }

    /// `None`: no answer came, or one that says "again".
    async fn poll(&self, at: usize, cursor: PollCursor) -> Option<Polled> {
        let limit =
            if self.world.chance(50) { 100 } else { usize::try_from(self.world.between(1, 4)).unwrap() };
        let wait = Duration::from_millis(self.world.between(0, 2000));
        let request = PollRequest { mailbox: self.mailbox.clone(), cursor, limit, wait, presence: false };
        let polling = self.gateways[at].poll(request);
        let patience = match self.world.chance(self.faults.leave_percent) {
            true => Duration::from_millis(self.world.between(0, 500)),
            false => Duration::from_secs(30),
        };
        let answer = tokio::time::timeout(patience, polling).await;
        // it was answered, and the client never saw it
        let lost = self.world.chance(self.faults.lost_percent);
        match answer {
            Ok(Some(Ok(polled))) if !lost => return Some(polled),
            Ok(Some(Ok(_lost))) => {}
            Ok(Some(Err(CoreError::Internal(why)))) => panic!("{}: {why}", self.mailbox),
            Ok(Some(Err(_)) | None) | Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(self.world.between(1, 250))).await;
        None
    }
}
