//! Fills a database with rooms and messages, through the database's own command line: a million messages over HTTP
//! would take minutes, and this program links no database.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::gateway::Database;

const PATIENCE: Duration = Duration::from_secs(900);
/// Rooms whose messages go into one transaction: the gateway beside it waits no longer than for one of them.
const ROOMS_AT_ONCE: usize = 200;
/// The one whose pages are measured.
pub(super) const READER: &str = "reader";

/// What is put into a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Rooms in all.
    pub(super) rooms: usize,
    /// Rooms of the reader, at even distances among all of them.
    pub(super) own: usize,
    /// How many of the reader's rooms have a history that is long enough to be read.
    pub(super) long: usize,
    /// Messages of such a room.
    pub(super) long_messages: usize,
    /// Messages of the reader's other rooms.
    pub(super) short_messages: usize,
    /// Messages of all rooms of others together, in which each has as many as the next, or one more.
    pub(super) others: usize,
}

impl Size {
    /// The reader's rooms, and nobody else's.
    pub(super) const EMPTY: Self =
        Self { rooms: 200, own: 200, long: 20, long_messages: 60, short_messages: 1, others: 0 };
    /// A million messages in ten thousand rooms.
    pub(super) const FULL: Self =
        Self { rooms: 10_000, own: 200, long: 200, long_messages: 1_000, short_messages: 0, others: 800_000 };

    /// Messages in all.
    pub(super) const fn messages(self) -> usize {
        self.long * self.long_messages + (self.own - self.long) * self.short_messages + self.others
    }

    /// Every so many-th room is the reader's.
    const fn distance(self) -> usize {
        self.rooms / self.own
    }

    /// The id of the reader's `n`-th room.
    pub(super) fn own_room(self, n: usize) -> String {
        room_id(n * self.distance())
    }

    /// How many messages room `i` has, as SQL.
    fn of_room(self) -> String {
        let Self { rooms, own, long, long_messages, short_messages, others } = self;
        let (distance, foreign) = (self.distance(), (rooms - own).max(1));
        let (each, more) = (others / foreign, others % foreign);
        format!(
            "CASE WHEN i % {distance} = 0 AND i / {distance} < {long} THEN {long_messages} \
             WHEN i % {distance} = 0 THEN {short_messages} \
             WHEN i - i / {distance} - 1 < {more} THEN {each} + 1 ELSE {each} END"
        )
    }
}

/// What the two databases spell differently.
struct Dialect {
    /// Numbers `from` to `to`, as the column `column` of a table.
    series: fn(from: usize, to: usize, column: &str) -> String,
    /// An id from a letter and a number, the same 16 bytes on both.
    id: fn(letter: char, number: &str) -> String,
    before: &'static str,
    /// What the database does by itself after a while.
    after: &'static str,
}

const POSTGRESQL: Dialect = Dialect {
    series: |from, to, column| format!("generate_series({from}::bigint, {to}) AS s_{column} ({column})"),
    id: |letter, number| {
        format!("encode(convert_to('{letter}' || lpad(({number})::text, 15, '0'), 'UTF8'), 'hex')::uuid")
    },
    before: "",
    after: "VACUUM (ANALYZE) rooms, members, messages, desk_agents;",
};

const SQLITE: Dialect = Dialect {
    series: |from, to, column| {
        format!(
            "(WITH RECURSIVE s ({column}) AS (SELECT {from} UNION ALL SELECT {column} + 1 FROM s \
             WHERE {column} < {to}) SELECT {column} FROM s) AS s_{column}"
        )
    },
    id: |letter, number| format!("CAST('{letter}' || printf('%015d', {number}) AS BLOB)"),
    before: ".bail on\n.timeout 30000\nPRAGMA synchronous = OFF;\n",
    after: "PRAGMA wal_checkpoint(PASSIVE);",
};

/// The id of room `i`, as requests name it.
fn room_id(i: usize) -> String {
    let text = format!("r{i:015}");
    uuid::Uuid::from_slice(text.as_bytes()).unwrap_or_default().to_string()
}

/// Fills a database whose tables are there and empty.
pub(super) async fn fill(database: &Database, size: Size) -> Result<(), String> {
    match database {
        Database::Pg(url) => {
            let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url.as_str(), "-f", "-"];
            feed("psql", &arguments, &script(&POSTGRESQL, size)).await
        }
        Database::Sqlite(file) => {
            let file = file.display().to_string();
            feed("sqlite3", &[file.as_str()], &script(&SQLITE, size)).await
        }
    }
}

fn script(dialect: &Dialect, size: Size) -> String {
    let mut sql = dialect.before.to_owned();
    sql.push_str(&rooms(dialect, size));
    for first in (0..size.rooms).step_by(ROOMS_AT_ONCE) {
        sql.push_str(&messages(dialect, size, first, size.rooms.min(first + ROOMS_AT_ONCE) - 1));
    }
    sql.push_str(dialect.after);
    sql
}

