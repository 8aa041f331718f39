//! Several gateways at one broker: a mailbox moves to whoever is polled for it.
//!
//! The linger time is an hour here: what comes in a test's time comes because a gateway let go.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pollgate_broker::{Broker as _, Reply, Responder};
use pollgate_core::{CoreError, PollCursor, Polled, ResyncReason};

use crate::world::{LONG, NOW, Run, World, bodies, main_of, request, session_of};

async fn two() -> (World, Run, Run) {
    let mut world = World::new();
    world.settings.linger = Duration::from_secs(3600);
    let one = world.start().await;
    let other = world.start_beside(&one).await;
    (world, one, other)
}

async fn send(run: &Run, from: usize, to: usize) {
    for n in from..to {
        run.send("ann", "bob", &n.to_string()).await;
    }
}

fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| n.to_string()).collect()
}

fn at(polled: &Polled) -> PollCursor {
    PollCursor::At(polled.cursor)
}

#[tokio::test]
async fn a_loop_that_alternates_between_gateways_gets_everything_once_and_in_order() {
    for mailbox in [main_of("bob"), session_of("bob", "phone")] {
        let (_world, one, other) = two().await;
        let mut texts = Vec::new();
        let mut cursor = PollCursor::Start;
        for round in 0..30 {
            send(&one, round, round + 1).await;
            let run = if round % 2 == 0 { &one } else { &other };
            let polled = run.poll(mailbox.clone(), cursor, LONG).await;
            assert_eq!(polled.resync, None);
            texts.extend(bodies(&polled));
            cursor = at(&polled);
        }
        assert_eq!(texts, numbers(0, 30));
        one.poll(mailbox, cursor, NOW).await;
        one.settled().await;
        let (first, second) = (one.core.mailboxes().handovers(), other.core.mailboxes().handovers());
        assert_eq!(first.unanswered + second.unanswered, 0);
        assert_eq!((first.handed_over, second.handed_over), (15, 15), "{first:?} {second:?}");
        assert_eq!((first.given, second.given), (15, 15));
    }
}

#[tokio::test]
async fn what_is_not_confirmed_comes_from_the_next_gateway_in_order_and_what_is_confirmed_does_not() {
    let (_world, one, other) = two().await;
    send(&one, 0, 10).await;
    let mut wanted = request(main_of("bob"), PollCursor::Start, LONG);
    wanted.limit = 4;
    let first = one.core.poll(wanted.clone()).await.unwrap();
    wanted.cursor = at(&first);
    let second = one.core.poll(wanted).await.unwrap();
    assert_eq!(bodies(&second).len(), 4);
    send(&one, 10, 12).await;
    // the second answer is lost: its cursor is never sent
    let rest = other.poll(main_of("bob"), at(&first), LONG).await;
    let mut texts = bodies(&first);
    texts.extend(bodies(&rest));
    assert_eq!(texts, numbers(0, 12));
}

#[tokio::test]
async fn a_poll_that_is_held_elsewhere_is_superseded() {
    let (_world, one, other) = two().await;
    let first = one.poll(main_of("bob"), PollCursor::Start, NOW).await;
    let held = one.hold(request(main_of("bob"), at(&first), LONG)).await;
    let polled = other.poll(main_of("bob"), at(&first), NOW).await;
    assert!(matches!(held.await.unwrap(), Err(CoreError::Superseded)));
    send(&one, 0, 1).await;
    assert_eq!(bodies(&other.poll(main_of("bob"), at(&polled), LONG).await), ["0"]);
}

#[tokio::test]
async fn a_first_poll_finds_the_mailbox_wherever_it_is() {
    let (_world, one, other) = two().await;
    send(&one, 0, 5).await;
    let first = one.poll(main_of("bob"), PollCursor::Start, LONG).await;
    assert_eq!(bodies(&first), numbers(0, 5));
    // a page that was loaded again knows no cursor
    assert_eq!(bodies(&other.poll(main_of("bob"), PollCursor::Start, LONG).await), numbers(0, 5));
    assert_eq!(one.core.mailboxes().count(), 0);
}

