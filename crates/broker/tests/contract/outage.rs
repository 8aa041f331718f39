//! Connections that break, brokers that restart, alarms.

use std::time::Duration;

use pollgate_broker::rabbit::RabbitSettings;
use pollgate_broker::{Detached, Durability};
use pollgate_model::Mailbox;
use pollgate_testkit::RabbitNode;

use crate::support::{PATIENCE, Rig, eventually, limits, session, settings, text, user};

fn quick(url: &str) -> RabbitSettings {
    RabbitSettings {
        timeout: Duration::from_secs(2),
        reconnect_max: Duration::from_millis(500),
        ..settings(url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_connections_are_told_and_made_again() {
    let node = tokio::task::spawn_blocking(RabbitNode::start).await.unwrap();
    let rig = Rig::rabbit(limits(), quick(&node.url())).await;
    rig.up().await;
    let (ann, bob) = (user(), user());
    let (attached, inbox) = rig.attach(&session(&ann, "a")).await;
    let (_other, other_inbox) = rig.attach(&session(&bob, "b")).await;
    rig.put(&["one"], &ann).await;
    inbox.have(1).await;
    let before = rig.broker.state().borrow().clone();
    assert!(before.up && before.incarnation != 0);

    let mut state = rig.broker.state();
    // right after an operation of the broker's own the node may not list the connections yet
    eventually("the consumers are told", || async {
        node.ctl(&["close_all_connections", "test"]);
        !inbox.ends().is_empty() && !other_inbox.ends().is_empty()
    })
    .await;
    assert_eq!(inbox.end().await, Detached::Lost);
    assert_eq!(other_inbox.end().await, Detached::Lost);
    attached.consumer.ack(&inbox.tags());
    drop(attached);
    tokio::time::timeout(PATIENCE, state.wait_for(|state| state.up)).await.unwrap().unwrap();
    // the last of the connections may hear of its end later than the others
    eventually("mailboxes are looked at again", || async {
        rig.broker.depth(&session(&ann, "a")).await.is_ok()
    })
    .await;
    eventually("publishing works again", || async {
        let publication = rig.publication("two", &[&ann], true);
        let ticket = publication.ticket;
        rig.broker.publish(publication).await.is_ok() && rig.outcome(ticket).await.is_ok()
    })
    .await;
    let (_attached, inbox) = rig.attach(&session(&ann, "a")).await;
    let came = inbox.have(2).await;
    assert_eq!((text(&came[0]).as_str(), came[0].redelivered), ("one", true));
    assert_eq!(text(&came[1]), "two");
    assert_eq!(rig.broker.state().borrow().incarnation, before.incarnation);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_what_is_persistent_and_tells_that_the_rest_is_gone() {
    let mut node = tokio::task::spawn_blocking(RabbitNode::start).await.unwrap();
    let rig = Rig::rabbit(limits(), quick(&node.url())).await;
    rig.up().await;
    let (ann, bob) = (user(), user());
    rig.put(&["kept"], &ann).await;
    let mut publication = rig.publication("gone", &[&bob], true);
    publication.durability = Durability::Transient;
    let ticket = publication.ticket;
    rig.broker.publish(publication).await.unwrap();
    rig.outcome(ticket).await.unwrap();
    let before = rig.broker.state().borrow().incarnation;
    let (_attached, inbox) = rig.attach(&session(&bob, "b")).await;

    let mut state = rig.broker.state();
    let stopping = tokio::task::spawn_blocking(move || {
        node.stop();
        node
    });
    tokio::time::timeout(PATIENCE, state.wait_for(|state| !state.up)).await.unwrap().unwrap();
    assert_eq!(inbox.end().await, Detached::Lost);
    assert!(rig.broker.publish(rig.publication("refused", &[&ann], true)).await.is_err());
    assert!(rig.broker.depth(&Mailbox::main(ann.clone())).await.is_err());
    let mut node = stopping.await.unwrap();
    let node = tokio::task::spawn_blocking(move || {
        node.restart();
        node
    })
    .await
    .unwrap();
    rig.up().await;
    assert_ne!(rig.broker.state().borrow().incarnation, before);
    assert_eq!(rig.drain(&Mailbox::main(ann.clone())).await, ["kept"]);
    assert!(rig.drain(&Mailbox::main(bob)).await.is_empty());
    rig.put(&["again"], &ann).await;
    assert_eq!(rig.drain(&Mailbox::main(ann)).await, ["again"]);
    rig.broker.close(Duration::from_secs(1)).await;
    drop(node);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_memory_alarm_consuming_goes_on_and_publishing_recovers_after_it() {
    let node = tokio::task::spawn_blocking(RabbitNode::start).await.unwrap();
    let rig = Rig::rabbit(limits(), quick(&node.url())).await;
    rig.up().await;
    let (ann, bob) = (user(), user());
    let (attached, inbox) = rig.attach(&session(&ann, "a")).await;
    rig.put(&["one", "two"], &ann).await;
    inbox.have(2).await;
    node.ctl(&["set_vm_memory_high_watermark", "0.00001"]);

    let mut state = rig.broker.state();
    // the broker blocks whoever publishes during the alarm
    eventually("publishing fails in bounded time", || async {
        let publication = rig.publication("during", &[&bob], true);
        let ticket = publication.ticket;
        match tokio::time::timeout(PATIENCE, rig.broker.publish(publication)).await.unwrap() {
            Ok(()) => rig.outcome(ticket).await.is_err(),
            Err(_refused) => true,
        }
    })
    .await;
    tokio::time::timeout(PATIENCE, state.wait_for(|state| state.blocked)).await.unwrap().unwrap();
    attached.consumer.ack(&inbox.tags()[..1]);
    attached.consumer.release().await.unwrap();
    assert_eq!(rig.ready(&session(&ann, "a")).await, Some(1));
    let (attached, inbox) = rig.attach(&session(&ann, "a")).await;
    assert_eq!(text(&inbox.have(1).await[0]), "two");
    attached.consumer.ack(&inbox.tags());
    attached.consumer.release().await.unwrap();
    assert!(!rig.broker.ensure(&session(&ann, "made during the alarm")).await.unwrap().existed);

    node.ctl(&["set_vm_memory_high_watermark", "0.9"]);
    eventually("publishing works again", || async {
        let publication = rig.publication("after", &[&ann], true);
        let ticket = publication.ticket;
        rig.broker.publish(publication).await.is_ok() && rig.outcome(ticket).await.is_ok()
    })
    .await;
    assert!(!rig.broker.state().borrow().blocked);
    rig.broker.close(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_at_the_start_is_found_later() {
    let mut node = tokio::task::spawn_blocking(RabbitNode::start).await.unwrap();
    let url = node.url();
    node.stop();
    let rig = Rig::rabbit(limits(), quick(&url)).await;
    assert!(!rig.broker.state().borrow().up);
    let ann = user();
    assert!(rig.broker.publish(rig.publication("early", &[&ann], true)).await.is_err());
    assert!(rig.broker.ensure(&Mailbox::main(ann.clone())).await.is_err());
    let node = tokio::task::spawn_blocking(move || {
        node.restart();
        node
    })
    .await
    .unwrap();
    rig.up().await;
    rig.put(&["one"], &ann).await;
    assert_eq!(rig.drain(&Mailbox::main(ann)).await, ["one"]);
    rig.broker.close(Duration::from_secs(1)).await;
    drop(node);
}

#[tokio::test(flavor = "multi_thread")]
async fn mailboxes_with_events_in_them_keep_the_broker_within_its_limit_of_open_files() {
    let node = tokio::task::spawn_blocking(RabbitNode::start).await.unwrap();
    let rig = Rig::rabbit(limits(), quick(&node.url())).await;
    rig.up().await;
    // what the broker may hold open for queues; without a bound of its own it would stand still at the system's
    node.ctl(&["eval", "file_handle_cache:set_limit(100)."]);
    let open_files = || {
        let count = node.ctl(&["eval", "{ok, Open} = file:list_dir(\"/proc/self/fd\"), length(Open)."]);
        count.trim().parse::<usize>().unwrap()
    };
    let before = open_files();
    let mut tickets = Vec::new();
    for _each in 0..300 {
        tickets.push(rig.publish("kept", &[&user()]).await);
    }
    for ticket in tickets {
        rig.outcome(ticket).await.unwrap();
    }
    let after = open_files();
    assert!(after < before + 150, "{before} before, {after} after");
    rig.broker.close(Duration::from_secs(1)).await;
}
