//! Mailboxes: where a user's events wait.

use std::fmt;

use crate::{SessionId, UserId};

/// The mailbox of a user (the main one) or of one session of that user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox {
    /// Whose it is.
    pub user: UserId,
    /// The device or tab; `None` is the user's main mailbox.
    pub session: Option<SessionId>,
}

impl Mailbox {
    /// The user's main mailbox.
    #[must_use]
    pub const fn main(user: UserId) -> Self {
        Self { user, session: None }
    }

    /// The mailbox of one session.
    #[must_use]
    pub const fn of_session(user: UserId, session: SessionId) -> Self {
        Self { user, session: Some(session) }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.session {
            None => write!(f, "{}", self.user),
            Some(session) => write!(f, "{}/{session}", self.user),
        }
    }
}

/// Somebody an event goes to: every mailbox of that user gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The user.
    pub user: UserId,
    /// With no mailbox at all, the main one is made, so that the event waits there.
    ///
    /// False for the sender of a message, whose other devices get it only while they have a mailbox.
    pub make_mailbox: bool,
}
