//! The index on PostgreSQL: `tsvector`s under a GIN index.

use std::collections::HashMap;

use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::{Entry, Index, Mark, Unindexed};
use crate::error::Failure;
use crate::schema::rooms;
use crate::sql::{Id, Id16, statement};

statement! {
    MakeMarks on Pg => PgConnection {
        "INSERT INTO search_marks (room_id, seq) SELECT room, 0 FROM unnest(" [rooms: &'a [Id], Array<Id16>]
        ") AS new (room) ON CONFLICT DO NOTHING"
    }
}
statement! {
    TakeMarks on Pg => PgConnection, rows (Id16, BigInt) {
        "SELECT room_id, seq FROM search_marks WHERE room_id = ANY (" [rooms: &'a [Id], Array<Id16>]
        ") ORDER BY room_id FOR UPDATE SKIP LOCKED"
    }
}
statement! {
    HoldMarks on Pg => PgConnection, rows (Id16, BigInt) {
        "SELECT room_id, seq FROM search_marks WHERE room_id = ANY (" [rooms: &'a [Id], Array<Id16>]
        ") ORDER BY room_id FOR UPDATE"
    }
}
statement! {
    NotIndexed on Pg => PgConnection, rows (Id16, BigInt, Id16, Text, Nullable<BigInt>) {
        "SELECT m.room_id, m.seq, m.id, m.body, m.deleted_at_ms FROM unnest(" [rooms: &'a [Id], Array<Id16>] ", "
        [seqs: &'a [i64], Array<BigInt>] ") AS k (room, seq) CROSS JOIN LATERAL (SELECT * FROM messages \
         WHERE room_id = k.room AND messages.seq > k.seq ORDER BY messages.seq LIMIT " [each: &'a i64, BigInt]
        ") AS m"
    }
}
statement! {
    Put on Pg => PgConnection {
        "INSERT INTO search_words (message_id, words) SELECT id, words::tsvector FROM unnest("
        [ids: &'a [Id], Array<Id16>] ", " [words: &'a [String], Array<Text>]
        ") AS new (id, words) ON CONFLICT (message_id) DO UPDATE SET words = excluded.words"
    }
}
statement! {
    SetMarks on Pg => PgConnection {
        "UPDATE search_marks SET seq = new.seq FROM unnest(" [rooms: &'a [Id], Array<Id16>] ", "
        [seqs: &'a [i64], Array<BigInt>] ") AS new (room, seq) WHERE room_id = new.room"
    }
}
statement! {
    Forget on Pg => PgConnection {
        "DELETE FROM search_words WHERE message_id = ANY (" [ids: &'a [Id], Array<Id16>] ")"
    }
}
statement! {
    /// One look into the index for each room. Materialised, or the planner might go through all messages backwards and look
    /// whether each one fits.
    Find on Pg => PgConnection, rows Id16 {
        "WITH found AS MATERIALIZED (SELECT message_id FROM search_words WHERE words @@ ANY ("
        [queries: &'a [String], Array<Text>] "::text[]::tsquery[])) SELECT message_id FROM found WHERE message_id < "
        [before: &'a Id, Id16] " ORDER BY message_id DESC LIMIT " [limit: &'a i64, BigInt]
    }
}

impl Index for PgConnection {
    fn take_marks(&mut self, rooms: &[Id]) -> Result<Vec<Mark>, Failure> {
        let rooms = &in_order(rooms);
        MakeMarks { rooms }.execute(self)?;
        Ok(TakeMarks { rooms }.load(self)?)
    }

    fn hold_marks(&mut self, rooms: &[Id]) -> Result<Vec<Mark>, Failure> {
        let rooms = &in_order(rooms);
        MakeMarks { rooms }.execute(self)?;
        Ok(HoldMarks { rooms }.load(self)?)
    }

    fn last_seqs(&mut self, of: &[Id]) -> Result<HashMap<Id, i64>, Failure> {
        let found = rooms::table.filter(rooms::id.eq_any(of)).select((rooms::id, rooms::last_seq));
        Ok(found.load::<(Id, i64)>(self)?.into_iter().collect())
    }

    fn unindexed(&mut self, marks: &[Mark], each: i64) -> Result<Vec<Unindexed>, Failure> {
        let (rooms, seqs): (Vec<Id>, Vec<i64>) = marks.iter().copied().unzip();
        Ok(NotIndexed { rooms: &rooms, seqs: &seqs, each: &each }.load(self)?)
    }

    fn put(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let ids: Vec<Id> = entries.iter().map(|entry| entry.message).collect();
        let words: Vec<String> = entries.iter().map(Entry::tsvector).collect();
        Put { ids: &ids, words: &words }.execute(self)?;
        Ok(())
    }

    fn set_marks(&mut self, marks: &[Mark]) -> Result<(), Failure> {
        let (rooms, seqs): (Vec<Id>, Vec<i64>) = marks.iter().copied().unzip();
        SetMarks { rooms: &rooms, seqs: &seqs }.execute(self)?;
        Ok(())
    }

    fn forget(&mut self, messages: &[Id]) -> Result<(), Failure> {
        Forget { ids: messages }.execute(self)?;
        Ok(())
    }
}

/// In one order for everybody, so that two never wait for each other.
fn in_order(rooms: &[Id]) -> Vec<Id> {
    let mut rooms = rooms.to_vec();
    rooms.sort_unstable();
    rooms.dedup();
    rooms
}
