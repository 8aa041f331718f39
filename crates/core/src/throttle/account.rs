//! What one gateway knows of one user's bucket: what it took on lease, what it owes, what it heard.
//!
//! A plain struct on a clock that is passed in. docs/throttling.md derives the bound that `account_tests.rs` tries.

use pollgate_model::{Grant, Rate};

use super::bucket::{Bucket, whole};

/// Tokens on lease are good for so many microseconds; what is left of them then is given back. In that time others cannot
/// use them, and the shared bucket fills up behind them, so it is part of the error bound.
pub(super) const LEASE_US: u64 = 1_500_000;
/// What is to be given back is told within so many microseconds, or it is lost: for the same reason.
pub(super) const RETURN_US: u64 = 500_000;
/// A gateway that refuses asks again after so many microseconds at the latest: another one may have given tokens back.
const ASK_AGAIN_US: u64 = 1_000_000;
/// A part of the bucket that is taken ahead: a tenth.
const PARTS: u32 = 10;

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) struct Account {
    rate: Rate,
    /// Everything let through here: with or without the others, this gateway never lets more through than that.
    own: Bucket,
    /// Tokens on lease.
    left: u32,
    leased_at: u64,
    /// What the shared count has to be told.
    due: Due,
    /// What it was told and has not answered yet.
    under_way: Option<Due>,
    /// The shared bucket as it was heard of last, on this gateway's clock.
    heard: Bucket,
    refused_until: u64,
    asked_at: Option<u64>,
    /// It is in use: taking ahead pays.
    busy: bool,
    /// Requests that wait for the shared count.
    waiting: u32,
    /// It stands in the queue of those to be settled.
    pub(super) queued: bool,
}

/// What the shared count does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Due {
    /// Tokens used without a lease.
    spent: u32,
    /// Tokens taken and not used.
    returned: u32,
    /// Since when.
    returned_at: u64,
    /// One of those that were used was so while the count could have been asked.
    ahead: bool,
}

impl Due {
    const fn is_nothing(self) -> bool {
        self.spent == 0 && self.returned == 0
    }
}

/// How a gateway decides now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is the only one.
    Alone,
    /// Together with others.
    Shared,
    /// The shared count does not answer.
    Away,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is let through.
    Pass,
    /// It is not, for so many microseconds.
    Refuse(u64),
    /// The shared count has to be asked first.
    Wait,
}

/// What the shared count is told and asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) spent: u32,
    pub(super) returned: u32,
    pub(super) wanted: u32,
    sent_at: u64,
}

