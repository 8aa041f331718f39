//! Tokens that run out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use pollgate_client::{Client, NewMessage, Transport};
use pollgate_testkit::token;
use rstest::rstest;

use crate::world::Pair::Embedded;
use crate::world::{World, next_body, world};

const SECRET: &str = "a secret of the tests, long enough";

/// A client whose hook signs for `ttl_s`, and how often it was asked: at first, and because the last one had expired.
fn client(world: &World, user: &'static str, ttl_s: i64) -> (Client, Arc<[AtomicU32; 2]>) {
    let asked: Arc<[AtomicU32; 2]> = Arc::default();
    let count = Arc::clone(&asked);
    let builder = world.builder().token_with(move |expired| {
        let number = count[usize::from(expired)].fetch_add(1, Ordering::SeqCst);
        // the first one has run out before it is used; a moment passes, as with any real issuer
        let ttl_s = if expired || number > 0 { ttl_s } else { -1 };
        async move {
            tokio::task::yield_now().await;
            Ok::<_, std::convert::Infallible>(token::sign(SECRET, user, "user", ttl_s))
        }
    });
    (builder.build().unwrap(), asked)
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_loop_outlives_its_tokens(#[values(Transport::Poll, Transport::Sse)] transport: Transport) {
    let world = world(Embedded);
    let (bob, asked) = client(&world, "bob", 2);
    let ann = world.client("ann");
    let mut events = bob.events("phone").transport(transport);
    let mut number = 0;
    while asked[1].load(Ordering::SeqCst) < 3 {
        number += 1;
        let text = format!("message {number}");
        let (sent, body) = tokio::join!(ann.send(NewMessage::to("bob", &text)), next_body(&mut events));
        sent.unwrap();
        assert_eq!(body, text);
    }
    assert_eq!(asked[0].load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_share_one_refresh() {
    let world = world(Embedded);
    let (ann, asked) = client(&world, "ann", 3600);
    let rooms = join_all((0..16).map(|_| async { ann.rooms(&Default::default()).await })).await;
    assert!(rooms.iter().all(Result::is_ok), "{rooms:?}");
    assert_eq!([&asked[0], &asked[1]].map(|count| count.load(Ordering::SeqCst)), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_without_a_token_fails_calls_and_is_asked_again_by_loops() {
    let world = world(Embedded);
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let good = world.gateways[0].token("bob");
    let builder = world.builder().token_with(move |_expired| {
        let fails = count.fetch_add(1, Ordering::SeqCst) < 2;
        std::future::ready(if fails { Err("the issuer is away") } else { Ok(good.clone()) })
    });
    let bob = builder.build().unwrap();
    let error = bob.desks().await.unwrap_err();
    assert_eq!(error.to_string(), "no token to call with: the issuer is away");
    world.client("ann").send(NewMessage::to("bob", "hi")).await.unwrap();
    assert_eq!(next_body(&mut bob.events("")).await, "hi");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}
