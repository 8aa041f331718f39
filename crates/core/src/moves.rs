//! Users who were placed elsewhere: while the list of clusters changes, gateways with another list publish a user's
//! events to another cluster, where nobody reads them any more.
//!
//! Rule: a user whose place differs between our list and another one hears `resync` once after the last gateway with
//! that list is gone. No state per user: a cursor says when it was made, and one made before that end may have missed
//! something. Lists are remembered by the database for as long as an event waits in a mailbox. Ends of lists are told
//! by the database's clock, cursors by the gateways': they may be some seconds apart, no more.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use pollgate_broker::Placement;
use pollgate_model::{Timestamp, UserId};
use pollgate_store::{ListUse, Store, StoreError};
use tracing::{debug, info, warn};

use crate::task::Stop;

/// How often we say which list we use, and look for others.
const BEAT: Duration = Duration::from_secs(3);
/// A list that nobody has named for so long is out of use: some beats, and room for clocks that differ.
const OVER_AFTER: Duration = Duration::from_secs(15);
/// Clocks that are further apart than this eat up that room.
const CLOCKS_APART: Duration = Duration::from_secs(5);
/// Most lists that are remembered, ours included. Of more, those that were used longest ago are left out.
const MOST_LISTS: u32 = 16;

/// Another list.
#[derive(Debug)]
struct Other {
    list: String,
    placement: Placement,
    /// When it is over, the same at every gateway; moves on while somebody uses it.
    over: Timestamp,
}

/// See the module's text.
#[derive(Debug)]
pub struct Moves {
    own: Placement,
    within: Duration,
    // a std lock: held for a look, never over I/O
    others: RwLock<Vec<Other>>,
}

impl Moves {
    /// Says which list is ours, and learns of the others: before anybody polls.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn load(store: &Store, own: Placement, message_ttl: Duration) -> Result<Arc<Self>, StoreError> {
        let moves = Self { own, within: message_ttl + OVER_AFTER, others: RwLock::default() };
        let ours = moves.look(store).await?;
        let now = Timestamp::now();
        if let Some(at) = ours.filter(|at| at.age_at(now).max(now.age_at(*at)) > CLOCKS_APART) {
            warn!(database = %at, "the clocks of the database and of this gateway are apart");
        }
        Ok(Arc::new(moves))
    }

    /// There never was another list.
    #[cfg(test)]
    pub(crate) fn none(own: Placement) -> Arc<Self> {
        Arc::new(Self { own, within: OVER_AFTER, others: RwLock::default() })
    }

    /// The service that renews our list and looks for others; ends with the stop signal.
    pub(crate) async fn watch(self: Arc<Self>, store: Store, mut stop: Stop) {
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(BEAT) => {}
            }
            if let Err(error) = self.look(&store).await {
                debug!(%error, "lists of clusters were not looked at, trying again");
            }
        }
    }

    /// Returns when our list was used last, which was just now.
    async fn look(&self, store: &Store) -> Result<Option<Timestamp>, StoreError> {
        let own = self.own.to_string();
        let seen = store.use_list(own.clone(), self.within, MOST_LISTS).await?;
        let ours = seen.iter().find(|used| used.list == own).map(|used| used.used_at);
        self.learn(seen, Timestamp::now());
        Ok(ours)
    }

    fn learn(&self, seen: Vec<ListUse>, now: Timestamp) {
        let own = self.own.to_string();
        let mut others = Vec::new();
        for ListUse { list, used_at } in seen.into_iter().filter(|used| used.list != own) {
            match list.parse() {
                Ok(placement) => others.push(Other { list, placement, over: used_at.plus(OVER_AFTER) }),
                Err(error) => warn!(list, %error, "a list of clusters in the database makes no sense"),
            }
        }
        let mut known = self.others.write().unwrap_or_else(PoisonError::into_inner);
        for other in &others {
            let in_use = |other: &Other| other.over > now;
            let before = known.iter().find(|one| one.list == other.list);
            match (before.is_some_and(in_use), in_use(other)) {
                (false, true) => warn!(
                    ours = own,
                    theirs = other.list,
                    "another gateway uses another list of clusters: users who are placed differently miss events \
                     until it is gone, and are told to resync then"
                ),
                (true, false) => {
                    info!(theirs = other.list, "nobody uses the other list of clusters any more")
                }
                _no_change => {}
            }
        }
        *known = others;
    }

    /// Whoever got this cursor, and asks now, may have missed events: gateways that are gone by now placed the user
    /// elsewhere when it was made.
    ///
    /// The next cursor must bear this `now`, so that of any two cursors in a row one is told.
    pub(crate) fn missed_since(&self, user: &UserId, issued_at: Timestamp, now: Timestamp) -> bool {
        self.any(|other| other.over <= now && issued_at < other.over && self.differs(other, user))
    }

    /// Somebody placed the user elsewhere not longer ago than an event waits.
    pub(crate) fn may_have_missed(&self, user: &UserId) -> bool {
        self.any(|other| self.differs(other, user))
    }

    fn any(&self, wanted: impl Fn(&Other) -> bool) -> bool {
        self.others.read().unwrap_or_else(PoisonError::into_inner).iter().any(wanted)
    }

    fn differs(&self, other: &Other, user: &UserId) -> bool {
        self.own.cluster_of(user) != other.placement.cluster_of(user)
    }
}

#[cfg(test)]
#[path = "moves_tests.rs"]
mod tests;
