//! The same client id again is the same message.

use pollgate_model::Range;
use pollgate_store::StoreError;
use rstest::rstest;

use crate::support::{Database, Kind, futures, send_all, to_room, to_user, user, with_client_id};

#[rstest]
#[tokio::test]
async fn a_repeat_is_answered_with_the_first_message(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let new = || with_client_id(to_user("ann", "bob", "hi"), "c1");
    let first = store.send(new()).await.unwrap();
    let again = store.send(new()).await.unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!((again.id, again.seq, &again.json), (first.id, first.seq, &first.json));
    let by_room = store.send(with_client_id(to_room("ann", first.room, "hi"), "c1")).await.unwrap();
    assert!(by_room.repeated, "the room of the two is the same target");
    assert_eq!(heard.rows().len(), 2, "nothing was sent twice");
    let other_sender = store.send(with_client_id(to_user("bob", "ann", "hi"), "c1")).await.unwrap();
    assert_eq!((other_sender.repeated, other_sender.seq), (false, 2));
}

#[rstest]
#[tokio::test]
async fn another_content_is_a_conflict(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let first = store.send(with_client_id(to_user("ann", "bob", "hi"), "c1")).await.unwrap();
    for other in [to_user("ann", "bob", "other"), to_user("ann", "cyd", "hi")] {
        let answer = store.send(with_client_id(other, "c1")).await;
        assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
    }
    let history = store.history(&user("ann"), first.room, Range::Newest, 10).await.unwrap();
    assert_eq!(history.count, 1);
    assert_eq!(store.send(to_user("ann", "cyd", "first")).await.unwrap().seq, 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn repeats_sent_at_once_are_one_message(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let all =
        (0..100).map(|n| with_client_id(to_user("ann", "bob", "hi"), &format!("c{}", n % 10))).collect();
    let sent: Vec<_> = send_all(&store, all).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(sent.iter().filter(|s| !s.repeated).count(), 10);
    for (n, one) in sent.iter().enumerate() {
        assert_eq!((one.id, &one.json), (sent[n % 10].id, &sent[n % 10].json));
    }
    assert_eq!(heard.rows().iter().filter(|row| row.stored).count(), 10);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn repeats_through_two_gateways_are_one_message() {
    let database = Database::new(Kind::Pg);
    let ((one, _), (two, _)) = (database.open().await, database.open().await);
    let all = (0..200).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        let new = with_client_id(to_user("ann", "bob", "hi"), &format!("c{}", n / 2));
        async move { store.send(new).await.unwrap() }
    });
    let sent = futures(all).await;
    for pair in sent.chunks(2) {
        assert_eq!(pair[0].id, pair[1].id);
        assert_ne!(pair[0].repeated, pair[1].repeated);
    }
    let newest = one.history(&user("ann"), sent[0].room, Range::Newest, 1).await.unwrap();
    assert_eq!(newest.newest_id, Some(100));
}
