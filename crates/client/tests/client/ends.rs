//! What ends a loop for good.

use futures::{StreamExt as _, TryStreamExt as _};
use pollgate_client::{End, Error, Events, NewMessage, Transport};
use pollgate_testkit::{Gateway, eventually};
use rstest::rstest;
use tokio::time::timeout;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{LIMIT, next_body, world};

/// The loop's last item is this error.
async fn ends(mut events: Events) -> Error {
    let error = timeout(LIMIT, async {
        loop {
            if let Err(error) = events.try_next().await {
                return error;
            }
        }
    });
    let error = error.await.expect("it goes on");
    assert!(events.next().await.is_none(), "something came after the end");
    error
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_second_loop_supersedes_the_first(#[values(Embedded, Production)] pair: Pair) {
    let world = world(pair);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let first = tokio::spawn(ends(bob.events("phone")));
    let mut second = bob.events("phone");
    // the first one has begun when its session's mailbox is read
    let rows = |gateway: &Gateway| {
        let depths = gateway.user("x").operator().get("/v1/mailboxes?user=bob");
        depths.json["mailboxes"].as_array().unwrap().clone()
    };
    eventually("the first loop polls", LIMIT, || {
        world.gateways.iter().flat_map(rows).any(|row| row["session"] == "phone")
    });
    let (sent, body) = tokio::join!(ann.send(NewMessage::to("bob", "hi")), next_body(&mut second));
    sent.unwrap();
    assert_eq!(body, "hi");
    let error = timeout(LIMIT, first).await.unwrap().unwrap();
    assert!(matches!(&error, Error::Ended { why: End::Superseded, .. }), "{error}");
    assert_eq!((error.status(), error.code()), (Some(409), Some("superseded")));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_credential_signs_out(#[values(Transport::Poll, Transport::Sse)] transport: Transport) {
    let world = world(Embedded);
    let expired = world.gateways[0].token_with("bob", "user", -60);
    for (token, code) in [("nonsense", "unauthenticated"), (expired.as_str(), "token-expired")] {
        let client = world.builder().token(token).build().unwrap();
        let error = ends(client.events("").transport(transport)).await;
        assert!(matches!(&error, Error::Ended { why: End::SignedOut, .. }), "{error}");
        assert_eq!(error.code(), Some(code));
        let error = client.rooms(&Default::default()).await.unwrap_err();
        assert_eq!((error.status(), error.code()), (Some(401), Some(code)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forbidden_is_refused() {
    let world = world(Embedded);
    let error = ends(world.client_with("shop", "publish").events("")).await;
    assert!(matches!(&error, Error::Ended { why: End::Refused, .. }), "{error}");
    assert_eq!(error.code(), Some("forbidden"));
    let long = "x".repeat(200);
    let error = ends(world.client("bob").events(long)).await;
    assert!(matches!(&error, Error::Ended { why: End::Refused, .. }), "{error}");
    assert_eq!(error.code(), Some("invalid-request"));
}
