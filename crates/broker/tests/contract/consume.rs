//! Consumers: order, prefetch, acks, release.

use std::time::Duration;

use pollgate_broker::{Detached, MailboxLimits};
use pollgate_model::Mailbox;
use rstest::rstest;

use crate::support::{Kind, Rig, eventually, limits, numbers, session, text, user};

fn texts(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_come_in_order_and_no_more_than_the_prefetch(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    rig.put(&texts(&numbers(0, 25)), &ann).await;
    let (attached, inbox) = rig.attach(&main).await;
    assert!(attached.existed);
    assert_eq!(attached.ready, 25);
    inbox.have(10).await;
    eventually("15 stay", || async { rig.ready(&main).await == Some(15) }).await;
    assert_eq!(inbox.texts(), numbers(0, 10));
    assert!(inbox.deliveries().iter().all(|delivery| !delivery.redelivered));
    // out of order, some of them twice, and one that was never given
    attached.consumer.ack(&[inbox.tags()[3], inbox.tags()[1], inbox.tags()[3], 4711]);
    inbox.have(12).await;
    attached.consumer.ack(&inbox.tags());
    inbox.have(22).await;
    attached.consumer.ack(&inbox.tags());
    inbox.have(25).await;
    assert_eq!(inbox.texts(), numbers(0, 25));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn order_holds_while_publishing_and_acking_go_on(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::with(kind, MailboxLimits { prefetch: 50, ..limits() }).await, user());
    let (attached, inbox) = rig.attach(&session(&ann, "a")).await;
    let acking = async {
        let mut acked = 0;
        while acked < 2000 {
            inbox.have(acked + 1).await;
            let tags = inbox.tags();
            attached.consumer.ack(&tags[acked..]);
            acked = tags.len();
        }
    };
    let publishing = async {
        for number in 0..2000 {
            rig.publish(&number.to_string(), &[&ann]).await;
        }
    };
    tokio::join!(acking, publishing);
    assert_eq!(inbox.texts(), numbers(0, 2000));
    attached.consumer.release().await.unwrap();
    assert_eq!(rig.ready(&session(&ann, "a")).await, Some(0));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_release_gives_back_in_place_and_the_next_consumer_gets_all_in_order(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    rig.put(&texts(&numbers(0, 25)), &ann).await;
    let (attached, inbox) = rig.attach(&main).await;
    inbox.have(10).await;
    let tags = inbox.tags();
    attached.consumer.ack(&[tags[0], tags[4]]);
    inbox.have(12).await;
    attached.consumer.release().await.unwrap();
    let came = inbox.deliveries().len();
    assert_eq!(rig.ready(&main).await, Some(23));

    let (attached, next) = rig.attach(&main).await;
    assert_eq!(attached.ready, 23);
    let mut acked = 0;
    while acked < 23 {
        next.have(acked + 1).await;
        let tags = next.tags();
        attached.consumer.ack(&tags[acked..]);
        acked = tags.len();
    }
    let left: Vec<String> = numbers(0, 25).into_iter().filter(|text| text != "0" && text != "4").collect();
    assert_eq!(next.texts(), left);
    for delivery in next.deliveries() {
        let number: usize = text(&delivery).parse().unwrap();
        assert_eq!(delivery.redelivered, number < came, "{number} of {came}");
    }
    assert_eq!(inbox.deliveries().len(), came, "nothing came after the release");
    assert!(inbox.ends().is_empty());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_hand_overs_keep_the_order(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    rig.put(&texts(&numbers(0, 15)), &ann).await;
    for _each in 0..100 {
        let (attached, inbox) = rig.attach(&main).await;
        inbox.have(5).await;
        attached.consumer.release().await.unwrap();
        assert!(inbox.texts().iter().eq(&numbers(0, inbox.texts().len())), "{:?}", inbox.texts());
    }
    assert_eq!(rig.drain(&main).await, numbers(0, 15));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_consumer_gives_back(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    rig.put(&["one", "two"], &ann).await;
    let (attached, inbox) = rig.attach(&main).await;
    inbox.have(2).await;
    drop(attached);
    eventually("both are back", || async {
        rig.broker.depth(&main).await.unwrap().is_some_and(|depth| (depth.ready, depth.consumers) == (2, 0))
    })
    .await;
    assert_eq!(rig.drain(&main).await, ["one", "two"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_of_a_missing_session_makes_its_mailbox_and_says_so(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let (attached, inbox) = rig.attach(&session(&ann, "a")).await;
    assert!(!attached.existed);
    assert_eq!(attached.ready, 0);
    rig.put(&["one"], &ann).await;
    assert_eq!(text(&inbox.have(1).await[0]), "one");
    attached.consumer.release().await.unwrap();
    let (attached, _inbox) = rig.attach(&session(&ann, "a")).await;
    assert!(attached.existed);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_mailbox_ends_its_consumer_and_no_other(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann, bob) = (Rig::new(kind).await, user(), user());
    let (gone, gone_inbox) = rig.attach(&session(&ann, "a")).await;
    let (_stays, inbox) = rig.attach(&session(&bob, "b")).await;
    rig.put(&["one"], &ann).await;
    gone_inbox.have(1).await;
    rig.broker.delete(&session(&ann, "a")).await.unwrap();
    assert_eq!(gone_inbox.end().await, Detached::Gone);
    // acks and releases of what is gone do no harm
    gone.consumer.ack(&gone_inbox.tags());
    gone.consumer.release().await.unwrap();
    drop(gone);
    rig.put(&["two"], &bob).await;
    assert_eq!(text(&inbox.have(1).await[0]), "two");
    assert!(inbox.ends().is_empty());
    assert_eq!(gone_inbox.deliveries().len(), 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn many_mailboxes_share_channels_and_come_and_go(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let rig = Rig::new(kind).await;
    let mut attached = Vec::new();
    for _each in 0..250 {
        let user = user();
        let (consumer, inbox) = rig.attach(&session(&user, "a")).await;
        attached.push((user, consumer, inbox));
    }
    for (user, _consumer, _inbox) in &attached {
        rig.publish("hello", &[user]).await;
    }
    for (_user, consumer, inbox) in &attached {
        inbox.have(1).await;
        consumer.consumer.ack(&inbox.tags());
    }
    let releases = attached.iter().map(|(_user, consumer, _inbox)| consumer.consumer.release());
    let released =
        tokio::time::timeout(Duration::from_secs(15), futures::future::join_all(releases)).await.unwrap();
    assert!(released.iter().all(Result::is_ok));
    for (user, _consumer, inbox) in &attached {
        assert_eq!(inbox.texts(), ["hello"]);
        assert_eq!(rig.ready(&session(user, "a")).await, Some(0));
    }
}
