//! Users whose mailbox is missing: what came back for them, and what waits behind it.
//!
//! To keep the order, a mailbox is made only after every publish that was on its way when the first one came back is
//! finished (all of them come back too, then), and nothing is sent to that user before.

use std::collections::{HashMap, VecDeque};

use pollgate_model::UserId;

use super::parcel::Copy;
use crate::BrokerError;

struct Hold {
    /// Publishes up to this number are still on their way.
    until: u64,
    /// The mailbox is being made.
    making: bool,
    /// Came back, in order.
    again: VecDeque<Copy>,
    /// Not sent yet, behind those.
    behind: VecDeque<Copy>,
}

/// Users whose mailbox is missing.
#[derive(Default)]
pub(super) struct Held {
    users: HashMap<UserId, Hold>,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// A publish came back; `last` was the last one sent.
    pub(super) fn came_back(&mut self, copy: Copy, last: u64) {
        let hold = self.users.entry(copy.to.user.clone()).or_insert_with(|| Hold {
            until: last,
            making: false,
            again: VecDeque::new(),
            behind: VecDeque::new(),
        });
        hold.again.push_back(copy);
    }

    /// Puts a copy behind what is held for its user; given back when nothing is.
    pub(super) fn queue(&mut self, copy: Copy) -> Option<Copy> {
        if self.users.is_empty() {
            return Some(copy);
        }
        let Some(hold) = self.users.get_mut(&copy.to.user) else { return Some(copy) };
        hold.behind.push_back(copy);
        None
    }

    /// Users whose mailbox can be made now that publishes up to `finished` are.
    pub(super) fn ready(&mut self, finished: u64) -> Vec<UserId> {
        let mut ready = Vec::new();
        for (user, hold) in &mut self.users {
            if !hold.making && hold.until <= finished {
                hold.making = true;
                ready.push(user.clone());
            }
        }
        ready
    }

    /// The mailbox is there: everything held for it, in order.
    pub(super) fn made(&mut self, user: &UserId) -> impl Iterator<Item = Copy> + use<> {
        let hold = self.users.remove(user);
        hold.into_iter().flat_map(|hold| hold.again.into_iter().chain(hold.behind))
    }

    /// The mailbox could not be made.
    pub(super) fn give_up(&mut self, user: &UserId, error: &BrokerError) {
        for copy in self.made(user) {
            copy.fail(error);
        }
    }

    /// Gives everything up.
    pub(super) fn fail(&mut self, error: &BrokerError) {
        for (_user, hold) in self.users.drain() {
            for copy in hold.again.into_iter().chain(hold.behind) {
                copy.fail(error);
            }
        }
    }
}
