//! Taking out what waits in a mailbox that nobody consumes.

use pollgate_model::Mailbox;
use rstest::rstest;

use crate::support::{Kind, Rig, eventually, numbers, text, user};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_taken_in_order_and_acked(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    assert!(rig.broker.take_waiting(&main, 5).await.unwrap().taken().is_none());
    let all = numbers(0, 8);
    rig.put(&all.iter().map(String::as_str).collect::<Vec<_>>(), &ann).await;

    let first = rig.broker.take_waiting(&main, 5).await.unwrap().taken().unwrap();
    assert!(!first.drained);
    assert_eq!(first.deliveries.iter().map(text).collect::<Vec<_>>(), numbers(0, 5));
    first.consumer.ack(&[first.deliveries[0].tag, first.deliveries[1].tag]);
    first.consumer.release().await.unwrap();

    let rest = rig.broker.take_waiting(&main, 100).await.unwrap().taken().unwrap();
    assert!(rest.drained);
    assert_eq!(rest.deliveries.iter().map(text).collect::<Vec<_>>(), numbers(2, 8));
    assert!(rest.deliveries[0].redelivered);
    rest.consumer.ack(&rest.deliveries.iter().map(|delivery| delivery.tag).collect::<Vec<_>>());
    drop(rest);
    eventually("the mailbox is empty", || async { rig.ready(&main).await == Some(0) }).await;
    // who dropped it may still be on the way out
    eventually("nothing is there to be taken", || async {
        let none = rig.broker.take_waiting(&main, 5).await.unwrap().taken();
        none.is_some_and(|none| none.drained && none.deliveries.is_empty())
    })
    .await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_where_somebody_consumes(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    let (attached, _inbox) = rig.attach(&main).await;
    assert!(rig.broker.take_waiting(&main, 5).await.unwrap().taken().is_none());
    attached.consumer.release().await.unwrap();
    assert!(rig.broker.take_waiting(&main, 5).await.unwrap().taken().is_some());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_and_dropped_comes_back(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    rig.put(&["one", "two"], &ann).await;
    drop(rig.broker.take_waiting(&main, 5).await.unwrap().taken().unwrap());
    eventually("both are back", || async { rig.ready(&main).await == Some(2) }).await;
    assert_eq!(rig.drain(&main).await, ["one", "two"]);
}

/// Two sessions that start at the same time: the one that finishes first must not delete what the other holds.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_and_not_acked_keeps_its_mailbox_in_use(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    rig.put(&["one"], &ann).await;
    let taken = rig.broker.take_waiting(&main, 5).await.unwrap().taken().unwrap();
    assert_eq!(taken.deliveries.len(), 1);
    assert!(rig.broker.take_waiting(&main, 5).await.unwrap().taken().is_none(), "it is in use");
    assert!(!rig.broker.delete_if_idle(&main).await.unwrap());
    drop(taken);
    eventually("it is back", || async { rig.ready(&main).await == Some(1) }).await;
    assert_eq!(rig.drain(&main).await, ["one"]);
    assert!(rig.broker.delete_if_idle(&main).await.unwrap());
}

/// Taken by many at once, deleted under their hands: whoever consumes on the same connection hears nothing of it.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_vanishes_while_it_is_taken_from_disturbs_nobody_else(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let rig = Rig::new(kind).await;
    let other = user();
    let (_attached, inbox) = rig.attach(&Mailbox::main(other.clone())).await;
    for _round in 0..20 {
        let main = Mailbox::main(user());
        rig.broker.ensure(&main).await.unwrap();
        let taking = (0..4).map(|_| rig.broker.take_waiting(&main, 5));
        let (taken, deleted) = tokio::join!(futures::future::join_all(taking), rig.broker.delete(&main));
        deleted.unwrap();
        for outcome in taken {
            // what was there for one and gone for another is no error, unless it went in the very middle
            drop(outcome.map(pollgate_broker::TakeOut::taken));
        }
    }
    rig.put(&["one"], &other).await;
    inbox.have(1).await;
    assert!(inbox.ends().is_empty(), "{:?}", inbox.ends());
}
