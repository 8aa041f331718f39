//! How much waits.

use serde::{Deserialize, Serialize};

/// How much waits in one mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct MailboxDepth {
    /// Whose it is.
    pub user: String,
    /// `None`: the user's main mailbox.
    pub session: Option<String>,
    /// Events that wait.
    pub ready: u64,
    /// Delivered to a gateway and not yet confirmed, where the broker says so.
    pub unacked: Option<u64>,
    /// How many read it.
    pub consumers: u64,
    /// More wait than the gateway's alarm depth.
    pub alarm: bool,
}

/// How much waits for a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct MailboxDepths {
    /// Each mailbox.
    pub mailboxes: Vec<MailboxDepth>,
    /// Events that wait in all of these.
    pub total_ready: u64,
}
