//! Presence on SQLite: each statement takes all users as one JSON array.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::tables::{Seats, Since};
use crate::error::Failure;
use crate::sql::{Id, Id16, statement};

statement! {
    Beat on Sqlite => SqliteConnection {
        "UPDATE presence_gateways SET seen_at_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER) \
         WHERE instance = " [id: &'a Id, Id16] " AND gone_at_ms IS NULL"
    }
}
statement! {
    Enrol on Sqlite => SqliteConnection {
        "INSERT INTO presence_gateways (instance, seen_at_ms) VALUES (" [id: &'a Id, Id16]
        ", CAST(unixepoch('subsec') * 1000 AS INTEGER)) \
         ON CONFLICT (instance) DO UPDATE SET seen_at_ms = excluded.seen_at_ms, gone_at_ms = NULL"
    }
}
statement! {
    Retire on Sqlite => SqliteConnection {
        "UPDATE presence_gateways SET gone_at_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER) \
         WHERE instance = " [id: &'a Id, Id16]
    }
}
statement! {
    /// A change is always later than the one before, whatever the clock says.
    Arrive on Sqlite => SqliteConnection, rows (Text, BigInt) {
        "INSERT INTO presence AS p (user_id, online, since_at_ms) \
         SELECT value, 1, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM json_each("
        [users: &'a str, Text] ") WHERE true ON CONFLICT (user_id) DO UPDATE SET online = 1, \
         since_at_ms = max(excluded.since_at_ms, p.since_at_ms + 1) WHERE p.online = 0 \
         RETURNING user_id, since_at_ms"
    }
}
statement! {
    Seat on Sqlite => SqliteConnection {
        "INSERT INTO presence_seats AS s (user_id, instance, watching) SELECT value ->> 0, " [id: &'a Id, Id16]
        ", value ->> 1 FROM json_each(" [pairs: &'a str, Text] ") WHERE true \
         ON CONFLICT (user_id, instance) DO UPDATE SET watching = excluded.watching WHERE s.watching <> excluded.watching"
    }
}
statement! {
    Unseat on Sqlite => SqliteConnection {
        "DELETE FROM presence_seats WHERE instance = " [id: &'a Id, Id16] " AND user_id IN (SELECT value FROM json_each("
        [users: &'a str, Text] "))"
    }
}
statement! {
    Depart on Sqlite => SqliteConnection, rows (Text, BigInt) {
        "UPDATE presence AS p SET online = 0, since_at_ms = max(p.since_at_ms + 1, \
         CAST(unixepoch('subsec') * 1000 AS INTEGER) - gone.age) FROM (SELECT value ->> 0 AS who, value ->> 1 AS age \
         FROM json_each(" [pairs: &'a str, Text] ")) AS gone WHERE p.user_id = gone.who AND p.online = 1 AND NOT EXISTS \
         (SELECT 1 FROM presence_seats s WHERE s.user_id = gone.who) RETURNING user_id, since_at_ms"
    }
}
statement! {
    NoteDead on Sqlite => SqliteConnection {
        "UPDATE presence_gateways AS g SET gone_at_ms = \
         min(CAST(unixepoch('subsec') * 1000 AS INTEGER), g.seen_at_ms + " [beat: &'a i64, BigInt]
        ") WHERE g.gone_at_ms IS NULL AND g.instance <> " [id: &'a Id, Id16]
        " AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = g.instance AND i.heartbeat_ms >= \
         CAST(unixepoch('subsec') * 1000 AS INTEGER) - " [dead_after: &'a i64, BigInt] ")"
    }
}
statement! {
    Gone on Sqlite => SqliteConnection, rows (Id16, BigInt) {
        "SELECT instance, CAST(unixepoch('subsec') * 1000 AS INTEGER) - gone_at_ms \
         FROM presence_gateways WHERE instance <> " [id: &'a Id, Id16]
        " AND gone_at_ms <= CAST(unixepoch('subsec') * 1000 AS INTEGER) - " [after: &'a i64, BigInt]
        " ORDER BY gone_at_ms LIMIT 1"
    }
}
statement! {
    Seated on Sqlite => SqliteConnection, rows Text {
        "SELECT user_id FROM presence_seats WHERE instance = " [id: &'a Id, Id16] " ORDER BY user_id LIMIT "
        [limit: &'a i64, BigInt]
    }
}
statement! {
    Strike on Sqlite => SqliteConnection {
        "DELETE FROM presence_gateways WHERE instance = " [id: &'a Id, Id16]
    }
}
statement! {
    Forget on Sqlite => SqliteConnection {
        "DELETE FROM presence WHERE user_id IN (SELECT user_id FROM presence WHERE online = 0 AND since_at_ms < \
         CAST(unixepoch('subsec') * 1000 AS INTEGER) - " [age: &'a i64, BigInt]
        " ORDER BY since_at_ms LIMIT " [limit: &'a i64, BigInt] ")"
    }
}
statement! {
    Known on Sqlite => SqliteConnection, rows (Text, BigInt, BigInt) {
        "SELECT user_id, online, since_at_ms FROM presence WHERE user_id IN (SELECT value FROM json_each("
        [users: &'a str, Text] "))"
    }
}
statement! {
    KnownTo on Sqlite => SqliteConnection, rows (Text, BigInt, BigInt) {
        "SELECT p.user_id, p.online, p.since_at_ms FROM presence p WHERE p.user_id IN (SELECT value FROM json_each("
        [users: &'a str, Text] ")) AND (p.user_id = " [oneself: &'a str, Text]
        " OR EXISTS (SELECT 1 FROM members a JOIN members b ON b.room_id = a.room_id WHERE a.user_id = "
        [caller: &'a str, Text] " AND b.user_id = p.user_id))"
    }
}
statement! {
    /// Looks no further when nobody watches, and into each room once, no further than its size is told.
    Watchers on Sqlite => SqliteConnection, rows (Text, Text) {
        "WITH mine AS MATERIALIZED (SELECT c.value AS who, m.room_id FROM json_each("
        [users: &'a str, Text] ") AS c JOIN members m ON m.user_id = c.value \
         WHERE EXISTS (SELECT 1 FROM presence_seats WHERE watching = 1)), \
         small AS MATERIALIZED (SELECT r.room_id FROM (SELECT DISTINCT room_id FROM mine) AS r WHERE NOT EXISTS \
         (SELECT 1 FROM members n WHERE n.room_id = r.room_id ORDER BY n.user_id LIMIT 1 OFFSET "
        [members: &'a i64, BigInt] ")) SELECT DISTINCT mine.who, o.user_id FROM mine \
         JOIN small ON small.room_id = mine.room_id JOIN members o ON o.room_id = mine.room_id AND o.user_id <> mine.who \
         JOIN presence_seats s ON s.user_id = o.user_id AND s.watching = 1 ORDER BY 1, 2 LIMIT "
        [limit: &'a i64, BigInt]
    }
}

impl Seats for SqliteConnection {
    fn beat(&mut self, instance: Id) -> Result<bool, Failure> {
        Ok(Beat { id: &instance }.execute(self)? > 0)
    }

    fn enrol(&mut self, instance: Id) -> Result<(), Failure> {
        Enrol { id: &instance }.execute(self)?;
        Ok(())
    }

    fn retire(&mut self, instance: Id) -> Result<(), Failure> {
        Retire { id: &instance }.execute(self)?;
        Ok(())
    }

    fn lock(&mut self, _users: &[&str]) -> Result<(), Failure> {
        Ok(()) // the transaction has the whole database
    }

    fn arrive(&mut self, users: &[&str]) -> Result<Vec<Since>, Failure> {
        Ok(Arrive { users: &list(users)? }.load(self)?)
    }

    fn seat(&mut self, instance: Id, users: &[&str], watching: &[i64]) -> Result<(), Failure> {
        Seat { id: &instance, pairs: &pairs(users, watching)? }.execute(self)?;
        Ok(())
    }

    fn unseat(&mut self, instance: Id, users: &[&str]) -> Result<(), Failure> {
        Unseat { id: &instance, users: &list(users)? }.execute(self)?;
        Ok(())
    }

    fn depart(&mut self, users: &[&str], ages: &[i64]) -> Result<Vec<Since>, Failure> {
        Ok(Depart { pairs: &pairs(users, ages)? }.load(self)?)
    }

    fn note_dead(&mut self, instance: Id, dead_after: i64, beat: i64) -> Result<(), Failure> {
        NoteDead { id: &instance, dead_after: &dead_after, beat: &beat }.execute(self)?;
        Ok(())
    }

    fn gone(&mut self, instance: Id, after: i64) -> Result<Option<(Id, i64)>, Failure> {
        let found: Vec<(Id, i64)> = Gone { id: &instance, after: &after }.load(self)?;
        Ok(found.into_iter().next())
    }

    fn seated(&mut self, instance: Id, limit: i64) -> Result<Vec<String>, Failure> {
        Ok(Seated { id: &instance, limit: &limit }.load(self)?)
    }

    fn strike(&mut self, instance: Id) -> Result<(), Failure> {
        Strike { id: &instance }.execute(self)?;
        Ok(())
    }

    fn forget(&mut self, age: i64, limit: i64) -> Result<usize, Failure> {
        Ok(Forget { age: &age, limit: &limit }.execute(self)?)
    }

    fn known(&mut self, users: &[&str]) -> Result<Vec<(String, i64, i64)>, Failure> {
        Ok(Known { users: &list(users)? }.load(self)?)
    }

    fn known_to(&mut self, caller: &str, users: &[&str]) -> Result<Vec<(String, i64, i64)>, Failure> {
        Ok(KnownTo { users: &list(users)?, oneself: caller, caller }.load(self)?)
    }

    fn watchers(
        &mut self,
        users: &[&str],
        members: i64,
        limit: i64,
    ) -> Result<Vec<(String, String)>, Failure> {
        Ok(Watchers { users: &list(users)?, members: &members, limit: &limit }.load(self)?)
    }
}

/// A list as one value.
fn list(users: &[&str]) -> Result<String, Failure> {
    serde_json::to_string(users).map_err(Failure::corrupt)
}

/// Users, each with a number, as one value.
fn pairs(users: &[&str], numbers: &[i64]) -> Result<String, Failure> {
    let pairs: Vec<(&&str, &i64)> = users.iter().zip(numbers).collect();
    serde_json::to_string(&pairs).map_err(Failure::corrupt)
}
