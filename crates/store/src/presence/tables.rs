//! What the rules of presence need of the tables, each within a transaction.

use crate::error::Failure;
use crate::sql::Id;

/// A user, and since when it is as it is now.
pub(super) type Since = (String, i64);

/// The tables of presence. Times are the database's; lists of users are in order.
pub(super) trait Seats {
    /// Says that this gateway is alive; `false`: it is not known, or was taken for dead.
    fn beat(&mut self, instance: Id) -> Result<bool, Failure>;
    /// Says that this gateway is alive, whatever was said of it before.
    fn enrol(&mut self, instance: Id) -> Result<(), Failure>;
    /// Says that this gateway has stopped.
    fn retire(&mut self, instance: Id) -> Result<(), Failure>;
    /// Locks what is known of these users: who decides about one of them decides alone, and knows of all seats.
    fn lock(&mut self, users: &[&str]) -> Result<(), Failure>;
    /// Makes these users online; those who were not.
    fn arrive(&mut self, users: &[&str]) -> Result<Vec<Since>, Failure>;
    /// Gives these users a seat at a gateway, with whether they watch.
    fn seat(&mut self, instance: Id, users: &[&str], watching: &[i64]) -> Result<(), Failure>;
    /// Takes these users' seats at a gateway away.
    fn unseat(&mut self, instance: Id, users: &[&str]) -> Result<(), Failure>;
    /// Makes those offline who have no seat, since so many milliseconds ago; those who were online.
    fn depart(&mut self, users: &[&str], ages: &[i64]) -> Result<Vec<Since>, Failure>;
    /// Notes gateways but this one whose lease is older than `dead_after` or gone: they ended `beat` milliseconds after
    /// their last word at the latest.
    fn note_dead(&mut self, instance: Id, dead_after: i64, beat: i64) -> Result<(), Failure>;
    /// One gateway but this one that has been gone for so long, and since how many milliseconds; nobody else gets it.
    fn gone(&mut self, instance: Id, after: i64) -> Result<Option<(Id, i64)>, Failure>;
    /// Some users with a seat at a gateway.
    fn seated(&mut self, instance: Id, limit: i64) -> Result<Vec<String>, Failure>;
    /// Forgets a gateway.
    fn strike(&mut self, instance: Id) -> Result<(), Failure>;
    /// Forgets some users who have been offline for so long; how many.
    fn forget(&mut self, age: i64, limit: i64) -> Result<usize, Failure>;
    /// What is known of these users: online or not, and since when.
    fn known(&mut self, users: &[&str]) -> Result<Vec<(String, i64, i64)>, Failure>;
    /// The same of oneself and of those one shares a room with.
    fn known_to(&mut self, caller: &str, users: &[&str]) -> Result<Vec<(String, i64, i64)>, Failure>;
    /// Who watches each of these users: pairs of both, in order, by rooms of at most so many members.
    fn watchers(
        &mut self,
        users: &[&str],
        members: i64,
        limit: i64,
    ) -> Result<Vec<(String, String)>, Failure>;
}
