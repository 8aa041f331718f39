//! Who is online: a user has a seat at each gateway that attends a mailbox of theirs, and is online while there is one.
//!
//! Rules:
//! - A gateway writes its own seats, many users at a time. Who takes the last seat away, or gives the first one, changes the
//!   user's row, and learns that from the statement itself: so each change is told by one gateway.
//! - `since` grows with every change of a user, so whoever hears of two changes in the wrong order knows which is the newer one.
//! - A gateway that was taken for dead and is not is told so ([`PresenceWritten::anew`]), and says again who is there.
//!
//! | module | holds |
//! | --- | --- |
//! | `tables` | what these rules need of a database |
//! | `pg`, `sqlite` | the statements |

mod pg;
mod sqlite;
mod tables;

use std::sync::Arc;
use std::time::Duration;

use pollgate_model::{Timestamp, UserId};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::sql::Id;
use tables::{Seats, Since};

/// Most seats of a dead gateway that are taken away in one transaction.
const MOST_CLEARED: i64 = 1000;
/// Most users who are forgotten at once.
const MOST_FORGOTTEN: usize = 10_000;

/// What a gateway has to say of its users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceBatch {
    /// Who is here, and whether a session of theirs wants to hear of others.
    pub here: Vec<(UserId, bool)>,
    /// Who is not here any more, and since how long.
    pub gone: Vec<(UserId, Duration)>,
}

impl PresenceBatch {
    /// There is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.here.is_empty() && self.gone.is_empty()
    }

    /// How many users it is about.
    #[must_use]
    pub fn len(&self) -> usize {
        self.here.len() + self.gone.len()
    }
}

/// A user who came online or went offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceChange {
    /// Who.
    pub user: UserId,
    /// Online now.
    pub online: bool,
    /// Since when, by the database's clock.
    pub since: Timestamp,
}

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceWritten {
    /// This gateway was not known, or taken for dead: seats it gave before may be gone.
    pub anew: bool,
    /// Who changed by it, each change told to nobody else.
    pub changes: Vec<PresenceChange>,
}

fn changes(of: Vec<Since>, online: bool) -> impl Iterator<Item = Result<PresenceChange, Failure>> {
    let change = move |(user, since)| {
        Ok(PresenceChange { user: rows::user(user)?, online, since: Timestamp::from_ms(since) })
    };
    of.into_iter().map(change)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Runs `work` in a transaction that nothing else gets in between.
macro_rules! alone {
    ($conn:expr, |$c:ident| $work:expr) => {
        match $conn {
            AnyConnection::Pg($c) => $c.build_transaction().read_committed().run(|$c| $work),
            // takes the lock at once: one that reads first may find that it cannot write any more
            AnyConnection::Sqlite($c) => $c.immediate_transaction(|$c| $work),
        }
    };
}

fn write(tables: &mut impl Seats, instance: Id, batch: &PresenceBatch) -> Result<PresenceWritten, Failure> {
    let anew = !tables.beat(instance)?;
    if anew {
        tables.enrol(instance)?;
    }
    let mut here: Vec<(&str, i64)> =
        batch.here.iter().map(|(user, watching)| (user.as_str(), i64::from(*watching))).collect();
    let mut gone: Vec<(&str, i64)> =
        batch.gone.iter().map(|(user, ago)| (user.as_str(), millis(*ago))).collect();
    // everybody writes users in the same order, so that two who write the same ones never wait for each other
    here.sort_unstable();
    gone.sort_unstable();
    let (here, watching): (Vec<_>, Vec<_>) = here.into_iter().unzip();
    let (gone, ages): (Vec<_>, Vec<_>) = gone.into_iter().unzip();
    if !here.is_empty() || !gone.is_empty() {
        tables.lock(&[here.as_slice(), gone.as_slice()].concat())?;
    }
    let (mut came, mut went) = (Vec::new(), Vec::new());
    if !here.is_empty() {
        came = tables.arrive(&here)?;
        tables.seat(instance, &here, &watching)?;
    }
    if !gone.is_empty() {
        tables.unseat(instance, &gone)?;
        went = tables.depart(&gone, &ages)?;
    }
    let changes = changes(came, true).chain(changes(went, false)).collect::<Result<_, _>>()?;
    Ok(PresenceWritten { anew, changes })
}

/// Takes some seats of one gateway away that has been gone for so long; `None`: there is none.
fn clear(
    tables: &mut impl Seats,
    instance: Id,
    after: i64,
    limit: i64,
) -> Result<Option<Vec<PresenceChange>>, Failure> {
    let Some((dead, age)) = tables.gone(instance, after)? else { return Ok(None) };
    let users = tables.seated(dead, limit)?;
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let mut went = Vec::new();
    if !users.is_empty() {
        tables.lock(&users)?;
        tables.unseat(dead, &users)?;
        went = tables.depart(&users, &vec![age; users.len()])?;
    }
    if users.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
        tables.strike(dead)?;
    }
    changes(went, false).collect::<Result<_, _>>().map(Some)
}

