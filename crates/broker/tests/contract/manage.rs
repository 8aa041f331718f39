//! Looking at mailboxes, emptying and deleting them.

use pollgate_broker::{Depth, Standing};
use pollgate_model::Mailbox;
use rstest::rstest;

use crate::support::{Kind, Rig, session, user};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn ensure_makes_a_mailbox_once(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let found = rig.broker.ensure(&session(&ann, "a")).await.unwrap();
    assert_eq!(found, Standing { existed: false, ready: 0, consumers: 0 });
    let ticket = rig.publish("one", &[&ann]).await;
    rig.settled(ticket).await;
    let found = rig.broker.ensure(&session(&ann, "a")).await.unwrap();
    assert_eq!(found, Standing { existed: true, ready: 1, consumers: 0 });
    let (_attached, inbox) = rig.attach(&session(&ann, "a")).await;
    inbox.have(1).await;
    let found = rig.broker.ensure(&session(&ann, "a")).await.unwrap();
    assert_eq!(found, Standing { existed: true, ready: 0, consumers: 1 });
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn depth_tells_what_waits_and_who_consumes(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    assert_eq!(rig.broker.depth(&main).await.unwrap(), None);
    rig.put(&["one", "two"], &ann).await;
    let unacked = |count| if kind == Kind::Memory { Some(count) } else { None };
    let depth = rig.broker.depth(&main).await.unwrap().unwrap();
    assert_eq!(depth, Depth { ready: 2, unacked: unacked(0), consumers: 0 });
    let (_attached, inbox) = rig.attach(&main).await;
    inbox.have(2).await;
    let depth = rig.broker.depth(&main).await.unwrap().unwrap();
    assert_eq!(depth, Depth { ready: 0, unacked: unacked(2), consumers: 1 });
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn purge_drops_what_waits(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    assert_eq!(rig.broker.purge(&main).await.unwrap(), 0);
    let ticket = rig.publish("one", &[&ann]).await;
    rig.settled(ticket).await;
    assert_eq!(rig.broker.purge(&main).await.unwrap(), 1);
    assert_eq!(rig.ready(&main).await, Some(0));
    if kind == Kind::Memory {
        rig.outcome(ticket).await.unwrap();
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn only_an_idle_mailbox_is_deleted_as_idle(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    assert!(!rig.broker.delete_if_idle(&main).await.unwrap(), "not there");
    rig.put(&["one"], &ann).await;
    assert!(!rig.broker.delete_if_idle(&main).await.unwrap(), "not empty");
    assert_eq!(rig.drain(&main).await, ["one"]);
    let (attached, _inbox) = rig.attach(&main).await;
    assert!(!rig.broker.delete_if_idle(&main).await.unwrap(), "consumed");
    attached.consumer.release().await.unwrap();
    assert!(rig.broker.delete_if_idle(&main).await.unwrap());
    assert_eq!(rig.ready(&main).await, None);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn deleting_what_is_not_there_is_no_error(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let rig = Rig::new(kind).await;
    rig.broker.delete(&Mailbox::main(user())).await.unwrap();
}

/// A broker closes the channel on which a missing mailbox was looked for, and has 2047 numbers for channels.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn looking_for_missing_mailboxes_never_wears_the_broker_out(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let rig = Rig::new(kind).await;
    for _each in 0..2500 {
        assert_eq!(rig.broker.depth(&Mailbox::main(user())).await.unwrap(), None);
    }
    let ann = user();
    assert!(!rig.broker.ensure(&session(&ann, "a")).await.unwrap().existed);
}
