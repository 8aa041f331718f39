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
    /// An alarm stands.
    pub alarm: bool,
    /// When the broker said so (RFC 3339).
    pub looked_at: String,
}

/// How much waits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct MailboxDepths {
    /// Each mailbox.
    pub mailboxes: Vec<MailboxDepth>,
    /// Events that wait in all of these.
    pub total_ready: u64,
}

/// Which mailboxes are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxQuery {
    /// Whose; `None`: the deepest of all users.
    pub user: Option<String>,
    /// Only the one of this session of the user.
    pub session: Option<String>,
    /// Leaves out those with fewer events waiting.
    pub min_depth: u64,
    /// The most to list.
    pub limit: Option<usize>,
}

impl MailboxQuery {
    /// All mailboxes of a user that the gateway knows of.
    #[must_use]
    pub fn of_user(user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..Self::default() }
    }
}
