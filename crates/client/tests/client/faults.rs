//! Gateways that end, stand still or take turns, while messages are sent and read.

use std::time::Duration;

use pollgate_client::{NewMessage, Transport};
use rand::Rng as _;
use rstest::rstest;
use tokio::time::{Instant, sleep, timeout};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{LIMIT, Notes, World, next_body, send_all, texts, world};

/// Ann sends so many, bob reads, and meanwhile something happens. Nothing is missing, nothing comes twice.
async fn under_load(
    world: &mut World,
    transport: Transport,
    count: usize,
    fault: impl AsyncFnOnce(&mut World),
) -> Notes {
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let all = texts(count);
    let sent = all.clone();
    let sending = tokio::spawn(async move { send_all(&ann, &sent).await });
    let reading = tokio::spawn(async move {
        let mut events = bob.events("phone").transport(transport);
        let mut notes = Notes::default();
        notes.until_all(&mut events, &bob, &all).await;
        notes
    });
    fault(world).await;
    sending.await.unwrap();
    timeout(LIMIT, reading).await.expect("something is missing").unwrap()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn gateways_that_are_killed_and_started_again_lose_nothing(
    #[values(Embedded, Production)] pair: Pair,
    #[values(Transport::Poll, Transport::Sse)] transport: Transport,
) {
    let mut world = world(pair);
    let notes = under_load(&mut world, transport, 300, async |world| {
        for number in 0..world.gateways.len() {
            world.restart(number);
        }
        world.restart(0);
    });
    // the in-process broker's mailboxes end with their process, and the gateway says so
    let notes = notes.await;
    if matches!(pair, Production) {
        assert_eq!(notes.resyncs, 0, "a resync that was not needed");
    }
}

/// Each request goes to the other of the two.
#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_in_turn_lose_nothing() {
    let mut world = world(Production);
    let notes = under_load(&mut world, Transport::Poll, 200, async |_world| {}).await;
    assert_eq!(notes.resyncs, 0);
}

/// The reader stops for moments of any length: in mid-poll, between two events, and by dropping a `next()`.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn random_pauses_under_load_lose_nothing(
    #[values(Embedded, Production)] pair: Pair,
    #[values(Transport::Poll, Transport::Sse)] transport: Transport,
) {
    let world = world(pair);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let all = texts(100);
    let sent = all.clone();
    let sending = tokio::spawn(async move { send_all(&ann, &sent).await });
    let mut notes = Notes::default();
    let mut events = bob.events("phone").transport(transport).limit(7);
    let mut last = Instant::now();
    while !all.iter().all(|text| notes.bodies.contains(text)) {
        assert!(last.elapsed() < LIMIT, "{} of {} came, and no more", notes.bodies.len(), all.len());
        let patience = Duration::from_millis(rand::rng().random_range(0..40));
        match timeout(patience, futures::TryStreamExt::try_next(&mut events)).await {
            Ok(item) => {
                notes.take_item(item.unwrap().unwrap());
                last = Instant::now();
            }
            // the fault itself
            Err(_dropped) => sleep(Duration::from_millis(rand::rng().random_range(0..40))).await,
        }
    }
    sending.await.unwrap();
}

/// A network that is cut and comes back, and a gateway that stands still.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_loses_nothing_and_sends_nothing_twice() {
    let mut world = world(Embedded);
    let notes = under_load(&mut world, Transport::Poll, 150, async |world| {
        for _ in 0..3 {
            sleep(Duration::from_millis(100)).await; // the faults themselves
            world.way.cut();
            sleep(Duration::from_millis(200)).await;
            world.way.heal();
            world.gateways[0].pause();
            sleep(Duration::from_millis(200)).await;
            world.gateways[0].resume();
        }
    });
    assert_eq!(notes.await.resyncs, 0);
    let room = world.client("bob").rooms(&Default::default()).await.unwrap().rooms.remove(0);
    assert_eq!(room.last_seq, 150, "something was sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_in_order_is_left_and_found_again() {
    let mut world = world(Production);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let mut events = bob.events("phone");
    for number in [0, 1] {
        let stopping = tokio::task::block_in_place(|| world.gateways[number].terminate());
        assert!(stopping.success());
        let text = format!("message {number}");
        let (sent, body) = tokio::join!(ann.send(NewMessage::to("bob", &text)), next_body(&mut events));
        sent.unwrap();
        assert_eq!(body, text);
        world.gateways[number].start_again();
    }
}
