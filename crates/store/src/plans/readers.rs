//! The statements of readers.

use std::sync::Arc;

use diesel::Connection as _;
use pollgate_model::{
    Assigned, InstanceId, Range, RoomCursor, RoomFilter, RoomId, RoomKind, Timestamp, UserId,
};
use rstest::rstest;

use super::{Heard, Schema, complaints, fill, pg, sqlite};
use crate::connection::{AnyConnection, Connector, on_each};
use crate::outgoing::{OnCommit, Outgoing};
use crate::{Store, StoreSettings};

/// The room with many messages.
const PG_ROOM: &str = "00000000-0000-0000-0000-000000000007";
const SQLITE_ROOM: &str = "30303030-3030-3030-3030-303030303037";

struct Deaf;

impl OnCommit for Deaf {
    fn committed(&self, _rows: Vec<Outgoing>) {}
    fn uncertain(&self) {}
}

/// A store with rows in it and one reader.
async fn store(url: String) -> Store {
    let settings = StoreSettings { pool_size: 1, ..StoreSettings::new(url) };
    let connector = Connector::new(&settings).unwrap();
    let store = Store::open(settings, InstanceId::new(), Arc::new(Deaf)).await.unwrap();
    fill(&mut connector.connect().unwrap());
    store
}

fn every_filter() -> Vec<RoomFilter> {
    let any = RoomFilter::default;
    let label = |text: &str| Some(text.to_owned().try_into().unwrap());
    let nobody = Some(Assigned::Nobody);
    vec![
        any(),
        RoomFilter { kind: Some(RoomKind::Group), ..any() },
        RoomFilter { context_kind: label("order"), ..any() },
        RoomFilter {
            context_kind: label("order"),
            context_id: Some("o7".to_owned().try_into().unwrap()),
            ..any()
        },
        RoomFilter { status: label("open"), ..any() },
        RoomFilter { category: label("sales"), ..any() },
        RoomFilter { category: label("sales"), status: label("open"), ..any() },
        RoomFilter { assignee: Some(Assigned::To("reader".parse().unwrap())), ..any() },
        RoomFilter { assignee: nobody.clone(), ..any() },
        RoomFilter { category: label("sales"), assignee: nobody.clone(), ..any() },
        RoomFilter { category: label("sales"), status: label("open"), assignee: nobody, ..any() },
    ]
}

async fn read_everything(store: &Store, reader: &UserId, room: RoomId) {
    let place = RoomCursor { updated_at: Timestamp::from_ms(100), id: room };
    for filter in every_filter() {
        for before in [None, Some(place)] {
            store.rooms(reader, &filter, before, 50).await.unwrap();
        }
    }
    for range in
        [Range::Newest, Range::Before(9000), Range::After(9), Range::Between { after: 9, before: 99 }]
    {
        assert!(store.history(reader, room, range, 50).await.unwrap().count > 0);
    }
    store.room(Some(reader), room).await.unwrap();
    store.room(None, room).await.unwrap();
    assert_eq!(store.receipts(reader, room).await.unwrap().len(), 5);
    store.room_context(reader, room).await.unwrap();
    store.members(room).await.unwrap();
    store.agents(&"sales".to_owned().try_into().unwrap(), 10).await.unwrap();
    store.desks_of(reader, 10).await.unwrap();
    store.outbox_page(0, 10).await.unwrap();
    store.outbox_oldest().await.unwrap();
}

#[rstest]
#[case::sqlite(false)]
#[case::postgresql(true)]
#[tokio::test(flavor = "multi_thread")]
async fn readers_find_every_row_by_an_index(#[case] on_pg: bool) {
    let (schema, folder) = (on_pg.then(Schema::new), tempfile::tempdir().unwrap());
    let file = format!("sqlite://{}", folder.path().join("db").display());
    let room = if on_pg { PG_ROOM } else { SQLITE_ROOM };
    let (store, heard) = listened_to(schema.as_ref().map_or(file, Schema::url), room).await;
    let found = store.inner.readers.run(move |conn| Ok(complaints(conn, &heard))).await;
    let (wrong, large) = found.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // 22 lists, 2 directions of history, 2 rooms, receipts, context, members, agents, desks, the outbox's messages
    assert_eq!(large, 32, "statements that touch a table that grows");
}

/// A store whose only reader is listened to, after everything was read.
async fn listened_to(url: String, room: &str) -> (Store, Heard) {
    let (store, heard) = (store(url).await, Heard::default());
    let ears = heard.clone();
    let listen = move |conn: &mut AnyConnection| {
        on_each!(conn, |c| c.set_instrumentation(ears.clone()));
        Ok(())
    };
    store.inner.readers.run(listen).await.unwrap();
    read_everything(&store, &"reader".parse().unwrap(), room.parse().unwrap()).await;
    (store, heard)
}

/// A user's list costs what that user's rooms cost, even where an index holds a thousand that a filter fits.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_reads_pages_in_order_and_own_rooms_from_their_user() {
    let schema = Schema::new();
    let (store, _) = listened_to(schema.url(), PG_ROOM).await;
    let plans = store.inner.readers.run(|conn| {
        let AnyConnection::Pg(c) = conn else { panic!("another database") };
        Ok(pg::plans(c))
    });
    let (mut pages, mut lists) = (0, 0);
    for (statement, plan) in plans.await.unwrap() {
        if statement.contains("SELECT * FROM messages") {
            pages += 1;
            pg::look(&plan, &mut |node| {
                assert_ne!(node["Node Type"], "Sort", "a room is read whole to be sorted: {plan:#}");
                if node["Relation Name"] == "messages" {
                    assert_eq!(node["Node Type"], "Index Scan");
                    assert_eq!(node["Index Name"], "messages_pkey");
                }
            });
        }
        if statement.contains("members m CROSS JOIN") {
            lists += 1;
            let mut reached = false;
            pg::look(&plan, &mut |node| {
                reached |= node["Relation Name"] == "rooms" && node["Index Name"] == "rooms_pkey";
            });
            assert!(reached, "{statement}\n{plan:#}");
        }
    }
    assert_eq!((pages, lists), (2, 23));
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_reads_pages_in_order_and_own_rooms_from_their_user() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("db").display());
    let (store, heard) = listened_to(url, SQLITE_ROOM).await;
    let plans = store.inner.readers.run(move |conn| {
        let AnyConnection::Sqlite(c) = conn else { panic!("another database") };
        Ok(sqlite::plans(c, &heard))
    });
    let (mut pages, mut lists) = (0, 0);
    for (statement, plan) in plans.await.unwrap() {
        if statement.contains("SELECT * FROM messages") {
            pages += 1;
            assert!(plan.iter().all(|line| !line.contains("TEMP B-TREE")), "{statement}\n{plan:#?}");
        }
        if statement.contains("members m CROSS JOIN") {
            lists += 1;
            assert!(plan.iter().any(|line| line.starts_with("SEARCH r USING PRIMARY KEY")), "{plan:#?}");
        }
    }
    assert_eq!((pages, lists), (2, 23));
}
