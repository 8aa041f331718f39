//! Sending: places in the room, who may, what the relay hears.

use pollgate_model::{EncodedEvent, Message, MessageId, NewMessage, Range, RoomId, RoomSummary};
use pollgate_store::StoreError;
use rstest::rstest;

use crate::support::{Database, Kind, futures, send_all, to_room, to_user, user};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn seq_has_no_holes_however_many_send_at_once(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let all = (0..300).map(|n| match n % 3 {
        0 => to_user("ann", "bob", &format!("{n}")),
        1 => to_user("bob", "ann", &format!("{n}")),
        _ => to_user("ann", "cyd", &format!("{n}")),
    });
    let sent: Vec<_> = send_all(&store, all.collect()).await.into_iter().map(Result::unwrap).collect();
    let mut places: Vec<(RoomId, i64)> = sent.iter().map(|s| (s.room, s.seq)).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 300);
    let (ab, ac) = (sent[0].room, sent[2].room);
    assert_eq!(places.iter().filter(|p| p.0 == ab).map(|p| p.1).max(), Some(200));
    assert_eq!(places.iter().filter(|p| p.0 == ac).map(|p| p.1).max(), Some(100));
    for room in [ab, ac] {
        let heard: Vec<i64> = heard
            .rows()
            .iter()
            .filter(|row| row.stored)
            .map(|row| serde_json::from_slice::<Message>(&row.event.data()).unwrap())
            .filter(|message| message.room == room)
            .map(|message| message.seq)
            .collect();
        assert!(heard.is_sorted(), "the relay hears of a room in order");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_share_a_room_without_holes() {
    let database = Database::new(Kind::Pg);
    let ((one, _), (two, _)) = (database.open().await, database.open().await);
    let all = (0..200).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        async move { store.send(to_user("ann", "bob", "hi")).await.unwrap() }
    });
    let sent = futures(all).await;
    assert!(sent.iter().all(|s| s.room == sent[0].room), "one room, whoever made it");
    let mut seqs: Vec<i64> = sent.iter().map(|s| s.seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn the_first_message_makes_the_room_and_tells_both(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let sent = store.send(to_user("bob", "ann", "hi")).await.unwrap();
    assert_eq!((sent.seq, sent.repeated), (1, false));
    let message: Message = serde_json::from_slice(&sent.json).unwrap();
    assert_eq!((message.id, message.room, message.body.as_str()), (sent.id, sent.room, "hi"));

    let rows = heard.rows();
    assert_eq!(rows.len(), 2, "room.created, then message.created");
    let room: RoomSummary = serde_json::from_slice(&rows[0].event.data()).unwrap();
    assert_eq!((room.id, room.members), (sent.room, vec![user("ann"), user("bob")]));
    assert!(!rows[0].stored);
    assert!(rows[1].stored);
    assert_eq!(rows[1].event, EncodedEvent::message_created(&message).unwrap());
    for row in &rows {
        let to: Vec<_> = row.recipients.iter().map(|r| (r.user.as_str(), r.make_mailbox)).collect();
        assert_eq!(to, [("ann", true), ("bob", false)]);
    }
    assert!(rows[0].ticket < rows[1].ticket);

    store.send(to_room("ann", sent.room, "back")).await.unwrap();
    assert_eq!(heard.rows().len(), 3, "the room is made once");
    assert_eq!(store.members(sent.room).await.unwrap(), [user("ann"), user("bob")]);
}

#[rstest]
#[tokio::test]
async fn a_room_with_oneself_has_one_member(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let sent = store.send(to_user("ann", "ann", "note")).await.unwrap();
    assert_eq!(store.members(sent.room).await.unwrap(), [user("ann")]);
}

#[rstest]
#[tokio::test]
async fn the_room_of_a_pair_outlives_the_process(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let first = store.send(to_user("ann", "bob", "1")).await.unwrap();
    store.retire().await.unwrap();
    drop(store);
    let (store, _) = database.open().await;
    let second = store.send(to_user("bob", "ann", "2")).await.unwrap();
    assert_eq!((second.room, second.seq), (first.room, 2));
}

#[rstest]
#[tokio::test]
async fn who_is_not_in_a_room_cannot_tell_that_it_exists(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let room = store.send(to_user("ann", "bob", "hi")).await.unwrap().room;
    let gone = Err(StoreError::NotFound("room"));
    assert_eq!(store.send(to_room("eve", room, "hi")).await, gone);
    assert_eq!(store.send(to_room("ann", RoomId::new(), "hi")).await, gone);
    let history = store.history(&user("eve"), room, Range::Newest, 10).await;
    assert_eq!(history, Err(StoreError::NotFound("room")));
    assert_eq!(store.members(RoomId::new()).await, Err(StoreError::NotFound("room")));
}

#[rstest]
#[tokio::test]
async fn an_answer_must_be_to_a_message_of_the_room(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let here = store.send(to_user("ann", "bob", "hi")).await.unwrap();
    let elsewhere = store.send(to_user("ann", "cyd", "hi")).await.unwrap();
    let answer = |to: &str, id: MessageId| NewMessage { reply_to: Some(id), ..to_user("ann", to, "re") };
    assert_eq!(store.send(answer("bob", here.id)).await.unwrap().seq, 2);
    let refused = Err(StoreError::Invalid("reply_to: no such message in the room".into()));
    assert_eq!(store.send(answer("bob", elsewhere.id)).await, refused);
    assert_eq!(store.send(answer("bob", MessageId::new())).await, refused);
    assert_eq!(store.send(answer("dan", here.id)).await, refused, "a new room holds no message");
    let first = store.send(to_user("ann", "dan", "hi")).await.unwrap();
    assert_eq!(first.seq, 1, "what was refused left nothing behind");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_so_at_once(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let mut settings = database.settings();
    (settings.writer_queue, settings.batch, settings.writers) = (4, 1, 1);
    let (store, _) = database.open_with(settings).await;
    let all = (0..500).map(|n| to_user("ann", "bob", &format!("{n}"))).collect();
    let answers = send_all(&store, all).await;
    let taken = answers.iter().filter(|a| a.is_ok()).count();
    let refused = answers.iter().filter(|a| **a == Err(StoreError::Busy("writer queue"))).count();
    assert_eq!(taken + refused, 500, "{answers:?}");
    assert!(refused > 0 && taken > 0, "{taken} {refused}");
    let next = store.send(to_user("ann", "bob", "after")).await.unwrap();
    assert_eq!(next.seq, i64::try_from(taken).unwrap() + 1, "what was refused left nothing behind");
}
