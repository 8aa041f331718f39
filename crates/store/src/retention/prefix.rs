//! The beginnings of rooms.

use std::collections::BTreeMap;

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{Array, BigInt};
use diesel::sqlite::{Sqlite, SqliteConnection};

use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::sql::{Id, Id16, statement};

/// Rooms in one question to PostgreSQL, which reads the most of each before it knows that one alone was enough.
const ROOMS_AT_ONCE: usize = 50;

/// A message that is old enough to go.
#[derive(Clone, Debug)]
pub(super) struct Old {
    pub(super) room: Id,
    pub(super) seq: i64,
    pub(super) id: Id,
}

/// Looks at the beginnings of rooms.
pub(super) trait Prefix {
    /// The first messages of these rooms, none past its room's place; in the order of rooms and `seq`, at most so many.
    fn prefixes(&mut self, upto: &BTreeMap<Id, i64>, most: i64) -> Result<Vec<Old>, Failure>;
}

statement! {
    PrefixesPg on Pg => PgConnection, rows (Id16, BigInt, Id16) {
        "SELECT m.room_id, m.seq, m.id FROM unnest(" [rooms: &'a [Id], Array<Id16>] ", "
        [seqs: &'a [i64], Array<BigInt>] ") WITH ORDINALITY AS k (room, upto, at) CROSS JOIN LATERAL (SELECT room_id, seq, id \
         FROM messages WHERE room_id = k.room AND seq <= k.upto ORDER BY seq LIMIT " [each: &'a i64, BigInt]
        ") AS m ORDER BY k.at, m.seq LIMIT " [most: &'a i64, BigInt]
    }
}
statement! {
    PrefixSqlite on Sqlite => SqliteConnection, rows (Id16, BigInt, Id16) {
        "SELECT room_id, seq, id FROM messages WHERE room_id = " [room: &'a Id, Id16] " AND seq <= "
        [upto: &'a i64, BigInt] " ORDER BY seq LIMIT " [most: &'a i64, BigInt]
    }
}

impl Prefix for AnyConnection {
    fn prefixes(&mut self, upto: &BTreeMap<Id, i64>, most: i64) -> Result<Vec<Old>, Failure> {
        let mut found: Vec<(Id, i64, Id)> = Vec::new();
        match self {
            Self::Pg(c) => {
                let upto: Vec<(Id, i64)> = upto.iter().map(|(room, seq)| (*room, *seq)).collect();
                for some in upto.chunks(ROOMS_AT_ONCE) {
                    let left = most.saturating_sub(i64::try_from(found.len()).unwrap_or(i64::MAX));
                    if left <= 0 {
                        break;
                    }
                    let (rooms, seqs): (Vec<Id>, Vec<i64>) = some.iter().copied().unzip();
                    let more = PrefixesPg { rooms: &rooms, seqs: &seqs, each: &left, most: &left };
                    found.extend(more.load::<(Id, i64, Id)>(c)?);
                }
            }
            Self::Sqlite(c) => {
                for (room, upto) in upto {
                    let left = most.saturating_sub(i64::try_from(found.len()).unwrap_or(i64::MAX));
                    if left <= 0 {
                        break;
                    }
                    found.extend(PrefixSqlite { room, upto, most: &left }.load::<(Id, i64, Id)>(c)?);
                }
            }
        }
        Ok(found.into_iter().map(|(room, seq, id)| Old { room, seq, id }).collect())
    }
}
