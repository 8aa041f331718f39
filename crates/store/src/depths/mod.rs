//! Mailboxes in which more waits than usual, as gateways found them when they looked, and mailboxes that were purged.
//!
//! Rules:
//! - A row is looked at again when it is due, by the gateway that claims it; a claim runs out by itself, so nobody has to
//!   be alive for an alarm to end.
//! - Who makes an alarm start or end learns that from the statement itself, so each is told by one gateway.
//!
//! | module | holds |
//! | --- | --- |
//! | `types` | what callers see |
//! | `tables` | what these rules need of a database |
//! | `pg`, `sqlite` | the statements |
//! | `purges` | mailboxes that were deleted by an operator |

mod pg;
mod purges;
mod sqlite;
mod tables;
mod types;

use std::sync::Arc;
use std::time::Duration;

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{Mailbox, SessionId, Timestamp, UserId};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::schema::mailbox_depths;
pub use purges::Purge;
use tables::{Depths, Name, Row};
pub use types::{AlarmChanges, DepthNotes, DepthSize, DepthTotals, NotedAlarm, NotedDepth, Revisits};

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn name(mailbox: &Mailbox) -> Name<'_> {
    (mailbox.user.as_str(), mailbox.session.as_ref().map_or("", SessionId::as_str))
}

fn mailbox((user, session): (String, String)) -> Result<Mailbox, Failure> {
    let session = if session.is_empty() { None } else { Some(session) };
    let session = session.map(SessionId::try_from).transpose().map_err(Failure::corrupt)?;
    Ok(Mailbox { user: rows::user(user)?, session })
}

fn mailboxes(names: Vec<(String, String)>) -> Result<Vec<Mailbox>, Failure> {
    names.into_iter().map(mailbox).collect()
}

/// In the order of their names: two who write the same rows never wait for each other.
fn sorted<'a>(names: impl Iterator<Item = Name<'a>>) -> Vec<Name<'a>> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

fn note(tables: &mut impl Depths, notes: &DepthNotes, revisits: &Revisits) -> Result<AlarmChanges, Failure> {
    let deep = notes.deep.iter().map(|(size, _)| name(&size.mailbox));
    let of = |alarm: NotedAlarm| {
        let those = notes.deep.iter().filter(move |(_, found)| *found == alarm);
        those.map(|(size, _)| Row::of(size)).collect::<Vec<_>>()
    };
    tables.lock(&sorted(deep.chain(notes.shallow.iter().map(name))))?;
    let mut changes = AlarmChanges::default();
    let mut rising = of(NotedAlarm::Stands);
    if !rising.is_empty() {
        rising.sort_unstable();
        changes.started = mailboxes(tables.rise(&rising)?)?;
    }
    let over = sorted(of(NotedAlarm::Ends).iter().map(|row| (row.user, row.session)));
    if !over.is_empty() {
        changes.ended = mailboxes(tables.fall(&over)?)?;
    }
    let mut all: Vec<Row<'_>> = notes.deep.iter().map(|(size, _)| Row::of(size)).collect();
    if !all.is_empty() {
        all.sort_unstable();
        tables.put(&all, revisits)?;
    }
    let shallow = sorted(notes.shallow.iter().map(name));
    if !shallow.is_empty() {
        changes.ended.extend(mailboxes(tables.drop_rows(&shallow)?)?);
    }
    Ok(changes)
}

impl Store {
    /// Writes down what looks at mailboxes found; which alarms started and ended by that, each told to one caller only.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn note_depths(
        &self,
        notes: Arc<DepthNotes>,
        revisits: Revisits,
    ) -> Result<AlarmChanges, StoreError> {
        self.aside(move |conn| on_each!(conn, |c| note(c, &notes, &revisits))).await
    }

    /// Claims at most `most` of the noted mailboxes that are due to be looked at, the one due for longest first; nobody else gets
    /// them for so long.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn claim_depths(&self, most: usize, time: Duration) -> Result<Vec<Mailbox>, StoreError> {
        let (most, time) = (whole(most as u64), millis(time));
        self.aside(move |conn| mailboxes(on_each!(conn, |c| c.claim(most, time))?)).await
    }

    /// Noted mailboxes with at least `min_depth` events, the deepest first, at most `most`; of one user, or of all.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn noted_depths(
        &self,
        user: Option<UserId>,
        min_depth: u64,
        most: usize,
    ) -> Result<Vec<NotedDepth>, StoreError> {
        let (min_depth, most) = (whole(min_depth), whole(most as u64));
        let work = move |conn: &mut AnyConnection| {
            type Found = (String, String, i64, Option<i64>, i64, i64, i64);
            let columns = (
                mailbox_depths::user_id,
                mailbox_depths::session,
                mailbox_depths::ready,
                mailbox_depths::unacked,
                mailbox_depths::consumers,
                mailbox_depths::alarm,
                mailbox_depths::looked_at_ms,
            );
            let deepest = mailbox_depths::table
                .filter(mailbox_depths::ready.ge(min_depth))
                .order((mailbox_depths::ready.desc(), mailbox_depths::user_id, mailbox_depths::session))
                .limit(most)
                .select(columns);
            let rows: Vec<Found> = match &user {
                Some(user) => {
                    on_each!(conn, |c| deepest.filter(mailbox_depths::user_id.eq(user.as_str())).load(c))?
                }
                None => on_each!(conn, |c| deepest.load(c))?,
            };
            let noted = |(user, session, ready, unacked, consumers, alarm, at): Found| {
                Ok(NotedDepth {
                    size: DepthSize {
                        mailbox: mailbox((user, session))?,
                        ready: count(ready),
                        unacked: unacked.map(count),
                        consumers: count(consumers),
                    },
                    alarm: alarm != 0,
                    looked_at: Timestamp::from_ms(at),
                })
            };
            rows.into_iter().map(noted).collect()
        };
        self.inner.readers.run(work).await
    }

    /// How many mailboxes are noted, by their depth, and how many alarms stand.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn depth_totals(&self) -> Result<DepthTotals, StoreError> {
        let work = |conn: &mut AnyConnection| {
            let (noted, alarms, tens, hundreds, thousands) = on_each!(conn, |c| c.totals())?;
            Ok(DepthTotals {
                noted: count(noted),
                alarms: count(alarms),
                by_depth: [
                    count(noted - tens),
                    count(tens - hundreds),
                    count(hundreds - thousands),
                    count(thousands),
                ],
            })
        };
        self.inner.readers.run(work).await
    }

    /// Forgets noted mailboxes beyond `most`: the shallowest, those with an alarm last. How many it were.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn forget_depths(&self, most: usize) -> Result<usize, StoreError> {
        let most = whole(most as u64);
        self.aside(move |conn| on_each!(conn, |c| c.prune(most))).await
    }
}
