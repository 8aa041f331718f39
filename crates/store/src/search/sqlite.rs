//! The index on SQLite: a table of FTS5 that keeps no texts, and the numbers of its rows.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::{Entry, Index, Mark, Unindexed};
use crate::error::Failure;
use crate::schema::rooms;
use crate::sql::{Id, Id16, statement};

statement! {
    MakeMark on Sqlite => SqliteConnection {
        "INSERT INTO search_marks (room_id, seq) VALUES (" [room: &'a Id, Id16] ", 0) ON CONFLICT DO NOTHING"
    }
}
statement! {
    MarkOf on Sqlite => SqliteConnection, rows (Id16, BigInt) {
        "SELECT room_id, seq FROM search_marks WHERE room_id = " [room: &'a Id, Id16]
    }
}
statement! {
    NotIndexed on Sqlite => SqliteConnection, rows (Id16, BigInt, Id16, Text, Nullable<BigInt>) {
        "SELECT room_id, seq, id, body, deleted_at_ms FROM messages WHERE room_id = " [room: &'a Id, Id16]
        " AND seq > " [after: &'a i64, BigInt] " ORDER BY seq LIMIT " [most: &'a i64, BigInt]
    }
}
statement! {
    SetMark on Sqlite => SqliteConnection {
        "UPDATE search_marks SET seq = " [seq: &'a i64, BigInt] " WHERE room_id = " [room: &'a Id, Id16]
    }
}
statement! {
    NumberOf on Sqlite => SqliteConnection, rows BigInt {
        "SELECT number FROM search_rows WHERE message_id = " [id: &'a Id, Id16]
    }
}
statement! {
    TakeNumber on Sqlite => SqliteConnection {
        "INSERT INTO search_rows (number, message_id) VALUES (" [number: &'a i64, BigInt] ", " [id: &'a Id, Id16]
        ") ON CONFLICT (number) DO NOTHING"
    }
}
statement! {
    PutWords on Sqlite => SqliteConnection {
        "INSERT OR REPLACE INTO search_words (rowid, words) VALUES (" [number: &'a i64, BigInt] ", "
        [words: &'a str, Text] ")"
    }
}
statement! {
    ForgetWords on Sqlite => SqliteConnection {
        "DELETE FROM search_words WHERE rowid = " [number: &'a i64, BigInt]
    }
}
statement! {
    ForgetNumber on Sqlite => SqliteConnection {
        "DELETE FROM search_rows WHERE number = " [number: &'a i64, BigInt]
    }
}
statement! {
    /// In the order of the numbers, which FTS5 keeps by itself: it stops when it has enough.
    Find on Sqlite => SqliteConnection, rows (BigInt, Id16) {
        "SELECT r.number, r.message_id FROM search_words w JOIN search_rows r ON r.number = w.rowid \
         WHERE w.search_words MATCH " [query: &'a str, Text] " AND w.rowid < " [before: &'a i64, BigInt]
        " ORDER BY w.rowid DESC LIMIT " [limit: &'a i64, BigInt]
    }
}

impl Index for SqliteConnection {
    // there is one writer, so nobody else holds a mark

    fn take_marks(&mut self, rooms: &[Id]) -> Result<Vec<Mark>, Failure> {
        let mut marks = Vec::with_capacity(rooms.len());
        for room in rooms {
            MakeMark { room }.execute(self)?;
            marks.extend(MarkOf { room }.load::<Mark>(self)?);
        }
        Ok(marks)
    }

    fn hold_marks(&mut self, rooms: &[Id]) -> Result<Vec<Mark>, Failure> {
        self.take_marks(rooms)
    }

    fn last_seqs(&mut self, of: &[Id]) -> Result<HashMap<Id, i64>, Failure> {
        let found = rooms::table.filter(rooms::id.eq_any(of)).select((rooms::id, rooms::last_seq));
        Ok(found.load::<(Id, i64)>(self)?.into_iter().collect())
    }

    fn unindexed(&mut self, marks: &[Mark], each: i64) -> Result<Vec<Unindexed>, Failure> {
        let mut found: Vec<Unindexed> = Vec::new();
        for (room, after) in marks {
            found.extend(NotIndexed { room, after, most: &each }.load::<Unindexed>(self)?);
        }
        Ok(found)
    }

    fn put(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        for entry in entries {
            let number = match number_of(self, &entry.message)? {
                Some(number) => number,
                None => take_number(self, &entry.message)?,
            };
            PutWords { number: &number, words: &entry.tokens() }.execute(self)?;
        }
        Ok(())
    }

    fn set_marks(&mut self, marks: &[Mark]) -> Result<(), Failure> {
        for (room, seq) in marks {
            SetMark { seq, room }.execute(self)?;
        }
        Ok(())
    }

    fn forget(&mut self, messages: &[Id]) -> Result<(), Failure> {
        for id in messages {
            if let Some(number) = number_of(self, id)? {
                ForgetWords { number: &number }.execute(self)?;
                ForgetNumber { number: &number }.execute(self)?;
            }
        }
        Ok(())
    }
}

fn number_of(conn: &mut SqliteConnection, id: &Id) -> Result<Option<i64>, Failure> {
    Ok(NumberOf { id }.load::<i64>(conn)?.into_iter().next())
}

/// A number of its own for a message; those of the same millisecond share the neighbourhood.
fn take_number(conn: &mut SqliteConnection, id: &Id) -> Result<i64, Failure> {
    let mut number = first_number(*id);
    while (TakeNumber { number: &number, id }).execute(conn)? == 0 {
        number = number.checked_add(1).ok_or_else(|| Failure::corrupt("no number is left for a message"))?;
    }
    Ok(number)
}

/// 43 bits of milliseconds (until the year 2248), and the low 20 of the 42 bits of the counter that an id has within its
/// millisecond (RFC 9562, 6.2): one process gives them in order, but for a carry once in a million ids.
fn first_number(id: Id) -> i64 {
    let [a, b, c, d, e, f, _, _, _, g, h, low, ..] = id.0.into_bytes();
    let ms = i64::from_be_bytes([0, 0, a, b, c, d, e, f]) & 0x7ff_ffff_ffff;
    ms << 20 | i64::from(g & 15) << 16 | i64::from(h) << 8 | i64::from(low)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn later_messages_have_larger_numbers() {
        let at = |ms: u128| first_number(Id(Uuid::from_u128(ms << 80 | 0x7 << 76 | 0xfff << 64)));
        assert!(at(1_800_000_000_000) < at(1_800_000_000_001));
        let counted = |count: u128| {
            first_number(Id(Uuid::from_u128(1_800_000_000_000 << 80 | 0x7 << 76 | 2 << 62 | count << 32)))
        };
        assert!((0xfff..0x2000).is_sorted_by_key(counted));
        assert!(at(0) < at(1) && at((1 << 43) - 1) > at((1 << 43) - 2));
    }
}
