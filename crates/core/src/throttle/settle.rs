//! The services that talk to the shared count: one settles accounts, one sweeps them.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_model::Charge;
use pollgate_redis::RedisBuckets;
use pollgate_store::Store;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::account::{Account, Ask};
use super::ledger::{self, Ledger};
use super::table::Key;
use super::{Throttle, ThrottleSettings};
use crate::task::{Stop, Tasks};

/// Most accounts that are settled in one go.
const BATCH: usize = 500;
/// Accounts that nobody waits for are collected for so long.
const GATHER: Duration = Duration::from_millis(20);
/// A shared count that did not answer is asked again after this time.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How often leases are looked at: often enough that what is left of one is told in time (`account::RETURN_US`).
const SWEEP: Duration = Duration::from_millis(250);
/// How often the shared count is rid of buckets that are full.
const FORGET: Duration = Duration::from_secs(30);
/// Most of them at once.
const FORGOTTEN: u32 = 1000;

/// Accounts to be settled, each once; so there are never more than accounts.
#[derive(Debug, Default)]
pub(super) struct Queue {
    keys: Mutex<VecDeque<Key>>,
    some: Notify,
    /// A request waits for one of them.
    urgent: Notify,
}

impl Queue {
    // a std lock: held for a push or for taking a batch
    fn keys(&self) -> MutexGuard<'_, VecDeque<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an account into the queue when it has something to say.
    pub(super) fn note(&self, key: &Key, account: &mut Account) {
        if account.wants_settling() {
            if !account.queued {
                account.queued = true;
                self.keys().push_back(key.clone());
            }
            if account.is_waited_for() { self.urgent.notify_one() } else { self.some.notify_one() }
        }
    }

    fn take(&self) -> Vec<Key> {
        let mut keys = self.keys();
        let most = keys.len().min(BATCH);
        keys.drain(..most).collect()
    }
}

impl Throttle {
    /// Starts counting, with what a gateway of these settings counts with, and its services.
    pub(crate) fn start(
        settings: ThrottleSettings,
        redis: Option<RedisBuckets>,
        store: &Store,
        tasks: &Tasks,
    ) -> Arc<Self> {
        let ledger = if settings.enabled { ledger::choose(redis, store) } else { None };
        let throttle = Self::with(settings, ledger.clone());
        if throttle.settings.enabled {
            tasks.service("throttle sweeper", throttle.clone().sweep(tasks.stop_signal()));
        }
        if let Some(ledger) = ledger {
            tasks
                .service("throttle settlement", throttle.clone().settle(ledger.clone(), tasks.stop_signal()));
            tasks
                .service("throttle clean-up", forget(ledger, throttle.settings.timeout, tasks.stop_signal()));
        }
        throttle
    }

    /// The service that settles accounts; ends with the stop signal.
    pub(super) async fn settle(self: Arc<Self>, ledger: Arc<dyn Ledger>, mut stop: Stop) {
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = self.something_is_due() => {}
            }
            loop {
                let keys = self.queue.take();
                let last = keys.len() < BATCH;
                if !self.settle_some(ledger.as_ref(), keys).await || last {
                    break;
                }
            }
        }
    }

    async fn something_is_due(&self) {
        if self.away.load(Ordering::Relaxed) {
            sleep(TRY_AGAIN).await;
            if !self.queue.keys().is_empty() {
                return;
            }
        }
        let gathered = async {
            self.queue.some.notified().await;
            sleep(GATHER).await;
        };
        tokio::select! {
            () = self.queue.urgent.notified() => {}
            () = gathered => {}
        }
    }

    /// Settles these accounts; `false`: the shared count did not answer.
    async fn settle_some(&self, ledger: &dyn Ledger, keys: Vec<Key>) -> bool {
        let asked: Vec<(Key, Ask, Charge)> = keys.into_iter().filter_map(|key| self.charge_of(key)).collect();
        if asked.is_empty() {
            return true;
        }
        let charges = asked.iter().map(|(_, _, charge)| charge.clone()).collect();
        let answer = match timeout(self.settings.timeout, ledger.settle(charges)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err("no answer in time".into()),
        };
        match answer {
            Ok(grants) => {
                self.counters.settlements.fetch_add(1, Ordering::Relaxed);
                if self.away.swap(false, Ordering::Relaxed) {
                    info!("the shared count of requests answers again");
                }
                for ((key, ask, _), grant) in asked.into_iter().zip(grants) {
                    self.told(&key, |account, now| account.settled(ask, grant, now));
                }
                true
            }
            Err(error) => {
                self.counters.failures.fetch_add(1, Ordering::Relaxed);
                if !self.away.swap(true, Ordering::Relaxed) {
                    warn!(error, "the shared count of requests is away: this gateway counts by itself");
                }
                for (key, ..) in asked {
                    self.told(&key, |account, _now| account.unsettled());
                }
                false
            }
        }
    }

    fn charge_of(&self, key: Key) -> Option<(Key, Ask, Charge)> {
        let class = self.classes.get(key.class)?;
        let rate = class.rate?;
        let ask = self.table.with_existing(&key, |slot, now| {
            slot.account.queued = false;
            slot.account.settle(now)
        })??;
        let bucket = format!("{}:{}", class.name, key.user);
        let Ask { spent, returned, wanted, .. } = ask;
        Some((key, ask, Charge { bucket, rate, spent, returned, wanted }))
    }

    /// There is an answer, or none will come: those who wait look again.
    fn told(&self, key: &Key, what: impl FnOnce(&mut Account, u64)) {
        self.table.with_existing(key, |slot, now| {
            what(&mut slot.account, now);
            self.queue.note(key, &mut slot.account);
            slot.settled.notify_waiters();
        });
    }

    /// The service that lets leases run out and forgets accounts; ends with the stop signal.
    pub(super) async fn sweep(self: Arc<Self>, mut stop: Stop) {
        let together = self.ledger.is_some();
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = sleep(SWEEP) => {}
            }
            self.table.sweep(|key, account| {
                if together {
                    self.queue.note(key, account);
                }
            });
            self.loops.sweep();
        }
    }
}

/// The service that rids the shared count of buckets that are full; every gateway does its part. Ends with the stop signal.
async fn forget(ledger: Arc<dyn Ledger>, patience: Duration, mut stop: Stop) {
    let mut next = Instant::now() + FORGET;
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep_until(next) => {}
        }
        let pause = match timeout(patience, ledger.forget(FORGOTTEN)).await {
            // the database has other things to do as well
            Ok(Ok(removed)) if removed >= FORGOTTEN as usize => TRY_AGAIN,
            Ok(Ok(_fewer)) => FORGET,
            Ok(Err(error)) => {
                debug!(error, "full buckets were not removed, trying again");
                FORGET
            }
            Err(_elapsed) => FORGET,
        };
        next = Instant::now() + pause;
    }
}
