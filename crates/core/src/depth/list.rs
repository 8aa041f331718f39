//! What operators ask for: the mailboxes of a user, the deepest of all, and to delete what waits in one.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt as _;
use pollgate_broker::Depth;
use pollgate_model::{Mailbox, Timestamp};
use pollgate_store::{DepthNotes, NotedDepth, Revisits};
use tracing::{debug, info};

use super::looker::tell_ended;
use crate::{Core, CoreError};

/// Looks under way at once.
const AT_ONCE: usize = 4;
/// Most sessions of one user that are looked up.
const MOST_SESSIONS: usize = 100;

/// A mailbox in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDepth {
    /// Which.
    pub mailbox: Mailbox,
    /// What waits there.
    pub depth: Depth,
    /// An alarm stands.
    pub alarm: bool,
    /// When that was so; just now, unless the broker was away.
    pub looked_at: Timestamp,
}

impl Core {
    /// A user's main mailbox, the session mailboxes attended here, and those that are noted: at most `limit`, those that
    /// exist, as they are now. With `session` only that one.
    ///
    /// # Errors
    /// The user's broker is away.
    pub async fn depths_of(
        &self,
        wanted: &Mailbox,
        all: bool,
        limit: usize,
    ) -> Result<Vec<ListedDepth>, CoreError> {
        let noted = self.store.noted_depths(Some(wanted.user.clone()), 0, MOST_SESSIONS).await;
        let noted = noted.unwrap_or_else(|error| {
            debug!(%error, "it is not known which mailboxes are noted");
            Vec::new()
        });
        let mut mailboxes = BTreeSet::from([wanted.clone()]);
        if all {
            mailboxes.extend(self.mailboxes.of_user(&wanted.user));
            mailboxes.extend(noted.iter().map(|row| row.size.mailbox.clone()));
        }
        let broker = &self.clusters.of(&wanted.user).broker;
        let mut listed = Vec::new();
        for mailbox in mailboxes.into_iter().take(limit) {
            let Some(depth) = broker.depth(&mailbox).await? else { continue };
            let stood = noted.iter().any(|row| row.size.mailbox == mailbox && row.alarm);
            let alarm = self.watch.rule.alarms(depth.ready, stood);
            listed.push(ListedDepth { mailbox, depth, alarm, looked_at: Timestamp::now() });
        }
        Ok(listed)
    }

    /// The deepest mailboxes over all users, at most `limit`, with at least `min_depth` events: those that are noted, as
    /// they are now. Of one whose broker is away, what was found last.
    ///
    /// # Errors
    /// The database is away.
    pub async fn deepest(&self, min_depth: u64, limit: usize) -> Result<Vec<ListedDepth>, CoreError> {
        let noted = self.store.noted_depths(None, min_depth, limit).await?;
        let looks = futures::stream::iter(noted).map(|row| self.look_again(row)).buffer_unordered(AT_ONCE);
        let mut listed: Vec<ListedDepth> = looks.filter_map(async |listed| listed).collect().await;
        listed.retain(|row| row.depth.ready >= min_depth);
        listed.sort_unstable_by(|one, other| {
            other.depth.ready.cmp(&one.depth.ready).then_with(|| one.mailbox.cmp(&other.mailbox))
        });
        Ok(listed)
    }

    /// A noted mailbox as it is now; `None`: it is gone.
    async fn look_again(&self, NotedDepth { size, alarm, looked_at }: NotedDepth) -> Option<ListedDepth> {
        let cluster = self.clusters.of(&size.mailbox.user);
        let mut listed = ListedDepth {
            depth: Depth { ready: size.ready, unacked: size.unacked, consumers: size.consumers },
            mailbox: size.mailbox,
            alarm,
            looked_at,
        };
        if !cluster.state().up {
            return Some(listed);
        }
        match cluster.broker.depth(&listed.mailbox).await {
            Ok(None) => return None,
            Ok(Some(depth)) => {
                listed.alarm = self.watch.rule.alarms(depth.ready, alarm);
                (listed.depth, listed.looked_at) = (depth, Timestamp::now());
            }
            Err(error) => debug!(mailbox = %listed.mailbox, %error, "a noted mailbox was not looked at"),
        }
        Some(listed)
    }

    /// Deletes what waits in a mailbox, and the mailbox with it: its reader is told to resync, and has it made again by
    /// the next poll. How many events that were; `None`: there is no such mailbox. `by`: who does it, for the log.
    ///
    /// # Errors
    /// The user's broker, or the database, is away.
    pub async fn purge(&self, by: &str, mailbox: &Mailbox) -> Result<Option<u64>, CoreError> {
        let broker = &self.clusters.of(&mailbox.user).broker;
        let Some(depth) = broker.depth(mailbox).await? else { return Ok(None) };
        // first said, then done: a deletion that nobody is told of must not be
        self.purges.say(&self.store, mailbox).await?;
        broker.delete(mailbox).await?;
        self.watch.count_purged(depth.ready);
        let (user, session) = (mailbox.user.as_str(), mailbox.session.as_ref().map(ToString::to_string));
        info!(by, user, session, events = depth.ready, "a mailbox was purged");
        let notes = DepthNotes { deep: Vec::new(), shallow: vec![mailbox.clone()] };
        match self.store.note_depths(Arc::new(notes), Revisits::default()).await {
            Ok(changes) => tell_ended(&changes.ended, self.watch.rule.alarm()),
            Err(error) => debug!(%error, "its alarm ends with the next look"),
        }
        Ok(Some(depth.ready))
    }

    /// What the depth of a mailbox means.
    #[must_use]
    pub fn depth_rule(&self) -> crate::DepthRule {
        self.watch.rule
    }
}