/// The client polled elsewhere in between, so the cursor names neither the one asked nor the one that has it.
#[tokio::test]
async fn an_older_cursor_finds_the_mailbox_at_a_third_gateway() {
    let (world, one, other) = two().await;
    let third = world.start_beside(&one).await;
    send(&one, 0, 3).await;
    let first = one.poll(main_of("bob"), PollCursor::Start, LONG).await;
    let _lost = other.poll(main_of("bob"), at(&first), NOW).await;
    send(&one, 3, 5).await;
    let mut texts = bodies(&first);
    texts.extend(bodies(&third.poll(main_of("bob"), at(&first), LONG).await));
    assert_eq!(texts, numbers(0, 5));
    assert_eq!(other.core.mailboxes().count(), 0);
}

#[tokio::test]
async fn a_cursor_of_a_gateway_that_is_gone_goes_on_where_it_was() {
    let (mut world, one, _other) = two().await;
    world.settings.linger = NOW;
    let short = world.start_beside(&one).await;
    send(&one, 0, 3).await;
    let mut gone = short.poll(main_of("bob"), PollCursor::Start, LONG).await.cursor;
    short.released().await;
    gone.instance ^= 1; // nobody's
    send(&one, 3, 5).await;
    let rest = one.poll(main_of("bob"), PollCursor::At(gone), LONG).await;
    assert_eq!((bodies(&rest), rest.resync), (numbers(3, 5), None));
}

struct Mute;
impl Responder for Mute {
    fn asked(&self, _request: Bytes, _reply: Reply) {}
}

/// It lives, and is cut off from the broker.
#[tokio::test]
async fn a_gateway_that_does_not_answer_holds_nobody_up() {
    let (_world, one, _other) = two().await;
    one.broker.respond(7, Arc::new(Mute));
    let mut of_mute = one.poll(main_of("bob"), PollCursor::Start, NOW).await.cursor;
    of_mute.instance = 7;
    send(&one, 0, 1).await;
    let polled = one.poll(main_of("bob"), PollCursor::At(of_mute), LONG).await;
    assert_eq!(bodies(&polled), ["0"]);
    assert_eq!(one.core.mailboxes().handovers().unanswered, 1);
    // and is not waited for again at once
    of_mute.incarnation += 1;
    one.poll(main_of("bob"), PollCursor::At(of_mute), NOW).await;
    assert_eq!(one.core.mailboxes().handovers().unanswered, 1);
}

/// Both attend it, as after a hand-over that was not answered in time.
#[tokio::test]
async fn a_cursor_of_elsewhere_is_seen_to_although_the_mailbox_is_attended_here() {
    let (_world, one, other) = two().await;
    send(&one, 0, 4).await;
    let first = one.poll(main_of("bob"), PollCursor::Start, LONG).await;
    // a simple poll here and a held one there make both attend it
    let held = one.hold(request(main_of("bob"), at(&first), LONG)).await;
    let second = other.poll(main_of("bob"), PollCursor::Start, NOW).await;
    assert!(matches!(held.await.unwrap(), Err(CoreError::Superseded)));
    send(&one, 4, 6).await;
    let third = one.poll(main_of("bob"), at(&second), LONG).await;
    assert_eq!(bodies(&third), numbers(4, 6));
}

#[tokio::test]
async fn a_resync_that_was_not_heard_moves_along() {
    let (_world, one, other) = two().await;
    let mailbox = session_of("bob", "phone");
    let first = one.poll(mailbox.clone(), PollCursor::Start, NOW).await;
    one.broker.delete(&mailbox).await.unwrap();
    let told = one.poll(mailbox.clone(), at(&first), NOW).await;
    assert_eq!(told.resync, Some(ResyncReason::Gone));
    let again = other.poll(mailbox.clone(), at(&first), NOW).await;
    assert_eq!(again.resync, Some(ResyncReason::Gone), "its cursor was not sent, so it is said again");
    let heard = one.poll(mailbox.clone(), at(&again), NOW).await;
    assert_eq!(heard.resync, None);
}

