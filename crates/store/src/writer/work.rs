//! The units of a batch by what they ask for, each kind in the order of the queue.

use super::unit::{ChangeUnit, MarkUnit, Publish, Send, Unit};

/// See the module's text.
#[derive(Default)]
pub(super) struct Work<'u> {
    pub(super) sends: Vec<&'u Send>,
    pub(super) publishes: Vec<&'u Publish>,
    pub(super) changes: Vec<&'u ChangeUnit>,
    pub(super) marks: Vec<&'u MarkUnit>,
}

impl<'u> Work<'u> {
    pub(super) fn of(units: &'u [Unit]) -> Self {
        let mut work = Self { sends: Vec::with_capacity(units.len()), ..Self::default() };
        for unit in units {
            match unit {
                Unit::Send(send) => work.sends.push(send),
                Unit::Publish(publish) => work.publishes.push(publish),
                Unit::Change(change) => work.changes.push(change),
                Unit::Mark(mark) => work.marks.push(mark),
                // a transaction of its own is no part of a batch
                Unit::Aside(_) | Unit::Stop(_) => {}
            }
        }
        work
    }
}
