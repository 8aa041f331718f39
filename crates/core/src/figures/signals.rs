//! What is counted of typing and presence.

use std::sync::atomic::{AtomicU64, Ordering};

use pollgate_store::PresenceChange;

use super::count;

/// What became of a word that somebody is typing, or is not any more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TypingEnd {
    /// The other members were told.
    Told,
    /// They had been told the same a moment ago.
    Absorbed,
    /// There is nobody else in the room, or too many are.
    Untold,
    /// The broker is away or busy.
    Dropped,
}

/// Names of [`TypingEnd`], in its order.
const TYPING_ENDS: [&str; 4] = ["told", "absorbed", "untold", "dropped"];

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    typing: [AtomicU64; TYPING_ENDS.len()],
    online: AtomicU64,
    offline: AtomicU64,
    told: AtomicU64,
    dropped: AtomicU64,
}

/// What is counted of typing and presence, by what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalFigures {
    /// Words of typing.
    pub typing: Vec<(&'static str, u64)>,
    /// Users who came online and went offline, as this gateway found.
    pub changes: [(&'static str, u64); 2],
    /// Events that told of it, and changes that not everybody heard of who was to hear.
    pub presence: [(&'static str, u64); 2],
}

impl Signals {
    /// Somebody said whether they are typing.
    pub(crate) fn typed(&self, end: TypingEnd) {
        if let Some(counter) = self.typing.get(end as usize) {
            count(counter);
        }
    }

    /// These users came or went.
    pub(crate) fn changed(&self, changes: &[PresenceChange]) {
        for change in changes {
            count(if change.online { &self.online } else { &self.offline });
        }
    }

    /// An event went out to those who are to hear of a change.
    pub(crate) fn presence_told(&self) {
        count(&self.told);
    }

    /// So many changes were not told, or not to all.
    pub(crate) fn presence_dropped(&self, changes: usize) {
        self.dropped.fetch_add(changes as u64, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> SignalFigures {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let typing = TYPING_ENDS.iter().zip(&self.typing).map(|(name, counter)| (*name, now(counter)));
        SignalFigures {
            typing: typing.collect(),
            changes: [("online", now(&self.online)), ("offline", now(&self.offline))],
            presence: [("told", now(&self.told)), ("dropped", now(&self.dropped))],
        }
    }
}
