//! Throttling: how many requests of a class a user may make, over all gateways.
//!
//! A request is decided here, in memory: by tokens that this gateway has on lease from the shared bucket. What was used
//! and what is wanted is told to the shared count in the background (`settle`), for many users in one go; a request waits
//! for that only when its user has no tokens here and the bucket was not plenty. docs/throttling.md says how far off that
//! may be, and `account.rs` is the rule.
//!
//! | module | holds |
//! | --- | --- |
//! | `class` | classes and their rates |
//! | `bucket`, `account` | the rules, without I/O |
//! | `ledger`, `settle` | the shared count, and the services that talk to it |
//! | `table` | the accounts of all users here |
//! | `context` | which rooms have a class of their own |
//! | `loops` | polls, which are in no class |

mod account;
mod bucket;
mod class;
mod context;
mod ledger;
mod loops;
mod settle;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pollgate_model::{Rate, Target, UserId};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

pub use class::{Class, ThrottleSettings};
pub(crate) use loops::Loops;

use crate::figures::Limit;
use crate::{Core, CoreError};
use account::{Account, Decision, Mode};
use class::Classes;
use context::{Contexts, kind_in_store};
use ledger::Ledger;
use settle::Queue;
use table::{Key, Table};

/// What a request was told, for the fields of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The name of its class.
    pub class: Arc<str>,
    /// The rate of the class.
    pub rate: Rate,
    /// Requests that would pass now.
    pub remaining: u32,
    /// In how long all of the rate is there again, if nothing is used.
    pub full_in: Duration,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not counted.
    Free,
    /// It passes.
    Passed(Allowance),
    /// It does not, for as long as is said.
    Refused(Allowance, Duration),
}

/// What is counted about counting.
#[derive(Clone, Debug)]
pub struct ThrottleFigures {
    /// Requests that were refused, by class.
    pub refused: Vec<(Arc<str>, u64)>,
    /// Settlements with the shared count.
    pub settlements: u64,
    /// Settlements that failed.
    pub failures: u64,
    /// Bounds.
    pub limits: [Limit; 3],
}

#[derive(Debug, Default)]
struct Counters {
    /// By class; the last one is for polls.
    refused: Vec<AtomicU64>,
    settlements: AtomicU64,
    failures: AtomicU64,
}

/// Counts requests. See the module's text.
pub struct Throttle {
    settings: ThrottleSettings,
    classes: Classes,
    ledger: Option<Arc<dyn Ledger>>,
    /// The shared count did not answer when it was asked last.
    away: AtomicBool,
    table: Table,
    queue: Queue,
    contexts: Contexts,
    loops: Loops,
    counters: Counters,
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Throttle").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Throttle {
    fn with(settings: ThrottleSettings, ledger: Option<Arc<dyn Ledger>>) -> Arc<Self> {
        let classes = Classes::new(&settings);
        let refused = classes.names().chain(["polls"]).map(|_class| AtomicU64::new(0)).collect();
        Arc::new(Self {
            table: Table::new(settings.entries),
            loops: Loops::new(settings.enabled),
            counters: Counters { refused, ..Counters::default() },
            away: AtomicBool::new(false),
            queue: Queue::default(),
            contexts: Contexts::default(),
            settings,
            classes,
            ledger,
        })
    }

    fn mode(&self) -> Mode {
        match &self.ledger {
            None => Mode::Alone,
            Some(_) if self.away.load(Ordering::Relaxed) => Mode::Away,
            Some(_) => Mode::Shared,
        }
    }

    /// Counts a request of a user, or refuses it. Never fails: when the shared count is away, this gateway counts by
    /// itself.
    pub async fn charge(&self, user: &UserId, class: &Class) -> Verdict {
        let number = self.classes.number(class);
        let Some((name, rate)) = self.classes.get(number).and_then(|class| Some((&class.name, class.rate?)))
        else {
            return Verdict::Free;
        };
        if !self.settings.enabled {
            return Verdict::Free;
        }
        let key = Key { user: user.clone(), class: number };
        let mode = self.mode();
        let Some((mut decision, mut allowance, settled)) = self.table.with(&key, rate, |slot, now| {
            let decision = slot.account.ask(now, mode);
            self.note(&key, &mut slot.account);
            (decision, allowance(name, rate, &slot.account, now, mode), slot.settled.clone())
        }) else {
            return Verdict::Free;
        };
        if decision == Decision::Wait {
            match self.wait(&key, rate, &settled).await {
                Some((decided, account, now, mode)) => {
                    decision = decided;
                    allowance = self::allowance(name, rate, &account, now, mode);
                }
                None => return Verdict::Free,
            }
        }
        match decision {
            Decision::Pass | Decision::Wait => Verdict::Passed(allowance),
            Decision::Refuse(wait) => {
                self.count_refusal(number);
                Verdict::Refused(allowance, Duration::from_micros(wait))
            }
        }
    }