fn known(rows: Vec<(String, i64, i64)>) -> Result<Vec<PresenceChange>, Failure> {
    let known = |(user, online, since)| {
        Ok(PresenceChange { user: rows::user(user)?, online: online != 0, since: Timestamp::from_ms(since) })
    };
    rows.into_iter().map(known).collect()
}

impl Store {
    /// Says that this gateway is alive, and writes who is here and who is not any more. In a batch a user stands once.
    ///
    /// # Errors
    /// The database is not available. The batch may have been written nevertheless; writing it again is right, and then
    /// nobody learns of its changes.
    pub async fn write_presence(&self, batch: Arc<PresenceBatch>) -> Result<PresenceWritten, StoreError> {
        let id = self.inner.instance;
        let work = move |conn: &mut AnyConnection| alone!(conn, |c| write(c, id, &batch));
        self.inner.readers.run(work).await
    }

    /// Says that this gateway has stopped: its seats stay, and others take them away some time later.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn retire_presence(&self) -> Result<(), StoreError> {
        let id = self.inner.instance;
        self.inner.readers.run(move |conn| on_each!(conn, |c| c.retire(id))).await
    }

    /// Takes seats away that belong to a gateway which stopped, or whose lease is older than `dead_after`, if it has been
    /// gone for `after`; a bounded number. One that says every `beat` that it is alive ended that long after its last word
    /// at the latest. Who went offline by that; `None`: there is no such gateway.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn clear_presence(
        &self,
        dead_after: Duration,
        beat: Duration,
        after: Duration,
    ) -> Result<Option<Vec<PresenceChange>>, StoreError> {
        let id = self.inner.instance;
        let (dead_after, beat, after) = (millis(dead_after), millis(beat), millis(after));
        let work = move |conn: &mut AnyConnection| {
            on_each!(conn, |c| c.note_dead(id, dead_after, beat))?;
            alone!(conn, |c| clear(c, id, after, MOST_CLEARED))
        };
        self.inner.readers.run(work).await
    }

    /// Removes at most `limit` users who have been offline for longer than `age`; how many it were.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn forget_presence(&self, age: Duration, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit.min(MOST_FORGOTTEN)).unwrap_or(i64::MAX);
        let age = millis(age);
        self.inner.readers.run(move |conn| on_each!(conn, |c| c.forget(age, limit))).await
    }

    /// What is known of these users, in no order; of those who were never seen, nothing. For a caller: only of oneself and
    /// of those who share a room with the caller.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn presence(
        &self,
        caller: Option<UserId>,
        users: Vec<UserId>,
    ) -> Result<Vec<PresenceChange>, StoreError> {
        let work = move |conn: &mut AnyConnection| {
            let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
            known(match &caller {
                None => on_each!(conn, |c| c.known(&users))?,
                Some(caller) => on_each!(conn, |c| c.known_to(caller.as_str(), &users))?,
            })
        };
        self.inner.readers.run(work).await
    }

    /// Who is to hear of these users: those who share a room of at most `members` with one of them, and watch. At most
    /// `limit` pairs of the user and who hears of it, those of one user next to each other.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn watchers(
        &self,
        users: Vec<UserId>,
        members: usize,
        limit: usize,
    ) -> Result<Vec<(UserId, UserId)>, StoreError> {
        let members = i64::try_from(members).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let work = move |conn: &mut AnyConnection| {
            let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
            let pairs = on_each!(conn, |c| c.watchers(&users, members, limit))?;
            pairs.into_iter().map(|(of, who)| Ok((rows::user(of)?, rows::user(who)?))).collect()
        };
        self.inner.readers.run(work).await
    }
}
