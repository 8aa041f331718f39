//! Group rooms, whose members may change at any time.

use std::time::Duration;

use pollgate_store::StoreError;
use rstest::rstest;

use crate::support::{Database, Kind, send_all, to_room, to_user};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_group_hears_of_its_messages_and_outsiders_spoil_nothing(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let room = database.group(&["ann", "bob", "cyd"]);
    let senders = ["ann", "eve", "bob", "cyd"];
    let all = (0..40).map(|n| to_room(senders[n % 4], room, "hi")).collect();
    let answers = send_all(&store, all).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_ok(), senders[n % 4] != "eve", "{answer:?}");
    }
    let mut seqs: Vec<i64> = answers.iter().flatten().map(|sent| sent.seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=30).collect::<Vec<_>>());
    assert!(heard.rows().iter().all(|row| row.recipients.len() == 3));
    drop(store);

    let (store, _) = database.open().await;
    let mut adopted = store.adopt(Duration::ZERO, 100).await.unwrap();
    adopted.sort_by_key(|row| row.ticket);
    for (one, other) in heard.rows().iter().zip(&adopted) {
        assert_eq!((&one.event, &one.recipients), (&other.event, &other.recipients));
    }
    assert_eq!(adopted.len(), 30);
}

#[rstest]
#[tokio::test]
async fn who_was_taken_out_of_a_group_can_send_no_more(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let room = database.group(&["ann", "bob"]);
    store.send(to_room("bob", room, "hi")).await.unwrap();
    database.run("DELETE FROM members WHERE user_id = 'bob'");
    assert_eq!(store.send(to_room("bob", room, "hi")).await, Err(StoreError::NotFound("room")));
    assert_eq!(store.send(to_room("ann", room, "hi")).await.unwrap().seq, 2);
}

#[rstest]
#[tokio::test]
async fn a_direct_room_that_is_gone_is_made_anew(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let old = store.send(to_user("ann", "bob", "hi")).await.unwrap();
    database.run("DELETE FROM messages; DELETE FROM members; DELETE FROM rooms;");
    let new = store.send(to_user("ann", "bob", "hi")).await.unwrap();
    assert_ne!(new.room, old.room);
    assert_eq!(new.seq, 1);
}
