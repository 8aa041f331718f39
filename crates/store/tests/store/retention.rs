//! Removing old messages.

use pollgate_model::{EventId, Message, MessageId, NewMessage, Range, RoomId, Timestamp};
use pollgate_store::{Sent, Store, StoreError};
use rstest::rstest;

use crate::search::{index_all, texts};
use crate::support::{Database, Heard, Kind, eventually, to_user, user, with_client_id};

/// Has the broker's answers for everything.
async fn settle(store: &Store, heard: &Heard) {
    store.settle(heard.rows().iter().map(|row| row.ticket).collect());
    eventually(async || (store.outbox_stats().await.unwrap().rows == 0).then_some(())).await;
}

async fn send(store: &Store, count: usize) -> Vec<Sent> {
    let mut sent = Vec::new();
    for n in 1..=count {
        sent.push(store.send(to_user("ann", "bob", &format!("apple {n}"))).await.unwrap());
    }
    sent
}

async fn seqs(store: &Store, room: RoomId) -> Vec<i64> {
    let page = store.history(&user("bob"), room, Range::Newest, 100).await.unwrap();
    page.messages.iter().map(|message| message.seq).collect()
}

/// After all of these, before what is sent in a millisecond from now.
fn after(sent: &[Sent]) -> Timestamp {
    let last: Message = serde_json::from_slice(&sent.last().unwrap().json).unwrap();
    // the id is made a little later than the time that the message bears
    Timestamp::from_ms(last.created_at.as_ms().max(made_at(last.id)) + 1)
}

fn made_at(id: MessageId) -> i64 {
    EventId::from(id).made_at_ms().unwrap()
}

/// Until the clock shows this time.
async fn reach(at: Timestamp) {
    eventually(async || (Timestamp::now() > at).then_some(())).await;
}

async fn remove_older(store: &Store, than: Timestamp, most: u32) -> usize {
    let (mut removed, mut after) = (0, None);
    loop {
        let done = store.remove_older(than, after, most).await.unwrap();
        assert!(done.messages <= most as usize);
        removed += done.messages;
        after = done.next;
        if after.is_none() {
            return removed;
        }
    }
}

async fn remove_beyond(store: &Store, keep: u32, most: u32) -> usize {
    let (mut removed, mut after) = (0, None);
    loop {
        let done = store.remove_beyond(keep, after, most).await.unwrap();
        assert!(done.messages <= most as usize);
        removed += done.messages;
        after = done.next;
        if after.is_none() {
            return removed;
        }
    }
}

#[rstest]
#[tokio::test]
async fn what_is_older_goes_and_the_room_goes_on(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let old = send(&store, 10).await;
    let room = old[0].room;
    let limit = after(&old);
    reach(limit).await;
    let young = send(&store, 5).await;
    index_all(&store).await;
    settle(&store, &heard).await;
    assert_eq!(remove_older(&store, limit, 3).await, 10);
    assert_eq!(remove_older(&store, limit, 3).await, 0);
    assert_eq!(seqs(&store, room).await, (11..=15).collect::<Vec<_>>());
    assert_eq!(texts(&store, "bob", "apple").await.len(), 5);
    let summary = store.room(Some(&user("bob")), room).await.unwrap();
    assert_eq!((summary.last_seq, summary.unread), (15, 15), "unread counts places");
    assert_eq!(summary.last_message.unwrap().id, young[4].id);
    let next = store.send(to_user("bob", "ann", "more")).await.unwrap();
    assert_eq!(next.seq, 16);
}

#[rstest]
#[tokio::test]
async fn a_room_whose_last_message_goes_has_none(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let sent = send(&store, 3).await;
    settle(&store, &heard).await;
    assert_eq!(remove_older(&store, after(&sent), 100).await, 3);
    let room = sent[0].room;
    assert_eq!(seqs(&store, room).await, Vec::<i64>::new());
    let of_bob = store.room(Some(&user("bob")), room).await.unwrap();
    assert_eq!((of_bob.last_message, of_bob.last_seq, of_bob.unread), (None, 3, 3));
    let of_ann = store.room(Some(&user("ann")), room).await.unwrap();
    assert_eq!(of_ann.unread, 0, "she sent them");
    let gone = NewMessage { reply_to: Some(sent[2].id), ..to_user("bob", "ann", "re") };
    assert!(matches!(store.send(gone).await, Err(StoreError::Invalid(_))));
    assert_eq!(store.send(to_user("bob", "ann", "hi")).await.unwrap().seq, 4);
}

