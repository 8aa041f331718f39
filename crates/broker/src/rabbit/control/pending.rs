//! Requests that wait for their answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Answers to one request that nobody has looked at yet; more are dropped.
const MOST_ANSWERS: usize = 64;

/// What is heard about a request.
#[derive(Debug)]
pub(super) enum Heard {
    Answer(Bytes),
    /// It came back: nobody has this key.
    Nobody,
}

/// The requests that wait, by number. Bounded.
pub(super) struct Pending {
    table: Mutex<Table>,
    most: usize,
}

#[derive(Default)]
struct Table {
    last: u64,
    waiting: HashMap<u64, mpsc::Sender<Heard>>,
}

/// One request's place in the table, free again when this is dropped.
pub(super) struct Waiting {
    pending: Arc<Pending>,
    pub(super) number: u64,
    heard: mpsc::Receiver<Heard>,
}

impl Pending {
    pub(super) fn new(most: usize) -> Self {
        Self { table: Mutex::default(), most }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more request; `None`: as many wait as may.
    pub(super) fn wait(this: &Arc<Self>) -> Option<Waiting> {
        let mut table = this.table();
        if table.waiting.len() >= this.most {
            return None;
        }
        let (hear, heard) = mpsc::channel(MOST_ANSWERS);
        table.last += 1;
        let number = table.last;
        table.waiting.insert(number, hear);
        drop(table);
        Some(Waiting { pending: Arc::clone(this), number, heard })
    }

    /// Something was heard about a request; of one that nobody waits for any more, it is dropped.
    pub(super) fn heard(&self, number: u64, what: Heard) {
        let hear = self.table().waiting.get(&number).cloned();
        if let Some(hear) = hear {
            // as many answers as fit wait already, or its waiter has just left
            drop(hear.try_send(what));
        }
    }

    /// The connection is gone: nothing will be heard any more.
    pub(super) fn give_up(&self) {
        self.table().waiting.clear();
    }
}

impl Waiting {
    /// What is heard next; `None`: nothing any more.
    pub(super) async fn recv(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.pending.table().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_find_their_request_and_the_table_has_a_bound() {
        let pending = Arc::new(Pending::new(2));
        let mut first = Pending::wait(&pending).unwrap();
        let mut second = Pending::wait(&pending).unwrap();
        assert!(Pending::wait(&pending).is_none());
        pending.heard(second.number, Heard::Nobody);
        pending.heard(first.number, Heard::Answer(Bytes::from_static(b"yes")));
        assert!(matches!(second.recv().await, Some(Heard::Nobody)));
        assert!(matches!(first.recv().await, Some(Heard::Answer(text)) if text == "yes"));
        drop(first);
        let mut third = Pending::wait(&pending).unwrap();
        pending.give_up();
        assert!(third.recv().await.is_none());
    }
}
