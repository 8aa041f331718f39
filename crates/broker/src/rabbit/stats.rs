//! Counters of what was asked of RabbitMQ.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What this broker did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RabbitStats {
    /// Mailboxes declared.
    pub declares: u64,
    /// Publishes written, repeats included; one for each recipient.
    pub published: u64,
    /// Publishes confirmed.
    pub confirmed: u64,
    /// Publishes that came back because the recipient had no mailbox.
    pub returned: u64,
    /// Main mailboxes made again because of that.
    pub redeclared: u64,
    /// Connections made, of every kind.
    pub connections: u64,
    /// Looks at mailboxes, and so passive declares.
    pub looks: u64,
    /// Consumers started.
    pub consumes: u64,
    /// Consumers cancelled.
    pub cancels: u64,
    /// Requests to other gateways.
    pub asked: u64,
    /// Connections made again after one was lost.
    pub reconnects: u64,
    /// Publishes and attaches that needed no declaration.
    pub cached: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) declares: AtomicU64,
    pub(super) published: AtomicU64,
    pub(super) confirmed: AtomicU64,
    pub(super) returned: AtomicU64,
    pub(super) redeclared: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) looks: AtomicU64,
    pub(super) consumes: AtomicU64,
    pub(super) cancels: AtomicU64,
    pub(super) asked: AtomicU64,
    pub(super) reconnects: AtomicU64,
    pub(super) cached: AtomicU64,
    /// Open now, but for the management connection's.
    channels: AtomicU64,
}

/// Channels that are open as long as this is held.
pub(super) struct OpenChannels(Arc<Counters>, u64);

impl Drop for OpenChannels {
    fn drop(&mut self) {
        self.0.channels.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Whether a connection of one kind is the first: those after it take the place of one that was lost.
#[derive(Default)]
pub(super) struct Again(bool);

impl Again {
    /// One was made.
    pub(super) fn connected(&mut self, counters: &Counters) {
        if std::mem::replace(&mut self.0, true) {
            count(&counters.reconnects);
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// So many channels were opened.
    pub(super) fn opened(self: &Arc<Self>, channels: u64) -> OpenChannels {
        self.channels.fetch_add(channels, Ordering::Relaxed);
        OpenChannels(Arc::clone(self), channels)
    }

    pub(super) fn channels(&self) -> u64 {
        self.channels.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> RabbitStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RabbitStats {
            declares: read(&self.declares),
            published: read(&self.published),
            confirmed: read(&self.confirmed),
            returned: read(&self.returned),
            redeclared: read(&self.redeclared),
            connections: read(&self.connections),
            looks: read(&self.looks),
            consumes: read(&self.consumes),
            cancels: read(&self.cancels),
            asked: read(&self.asked),
            reconnects: read(&self.reconnects),
            cached: read(&self.cached),
        }
    }
}
