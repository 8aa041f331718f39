//! Requests between gateways.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use pollgate_broker::{Asked, Broker, Reply, Responder};
use pollgate_testkit::{Vhost, rabbitmq_url};
use rstest::rstest;

use crate::support::{Kind, PATIENCE, Rig, eventually, limits, settings};

/// Answers with its name and the request; keeps quiet about `hush`.
struct Echo {
    name: &'static str,
    unanswered: Mutex<Vec<Reply>>,
}

impl Echo {
    fn named(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, unanswered: Mutex::default() })
    }
}

impl Responder for Echo {
    fn asked(&self, request: Bytes, reply: Reply) {
        if request == "hush" {
            return self.unanswered.lock().unwrap().push(reply);
        }
        let text = format!("{}: {}", self.name, String::from_utf8_lossy(&request));
        reply.answer(Bytes::from(text));
    }
}

/// Gateways 1 and 2 at one broker; the in-process one is the same for both.
async fn two(kind: Kind) -> (Rig, Rig, Arc<dyn Broker>) {
    let (one, other, broker) = match kind {
        Kind::Memory => {
            let one = Rig::new(kind).await;
            let broker = Arc::clone(&one.broker);
            (one, Rig::new(kind).await, broker)
        }
        Kind::Rabbit => {
            let settings = settings(&rabbitmq_url());
            let one = Rig::rabbit(limits(), settings.clone()).await;
            let other = Rig::rabbit(limits(), settings).await;
            let broker = Arc::clone(&other.broker);
            (one, other, broker)
        }
    };
    one.broker.respond(1, Echo::named("one"));
    broker.respond(2, Echo::named("two"));
    eventually("both can be asked", || async {
        let there = |asked| matches!(asked, Asked::Answered(_));
        there(one.broker.ask(2, "?".into(), PATIENCE).await)
            && there(broker.ask(1, "?".into(), PATIENCE).await)
    })
    .await;
    (one, other, broker)
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_answers_another_and_all_answer_at_once(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (one, _other, _broker) = two(kind).await;
    let asked = one.broker.ask(2, "who?".into(), PATIENCE).await;
    assert_eq!(asked, Asked::Answered("two: who?".into()));
    let mut answers = one.broker.ask_all("who?".into(), 2, PATIENCE).await;
    answers.sort();
    assert_eq!(answers, ["one: who?", "two: who?"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_find_their_answers(#[values(Kind::Memory, Kind::Rabbit)] kind: Kind) {
    let (one, _other, broker) = two(kind).await;
    let asking = (0..300).map(|number| {
        let (broker, to) = if number % 2 == 0 { (&one.broker, 2) } else { (&broker, 1) };
        async move {
            // every tenth asks somebody who is not there
            let to = if number % 10 == 0 { 4711 } else { to };
            (number, to, broker.ask(to, number.to_string().into(), PATIENCE).await)
        }
    });
    for (number, to, asked) in futures::future::join_all(asking).await {
        let expected = match to {
            1 => Asked::Answered(format!("one: {number}").into()),
            2 => Asked::Answered(format!("two: {number}").into()),
            _ => Asked::Nobody,
        };
        assert_eq!(asked, expected);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_there_is_known_at_once_and_who_keeps_quiet_after_the_limit(
    #[values(Kind::Memory, Kind::Rabbit)] kind: Kind,
) {
    let (one, _other, _broker) = two(kind).await;
    assert_eq!(one.broker.ask(3, "?".into(), Duration::from_secs(3600)).await, Asked::Nobody);
    assert_eq!(one.broker.ask(2, "hush".into(), Duration::from_millis(50)).await, Asked::Silent);
    assert!(one.broker.ask_all("hush".into(), 2, Duration::from_millis(50)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_has_closed_is_nobody() {
    let (one, other, _broker) = two(Kind::Rabbit).await;
    other.broker.close(PATIENCE).await;
    assert_eq!(one.broker.ask(2, "?".into(), PATIENCE).await, Asked::Nobody);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_connections_were_closed_by_force_a_gateway_can_be_asked_again() {
    let vhost = Vhost::create();
    let settings = settings(&vhost.url());
    let one = Rig::rabbit(limits(), settings.clone()).await;
    let other = Rig::rabbit(limits(), settings).await;
    one.broker.respond(1, Echo::named("one"));
    other.broker.respond(2, Echo::named("two"));
    for _each in 0..3 {
        eventually("it answers", || async {
            one.broker.ask(2, "?".into(), Duration::from_millis(250)).await
                == Asked::Answered("two: ?".into())
        })
        .await;
        vhost.close_connections();
    }
}
