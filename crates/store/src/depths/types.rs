//! What callers see of depths.

use std::time::Duration;

use pollgate_model::{Mailbox, Timestamp};

/// A mailbox as a look found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthSize {
    /// Which.
    pub mailbox: Mailbox,
    /// Events that wait.
    pub ready: u64,
    /// Delivered and not acked, where the broker says so.
    pub unacked: Option<u64>,
    /// Who consumes it.
    pub consumers: u64,
}

/// What a look says about the alarm of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotedAlarm {
    /// It starts, unless it stands already.
    Stands,
    /// Whether it stands or not, it stays so.
    Stays,
    /// It ends, if there was one.
    Ends,
}

/// What looks found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepthNotes {
    /// To be noted.
    pub deep: Vec<(DepthSize, NotedAlarm)>,
    /// Not to be noted any more: little waits there, or they are gone.
    pub shallow: Vec<Mailbox>,
}

/// When noted mailboxes are looked at again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revisits {
    /// The usual time between two looks.
    pub every: Duration,
    /// A session's mailbox that nobody has consumed for so long is left alone: a look keeps it alive.
    pub quiet_after: Duration,
    /// For so long; if it is there then, somebody came back to it.
    pub quiet_for: Duration,
}

/// Alarms that started and ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmChanges {
    /// More waits there than may.
    pub started: Vec<Mailbox>,
    /// No longer.
    pub ended: Vec<Mailbox>,
}

/// A mailbox that is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedDepth {
    /// As it was found.
    pub size: DepthSize,
    /// An alarm stands.
    pub alarm: bool,
    /// When it was looked at, by the database's clock.
    pub looked_at: Timestamp,
}

/// Numbers of noted mailboxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DepthTotals {
    /// All of them.
    pub noted: u64,
    /// Those with an alarm.
    pub alarms: u64,
    /// Those with less than 10 events, 10 to 99, 100 to 999, and more.
    pub by_depth: [u64; 4],
}