/// Rooms in an order of activity that is not that of their ids, of several kinds, with five members each at most.
fn rooms(dialect: &Dialect, size: Size) -> String {
    let (rooms, distance) = (size.rooms, size.distance());
    let (all, count, users) = ((dialect.series)(0, rooms - 1, "i"), size.of_room(), users(size));
    let (room, message) = ((dialect.id)('r', "i"), (dialect.id)('m', "i * 100000000 + last_seq"));
    let four = (dialect.series)(0, 3, "k");
    format!(
        "BEGIN;
INSERT INTO rooms (id, kind, name, last_seq, last_message_id, last_message_sender, last_message_text,
  last_message_at_ms, created_at_ms, updated_at_ms, context_kind, context_id, category, status, assignee)
SELECT {room}, 'group', 'room ' || i, last_seq, {message}, 'user ' || (i * 4 % {users}), 'the last one', at, 0, at,
  'order', 'order ' || i, CASE i / {distance} % 4 WHEN 0 THEN 'sales' ELSE 'support' END,
  CASE i / {distance} % 2 WHEN 0 THEN 'open' ELSE 'closed' END, CASE i / {distance} % 3 WHEN 0 THEN NULL ELSE 'agent' END
FROM (SELECT i, {count} AS last_seq, 1769860800000 + (i * 7919) % {rooms} AS at FROM {all}) AS made;
INSERT INTO members (room_id, user_id, last_read_seq, joined_at_ms)
SELECT {room}, 'user ' || ((i * 4 + k) % {users}), 0, 0 FROM {all}, {four}
UNION ALL SELECT {room}, '{READER}', 0, 0 FROM {all} WHERE i % {distance} = 0
ORDER BY 1, 2;
COMMIT;
"
    )
}

/// Other users: each is in ten rooms.
const fn users(size: Size) -> usize {
    size.rooms * 4 / 10
}

fn messages(dialect: &Dialect, size: Size, first: usize, last: usize) -> String {
    let (some, count, users) = ((dialect.series)(first, last, "i"), size.of_room(), users(size));
    let foreign = size.others / (size.rooms - size.own).max(1) + 1;
    let numbers = (dialect.series)(1, size.long_messages.max(foreign), "n");
    let (room, message) = ((dialect.id)('r', "i"), (dialect.id)('m', "i * 100000000 + n"));
    format!(
        "INSERT INTO messages (room_id, seq, id, sender, body, created_at_ms)
SELECT {room}, n, {message}, 'user ' || ((i * 4 + n % 4) % {users}),
  substr('message ' || n || ' {dots}', 1, 100), 1769860800000 + n FROM {some}, {numbers} WHERE n <= {count} ORDER BY i, n;
",
        dots = ".".repeat(90),
    )
}

async fn feed(program: &str, arguments: &[&str], sql: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{program}: {error}");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().map_err(failed)?;
    let talk = async {
        if let Some(mut input) = child.stdin.take() {
            // one that gives up in the middle says why on its other end
            drop(input.write_all(sql.as_bytes()).await);
        }
        child.wait_with_output().await.map_err(failed)
    };
    let output = timeout(PATIENCE, talk)
        .await
        .map_err(|_elapsed| format!("{program} took longer than {PATIENCE:?}"))??;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_database_is_as_large_as_it_is_said_to_be() {
        assert_eq!((Size::FULL.messages(), Size::FULL.rooms), (1_000_000, 10_000));
        assert!(Size::EMPTY.messages() < 2_000);
        assert_eq!(Size::EMPTY.own, Size::FULL.own);
    }

    #[tokio::test]
    async fn what_is_said_to_be_put_in_is_put_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db");
        let tables = "CREATE TABLE rooms (id, kind, name, last_seq, last_message_id, last_message_sender, \
             last_message_text, last_message_at_ms, created_at_ms, updated_at_ms, context_kind, context_id, category, \
             status, assignee); CREATE TABLE members (room_id, user_id, last_read_seq, joined_at_ms, \
             PRIMARY KEY (room_id, user_id)); CREATE TABLE messages (room_id, seq, id UNIQUE, sender, body, \
             created_at_ms, PRIMARY KEY (room_id, seq));";
        feed("sqlite3", &[file.to_str().unwrap()], tables).await.unwrap();
        let size =
            Size { rooms: 450, own: 30, long: 20, long_messages: 60, short_messages: 1, others: 4_321 };
        fill(&Database::Sqlite(file.clone()), size).await.unwrap();
        let question = "SELECT count(*), sum(length(id)) FROM messages; SELECT count(*), sum(last_seq) FROM rooms; \
             SELECT count(*) FROM members WHERE user_id = 'reader'; SELECT count(*) FROM rooms WHERE last_seq <> \
             (SELECT count(*) FROM messages m WHERE m.room_id = rooms.id); \
             SELECT lower(hex(id)) FROM rooms WHERE name = 'room 105';";
        let told = Command::new("sqlite3").arg(&file).arg(question).output().await.unwrap();
        let messages = size.messages();
        let room = size.own_room(7).replace('-', "");
        let wanted = format!("{messages}|{}\n450|{messages}\n30\n0\n{room}\n", messages * 16);
        assert_eq!(String::from_utf8_lossy(&told.stdout), wanted);
    }

    #[tokio::test]
    async fn a_database_that_refuses_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let refused = fill(&Database::Sqlite(folder.path().join("none")), Size::EMPTY).await.unwrap_err();
        assert!(refused.contains("no such table"), "{refused}");
    }
}
