//! Where publications go.

use pollgate_model::{Mailbox, Timestamp};
use rstest::rstest;

use crate::support::{Kind, Rig, eventually, numbers, session, text, user};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_mailbox_gets_the_main_one(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    rig.put(&["one", "two"], &ann).await;
    assert_eq!(rig.drain(&Mailbox::main(ann)).await, ["one", "two"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_session_gets_it_and_no_main_mailbox_is_made(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    assert!(!rig.broker.ensure(&session(&ann, "a")).await.unwrap().existed);
    assert!(!rig.broker.ensure(&session(&ann, "b")).await.unwrap().existed);
    rig.put(&["one"], &ann).await;
    assert_eq!(rig.ready(&session(&ann, "a")).await, Some(1));
    assert_eq!(rig.ready(&session(&ann, "b")).await, Some(1));
    assert_eq!(rig.ready(&Mailbox::main(ann)).await, None);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn no_mailbox_is_made_for_whoever_needs_none(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let publication = rig.publication("one", &[&ann], false);
    let ticket = publication.ticket;
    rig.broker.publish(publication).await.unwrap();
    rig.outcome(ticket).await.unwrap();
    assert_eq!(rig.ready(&Mailbox::main(ann)).await, None);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_reaches_all_its_recipients(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, users) = (Rig::new(kind).await, [user(), user(), user()]);
    rig.broker.ensure(&Mailbox::main(users[1].clone())).await.unwrap();
    let ticket = rig.publish("all", &users.each_ref()).await;
    rig.settled(ticket).await;
    for user in users {
        assert_eq!(rig.drain(&Mailbox::main(user)).await, ["all"]);
    }
    if kind == Kind::Memory {
        rig.outcome(ticket).await.unwrap();
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_comes_at_the_latest_when_all_have_acked(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (rig, ann, bob) = (Rig::new(kind).await, user(), user());
    let ticket = rig.publish("one", &[&ann, &bob]).await;
    for user in [ann, bob] {
        let (attached, inbox) = rig.attach(&Mailbox::main(user)).await;
        attached.consumer.ack(&[inbox.have(1).await[0].tag]);
        attached.consumer.release().await.unwrap();
    }
    rig.outcome(ticket).await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_vanishes_under_a_stream_of_publications_loses_order_of_none(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    let mut tickets = Vec::new();
    for number in 0..1000 {
        if [300, 310, 600].contains(&number) {
            rig.broker.delete(&main).await.unwrap();
        }
        tickets.push(rig.publish(&number.to_string(), &[&ann]).await);
    }
    rig.settled(tickets[999]).await;
    let came: Vec<usize> = rig.drain(&main).await.iter().map(|text| text.parse().unwrap()).collect();
    for ticket in tickets.drain(..999) {
        rig.outcome(ticket).await.unwrap();
    }
    assert!(came.is_sorted(), "{came:?}");
    // what was published after the last deletion is all there
    assert_eq!(came[came.len() - 400..], (600..1000).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_mailbox_heals(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (rig, ann) = (Rig::new(kind).await, user());
    let main = Mailbox::main(ann.clone());
    rig.put(&["lost"], &ann).await;
    rig.broker.delete(&main).await.unwrap();
    rig.put(&["kept"], &ann).await;
    assert_eq!(rig.drain(&main).await, ["kept"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn ephemeral_events_reach_mailboxes_that_are_there_and_make_none(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (rig, ann, bob) = (Rig::new(kind).await, user(), user());
    let (_attached, inbox) = rig.attach(&session(&ann, "a")).await;
    let mut publication = rig.publication("typing", &[&bob, &ann], true);
    publication.expires_at = Some(Timestamp::now().plus(std::time::Duration::from_secs(5)));
    assert!(rig.broker.publish_ephemeral(publication));
    assert_eq!(text(&inbox.have(1).await[0]), "typing");
    assert_eq!(rig.ready(&Mailbox::main(bob)).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_pipelined_publishes_of_which_a_tenth_misses_its_mailbox_all_arrive() {
    let rig = Rig::new(Kind::Rabbit).await;
    let (there, mut missing) = (user(), Vec::new());
    rig.broker.ensure(&Mailbox::main(there.clone())).await.unwrap();
    let mut tickets = Vec::new();
    for number in 0..20_000_usize {
        let to = if number % 10 == 7 {
            // two to each, so that a burst of returns costs one declare
            if number % 20 == 7 {
                missing.push(user());
            }
            missing.last().unwrap()
        } else {
            &there
        };
        let mut publication = rig.publication(&number.to_string(), &[to], true);
        publication.durability = pollgate_broker::Durability::Transient;
        tickets.push(publication.ticket);
        rig.broker.publish(publication).await.unwrap();
    }
    for ticket in tickets {
        rig.outcome(ticket).await.unwrap();
    }
    // more than the mailbox holds went there
    assert_eq!(rig.ready(&Mailbox::main(there)).await, Some(10_000));
    for (number, user) in missing.iter().enumerate() {
        let expected = [(number * 20 + 7).to_string(), (number * 20 + 17).to_string()];
        if number % 50 == 0 {
            assert_eq!(rig.drain(&Mailbox::main(user.clone())).await, expected);
        } else {
            assert_eq!(rig.ready(&Mailbox::main(user.clone())).await, Some(2));
        }
    }
    let stats = rig.rabbit.as_ref().unwrap().stats();
    assert_eq!(stats.redeclared, 1000, "{stats:?}");
    assert!(stats.returned >= 1000, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_to_known_mailboxes_declares_nothing() {
    let (rig, ann) = (Rig::new(Kind::Rabbit).await, user());
    rig.put(&["one"], &ann).await;
    let before = rig.rabbit.as_ref().unwrap().stats();
    let texts = numbers(0, 100);
    rig.put(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &ann).await;
    let after = rig.rabbit.as_ref().unwrap().stats();
    assert_eq!((after.declares, after.returned), (before.declares, before.returned));
    assert_eq!(after.published, before.published + 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_in_process_broker_takes_no_more_until_something_is_acked() {
    let bounds = pollgate_broker::memory::MemorySettings { most_bytes: 10, most_publications: 3 };
    let (rig, ann) = (Rig::memory(crate::support::limits(), bounds), user());
    rig.put(&["12345", "12345"], &ann).await;
    let refused = rig.broker.publish(rig.publication("1", &[&ann], true)).await;
    assert!(matches!(refused, Err(pollgate_broker::BrokerError::Full(_))), "{refused:?}");
    assert_eq!(rig.drain(&Mailbox::main(ann.clone())).await.len(), 2);
    rig.put(&["", "", ""], &ann).await;
    let refused = rig.broker.publish(rig.publication("", &[&ann], true)).await;
    assert!(matches!(refused, Err(pollgate_broker::BrokerError::Full(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_in_process_broker_still_holds_when_it_closes_has_an_unknown_outcome() {
    let (rig, ann) = (Rig::new(Kind::Memory).await, user());
    let ticket = rig.publish("one", &[&ann]).await;
    rig.broker.close(std::time::Duration::ZERO).await;
    assert!(rig.outcome(ticket).await.is_err());
    eventually("it takes nothing more", || async {
        rig.broker.publish(rig.publication("two", &[], true)).await.is_err()
    })
    .await;
}
