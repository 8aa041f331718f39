//! Mailboxes that an operator deleted, and who is to be told.
//!
//! A queue that is gone tells its reader by itself, but not when it was made again before the reader came back: a user's
//! main mailbox is, by the next event. So each deletion is remembered. A cursor says when it was made, and one made
//! before a deletion may have missed what was in the mailbox. Other gateways read of it in the database every second, so
//! for them it counts from a moment at which all of them know.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use pollgate_model::{Mailbox, Timestamp};
use pollgate_store::{Purge, Store, StoreError};
use tokio::time::Instant;
use tracing::debug;

use crate::task::Stop;

/// How often what others deleted is read.
const READ: Duration = Duration::from_secs(1);
/// When every gateway knows: it has read it some times, and clocks may differ.
const KNOWN_AFTER: Duration = Duration::from_secs(5);
/// Most deletions that are remembered, the newest.
const MOST: u32 = 10_000;
/// How often old ones are forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Purges {
    within: Duration,
    known: RwLock<Known>,
}

#[derive(Debug)]
struct Known {
    /// When each of these counts as missed.
    missed: HashMap<Mailbox, Timestamp>,
    /// Done here, and so known at once.
    own: HashMap<Mailbox, Timestamp>,
    forget_at: Instant,
}

impl Purges {
    /// None are known.
    pub(crate) fn new(message_ttl: Duration) -> Self {
        let known = Known { missed: HashMap::new(), own: HashMap::new(), forget_at: Instant::now() };
        // whoever was away for longer is told anyway
        Self { within: message_ttl + KNOWN_AFTER, known: RwLock::new(known) }
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever got a cursor made at `issued_at`, here or elsewhere, and asks now, may have missed what was in the mailbox.
    pub(crate) fn missed_since(
        &self,
        mailbox: &Mailbox,
        issued_at: Timestamp,
        here: bool,
        now: Timestamp,
    ) -> bool {
        let known = self.known();
        if let Some(at) = known.own.get(mailbox) {
            // a gateway that did not know of it made cursors that look newer than it
            let until = if here { *at } else { at.plus(KNOWN_AFTER) };
            return issued_at < until && *at <= now;
        }
        known.missed.get(mailbox).is_some_and(|at| issued_at < *at && *at <= now)
    }

    /// Says that this mailbox is about to be deleted: here at once, and to all.
    pub(super) async fn say(&self, store: &Store, mailbox: &Mailbox) -> Result<(), StoreError> {
        store.note_purge(mailbox.clone(), KNOWN_AFTER).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.own.len() < MOST as usize {
            known.own.insert(mailbox.clone(), Timestamp::now());
        }
        Ok(())
    }

    /// The service that reads what others deleted; ends with the stop signal.
    pub(crate) async fn watch(self: Arc<Self>, store: Store, mut stop: Stop) {
        loop {
            self.refresh(&store).await;
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(READ) => {}
            }
        }
    }

    async fn refresh(&self, store: &Store) {
        let seen = match store.purges(self.within, MOST).await {
            Ok(seen) => seen,
            Err(error) => return debug!(%error, "deletions were not read, trying again"),
        };
        if self.learn(seen, Timestamp::now())
            && let Err(error) = store.forget_purges(self.within).await
        {
            debug!(%error, "old deletions were not forgotten, trying again");
        }
    }

    /// `true`: it is time to forget old ones.
    fn learn(&self, seen: Vec<Purge>, now: Timestamp) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let within = self.within;
        known.own.retain(|_, at| at.age_at(now) <= within);
        for Purge { mailbox, missed_at } in &seen {
            // purged once more, elsewhere
            if known.own.get(mailbox).is_some_and(|at| at.plus(KNOWN_AFTER + READ) < *missed_at) {
                known.own.remove(mailbox);
            }
        }
        known.missed.clear();
        let any = !seen.is_empty();
        known.missed.extend(seen.into_iter().map(|purge| (purge.mailbox, purge.missed_at)));
        let due = Instant::now() >= known.forget_at;
        if due {
            known.forget_at = Instant::now() + FORGET;
        }
        due && any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(1_000_000 + seconds * 1000)
    }

    #[test]
    fn of_two_cursors_in_a_row_one_is_told() {
        let purges = Purges::new(Duration::from_secs(3600));
        let (ann, bob) = (Mailbox::main("ann".parse().unwrap()), Mailbox::main("bob".parse().unwrap()));
        purges.learn(vec![Purge { mailbox: ann.clone(), missed_at: at(5) }], at(1));
        let told: Vec<bool> = (0..8).map(|s| purges.missed_since(&ann, at(s), true, at(s + 1))).collect();
        assert_eq!(told, [false, false, false, false, true, false, false, false]);
        assert!(!purges.missed_since(&bob, at(0), true, at(9)));
    }

    /// The gateway that did it knows at once, others after some seconds; cursors of others may look newer than it is.
    #[test]
    fn own_purges_are_known_at_once_also_to_cursors_of_others() {
        let purges = Purges::new(Duration::from_secs(3600));
        let ann = Mailbox::main("ann".parse().unwrap());
        purges.known.write().unwrap().own.insert(ann.clone(), at(10));
        let row = |missed_at| vec![Purge { mailbox: Mailbox::main("ann".parse().unwrap()), missed_at }];
        purges.learn(row(at(15)), at(11));
        assert!(purges.missed_since(&ann, at(9), true, at(10)));
        assert!(!purges.missed_since(&ann, at(10), true, at(16)), "told already");
        assert!(purges.missed_since(&ann, at(13), false, at(14)), "it did not know when it answered");
        assert!(!purges.missed_since(&ann, at(15), false, at(16)));
        purges.learn(row(at(40)), at(36));
        assert!(purges.missed_since(&ann, at(20), true, at(41)), "somebody else purged it again");
    }
}
