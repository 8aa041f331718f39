//! Times and sizes: messages and mailboxes that expire, mailboxes that are full.

use std::time::Duration;

use pollgate_broker::MailboxLimits;
use pollgate_model::{Mailbox, Timestamp};
use rstest::rstest;

use crate::support::{Kind, Rig, eventually, limits, numbers, session, user};

const SOON: Duration = Duration::from_millis(300);

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn messages_expire(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::with(kind, MailboxLimits { message_ttl: SOON, ..limits() }).await, user());
    let main = Mailbox::main(ann.clone());
    let ticket = rig.publish("one", &[&ann]).await;
    rig.outcome(ticket).await.unwrap();
    eventually("it expires", || async { rig.ready(&main).await == Some(0) }).await;
    assert!(rig.drain(&main).await.is_empty());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_may_expire_earlier_than_the_others(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    let mut publication = rig.publication("early", &[&ann], true);
    publication.expires_at = Some(Timestamp::now().plus(SOON));
    let early = publication.ticket;
    rig.broker.publish(publication).await.unwrap();
    rig.put(&["late"], &ann).await;
    rig.outcome(early).await.unwrap();
    eventually("one stays", || async { rig.ready(&main).await == Some(1) }).await;
    assert_eq!(rig.drain(&main).await, ["late"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_drops_its_oldest(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::with(kind, MailboxLimits { max_length: 5, ..limits() }).await, user());
    let all = numbers(0, 8);
    rig.put(&all.iter().map(String::as_str).collect::<Vec<_>>(), &ann).await;
    assert_eq!(rig.ready(&Mailbox::main(ann.clone())).await, Some(5));
    assert_eq!(rig.drain(&Mailbox::main(ann)).await, numbers(3, 8));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_unused_mailbox_expires_with_what_is_in_it_and_heals(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (rig, ann) = (Rig::with(kind, MailboxLimits { session_expires: SOON, ..limits() }).await, user());
    let mailbox = session(&ann, "a");
    let (attached, inbox) = rig.attach(&mailbox).await;
    rig.put(&["one"], &ann).await;
    inbox.have(1).await;
    // a consumer keeps it, for longer than it lives unused
    tokio::time::sleep(SOON * 2).await;
    assert!(inbox.ends().is_empty());
    attached.consumer.release().await.unwrap();
    // looking renews its life, so this looks rarely
    tokio::time::sleep(SOON * 3).await;
    assert_eq!(rig.ready(&mailbox).await, None);
    rig.put(&["two"], &ann).await;
    assert_eq!(rig.drain(&Mailbox::main(ann.clone())).await, ["two"]);
    let (attached, _inbox) = rig.attach(&mailbox).await;
    assert!(!attached.existed);
}