#[rstest]
#[tokio::test]
async fn of_each_room_the_newest_stay(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let mut rooms = Vec::new();
    for n in 0..5 {
        for _ in 0..=(n * 5) {
            rooms.push(store.send(to_user("ann", &format!("user {n}"), "apple")).await.unwrap().room);
        }
    }
    rooms.dedup();
    index_all(&store).await;
    settle(&store, &heard).await;
    // 1, 6, 11, 16, 21 messages
    assert_eq!(remove_beyond(&store, 10, 4).await, 1 + 6 + 11);
    assert_eq!(remove_beyond(&store, 10, 4).await, 0);
    for (n, room) in rooms.into_iter().enumerate() {
        let last = i64::try_from(n * 5 + 1).unwrap();
        let name = format!("user {n}");
        let page = store.history(&user(&name), room, Range::Newest, 100).await.unwrap();
        let seqs: Vec<i64> = page.messages.iter().map(|message| message.seq).collect();
        assert_eq!(seqs, ((last - 10).max(0) + 1..=last).collect::<Vec<_>>());
        assert_eq!(texts(&store, &name, "apple").await.len(), seqs.len());
    }
}

/// What the broker has not answered for stays, and so does what comes after it in its room.
#[rstest]
#[tokio::test]
async fn what_waits_for_the_broker_stays(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let sent = send(&store, 6).await;
    let other = store.send(to_user("cyd", "dan", "elsewhere")).await.unwrap();
    let rows = heard.rows();
    let waits = rows.iter().find(|row| row.event.id == sent[3].id.into()).unwrap().ticket;
    store.settle(rows.iter().map(|row| row.ticket).filter(|ticket| *ticket != waits).collect());
    eventually(async || (store.outbox_stats().await.unwrap().rows == 1).then_some(())).await;
    let limit = after(&[other]);
    for most in [2, 100] {
        assert_eq!(remove_older(&store, limit, most).await, if most == 2 { 4 } else { 0 });
        assert_eq!(remove_beyond(&store, 1, most).await, 0);
    }
    assert_eq!(seqs(&store, sent[0].room).await, [4, 5, 6]);
    assert_eq!(store.outbox_page(0, 10).await.unwrap().len(), 1, "and its event can be told");
    settle(&store, &heard).await;
    assert_eq!(remove_beyond(&store, 1, 100).await, 2);
    assert_eq!(seqs(&store, sent[0].room).await, [6]);
}

#[rstest]
#[tokio::test]
async fn a_client_id_is_free_again_when_its_message_is_gone(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let new = || with_client_id(to_user("ann", "bob", "hi"), "c1");
    let first = store.send(new()).await.unwrap();
    assert!(store.send(new()).await.unwrap().repeated);
    settle(&store, &heard).await;
    remove_older(&store, after(std::slice::from_ref(&first)), 100).await;
    let again = store.send(new()).await.unwrap();
    assert_eq!((again.repeated, again.seq), (false, 2));
}

#[tokio::test]
async fn one_gateway_does_a_chore_at_a_time() {
    let database = Database::new(Kind::Pg);
    let ((one, _), (two, _)) = (database.open().await, database.open().await);
    let long = std::time::Duration::from_secs(60);
    assert!(one.take_chore("sweep", long).await.unwrap());
    assert!(!two.take_chore("sweep", long).await.unwrap());
    assert!(two.take_chore("other", long).await.unwrap());
    assert!(one.take_chore("sweep", std::time::Duration::ZERO).await.unwrap(), "it may go on");
    eventually(async || two.take_chore("sweep", long).await.unwrap().then_some(())).await;
    assert!(!one.take_chore("sweep", long).await.unwrap());
}
