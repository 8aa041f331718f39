//! Cursors: what a client sends back to confirm what it got.
//!
//! Opaque to clients: base64url of a version byte, the fields, and a checksum that tells a cursor from any
//! other text. It is no secret and no proof: a forged one can only confirm its forger's own events.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{EventId, Timestamp};

const VERSION: u8 = 2;
/// Without the cluster, and with one event's id instead of marks.
const VERSION_1: u8 = 1;
const RESYNC: u8 = 1;
/// The same in version 1.
const RESYNC_1: u8 = 2;

/// Events of one answer that a cursor names; of a larger answer, the last ones.
pub const MOST_MARKS: usize = 16;

/// The text is no cursor: cut, mistyped, or of a version this gateway does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor")]
pub struct BadCursor;

/// How far a client has got, and where it learnt so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The gateway process that answered.
    pub instance: u64,
    /// Which attachment of the mailbox there it was; positions mean nothing outside of it.
    pub incarnation: u32,
    /// The last position answered in that incarnation; everything up to it is confirmed.
    pub position: u64,
    /// The broker's transient state that the mailbox stood on.
    pub broker: u32,
    /// The cluster that the mailbox stood on, as a number; 0: not known.
    pub cluster: u32,
    /// When it was made: older than a message may wait means that events may have run out.
    pub issued_at: Timestamp,
    /// The events answered, by which another owner of the mailbox knows them when they come to it.
    pub had: Marks,
    /// It came with `resync: true`; sending it back says that the client has heard.
    pub resync: bool,
}

/// Some events, each by half of its id, which is random.
///
/// A place in a mailbox could not be named instead: when gateways come and go, what one held unconfirmed returns to
/// the mailbox after later events, and whoever took all up to a place for had would lose it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    marks: [u64; MOST_MARKS],
    count: usize,
}

impl Marks {
    /// Names one more event, instead of the first one when there is no room.
    pub fn push(&mut self, id: EventId) {
        self.push_mark(mark_of(id));
    }

    fn push_mark(&mut self, mark: u64) {
        if self.count == MOST_MARKS {
            self.marks.rotate_left(1);
            self.count -= 1;
        }
        if let Some(place) = self.marks.get_mut(self.count) {
            *place = mark;
            self.count += 1;
        }
    }

    fn as_slice(&self) -> &[u64] {
        self.marks.get(..self.count).unwrap_or_default()
    }

    /// No event is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes an event out; `true` when it was named.
    pub fn take(&mut self, id: EventId) -> bool {
        let mark = mark_of(id);
        let Some(at) = self.as_slice().iter().position(|named| *named == mark) else { return false };
        let mut rest = Self::default();
        for (place, named) in self.as_slice().iter().enumerate() {
            if place != at {
                rest.push_mark(*named);
            }
        }
        *self = rest;
        true
    }
}

impl FromIterator<EventId> for Marks {
    fn from_iter<I: IntoIterator<Item = EventId>>(ids: I) -> Self {
        let mut marks = Self::default();
        for id in ids {
            marks.push(id);
        }
        marks
    }
}

/// The low half of a version 7 UUID: two bits of variant, 62 of chance.
fn mark_of(id: EventId) -> u64 {
    id.uuid().as_u64_pair().1
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(64 + 8 * self.had.count);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.instance.to_be_bytes());
        bytes.extend_from_slice(&self.incarnation.to_be_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.extend_from_slice(&self.broker.to_be_bytes());
        bytes.extend_from_slice(&self.cluster.to_be_bytes());
        bytes.extend_from_slice(&self.issued_at.as_ms().to_be_bytes());
        bytes.push(if self.resync { RESYNC } else { 0 });
        for mark in self.had.as_slice() {
            bytes.extend_from_slice(&mark.to_be_bytes());
        }
        let check = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&check.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(&bytes))
    }
}

