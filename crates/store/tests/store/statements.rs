//! What is asked of the database, counted: no answer costs a statement for each of its rows.

use std::sync::Arc;

use bytes::Bytes;
use pollgate_model::{Member, Range, Room, RoomFilter, RoomId, RoomKind};
use pollgate_store::{Change, Decide, Decided, Found, Statements, Step, Store, StoreError};
use rstest::rstest;

use crate::support::{Database, Kind, send_all, to_room, to_user, user, with_client_id};

/// Statements while this is done.
async fn counted<T>(store: &Store, work: impl Future<Output = T>) -> (T, Statements) {
    let before = store.statements();
    let done = work.await;
    let after = store.statements();
    let since =
        Statements { readers: after.readers - before.readers, writers: after.writers - before.writers };
    (done, since)
}

const ONE_READ: Statements = Statements { readers: 1, writers: 0 };

/// A user in so many rooms of five, each with so many messages.
async fn rooms(database: &Database, store: &Store, count: usize, messages: usize) -> Vec<RoomId> {
    let rooms = database.groups(count, &["ann", "bob", "cyd", "dan", "eve"]);
    let all = rooms.iter().flat_map(|room| (0..messages).map(|_| to_room("bob", *room, "hi")));
    assert!(send_all(store, all.collect()).await.iter().all(Result::is_ok));
    rooms
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn lists_rooms_and_pages_are_one_statement_each(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let made = rooms(&database, &store, 200, 2).await;
    let (ann, any) = (user("ann"), RoomFilter::default());

    let (list, cost) = counted(&store, store.rooms(&ann, &any, None, 200)).await;
    let list = list.unwrap();
    assert_eq!((list.rooms.len(), cost), (200, ONE_READ));
    assert!(list.rooms.iter().all(|room| room.members.len() == 5 && room.last_message.is_some()));

    let (page, cost) = counted(&store, store.rooms(&ann, &any, None, 50)).await;
    let page = page.unwrap();
    assert_eq!((page.rooms.len(), cost), (50, ONE_READ));
    let (_, cost) = counted(&store, store.rooms(&ann, &any, page.next, 50)).await;
    assert_eq!(cost, ONE_READ, "the next page");
    let waiting = RoomFilter { category: Some("desk".to_owned().try_into().unwrap()), ..any };
    let (_, cost) = counted(&store, store.rooms(&ann, &waiting, None, 50)).await;
    assert_eq!(cost, ONE_READ, "with those that wait at desks");

    let (room, cost) = counted(&store, store.room(Some(&ann), made[7])).await;
    assert_eq!((room.unwrap().members.len(), cost), (5, ONE_READ));
    let (receipts, cost) = counted(&store, store.receipts(&ann, made[7])).await;
    assert_eq!((receipts.unwrap().len(), cost), (5, ONE_READ));
    for range in [Range::Newest, Range::Before(2), Range::After(1), Range::Between { after: 0, before: 3 }] {
        let (page, cost) = counted(&store, store.history(&ann, made[7], range, 50)).await;
        assert!(page.unwrap().count > 0);
        assert_eq!(cost, ONE_READ, "{range:?}");
    }
    let (refused, cost) = counted(&store, store.history(&user("zoe"), made[7], Range::Newest, 50)).await;
    assert_eq!((refused, cost), (Err(StoreError::NotFound("room")), ONE_READ), "nor is a refusal more");
}

/// With the beginning and the end of the transaction.
const fn written(statements: u64) -> Statements {
    Statements { readers: 0, writers: statements }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_send_is_a_handful_of_statements(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    store.send(to_user("ann", "bob", "the first makes the room")).await.unwrap();
    // PostgreSQL gives out the outbox's tickets itself
    let tickets = u64::from(kind == Kind::Pg);

    let (_, cost) = counted(&store, store.send(to_user("ann", "bob", "hi"))).await;
    // begin, room, message, room's last message, outbox, commit
    assert_eq!(cost, written(6 + tickets));
    let new = with_client_id(to_user("ann", "bob", "hi"), "1");
    let (_, cost) = counted(&store, store.send(new)).await;
    assert_eq!(cost, written(7 + tickets), "and a look for a repeat");
    let (_, cost) = counted(&store, store.send(to_user("bob", "ann", "hi"))).await;
    assert_eq!(cost, written(7 + tickets), "and the mark of whose message was the newest");

    let room = rooms(&database, &store, 1, 1).await[0];
    let (_, cost) = counted(&store, store.send(to_room("bob", room, "hi"))).await;
    assert_eq!(cost, written(7 + tickets), "and who is in the group");
    let (_, cost) = counted(&store, store.read(&user("ann"), room, 1, 100)).await;
    // begin, members, mark, outbox, commit
    assert_eq!(cost, written(5 + tickets), "a read mark");
}

/// What waits together is written together: on PostgreSQL the statements are those of one send, whatever the count.
#[tokio::test(flavor = "multi_thread")]
async fn many_sends_at_once_share_their_statements_on_postgresql() {
    const SENDS: u64 = 200;
    let database = Database::new(Kind::Pg);
    let settings = pollgate_store::StoreSettings { writers: 1, ..database.settings() };
    let (store, _) = database.open_with(settings).await;
    store.send(to_user("ann", "bob", "the first makes the room")).await.unwrap();
    let all = (0..SENDS).map(|n| to_user("ann", "bob", &n.to_string())).collect();
    let (answers, cost) = counted(&store, send_all(&store, all)).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(cost.writers % 7, 0, "each batch is as a send by itself: {cost:?}");
    assert!(cost.writers < SENDS * 7 / 2, "they were not written together: {cost:?}");
}

/// Makes a room with many members.
struct Make(RoomId, usize);

impl Decide for Make {
    fn decide(&self, found: &Found) -> Result<Decided, StoreError> {
        let room = Room {
            id: self.0,
            kind: RoomKind::Group,
            name: None,
            context: None,
            category: None,
            status: None,
            assignee: None,
            created_by: None,
            last_message: None,
            last_sender: None,
            last_seq: 0,
            updated_at: found.now,
        };
        let member = |n| Member { user: user(&format!("u{n}")), last_read_seq: 0 };
        let steps = vec![Step::Make(Box::new(room)), Step::Join((0..self.1).map(member).collect())];
        Ok(Decided { steps, events: Vec::new(), answer: Bytes::new() })
    }
}

#[rstest]
#[tokio::test]
async fn the_members_of_a_new_room_are_one_statement_on_postgresql(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    for members in [1, 10] {
        let room = RoomId::new();
        let decide = Arc::new(Make(room, members));
        let change = Change { room, message: None, desks: Vec::new(), decide };
        let (answer, cost) = counted(&store, store.change(change)).await;
        answer.unwrap();
        // begin, lock, room, members, make, join, commit
        let joins = if kind == Kind::Pg { 1 } else { members as u64 };
        assert_eq!(cost, written(6 + joins), "{members} members");
    }
}
