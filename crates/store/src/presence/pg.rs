//! Presence on PostgreSQL: each statement takes all users as arrays.

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{Array, BigInt, Text};

use super::tables::{Seats, Since};
use crate::error::Failure;
use crate::sql::{Id, Id16, statement};

statement! {
    Beat on Pg => PgConnection {
        "UPDATE presence_gateways SET seen_at_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint \
         WHERE instance = " [id: &'a Id, Id16] " AND gone_at_ms IS NULL"
    }
}
statement! {
    Enrol on Pg => PgConnection {
        "INSERT INTO presence_gateways (instance, seen_at_ms) VALUES (" [id: &'a Id, Id16]
        ", (extract(epoch FROM clock_timestamp()) * 1000)::bigint) \
         ON CONFLICT (instance) DO UPDATE SET seen_at_ms = excluded.seen_at_ms, gone_at_ms = NULL"
    }
}
statement! {
    Retire on Pg => PgConnection {
        "UPDATE presence_gateways SET gone_at_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint \
         WHERE instance = " [id: &'a Id, Id16]
    }
}
statement! {
    /// In order, so that two who lock the same users never wait for each other.
    Lock on Pg => PgConnection, rows BigInt {
        "SELECT count(*) FROM (SELECT 1 FROM presence WHERE user_id = ANY (" [users: &'a [&'a str], Array<Text>]
        ") ORDER BY user_id FOR NO KEY UPDATE) AS locked"
    }
}
statement! {
    /// A change is always later than the one before, whatever the clock says.
    Arrive on Pg => PgConnection, rows (Text, BigInt) {
        "INSERT INTO presence AS p (user_id, online, since_at_ms) \
         SELECT who, 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM unnest("
        [users: &'a [&'a str], Array<Text>] ") AS new (who) ON CONFLICT (user_id) DO UPDATE SET online = 1, \
         since_at_ms = greatest(excluded.since_at_ms, p.since_at_ms + 1) WHERE p.online = 0 \
         RETURNING p.user_id, p.since_at_ms"
    }
}
statement! {
    Seat on Pg => PgConnection {
        "INSERT INTO presence_seats AS s (user_id, instance, watching) SELECT who, " [id: &'a Id, Id16]
        ", watching FROM unnest(" [users: &'a [&'a str], Array<Text>] ", " [watching: &'a [i64], Array<BigInt>]
        ") AS new (who, watching) ON CONFLICT (user_id, instance) DO UPDATE SET watching = excluded.watching \
         WHERE s.watching <> excluded.watching"
    }
}
statement! {
    Unseat on Pg => PgConnection {
        "DELETE FROM presence_seats WHERE instance = " [id: &'a Id, Id16] " AND user_id = ANY ("
        [users: &'a [&'a str], Array<Text>] ")"
    }
}
statement! {
    Depart on Pg => PgConnection, rows (Text, BigInt) {
        "UPDATE presence AS p SET online = 0, since_at_ms = greatest(p.since_at_ms + 1, \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint - gone.age) FROM unnest("
        [users: &'a [&'a str], Array<Text>] ", " [ages: &'a [i64], Array<BigInt>]
        ") AS gone (who, age) WHERE p.user_id = gone.who AND p.online = 1 AND NOT EXISTS \
         (SELECT 1 FROM presence_seats s WHERE s.user_id = gone.who) RETURNING p.user_id, p.since_at_ms"
    }
}
statement! {
    NoteDead on Pg => PgConnection {
        "UPDATE presence_gateways AS g SET gone_at_ms = \
         least((extract(epoch FROM clock_timestamp()) * 1000)::bigint, g.seen_at_ms + " [beat: &'a i64, BigInt]
        ") WHERE g.gone_at_ms IS NULL AND g.instance <> " [id: &'a Id, Id16]
        " AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = g.instance AND i.heartbeat_ms >= \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint - " [dead_after: &'a i64, BigInt] ")"
    }
}
statement! {
    /// SKIP LOCKED: several gateways may see to several dead ones.
    Gone on Pg => PgConnection, rows (Id16, BigInt) {
        "SELECT instance, (extract(epoch FROM clock_timestamp()) * 1000)::bigint - gone_at_ms \
         FROM presence_gateways WHERE instance <> " [id: &'a Id, Id16]
        " AND gone_at_ms <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint - " [after: &'a i64, BigInt]
        " ORDER BY gone_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED"
    }
}
statement! {
    Seated on Pg => PgConnection, rows Text {
        "SELECT user_id FROM presence_seats WHERE instance = " [id: &'a Id, Id16] " ORDER BY user_id LIMIT "
        [limit: &'a i64, BigInt]
    }
}
statement! {
    Strike on Pg => PgConnection {
        "DELETE FROM presence_gateways WHERE instance = " [id: &'a Id, Id16]
    }
}
statement! {
    Forget on Pg => PgConnection {
        "DELETE FROM presence WHERE user_id IN (SELECT user_id FROM presence WHERE online = 0 AND since_at_ms < \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint - " [age: &'a i64, BigInt]
        " ORDER BY since_at_ms LIMIT " [limit: &'a i64, BigInt] " FOR UPDATE SKIP LOCKED)"
    }
}
statement! {
    Known on Pg => PgConnection, rows (Text, BigInt, BigInt) {
        "SELECT user_id, online, since_at_ms FROM presence WHERE user_id = ANY ("
        [users: &'a [&'a str], Array<Text>] ")"
    }
}
statement! {
    KnownTo on Pg => PgConnection, rows (Text, BigInt, BigInt) {
        "SELECT p.user_id, p.online, p.since_at_ms FROM presence p WHERE p.user_id = ANY ("
        [users: &'a [&'a str], Array<Text>] ") AND (p.user_id = " [oneself: &'a str, Text]
        " OR EXISTS (SELECT 1 FROM members a JOIN members b ON b.room_id = a.room_id WHERE a.user_id = "
        [caller: &'a str, Text] " AND b.user_id = p.user_id))"
    }
}
statement! {
    /// Looks no further when nobody watches, and into each room once, no further than its size is told.
    Watchers on Pg => PgConnection, rows (Text, Text) {
        "WITH mine AS MATERIALIZED (SELECT c.who, m.room_id FROM unnest("
        [users: &'a [&'a str], Array<Text>] ") AS c (who) JOIN members m ON m.user_id = c.who \
         WHERE EXISTS (SELECT 1 FROM presence_seats WHERE watching = 1)), \
         small AS MATERIALIZED (SELECT r.room_id FROM (SELECT DISTINCT room_id FROM mine) AS r WHERE NOT EXISTS \
         (SELECT 1 FROM members n WHERE n.room_id = r.room_id ORDER BY n.user_id LIMIT 1 OFFSET "
        [members: &'a i64, BigInt] ")) SELECT DISTINCT mine.who, o.user_id FROM mine \
         JOIN small ON small.room_id = mine.room_id JOIN members o ON o.room_id = mine.room_id AND o.user_id <> mine.who \
         JOIN presence_seats s ON s.user_id = o.user_id AND s.watching = 1 ORDER BY 1, 2 LIMIT "
        [limit: &'a i64, BigInt]
    }
}

impl Seats for PgConnection {
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

    fn lock(&mut self, users: &[&str]) -> Result<(), Failure> {
        let _locked: Vec<i64> = Lock { users }.load(self)?;
        Ok(())
    }

    fn arrive(&mut self, users: &[&str]) -> Result<Vec<Since>, Failure> {
        Ok(Arrive { users }.load(self)?)
    }

    fn seat(&mut self, instance: Id, users: &[&str], watching: &[i64]) -> Result<(), Failure> {
        Seat { id: &instance, users, watching }.execute(self)?;
        Ok(())
    }

    fn unseat(&mut self, instance: Id, users: &[&str]) -> Result<(), Failure> {
        Unseat { id: &instance, users }.execute(self)?;
        Ok(())
    }

    fn depart(&mut self, users: &[&str], ages: &[i64]) -> Result<Vec<Since>, Failure> {
        Ok(Depart { users, ages }.load(self)?)
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
        Ok(Known { users }.load(self)?)
    }

    fn known_to(&mut self, caller: &str, users: &[&str]) -> Result<Vec<(String, i64, i64)>, Failure> {
        Ok(KnownTo { users, oneself: caller, caller }.load(self)?)
    }

    fn watchers(
        &mut self,
        users: &[&str],
        members: i64,
        limit: i64,
    ) -> Result<Vec<(String, String)>, Failure> {
        Ok(Watchers { users, members: &members, limit: &limit }.load(self)?)
    }
}
