//! Server-Sent Events, as docs/streams.md has them.

use pollgate_client::{End, Error, Item, Transport};
use pollgate_testkit::eventually_async;

use crate::scripted::Reply::{Json, OpenStream, Silence, Stream};
use crate::scripted::{Reply, Scripted};
use crate::world::{LIMIT, next};

const ONE: &str =
    "retry: 812\n\nid: c1\nevent: note\ndata: {\"id\":\"1\",\"type\":\"note\",\"at\":\"\",\"data\":1}\n\n";
const TWO: &str =
    "retry: 812\n\nid: c2\nevent: note\ndata: {\"id\":\"2\",\"type\":\"note\",\"at\":\"\",\"data\":2}\n\n";
const BOTH: &str = "retry: 812\n\nid: c1\nevent: note\ndata: {\"id\":\"1\",\"type\":\"note\",\"at\":\"\",\"data\":1}\n\n: heartbeat\n\nid: c2\nevent: note\ndata: {\"id\":\"2\",\"type\":\"note\",\"at\":\"\",\"data\":2}\n\n";
const CONFIRM: &str = "event: end\nretry: 0\ndata: {\"end\":\"confirm\",\"pause_ms\":0}\n\n";
const POLLED: &str = r#"{"events":[{"id":"2","type":"note","at":"","data":2}],"cursor":"p","resync":false,"more":false,"pause_ms":0}"#;

/// What comes until there are so many items, and what was asked for.
async fn come(script: Vec<Reply>, count: usize) -> (Vec<String>, Vec<String>) {
    let server = Scripted::start(script);
    let mut events = server.client().events("s").transport(Transport::Sse);
    let mut came = Vec::new();
    while came.len() < count {
        came.push(match next(&mut events).await {
            Item::Event(event) => event.id,
            other => format!("{other:?}"),
        });
    }
    (came, server.asked())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_read_as_it_comes() {
    let (came, asked) = come(vec![OpenStream(BOTH)], 2).await;
    assert_eq!(came, ["1", "2"]);
    assert_eq!(asked, ["/v1/stream?cursor=&session=s"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_goes_on_with_the_last_cursor_that_was_taken() {
    let (came, asked) = come(vec![Stream(BOTH), OpenStream(TWO), OpenStream(TWO)], 2).await;
    assert_eq!(came, ["1", "2"]);
    assert_eq!(asked.len(), 1);
    // a cut in mid-frame: what came of it is nothing
    let (came, asked) = come(vec![Stream(&BOTH[..BOTH.len() - 1]), OpenStream(BOTH)], 2).await;
    assert_eq!(came, ["1", "2"]);
    assert_eq!(asked, ["/v1/stream?cursor=&session=s", "/v1/stream?cursor=c1&session=s"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_asks_for_a_confirmation_gets_it_at_once() {
    let first: &'static str = format!("{ONE}{CONFIRM}").leak();
    let (came, asked) = come(vec![OpenStream(first), OpenStream(TWO)], 2).await;
    assert_eq!(came, ["1", "2"]);
    assert_eq!(asked[1], "/v1/stream?cursor=c1&session=s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_has_a_cursor_of_its_own() {
    let resync = "id: r\nevent: resync\ndata: {\"resync\":true}\n\n";
    let first: &'static str = format!("{resync}{CONFIRM}").leak();
    let (came, asked) = come(vec![OpenStream(first), OpenStream(TWO)], 2).await;
    assert_eq!(came, ["Resync", "2"]);
    assert_eq!(asked[1], "/v1/stream?cursor=r&session=s");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_streams_do_not_come_through_it_polls() {
    let none = Json(404, r#"{"code":"not-found","detail":"no such resource"}"#);
    // none at all; a proxy that keeps everything back; one that keeps the body back
    for first in [none, Silence, OpenStream("")] {
        let (came, asked) = come(vec![first, Json(200, POLLED)], 1).await;
        assert_eq!(came, ["2"]);
        assert_eq!(asked, ["/v1/stream?cursor=&session=s", "/v1/poll?cursor=&session=s&limit=100"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_to_polls_takes_the_cursor_along() {
    let none = Json(404, r#"{"code":"not-found"}"#);
    let (came, asked) = come(vec![Stream(ONE), none, Json(200, POLLED)], 2).await;
    assert_eq!(came, ["1", "2"]);
    assert_eq!(asked[2], "/v1/poll?cursor=c1&session=s&limit=100");
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_that_are_for_good_end_the_loop() {
    for (end, why) in [("superseded", End::Superseded), ("token-expired", End::SignedOut)] {
        let stream: &'static str =
            format!("event: end\ndata: {{\"end\":\"{end}\",\"pause_ms\":0}}\n\n").leak();
        let server = Scripted::start(vec![OpenStream(stream)]);
        let mut events = server.client().events("s").transport(Transport::Sse);
        let error = futures::TryStreamExt::try_next(&mut events).await.unwrap_err();
        assert!(matches!(&error, Error::Ended { why: found, .. } if *found == why), "{error}");
        assert_eq!(error.code(), Some(end));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_is_closed_confirms_by_a_poll_that_waits_for_nothing() {
    let server = Scripted::start(vec![OpenStream(BOTH), Json(200, POLLED)]);
    let mut events = server.client().events("s").transport(Transport::Sse);
    assert!(matches!(next(&mut events).await, Item::Event(_)));
    events.close().await.unwrap();
    eventually_async("it is asked", LIMIT, async || server.asked().len() == 2).await;
    // of the two that came, one was taken
    assert_eq!(server.asked()[1], "/v1/poll?cursor=c1&session=s&wait=0&limit=1");
}