#[tokio::test]
async fn simple_loops_at_two_gateways_each_work_and_lose_nothing() {
    let (_world, one, other) = two().await;
    // one loop whose polls alternate: each gateway lets go when nobody is held
    for n in 0..10 {
        send(&one, n, n + 1).await;
        let run = if n % 2 == 0 { &one } else { &other };
        let polled = run.poll(main_of("bob"), PollCursor::Simple, LONG).await;
        assert_eq!(bodies(&polled), [n.to_string()]);
        polled.receipt.written();
    }
    // two loops at the same time: what comes is split
    let held_here = one.hold(request(main_of("bob"), PollCursor::Simple, LONG)).await;
    let held_there = other.hold(request(main_of("bob"), PollCursor::Simple, LONG)).await;
    eventually_two_consumers(&one).await;
    send(&one, 10, 12).await;
    let (here, there) = (held_here.await.unwrap().unwrap(), held_there.await.unwrap().unwrap());
    let mut texts = [bodies(&here), bodies(&there)].concat();
    texts.sort();
    assert_eq!(texts, numbers(10, 12));
    here.receipt.written();
    there.receipt.written();
    // one of the loops ends: its gateway does not sit on what comes
    let mut texts = Vec::new();
    send(&one, 12, 20).await;
    while texts.len() < 8 {
        let polled = other.poll(main_of("bob"), PollCursor::Simple, LONG).await;
        texts.extend(bodies(&polled));
        polled.receipt.written();
    }
    texts.sort();
    assert_eq!(texts, numbers(12, 20));
    one.settled().await;
}

async fn eventually_two_consumers(run: &Run) {
    for _ in 0..500 {
        if run.broker.depth(&main_of("bob")).await.unwrap().is_some_and(|depth| depth.consumers == 2) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the two loops do not both consume");
}

#[tokio::test]
async fn a_simple_poll_elsewhere_takes_nothing_from_a_cursor_loop() {
    let (_world, one, other) = two().await;
    let first = one.poll(main_of("bob"), PollCursor::Start, NOW).await;
    let nothing = other.poll(main_of("bob"), PollCursor::Simple, Duration::from_millis(300)).await;
    assert!(nothing.events.is_empty());
    nothing.receipt.written();
    let waiting = other.hold(request(main_of("bob"), PollCursor::Simple, Duration::from_secs(2))).await;
    send(&one, 0, 6).await;
    let mut texts = Vec::new();
    let mut cursor = at(&first);
    while texts.len() < 6 {
        let polled = one.poll(main_of("bob"), cursor, LONG).await;
        texts.extend(bodies(&polled));
        cursor = at(&polled);
    }
    assert_eq!(texts, numbers(0, 6));
    assert!(waiting.await.unwrap().unwrap().events.is_empty());
}

#[tokio::test]
async fn sessions_of_one_user_at_different_gateways_do_not_disturb_each_other() {
    let (_world, one, other) = two().await;
    let phone = one.poll(session_of("bob", "phone"), PollCursor::Start, NOW).await;
    let laptop = other.poll(session_of("bob", "laptop"), PollCursor::Start, NOW).await;
    let held = other.hold(request(session_of("bob", "laptop"), at(&laptop), LONG)).await;
    send(&one, 0, 1).await;
    assert_eq!(bodies(&one.poll(session_of("bob", "phone"), at(&phone), LONG).await), ["0"]);
    assert_eq!(bodies(&held.await.unwrap().unwrap()), ["0"]);
    assert_eq!(one.core.mailboxes().handovers().given + other.core.mailboxes().handovers().given, 0);
}

#[tokio::test]
async fn a_gateway_that_drains_lets_go_too() {
    let (_world, one, other) = two().await;
    let first = other.poll(main_of("bob"), PollCursor::Start, NOW).await;
    other.core.drain(Duration::from_secs(1)).await;
    send(&one, 0, 2).await;
    let polled = one.poll(main_of("bob"), at(&first), LONG).await;
    assert_eq!(bodies(&polled), ["0", "1"]);
    assert_eq!(one.core.mailboxes().handovers().handed_over, 1);
}
