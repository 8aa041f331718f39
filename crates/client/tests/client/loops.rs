//! What a loop brings, and when it is confirmed.

use std::time::Duration;

use futures::{FutureExt as _, TryStreamExt as _};
use pollgate_client::{Item, NewEvent, NewMessage, Range, Transport};
use rstest::rstest;
use tokio::time::timeout;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{LIMIT, Notes, next, next_body, send_all, texts, world, world_with};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn events_come_once_and_in_order(
    #[values(Embedded, Production)] pair: Pair,
    #[values(Transport::Poll, Transport::Sse)] transport: Transport,
) {
    let world = world(pair);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let mut events = bob.events("phone").transport(transport);
    let texts = texts(30);
    for pair in texts.chunks(2) {
        // two at once: an answer with more than one event is taken apart
        send_all(&ann, pair).await;
        assert_eq!([next_body(&mut events).await, next_body(&mut events).await], *pair);
    }
    events.close().await.unwrap();
}

/// Each request takes a connection of its own here.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_one_request_for_all_events() {
    let world = world(Embedded);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let mut events = bob.events("phone").transport(Transport::Sse);
    for text in texts(10) {
        ann.send(NewMessage::to("bob", &text)).await.unwrap();
        assert_eq!(next_body(&mut events).await, text);
    }
    assert_eq!(world.way.connections(), 10 + 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_next_that_is_dropped_loses_nothing(
    #[values(Transport::Poll, Transport::Sse)] transport: Transport,
) {
    let world = world(Embedded);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let mut events = bob.events("phone").transport(transport);
    let mut notes = Notes::default();
    for text in texts(20) {
        // in mid-poll, before anything was sent and while it comes
        for patience in [0, 5] {
            if let Ok(item) = timeout(Duration::from_millis(patience), events.try_next()).await {
                notes.take_item(item.unwrap().unwrap());
            }
        }
        ann.send(NewMessage::to("bob", &text)).await.unwrap();
        if let Some(item) = events.try_next().now_or_never() {
            notes.take_item(item.unwrap().unwrap());
        }
        while !notes.bodies.contains(&text) {
            notes.take_item(next(&mut events).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_comes_again_and_what_was_confirmed_does_not() {
    let world = world(Embedded);
    let (shop, bob) = (world.client_with("shop", "publish"), world.client("bob"));
    let note = |number: u32| NewEvent::to(["bob"], "note").data(number);
    let data = |item: Item| match item {
        Item::Event(event) => event.data::<u32>().unwrap(),
        other => panic!("{other:?}"),
    };
    // a mailbox is there from the first poll on: the first event of this loop is the first of all
    shop.publish(&note(0)).await.unwrap();
    let mut events = bob.events("");
    assert_eq!(data(next(&mut events).await), 0);
    drop(events); // taken, but never said so

    let mut events = bob.events("");
    assert_eq!(data(next(&mut events).await), 0, "what was not confirmed comes again");
    shop.publish(&note(1)).await.unwrap();
    assert_eq!(data(next(&mut events).await), 1);
    events.close().await.unwrap();

    shop.publish(&note(2)).await.unwrap();
    let mut events = bob.events("");
    assert_eq!(data(next(&mut events).await), 2, "what was confirmed comes no more");

    // three in one answer: taken halfway, all of it comes again
    events.close().await.unwrap();
    shop.publish_batch(&[note(3), note(4), note(5)]).await.unwrap();
    let held = timeout(LIMIT, bob.batches("").try_next()).await.unwrap().unwrap().unwrap();
    let mut events = bob.events("");
    let came = data(next(&mut events).await);
    assert_eq!(came, held.events[0].data::<u32>().unwrap());
    events.close().await.unwrap();
    let mut events = bob.events("");
    for number in 3..6 {
        assert_eq!(data(next(&mut events).await), number);
    }
}

/// The caller keeps the cursor with what became of the events, and dies at any point.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_is_kept_survives_the_caller(
    #[values(Embedded, Production)] pair: Pair,
    #[values(Transport::Poll, Transport::Sse)] transport: Transport,
) {
    let world = world(pair);
    let shop = world.client_with("shop", "publish");
    let bob = world.client("bob");
    let (mut kept, mut cursor) = (Vec::new(), String::new());
    for round in 0..12_u32 {
        shop.publish(&NewEvent::to(["bob"], "note").data(round)).await.unwrap();
        // a new life: what it knows is what was kept
        let mut batches = bob.batches("").transport(transport).starting_at(&cursor);
        let batch = timeout(LIMIT, batches.try_next()).await.unwrap().unwrap().unwrap();
        if round % 3 == 1 {
            continue; // dies before it is kept
        }
        kept.extend(batch.events.iter().map(|event| event.data::<u32>().unwrap()));
        cursor = batch.cursor; // in one transaction; then it dies, before or after the gateway hears of it
        if round % 3 == 2 {
            batches.close().await.unwrap();
        }
    }
    // what the deaths have left; polls, as one of them brings all
    while kept.len() < 12 {
        let mut batches = bob.batches("").starting_at(&cursor);
        let batch = timeout(LIMIT, batches.try_next()).await.unwrap().unwrap().unwrap();
        kept.extend(batch.events.iter().map(|event| event.data::<u32>().unwrap()));
        cursor = batch.cursor;
    }
    kept.sort_unstable();
    assert_eq!(kept, (0..12).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_overflowed_says_resync(
    #[values(Transport::Poll, Transport::Sse)] transport: Transport,
) {
    let world = world_with(Embedded, |builder| {
        builder.env("POLLGATE_MAILBOX__MAX_LENGTH", "5").env("POLLGATE_MAILBOX__PREFETCH", "5")
    });
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let mut events = bob.events("phone").transport(transport);
    send_all(&ann, &texts(1)).await;
    assert_eq!(next_body(&mut events).await, "message 0");
    events.close().await.unwrap();
    send_all(&ann, &texts(30)).await;
    let mut events = bob.events("phone").transport(transport);
    let mut came = 0;
    while let Item::Event(_) = next(&mut events).await {
        came += 1;
    }
    assert!(came < 30, "{came} came of a mailbox for five");
    let rooms = bob.rooms(&Default::default()).await.unwrap().rooms;
    let pages: Vec<_> = bob.history_pages(&rooms[0].id, Range::After(0), 7).try_collect().await.unwrap();
    let all = pages.iter().flat_map(|page| &page.messages).map(|message| message.seq);
    assert_eq!(all.collect::<Vec<_>>(), (1..=31).collect::<Vec<_>>());
    // and goes on
    ann.send(NewMessage::to("bob", "at last")).await.unwrap();
    while next_body(&mut events).await != "at last" {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_is_none_begins_anew_with_a_resync() {
    let world = world(Embedded);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    ann.send(NewMessage::to("bob", "hi")).await.unwrap();
    let mut batches = bob.batches("").starting_at("nonsense");
    let batch = timeout(LIMIT, batches.try_next()).await.unwrap().unwrap().unwrap();
    assert!(batch.resync && batch.events.is_empty());
    let batch = timeout(LIMIT, batches.try_next()).await.unwrap().unwrap().unwrap();
    assert!(!batch.events.is_empty());
}
