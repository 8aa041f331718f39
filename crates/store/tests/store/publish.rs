//! An application's events.

use pollgate_model::{EncodedEvent, EventId, EventKind, RoomId, Timestamp};
use pollgate_store::{Audience, NewEvent, StoreError};
use rstest::rstest;
use serde_json::json;

use crate::support::{Database, Kind, to_user, user};

fn event(to: Audience) -> NewEvent {
    let kind = EventKind::try_from("order.updated".to_owned()).unwrap();
    let now = Timestamp::now();
    let event =
        EncodedEvent::new(EventId::new(), &kind, now, None, &json!({"n": 1.50, "text": "ä\n"})).unwrap();
    NewEvent { event, to, expires_at: Some(Timestamp::from_ms(now.as_ms() + 60_000)), trace: None }
}

#[rstest]
#[tokio::test]
async fn events_stand_in_the_outbox_as_they_were_given(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let room = store.send(to_user("ann", "bob", "hi")).await.unwrap().room;
    let events = vec![event(Audience::Users(vec![user("cyd"), user("dan")])), event(Audience::Room(room))];
    store.publish(events.clone()).await.unwrap();
    let kept = store.outbox_page(heard.rows()[1].ticket, 100).await.unwrap();
    assert_eq!(kept.len(), 2);
    for (row, event) in kept.iter().zip(&events) {
        assert_eq!((&row.event, row.expires_at, row.stored), (&event.event, event.expires_at, false));
        assert!(row.recipients.iter().all(|r| r.make_mailbox));
    }
    let to = |n: usize| kept[n].recipients.iter().map(|r| r.user.as_str()).collect::<Vec<_>>();
    assert_eq!((to(0), to(1)), (vec!["cyd", "dan"], vec!["ann", "bob"]));
}

#[rstest]
#[tokio::test]
async fn all_of_them_or_none(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let events = vec![event(Audience::Users(vec![user("cyd")])), event(Audience::Room(RoomId::new()))];
    assert_eq!(store.publish(events).await, Err(StoreError::NotFound("room")));
    assert!(heard.rows().is_empty());
    assert_eq!(store.outbox_stats().await.unwrap().rows, 0);
}
