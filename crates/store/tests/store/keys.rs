//! The same request again, under its key, is the same publication.

use std::time::Duration;

use pollgate_model::{EncodedEvent, EventId, EventKind, RoomId, Timestamp};
use pollgate_store::{Audience, Keyed, NewEvent, Published, RequestKey, Store, StoreError};
use rstest::rstest;
use serde_json::json;

use crate::support::{Database, Heard, Kind, futures, user};

fn event(to: Audience) -> NewEvent {
    let kind = EventKind::try_from("order.updated".to_owned()).unwrap();
    let event = EncodedEvent::new(EventId::new(), &kind, Timestamp::now(), None, &json!(1)).unwrap();
    NewEvent { event, to, expires_at: None, trace: None }
}

fn to_cyd() -> Vec<NewEvent> {
    vec![event(Audience::Users(vec![user("cyd")]))]
}

fn keyed(key: u8, body: u8, events: &[NewEvent]) -> Keyed {
    let ids = events.iter().map(|one| one.event.id).collect();
    Keyed { key: RequestKey { id: [key; 32], fingerprint: [body; 32] }, ids }
}

/// Asks for an event to cyd under a key; the ids that are to be answered.
async fn ask(store: &Store, key: u8, body: u8) -> Result<Vec<EventId>, StoreError> {
    let events = to_cyd();
    let keyed = keyed(key, body, &events);
    let own = keyed.ids.clone();
    Ok(match store.publish_once(events, keyed).await? {
        Published::Now => own,
        Published::Before(ids) => ids,
    })
}

fn rows(heard: &Heard) -> Vec<EventId> {
    heard.rows().iter().map(|row| row.event.id).collect()
}

#[rstest]
#[tokio::test]
async fn a_repeat_is_answered_with_the_first_ids(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let events = [to_cyd(), to_cyd(), to_cyd()].concat();
    let first = keyed(1, 1, &events);
    let again = Keyed { ids: vec![EventId::new()], ..first.clone() };
    assert_eq!(store.publish_once(events, first.clone()).await, Ok(Published::Now));
    assert_eq!(store.publish_once(to_cyd(), again).await, Ok(Published::Before(first.ids.clone())));
    assert_eq!(ask(&store, 1, 2).await, Err(StoreError::KeyReused));
    assert_eq!(rows(&heard), first.ids, "nothing was written twice");
    assert_eq!(ask(&store, 2, 1).await.unwrap().len(), 1, "another key is another request");
    drop(store);
    let (store, _) = database.open().await;
    assert_eq!(ask(&store, 1, 1).await, Ok(first.ids), "another process knows it too");
}

#[rstest]
#[tokio::test]
async fn what_is_refused_keeps_no_key(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let nowhere = vec![event(Audience::Room(RoomId::new()))];
    let key = keyed(1, 1, &nowhere);
    assert_eq!(store.publish_once(nowhere, key).await, Err(StoreError::NotFound("room")));
    let accepted = ask(&store, 1, 2).await.unwrap();
    assert_eq!(rows(&heard), accepted);
    let nowhere = vec![event(Audience::Room(RoomId::new()))];
    let key = keyed(1, 2, &nowhere);
    assert_eq!(
        store.publish_once(nowhere, key).await,
        Ok(Published::Before(accepted)),
        "a key is looked at before anything else"
    );
}

#[rstest]
#[tokio::test]
async fn a_key_without_events_is_kept_too(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let ids = vec![EventId::new()];
    let key = || Keyed { key: keyed(1, 1, &[]).key, ids: ids.clone() };
    assert_eq!(store.publish_once(vec![], key()).await, Ok(Published::Now));
    assert_eq!(store.publish_once(vec![], key()).await, Ok(Published::Before(ids.clone())));
    assert!(heard.rows().is_empty());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn repeats_at_once_are_one_publication_each(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let all = (0..200_u8).map(|n| {
        let store = store.clone();
        async move { ask(&store, n % 10, 0).await.unwrap() }
    });
    let answers = futures(all).await;
    for (n, ids) in answers.iter().enumerate() {
        assert_eq!(Some(ids), answers.get(n % 10));
    }
    let mut written = rows(&heard);
    let mut answered = answers.concat();
    for ids in [&mut written, &mut answered] {
        ids.sort_unstable();
    }
    answered.dedup();
    assert_eq!(written, answered);
}

#[rstest]
#[case::the_same(1)]
#[case::of_two_kinds(2)]
#[tokio::test(flavor = "multi_thread")]
async fn repeats_through_two_gateways_are_one_publication_each(#[case] bodies: u8) {
    let database = Database::new(Kind::Pg);
    let ((one, heard_one), (two, heard_two)) = (database.open().await, database.open().await);
    let all = (0..200_u8).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        // keys in another order on either side, so that batches that take several at once meet
        let key = if n % 2 == 0 { n / 2 } else { 99 - n / 2 };
        async move { (key, ask(&store, key, n % 2 % bodies).await) }
    });
    let mut first = std::collections::HashMap::new();
    let mut refused = 0;
    for (key, answer) in futures(all).await {
        match answer {
            Ok(ids) => assert_eq!(*first.entry(key).or_insert_with(|| ids.clone()), ids),
            Err(StoreError::KeyReused) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((first.len(), refused), (100, if bodies == 2 { 100 } else { 0 }));
    assert_eq!(heard_one.rows().len() + heard_two.rows().len(), 100);
}

#[rstest]
#[tokio::test]
async fn an_old_key_is_free_again_and_goes_away(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    for key in 1..=4 {
        ask(&store, key, 1).await.unwrap();
    }
    assert_eq!(store.forget_keys(10).await, Ok(0), "none is old");
    let day_ms = Duration::from_secs(86_400).as_millis();
    database.run(&format!("UPDATE idempotency_keys SET created_at_ms = created_at_ms - {day_ms} - 1"));
    ask(&store, 1, 2).await.unwrap();
    assert_eq!(ask(&store, 1, 1).await, Err(StoreError::KeyReused), "it stands for the new request");
    assert_eq!(store.forget_keys(2).await, Ok(2), "not more than asked for");
    assert_eq!(store.forget_keys(2).await, Ok(1));
    assert_eq!(store.forget_keys(2).await, Ok(0));
    assert_eq!(ask(&store, 1, 1).await, Err(StoreError::KeyReused), "the young one stays");
}
