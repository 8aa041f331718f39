//! What a cursor of before may have missed, whatever its mailbox holds now.

use std::sync::Arc;

use pollgate_model::{Mailbox, Timestamp};

use super::attended::ResyncReason;
use crate::Moves;
use crate::depth::Purges;

/// See the module's text.
pub(crate) struct Missed {
    /// Who was placed elsewhere.
    pub(crate) moves: Arc<Moves>,
    /// What operators deleted.
    pub(crate) purges: Arc<Purges>,
}

impl Missed {
    /// Why whoever got a cursor made at `issued_at`, by this gateway or another one, and asks at `now`, must be told. The
    /// next cursor must bear this `now`.
    pub(super) fn since(
        &self,
        mailbox: &Mailbox,
        (issued_at, here): (Timestamp, bool),
        now: Timestamp,
    ) -> Option<ResyncReason> {
        if self.moves.missed_since(&mailbox.user, issued_at, now) {
            return Some(ResyncReason::Moved);
        }
        self.purges.missed_since(mailbox, issued_at, here, now).then_some(ResyncReason::Gone)
    }
}
