//! A client's cursor loop, and the diary of what it got.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pollgate_model::Mailbox;

use super::gateway::Gateway;
use super::story::Faults;
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
    fn note(&mut self, polled: &Polled) -> Vec<u64> {
        self.answers += 1;
        self.resyncs += usize::from(polled.resync.is_some());
        let numbers: Vec<u64> =
            polled.events.iter().map(|json| serde_json::from_slice(json).unwrap()).collect();
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
    /// Polls for ever.
    pub(super) async fn run(self) {
        let mut cursor = PollCursor::Start;
        let mut answered = Vec::new();
        let mut at = self.pick();
        loop {
            if !self.sticky {
                at = self.pick();
            }
            let Some(polled) = self.poll(at, cursor).await else {
                at = self.pick();
                continue;
            };
            answered = self.note(&polled, answered);
            cursor = PollCursor::At(polled.cursor);
            let pause = polled.pause;
            polled.receipt.written();
            if self.world.chance(self.faults.reload_percent) {
                (cursor, answered) = (PollCursor::Start, Vec::new());
            }
            tokio::time::sleep(pause + Duration::from_micros(self.world.between(100, 5000))).await;
        }
    }

    /// Writes an answer down, and that the last one is confirmed.
    fn note(&self, polled: &Polled, confirmed: Vec<u64>) -> Vec<u64> {
        let mut diary = self.diary.lock().unwrap();
        diary.confirmed.extend(confirmed);
        diary.since.get_or_insert(*self.published.lock().unwrap());
        diary.note(polled)
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