    /// Waits until the shared count has answered for this bucket; when it does not in time, this gateway decides.
    async fn wait(&self, key: &Key, rate: Rate, settled: &Notify) -> Option<(Decision, Account, u64, Mode)> {
        let until = Instant::now() + self.settings.timeout * 2;
        loop {
            // made before the account is looked at: no answer can slip through in between
            let answered = settled.notified();
            let mode = if Instant::now() < until { self.mode() } else { Mode::Away };
            let (decision, account, now) = self.table.with(key, rate, |slot, now| {
                let decision = slot.account.decide(now, mode);
                if decision == Decision::Wait {
                    slot.account.begins_to_wait();
                }
                self.note(key, &mut slot.account);
                (decision, slot.account.clone(), now)
            })?;
            if decision != Decision::Wait {
                return Some((decision, account, now, mode));
            }
            let _counted = Waiting { throttle: self, key };
            // late or not, the account is looked at again
            let _in_time = timeout_at(until, answered).await;
        }
    }

    /// A request that has passed is not to be counted after all: it was a repeat.
    pub fn refund(&self, user: &UserId, class: &Class) {
        let key = Key { user: user.clone(), class: self.classes.number(class) };
        let mode = self.mode();
        self.table.with_existing(&key, |slot, now| {
            slot.account.refund(now, mode);
            self.note(&key, &mut slot.account);
        });
    }

    /// Has an account settled when it needs that. With nobody to count with nothing is ever settled, and an account that
    /// waited for it would never leave the table.
    fn note(&self, key: &Key, account: &mut Account) {
        if self.ledger.is_some() {
            self.queue.note(key, account);
        }
    }

    fn count_refusal(&self, number: usize) {
        if let Some(counter) = self.counters.refused.get(number) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls that found nothing.
    pub(crate) fn loops(&self) -> &Loops {
        &self.loops
    }

    /// What is counted about counting.
    #[must_use]
    pub fn figures(&self) -> ThrottleFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let classes = self.classes.names().zip(&self.counters.refused);
        let mut refused: Vec<_> = classes.map(|(name, counter)| (name.into(), read(counter))).collect();
        refused.push(("polls".into(), self.loops.refused()));
        ThrottleFigures {
            refused,
            settlements: read(&self.counters.settlements),
            failures: read(&self.counters.failures),
            limits: [self.table.limit(), self.loops.limit(), self.contexts.limit()],
        }
    }
}

fn allowance(class: &Arc<str>, rate: Rate, account: &Account, now: u64, mode: Mode) -> Allowance {
    Allowance {
        class: class.clone(),
        rate,
        remaining: account.remaining(now, mode),
        full_in: Duration::from_micros(account.full_in(now, mode)),
    }
}

/// A request that waits for the shared count; dropped, by its end or because the client left, it does not any more.
struct Waiting<'a> {
    throttle: &'a Throttle,
    key: &'a Key,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.throttle.table.with_existing(self.key, |slot, _now| slot.account.ends_waiting());
    }
}

impl Core {
    /// Counts requests.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// What sending to this target is counted as: a message, or one to a room with a context.
    ///
    /// A room that the caller is not in counts as any other, so that nobody learns of it; one whose context cannot be looked up now
    /// counts as any other: throttling refuses nothing because of that.
    pub async fn message_class(&self, caller: &UserId, target: &Target) -> Class {
        let throttle = &self.throttle;
        let Target::Room(room) = target else { return Class::Messages };
        if !throttle.settings.enabled || !throttle.classes.knows_kinds() {
            return Class::Messages;
        }
        let kind = throttle
            .contexts
            .context_of(caller, *room, async || kind_in_store(&self.store, caller, *room).await)
            .await;
        kind.map_or(Class::Messages, Class::Context)
    }

    /// A loop of polls that find nothing is not to be faster than ten a second.
    ///
    /// # Errors
    /// [`CoreError::Throttled`]: it is.
    pub(crate) fn check_loop(&self, mailbox: &pollgate_model::Mailbox) -> Result<(), CoreError> {
        self.throttle
            .loops
            .check(mailbox)
            .map_err(|wait| CoreError::Throttled { class: "polls".into(), wait })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
