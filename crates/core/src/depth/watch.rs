//! Where to look, for those who publish and those who let mailboxes go.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pollgate_broker::Depth;
use pollgate_model::{Mailbox, Recipient};
use pollgate_store::DepthSize;
use tokio::time::Instant;

use super::candidates::Candidates;
use super::{DepthFigures, DepthRule, MOST_NOTED};
use crate::{CoreSettings, Limit};

/// Most findings that wait to be noted; of more, the rest is found again.
const MOST_FOUND: usize = 1000;

/// What the parts of a gateway tell each other about depths.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Somebody looks: nothing is counted for nobody.
    on: bool,
    pub(super) rule: DepthRule,
    candidates: Mutex<Candidates>,
    /// Mailboxes that were looked at for another reason, and were deep.
    found: Mutex<Vec<DepthSize>>,
    figures: Mutex<DepthFigures>,
    looks: AtomicU64,
    purged: AtomicU64,
    most: usize,
    refused: AtomicU64,
    /// This gateway noted something since it last asked what is noted.
    pub(super) noted: AtomicBool,
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    pub(crate) fn new(settings: &CoreSettings) -> Self {
        let rule = DepthRule::new(settings.alarm_depth);
        let candidates =
            Candidates::new(rule.noted(), settings.watched_mailboxes, settings.session_expires / 2);
        Self {
            on: settings.looks_per_second > 0,
            rule,
            candidates: Mutex::new(candidates),
            found: Mutex::default(),
            figures: Mutex::default(),
            looks: AtomicU64::new(0),
            purged: AtomicU64::new(0),
            most: settings.watched_mailboxes,
            refused: AtomicU64::new(0),
            noted: AtomicBool::new(true),
        }
    }

    /// Publications to these were taken by a broker.
    pub(crate) fn published(&self, recipients: &[Arc<[Recipient]>]) {
        if !self.on {
            return;
        }
        let now = Instant::now();
        let mut candidates = self.candidates();
        for recipient in recipients.iter().flat_map(|of_one| of_one.iter()) {
            candidates.published(&recipient.user, now);
        }
    }

    /// Nobody reads this mailbox here any more.
    pub(crate) fn left(&self, mailbox: &Mailbox) {
        if self.on && mailbox.session.is_some() {
            self.candidates().left(mailbox, Instant::now());
        }
    }

    /// A mailbox was looked at for another reason.
    pub(crate) fn found(&self, mailbox: &Mailbox, depth: Depth) {
        let mut found = lock(&self.found);
        if self.on && depth.ready >= self.rule.noted() && found.len() < MOST_FOUND {
            found.push(size(mailbox.clone(), depth));
        }
    }

    pub(super) fn take_found(&self) -> Vec<DepthSize> {
        std::mem::take(&mut lock(&self.found))
    }

    pub(super) fn candidates(&self) -> MutexGuard<'_, Candidates> {
        lock(&self.candidates)
    }

    pub(super) fn count_look(&self) {
        self.looks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_purged(&self, events: u64) {
        self.purged.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn count_forgotten(&self, mailboxes: usize) {
        self.refused.fetch_add(mailboxes as u64, Ordering::Relaxed);
    }

    pub(super) fn learn(&self, figures: DepthFigures) {
        *lock(&self.figures) = figures;
    }

    /// What was counted, and what is noted.
    pub(crate) fn figures(&self) -> DepthFigures {
        let looks = self.looks.load(Ordering::Relaxed);
        let purged = self.purged.load(Ordering::Relaxed);
        DepthFigures { looks, purged, ..lock(&self.figures).clone() }
    }

    pub(crate) fn limits(&self) -> [Limit; 2] {
        let candidates = self.candidates();
        let noted = lock(&self.figures).totals.map(|totals| totals.noted);
        [
            Limit {
                name: "watched_mailboxes",
                most: self.most as u64,
                used: Some(candidates.len() as u64),
                refused: Some(candidates.refused()),
            },
            Limit {
                name: "noted_mailboxes",
                most: MOST_NOTED as u64,
                used: Some(noted.unwrap_or(0)),
                refused: Some(self.refused.load(Ordering::Relaxed)),
            },
        ]
    }
}

pub(super) fn size(mailbox: Mailbox, depth: Depth) -> DepthSize {
    DepthSize { mailbox, ready: depth.ready, unacked: depth.unacked, consumers: depth.consumers }
}
