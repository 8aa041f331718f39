//! What the rules of depths need of the tables.

use pollgate_model::SessionId;

use super::{DepthSize, Revisits, whole};
use crate::error::Failure;

/// A user, and a session or nothing.
pub(super) type Name<'a> = (&'a str, &'a str);
/// The same, as it was read.
pub(super) type Read = (String, String);
/// Noted, with an alarm, and with at least 10, 100 and 1000 events.
pub(super) type Totals = (i64, i64, i64, i64, i64);

/// A mailbox to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(super) struct Row<'a> {
    pub(super) user: &'a str,
    pub(super) session: &'a str,
    pub(super) ready: i64,
    /// Less than nothing: unknown.
    pub(super) unacked: i64,
    pub(super) consumers: i64,
}

impl<'a> Row<'a> {
    pub(super) fn of(size: &'a DepthSize) -> Self {
        Self {
            user: size.mailbox.user.as_str(),
            session: size.mailbox.session.as_ref().map_or("", SessionId::as_str),
            ready: whole(size.ready),
            unacked: size.unacked.map_or(-1, whole),
            consumers: whole(size.consumers),
        }
    }
}

/// The table. Times are the database's; lists are in order, and no mailbox stands in one twice.
pub(super) trait Depths {
    /// Locks the rows of these mailboxes that there are.
    fn lock(&mut self, names: &[Name<'_>]) -> Result<(), Failure>;
    /// Makes an alarm stand for these; those for which none did.
    fn rise(&mut self, rows: &[Row<'_>]) -> Result<Vec<Read>, Failure>;
    /// Ends the alarms of these; those that had one.
    fn fall(&mut self, names: &[Name<'_>]) -> Result<Vec<Read>, Failure>;
    /// Writes what was found, and when to look again. Alarms stay as they are.
    fn put(&mut self, rows: &[Row<'_>], revisits: &Revisits) -> Result<(), Failure>;
    /// Removes these; those that had an alarm.
    fn drop_rows(&mut self, names: &[Name<'_>]) -> Result<Vec<Read>, Failure>;
    /// Takes rows that are due; they are due again after so many milliseconds.
    fn claim(&mut self, most: i64, time: i64) -> Result<Vec<Read>, Failure>;
    /// Counts.
    fn totals(&mut self) -> Result<Totals, Failure>;
    /// Removes all but the `most` deepest; how many.
    fn prune(&mut self, most: i64) -> Result<usize, Failure>;
}
