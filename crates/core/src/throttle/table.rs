//! The accounts of all users at this gateway: a bounded map.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use pollgate_model::{Rate, UserId};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::account::Account;
use crate::figures::Limit;

/// When there is no room, the one of so many accounts that was used longest ago has to go.
const LOOKED_AT: usize = 16;

/// Whose account it is, and of which class (its number).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) user: UserId,
    pub(super) class: usize,
}

/// An account in the table.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) account: Account,
    /// Says that the shared count has answered.
    pub(super) settled: Arc<Notify>,
}

/// See the module's text. Its guards are held for work in memory only.
#[derive(Debug)]
pub(super) struct Table {
    slots: DashMap<Key, Slot>,
    most: usize,
    /// How often there was no room.
    met: AtomicU64,
    started: Instant,
}

impl Table {
    pub(super) fn new(most: usize) -> Self {
        Self { slots: DashMap::new(), most, met: AtomicU64::new(0), started: Instant::now() }
    }

    /// The clock of all accounts, in microseconds. It does not begin at 0: an account has never been used before that.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Does something to an account, made now if there is none. `None`: there is no room, because all that were looked at
    /// are in use.
    pub(super) fn with<T>(&self, key: &Key, rate: Rate, work: impl FnOnce(&mut Slot, u64) -> T) -> Option<T> {
        let now = self.now();
        if let Some(mut slot) = self.slots.get_mut(key) {
            return Some(work(&mut slot, now));
        }
        if self.slots.len() >= self.most {
            self.met.fetch_add(1, Ordering::Relaxed);
            if !self.make_room() {
                return None;
            }
        }
        let new = || Slot { account: Account::new(rate), settled: Arc::default() };
        let mut slot = self.slots.entry(key.clone()).or_insert_with(new);
        Some(work(&mut slot, now))
    }

    /// Does something to an account, if there is one.
    pub(super) fn with_existing<T>(&self, key: &Key, work: impl FnOnce(&mut Slot, u64) -> T) -> Option<T> {
        let now = self.now();
        self.slots.get_mut(key).map(|mut slot| work(&mut slot, now))
    }

    fn make_room(&self) -> bool {
        let looked_at = self.slots.iter().take(LOOKED_AT).filter(|slot| !slot.account.is_in_use());
        let oldest = looked_at.min_by_key(|slot| slot.account.used_at()).map(|slot| slot.key().clone());
        oldest.is_some_and(|key| self.slots.remove_if(&key, |_, slot| !slot.account.is_in_use()).is_some())
    }

    /// Lets leases run out and forgets accounts that nothing would be lost with; the others are shown to `each`.
    pub(super) fn sweep(&self, each: impl Fn(&Key, &mut Account)) {
        let now = self.now();
        self.slots.retain(|key, slot| {
            slot.account.expire(now);
            let kept = !slot.account.may_be_forgotten(now);
            if kept {
                each(key, &mut slot.account);
            }
            kept
        });
    }

    pub(super) fn limit(&self) -> Limit {
        Limit {
            name: "throttle_entries",
            most: self.most as u64,
            used: Some(self.slots.len() as u64),
            refused: Some(self.met.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::account::{Decision, Mode};
    use super::*;

    fn key(name: &str) -> Key {
        Key { user: name.parse().unwrap(), class: 0 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_table_forgets_the_account_that_was_used_longest_ago() {
        let (table, rate) = (Table::new(3), "1/h".parse().unwrap());
        let ask = |name: &str| table.with(&key(name), rate, |slot, now| slot.account.ask(now, Mode::Alone));
        for name in ["a", "b", "c", "d", "e"] {
            tokio::time::advance(std::time::Duration::from_secs(1)).await;
            assert_eq!(ask(name), Some(Decision::Pass));
        }
        assert_eq!(table.slots.len(), 3);
        assert!(["c", "d", "e"].iter().all(|name| matches!(ask(name), Some(Decision::Refuse(_)))));
        let limit = table.limit();
        assert_eq!((limit.most, limit.used, limit.refused), (3, Some(3), Some(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_in_use_stay_and_one_more_is_not_counted() {
        let (table, rate) = (Table::new(2), "1/h".parse().unwrap());
        for name in ["a", "b"] {
            table.with(&key(name), rate, |slot, _now| slot.account.begins_to_wait()).unwrap();
        }
        assert_eq!(table.with(&key("c"), rate, |_slot, _now| ()), None);
        table.with_existing(&key("a"), |slot, _now| slot.account.ends_waiting());
        assert_eq!(table.with(&key("c"), rate, |_slot, _now| ()), Some(()));
        assert!(table.with_existing(&key("a"), |_slot, _now| ()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_whose_bucket_is_full_again_is_forgotten() {
        let (table, rate) = (Table::new(10), "60/min".parse().unwrap());
        for _ in 0..5 {
            table.with(&key("a"), rate, |slot, now| slot.account.ask(now, Mode::Alone));
        }
        tokio::time::advance(std::time::Duration::from_millis(4900)).await;
        table.sweep(|_, _| ());
        assert_eq!(table.slots.len(), 1);
        tokio::time::advance(std::time::Duration::from_millis(200)).await;
        table.sweep(|_, _| ());
        assert_eq!(table.slots.len(), 0);
    }
}