impl Account {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            own: Bucket::default(),
            left: 0,
            leased_at: 0,
            due: Due::default(),
            under_way: None,
            heard: Bucket::default(),
            refused_until: 0,
            asked_at: None,
            busy: false,
            waiting: 0,
            queued: false,
        }
    }

    /// Tokens that are taken ahead; none of a small bucket, which would be empty for the others.
    fn lease(&self) -> u32 {
        self.rate.size() / PARTS
    }

    /// Decides on a request, and counts it when it passes.
    pub(super) fn ask(&mut self, now: u64, mode: Mode) -> Decision {
        let again = self.asked_at.is_some_and(|before| now.saturating_sub(before) < LEASE_US);
        self.busy = again && now >= self.refused_until;
        self.asked_at = Some(now);
        self.decide(now, mode)
    }

    /// Decides on a request that has waited for the shared count.
    pub(super) fn decide(&mut self, now: u64, mode: Mode) -> Decision {
        self.expire(now);
        let wait = self.own.wait(self.rate, now);
        if wait > 0 {
            return Decision::Refuse(wait);
        }
        if self.left > 0 {
            self.left -= 1;
        } else if mode == Mode::Away {
            self.due.spent = (self.due.spent + 1).min(self.rate.size());
        } else if mode == Mode::Shared {
            // one at a time is let through without having been counted, and only while there seems to be plenty; of a
            // small bucket there never is
            let ahead = self.due.ahead || self.under_way.is_some_and(|told| told.ahead);
            let plenty = self.lease() > 0 && self.heard.full_in(now) <= whole(self.rate) / 2;
            if ahead || !plenty {
                return match self.refused_until.saturating_sub(now) {
                    0 => Decision::Wait,
                    _still => Decision::Refuse(self.heard.wait(self.rate, now).max(1)),
                };
            }
            self.due.spent += 1;
            self.due.ahead = true;
        }
        self.own.take(self.rate, now);
        Decision::Pass
    }

    /// A request that passed is not to be counted after all.
    pub(super) fn refund(&mut self, now: u64, mode: Mode) {
        self.own.put_back(self.rate);
        match (mode, self.due.spent) {
            (Mode::Alone, _) => {}
            (_, 0) => {
                self.left += 1;
                self.give_back(1, now);
            }
            (_, spent) => self.due = Due { spent: spent - 1, ahead: self.due.ahead && spent > 1, ..self.due },
        }
    }

    /// There is something to tell the shared count, or to ask of it.
    pub(super) fn wants_settling(&self) -> bool {
        self.under_way.is_none()
            && (!self.due.is_nothing()
                || self.waiting > 0
                || (self.busy && self.left < self.lease().div_ceil(2)))
    }

    pub(super) fn begins_to_wait(&mut self) {
        self.waiting += 1;
    }

    pub(super) fn ends_waiting(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Somebody waits for the shared count.
    pub(super) const fn is_waited_for(&self) -> bool {
        self.waiting > 0
    }

    /// Takes what is to be told; `None`: nothing, or it was told and not yet answered.
    pub(super) fn settle(&mut self, now: u64) -> Option<Ask> {
        self.expire(now);
        if now.saturating_sub(self.due.returned_at) > RETURN_US {
            self.due.returned = 0;
        }
        if !self.wants_settling() {
            return None;
        }
        let ahead = if self.busy { self.lease().saturating_sub(self.left) } else { 0 };
        let wanted = ahead.saturating_add(self.waiting).min(self.rate.size());
        let told = std::mem::take(&mut self.due);
        self.under_way = Some(told);
        Some(Ask { spent: told.spent, returned: told.returned, wanted, sent_at: now })
    }

    /// The shared count answered.
    pub(super) fn settled(&mut self, ask: Ask, grant: Grant, now: u64) {
        self.under_way = None;
        self.heard = Bucket::full_at(now.saturating_add(grant.full_in_us));
        if self.left == 0 {
            // by the time of asking: the tokens were taken after that
            self.leased_at = ask.sent_at;
        }
        self.left += grant.granted;
        // of those who waited some may have left
        self.give_back(self.left.saturating_sub(self.lease() + self.waiting), now);
        if grant.granted < ask.wanted {
            // there is nothing to take ahead
            self.busy = false;
            self.refused_until = now + self.heard.wait(self.rate, now).min(ASK_AGAIN_US);
        }
    }

    /// It did not: what was used is told again. What was given back is not: it may have been counted, and twice would be
    /// too much.
    pub(super) fn unsettled(&mut self) {
        let (Some(told), size) = (self.under_way.take(), self.rate.size()) else { return };
        self.due = Due {
            spent: (self.due.spent + told.spent).min(size),
            ahead: self.due.ahead || told.ahead,
            ..self.due
        };
    }

    /// Gives back what was on lease for too long.
    pub(super) fn expire(&mut self, now: u64) {
        if self.left > 0 && now.saturating_sub(self.leased_at) >= LEASE_US {
            self.give_back(self.left, self.leased_at + LEASE_US);
            self.busy = false;
        }
    }

    fn give_back(&mut self, tokens: u32, since: u64) {
        if tokens > 0 {
            self.left -= tokens;
            self.due.returned_at =
                if self.due.returned == 0 { since } else { self.due.returned_at.min(since) };
            self.due.returned += tokens;
        }
    }

    /// Nothing would be lost with it: a new one would decide the same.
    pub(super) fn may_be_forgotten(&self, now: u64) -> bool {
        let idle = self.left == 0 && self.due.is_nothing() && !self.is_in_use();
        idle && self.own.is_full(now) && self.heard.is_full(now)
    }

    /// Somebody waits for it, or it for the shared count.
    pub(super) const fn is_in_use(&self) -> bool {
        self.under_way.is_some() || self.queued || self.waiting > 0
    }

    /// When a request came last.
    pub(super) fn used_at(&self) -> u64 {
        self.asked_at.unwrap_or(0)
    }

    /// Tokens that this gateway used, and has, that were not so when it heard of the shared bucket.
    fn since_heard(&self) -> (u32, u32) {
        let told = self.under_way.unwrap_or_default();
        (self.due.spent + told.spent, self.left + self.due.returned + told.returned)
    }

    /// Requests that would pass now, as far as this gateway knows.
    pub(super) fn remaining(&self, now: u64, mode: Mode) -> u32 {
        let own = self.own.tokens(self.rate, now);
        if mode != Mode::Shared {
            return own;
        }
        let (used, had) = self.since_heard();
        own.min((self.heard.tokens(self.rate, now) + had).saturating_sub(used))
    }

    /// Microseconds until all of them would, as far as it knows.
    pub(super) fn full_in(&self, now: u64, mode: Mode) -> u64 {
        let own = self.own.full_in(now);
        if mode != Mode::Shared {
            return own;
        }
        let (used, had) = self.since_heard();
        let time = |tokens: u32| self.rate.step_us().saturating_mul(u64::from(tokens));
        own.max(self.heard.full_in(now).saturating_add(time(used)).saturating_sub(time(had)))
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