/// Takes the next `N` bytes off the front.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], BadCursor> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(BadCursor)?;
    *rest = tail;
    Ok(*head)
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_not_base64| BadCursor)?;
        let (body, check) = bytes.split_last_chunk::<4>().ok_or(BadCursor)?;
        if crc32fast::hash(body) != u32::from_be_bytes(*check) {
            return Err(BadCursor);
        }
        let mut rest = body;
        let [version] = take::<1>(&mut rest)?;
        let instance = u64::from_be_bytes(take(&mut rest)?);
        let incarnation = u32::from_be_bytes(take(&mut rest)?);
        let position = u64::from_be_bytes(take(&mut rest)?);
        let broker = u32::from_be_bytes(take(&mut rest)?);
        let cluster = match version {
            VERSION => u32::from_be_bytes(take(&mut rest)?),
            VERSION_1 => 0,
            _unknown => return Err(BadCursor),
        };
        let issued_at = Timestamp::from_ms(i64::from_be_bytes(take(&mut rest)?));
        let [flags] = take::<1>(&mut rest)?;
        let mut had = Marks::default();
        if version == VERSION_1 {
            let _last: [u8; 16] = take(&mut rest)?;
        }
        while !rest.is_empty() {
            if had.count == MOST_MARKS || version == VERSION_1 {
                return Err(BadCursor);
            }
            had.push_mark(u64::from_be_bytes(take(&mut rest)?));
        }
        let resync = flags & if version == VERSION_1 { RESYNC_1 } else { RESYNC } != 0;
        Ok(Self { instance, incarnation, position, broker, cluster, issued_at, had, resync })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_cursor()(
            instance: u64, incarnation: u32, position: u64, broker: u32, cluster: u32, ms: i64,
            had in proptest::collection::vec(any::<u128>(), 0..20), resync: bool,
        ) -> Cursor {
            Cursor {
                instance, incarnation, position, broker, cluster, resync,
                issued_at: Timestamp::from_ms(ms),
                had: had.into_iter().map(|id| EventId::from(uuid::Uuid::from_u128(id))).collect(),
            }
        }
    }

    #[test]
    fn a_cursor_of_before_clusters_is_read() {
        // version 1: instance 7, incarnation 3, position 9, broker 5, at 1 s, no last event, resync
        let text = "AQAAAAAAAAAHAAAAAwAAAAAAAAAJAAAABQAAAAAAAAPoAgAAAAAAAAAAAAAAAAAAAADnFKxz";
        let cursor: Cursor = text.parse().unwrap();
        let expected = Cursor {
            instance: 7,
            incarnation: 3,
            position: 9,
            broker: 5,
            cluster: 0,
            issued_at: Timestamp::from_ms(1000),
            had: Marks::default(),
            resync: true,
        };
        assert_eq!(cursor, expected);
    }

    proptest! {
        #[test]
        fn reads_what_it_prints(cursor in any_cursor()) {
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }

        #[test]
        fn a_changed_cursor_is_none(cursor in any_cursor(), at in 0_usize..50, by in 1_u8..64) {
            const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let mut text = cursor.to_string().into_bytes();
            let place = ALPHABET.iter().position(|c| *c == text[at]).unwrap();
            text[at] = ALPHABET[(place + usize::from(by)) % 64];
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(text.parse::<Cursor>(), Err(BadCursor));
        }

        #[test]
        fn the_last_events_are_named_and_taken_once(ids in proptest::collection::vec(any::<u128>(), 0..40)) {
            let ids: Vec<EventId> = ids.into_iter().map(|id| uuid::Uuid::from_u128(id).into()).collect();
            let mut marks: Marks = ids.iter().copied().collect();
            let named = ids.len().saturating_sub(MOST_MARKS);
            for (at, id) in ids.iter().enumerate() {
                prop_assert_eq!(marks.take(*id), at >= named);
                prop_assert!(!marks.take(*id));
            }
            prop_assert!(marks.is_empty());
        }

        #[test]
        fn any_text_is_answered_without_panic(text in ".{0,100}") {
            let _outcome = text.parse::<Cursor>();
        }
    }
}
