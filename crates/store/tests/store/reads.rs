//! Read marks: what counts as unread, however sends and marks come together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use pollgate_model::{RoomFilter, RoomId};
use pollgate_store::{Store, StoreError};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Database, Kind, eventually, futures, send_all, to_room, user};

const USERS: [&str; 4] = ["ann", "bob", "cyd", "dan"];

async fn unread(store: &Store, room: RoomId) -> BTreeMap<&'static str, (i64, i64)> {
    let mut all = BTreeMap::new();
    for name in USERS {
        let rooms = store.rooms(&user(name), &RoomFilter::default(), None, 10).await.unwrap().rooms;
        let seen = rooms.iter().find(|seen| seen.id == room).unwrap();
        all.insert(name, (seen.last_read_seq, seen.unread));
    }
    all
}

/// Everybody sends and reads at once, many times over; a plain model says what must be unread then.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_unread_follows_a_plain_model(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _heard) = database.open().await;
    let room = database.group(&USERS);
    let mut read: BTreeMap<&str, i64> = USERS.into_iter().map(|name| (name, 0)).collect();
    let (mut last, mut dice) = (0_i64, 7_usize);
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for _ in 0..60 {
        let senders: Vec<&str> = (0..roll(4)).map(|_| USERS[roll(4)]).collect();
        let sent = send_all(&store, senders.iter().map(|name| to_room(name, room, "hi")).collect()).await;
        for (name, sent) in senders.iter().zip(sent) {
            let seq = sent.unwrap().seq;
            last = last.max(seq);
            let mark = read.get_mut(name).unwrap();
            *mark = seq.max(*mark);
        }
        for _ in 0..roll(3) {
            let (name, seq) = (USERS[roll(4)], i64::try_from(roll(8)).unwrap() + last - 5);
            store.read(&user(name), room, seq.max(0), 100).await.unwrap();
            let mark = read.get_mut(name).unwrap();
            *mark = seq.min(last).max(*mark);
        }
        let expected = read.iter().map(|(name, mark)| (*name, (*mark, last - mark))).collect();
        assert_eq!(unread(&store, room).await, expected);
        let receipts = store.receipts(&user("ann"), room).await.unwrap();
        assert!(receipts.iter().all(|member| read[member.user.as_str()] == member.last_read_seq));
    }
}

/// Holds the tables until it is dropped.
enum Hold {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

impl Hold {
    fn new(database: &Database) -> Self {
        match database.url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut conn = SqliteConnection::establish(path).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
                Self::Sqlite(conn)
            }
            None => {
                let mut conn = PgConnection::establish(&database.url).unwrap();
                conn.batch_execute("BEGIN; LOCK TABLE members IN ACCESS EXCLUSIVE MODE").unwrap();
                Self::Pg(conn)
            }
        }
    }

    fn release(self) {
        match self {
            Self::Pg(mut conn) => conn.batch_execute("COMMIT").unwrap(),
            Self::Sqlite(mut conn) => conn.batch_execute("COMMIT").unwrap(),
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn marks_that_wait_together_become_one(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let settings = pollgate_store::StoreSettings { writers: 1, ..database.settings() };
    let (store, heard) = database.open_with(settings).await;
    let room = database.group(&USERS);
    send_all(&store, (0..100).map(|_| to_room("ann", room, "hi")).collect()).await;
    let hold = Hold::new(&database);
    let asked = Arc::new(AtomicUsize::new(0));
    let marks: Vec<_> = (1..=100)
        .map(|seq| {
            let (store, asked) = (store.clone(), asked.clone());
            async move {
                asked.fetch_add(1, Ordering::Relaxed);
                store.read(&user("bob"), room, seq, 100).await
            }
        })
        .collect();
    let release = async {
        // the first ones are with the database, the others wait in the queue
        eventually(async || (asked.load(Ordering::Relaxed) == 100).then_some(())).await;
        hold.release();
    };
    let (marks, ()) = tokio::join!(futures(marks.into_iter()), release);
    assert!(marks.iter().all(Result::is_ok));
    let told: Vec<Value> = heard
        .rows()
        .iter()
        .map(|row| serde_json::from_slice::<Value>(&row.event.json).unwrap())
        .filter(|event| event["type"] == "message.read")
        .collect();
    assert!(told.len() <= 10, "{} events for 100 marks", told.len());
    assert_eq!(told.last().unwrap()["data"], json!({"user": "bob", "seq": 100}));
}

#[rstest]
#[tokio::test]
async fn only_members_have_a_mark(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let room = database.group(&["ann"]);
    let refused = store.read(&user("eve"), room, 1, 100).await;
    assert_eq!(refused, Err(StoreError::NotFound("room")));
    assert_eq!(store.read(&user("ann"), RoomId::new(), 1, 100).await, Err(StoreError::NotFound("room")));
    assert!(heard.rows().is_empty());
}
