//! Streams: held now, and what ended those that were.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How a stream reaches its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Server-Sent Events.
    Sse,
    /// WebSocket.
    Ws,
}

impl StreamKind {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        KINDS.get(self as usize).copied().unwrap_or_default()
    }
}

/// Names of [`StreamKind`], in its order.
const KINDS: [&str; 2] = ["sse", "ws"];

/// What ended a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The client left.
    Gone,
    /// The client has to come back and confirm.
    Confirm,
    /// The gateway drains.
    Drained,
    /// Another reader has the mailbox.
    Superseded,
    /// The client did not read, or did not confirm.
    Slow,
    /// Its credential is not good any more.
    Credential,
    /// The gateway's trouble.
    Failed,
}

/// Names of [`StreamEnd`], in its order.
const ENDS: [&str; 7] = ["gone", "confirm", "drained", "superseded", "slow", "credential", "failed"];

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    held: [AtomicUsize; KINDS.len()],
    ended: [[AtomicU64; ENDS.len()]; KINDS.len()],
}

/// What is counted of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFigures {
    /// Held now, by kind.
    pub held: Vec<(&'static str, usize)>,
    /// Ended, by kind and by what ended them.
    pub ended: Vec<(&'static str, &'static str, u64)>,
}

impl Streams {
    pub(crate) fn began(&self, kind: StreamKind) {
        if let Some(held) = self.held.get(kind as usize) {
            held.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn ended(&self, kind: StreamKind, end: StreamEnd) {
        if let Some(held) = self.held.get(kind as usize) {
            held.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(counter) = self.ended.get(kind as usize).and_then(|ends| ends.get(end as usize)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Held now, of all kinds.
    pub(crate) fn held(&self) -> usize {
        self.held.iter().map(|held| held.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn read(&self) -> StreamFigures {
        let held = KINDS.iter().zip(&self.held);
        let of_kind = |(kind, ends): (&&'static str, &[AtomicU64; ENDS.len()])| {
            let kind = *kind;
            let ended = ENDS.iter().zip(ends);
            ended.map(move |(end, count)| (kind, *end, count.load(Ordering::Relaxed))).collect::<Vec<_>>()
        };
        StreamFigures {
            held: held.map(|(kind, held)| (*kind, held.load(Ordering::Relaxed))).collect(),
            ended: KINDS.iter().zip(&self.ended).flat_map(of_kind).collect(),
        }
    }
}
