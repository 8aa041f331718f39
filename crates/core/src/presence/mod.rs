//! Who is online: asked for, or told to those who share a room and asked to be told.
//!
//! A user is online while some gateway attends a mailbox of theirs, and for [`offline_after`] after the end of their last
//! poll. Requests only note that in memory; one service of each gateway writes what changed, for many users at a time, and
//! tells what came of it.
//!
//! [`offline_after`]: crate::CoreSettings::offline_after
//!
//! | module | holds |
//! | --- | --- |
//! | `roll` | who is here, and what the database is to be told of it |
//! | `keep` | the service that writes |
//! | `tell` | the events |

mod keep;
mod roll;
mod tell;

use std::collections::HashMap;
use std::time::Duration;

use pollgate_model::{Presence, UserId};
use pollgate_store::PresenceChange;

pub(crate) use keep::Keeper;
pub(crate) use roll::Roll;

use crate::{Core, CoreError, CoreSettings};

/// How often what changed is written.
const TICK: Duration = Duration::from_millis(500);
/// How much longer than it must a gateway waits before it says that somebody is gone: whoever came to another gateway in
/// time stands in the database by then.
const SLACK: Duration = TICK.saturating_mul(2);
/// Most users who are asked for at once.
const MOST_ASKED: usize = 100;

impl Roll {
    /// For a gateway with these settings.
    pub(crate) fn of(settings: &CoreSettings) -> Self {
        // each attended mailbox may be a user's, and as many may have left of whom the database was not told yet
        Self::new(settings.offline_after + SLACK, settings.mailboxes.saturating_mul(2))
    }
}

/// How a change is shown.
fn shown(change: PresenceChange) -> Presence {
    Presence { user: change.user, online: change.online, since: Some(change.since) }
}

impl Core {
    /// Who of these users is online, in their order, each once. A caller sees those with whom a room is shared; everybody
    /// else looks as if never seen. No caller: all are seen.
    ///
    /// # Errors
    /// `Invalid` for nobody at all or more than a hundred; the database is away.
    pub async fn presence(
        &self,
        caller: Option<&UserId>,
        users: Vec<UserId>,
    ) -> Result<Vec<Presence>, CoreError> {
        if users.is_empty() || users.len() > MOST_ASKED {
            return Err(CoreError::Invalid(format!("user: 1 to {MOST_ASKED} of them")));
        }
        let found = self.store.presence(caller.cloned(), users.clone()).await?;
        let mut known: HashMap<UserId, PresenceChange> =
            found.into_iter().map(|known| (known.user.clone(), known)).collect();
        let mut answered = std::collections::HashSet::new();
        let once = users.into_iter().filter(|user| answered.insert(user.clone()));
        Ok(once.map(|user| known.remove(&user).map_or_else(|| Presence::unseen(user), shown)).collect())
    }
}
