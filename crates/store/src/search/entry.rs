//! What stands in the index for a message, and what a search asks the index for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pollgate_model::SearchQuery;
use pollgate_model::search::{Term, words};

use crate::sql::Id;

/// A message on its way into the index.
pub(crate) struct Entry {
    pub(crate) message: Id,
    tag: String,
    words: Vec<String>,
}

const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A short text for a room: 40 random bits of its id.
fn tag(room: Id) -> String {
    let bits = room.0.as_u128() & 0xff_ffff_ffff;
    let digit = |at: u32| {
        let digit = usize::try_from((bits >> (5 * at)) & 31).unwrap_or(0);
        char::from(DIGITS.get(digit).copied().unwrap_or(b'a'))
    };
    (0..8).map(digit).collect()
}

impl Entry {
    pub(crate) fn new(room: Id, message: Id, body: &str) -> Self {
        Self { message, tag: tag(room), words: words(body) }
    }

    /// It holds no word, so nobody will find it.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// As PostgreSQL writes a `tsvector`. Words hold neither quotes nor backslashes.
    pub(crate) fn tsvector(&self) -> String {
        let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, word) in self.words.iter().enumerate() {
            places.entry(word).or_default().push(at + 1);
        }
        let mut text = String::new();
        for (word, places) in places {
            let places: Vec<String> = places.iter().map(usize::to_string).collect();
            // writing to a text does not fail
            let _written = write!(text, "'{}{word}':{} ", self.tag, places.join(","));
        }
        text
    }

    /// As SQLite's tokenizer takes words.
    pub(crate) fn tokens(&self) -> String {
        tagged(&self.tag, &self.words).join(" ")
    }
}

fn tagged(tag: &str, words: &[String]) -> Vec<String> {
    words.iter().map(|word| format!("{tag}{word}")).collect()
}

/// A search of one room, as PostgreSQL writes a `tsquery`.
pub(super) fn tsquery(room: Id, query: &SearchQuery) -> String {
    let tag = tag(room);
    let term = |term: &Term| {
        let words: Vec<String> = tagged(&tag, &term.words).iter().map(|word| format!("'{word}'")).collect();
        format!("({}{})", words.join("<->"), if term.prefix { ":*" } else { "" })
    };
    query.terms().iter().map(term).collect::<Vec<_>>().join("&")
}

/// A search of these rooms, as SQLite's FTS5 takes it.
pub(super) fn fts5(rooms: &[Id], query: &SearchQuery) -> String {
    let of_room = |room: &Id| {
        let tag = tag(*room);
        let term = |term: &Term| {
            format!("\"{}\"{}", tagged(&tag, &term.words).join(" "), if term.prefix { " *" } else { "" })
        };
        format!("({})", query.terms().iter().map(term).collect::<Vec<_>>().join(" AND "))
    };
    rooms.iter().map(of_room).collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn words_are_written_as_each_database_reads_them() {
        let room = Id(Uuid::from_u128(0b00001_00000));
        let entry = Entry::new(room, Id(Uuid::nil()), "To be or not to be");
        assert_eq!(tag(room), "abaaaaaa");
        let t = "abaaaaaa";
        assert_eq!(entry.tsvector(), format!("'{t}be':2,6 '{t}not':4 '{t}or':3 '{t}to':1,5 "));
        assert_eq!(entry.tokens(), format!("{t}to {t}be {t}or {t}not {t}to {t}be"));
        let query = SearchQuery::parse("\"to be\" no").unwrap();
        assert_eq!(tsquery(room, &query), format!("('{t}to'<->'{t}be')&('{t}no':*)"));
        assert_eq!(
            fts5(&[room, room], &query),
            format!("(\"{t}to {t}be\" AND \"{t}no\" *) OR (\"{t}to {t}be\" AND \"{t}no\" *)")
        );
    }
}
