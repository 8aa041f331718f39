//! The outbox: what survives, who takes over, what leaves.

use std::sync::Arc;
use std::time::Duration;

use pollgate_model::{NewMessage, TraceContext};
use pollgate_store::{Outgoing, Store, StoreError};
use rstest::rstest;

use crate::support::{Database, Kind, eventually, send_all, to_user};

fn same(one: &Outgoing, other: &Outgoing) -> bool {
    (one.ticket, &one.event, &one.recipients, one.stored, one.accepted_at, one.expires_at, &one.trace)
        == (
            other.ticket,
            &other.event,
            &other.recipients,
            other.stored,
            other.accepted_at,
            other.expires_at,
            &other.trace,
        )
}

async fn is_empty(store: &Store) -> Option<()> {
    (store.outbox_stats().await.unwrap().rows == 0).then_some(())
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_dead_instance_are_taken_over_byte_for_byte(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let trace: TraceContext =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 vendor=1".parse().unwrap();
    let all = (0..20).map(|n| NewMessage {
        trace: (n % 2 == 0).then(|| Arc::new(trace.clone())),
        ..to_user("ann", &format!("u{}", n % 4), "hi \"there\"")
    });
    let all = all.collect();
    send_all(&store, all).await.into_iter().for_each(|sent| drop(sent.unwrap()));
    let mut lost = heard.rows();
    lost.sort_by_key(|row| row.ticket);
    assert_eq!(lost.len(), 24, "20 messages in 4 new rooms");
    assert_eq!(lost.iter().filter(|row| row.trace.as_deref() == Some(&trace)).count(), 10);
    drop(store);

    let (store, _) = database.open().await;
    assert!(store.outbox_page(0, 100).await.unwrap().is_empty(), "they are another instance's");
    let mut adopted = Vec::new();
    while adopted.len() < 24 {
        let page = store.adopt(Duration::ZERO, 10).await.unwrap();
        assert!(page.len() <= 10);
        adopted.extend(page);
    }
    adopted.sort_by_key(|row| row.ticket);
    assert!(lost.iter().zip(&adopted).all(|(a, b)| same(a, b)), "{lost:?}\n{adopted:?}");
    let own = store.outbox_page(0, 100).await.unwrap();
    assert!(own.iter().zip(&adopted).all(|(a, b)| same(a, b)) && own.len() == 24);
    let rest = store.outbox_page(own[9].ticket, 5).await.unwrap();
    assert_eq!(
        rest.iter().map(|r| r.ticket).collect::<Vec<_>>(),
        own[10..15].iter().map(|r| r.ticket).collect::<Vec<_>>()
    );
}

#[rstest]
#[tokio::test]
async fn rows_of_a_living_instance_are_left_alone() {
    let database = Database::new(Kind::Pg);
    let ((one, _), (two, _)) = (database.open().await, database.open().await);
    one.send(to_user("ann", "bob", "hi")).await.unwrap();
    one.heartbeat(None).await.unwrap();
    assert!(two.adopt(Duration::from_secs(60), 100).await.unwrap().is_empty());
    one.retire().await.unwrap();
    assert_eq!(two.adopt(Duration::from_secs(60), 100).await.unwrap().len(), 2, "at once after a clean stop");
}

#[rstest]
#[tokio::test]
async fn what_is_settled_leaves_even_when_nothing_else_is_written(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    for _ in 0..5 {
        store.send(to_user("ann", "bob", "hi")).await.unwrap();
    }
    let stats = store.outbox_stats().await.unwrap();
    assert_eq!((stats.rows, stats.oldest), (6, Some(heard.rows()[0].accepted_at)));
    let mut tickets: Vec<i64> = heard.rows().iter().map(|row| row.ticket).collect();
    let kept = tickets.remove(2);
    store.settle(tickets);
    eventually(async || (store.outbox_stats().await.unwrap().rows == 1).then_some(())).await;
    assert_eq!(store.outbox_page(0, 10).await.unwrap()[0].ticket, kept);
    store.settle(vec![kept, kept, kept + 1_000_000]);
    eventually(async || is_empty(&store).await).await;
    assert_eq!(store.outbox_stats().await.unwrap().oldest, None);
}

#[rstest]
#[tokio::test]
async fn a_clean_stop_writes_settlements_and_refuses_what_comes_after(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    store.send(to_user("ann", "bob", "hi")).await.unwrap();
    store.settle(heard.rows().iter().map(|row| row.ticket).collect());
    store.retire().await.unwrap();
    assert_eq!(store.outbox_stats().await.unwrap().rows, 0);
    assert!(matches!(store.send(to_user("ann", "bob", "hi")).await, Err(StoreError::Unavailable(_))));
}

#[rstest]
#[tokio::test]
async fn tickets_are_not_given_out_twice(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    store.send(to_user("ann", "bob", "hi")).await.unwrap();
    store.settle(heard.rows().iter().map(|row| row.ticket).collect());
    eventually(async || is_empty(&store).await).await;
    store.send(to_user("ann", "bob", "hi")).await.unwrap();
    assert!(heard.rows().is_sorted_by(|a, b| a.ticket < b.ticket));
}
