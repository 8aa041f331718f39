//! Holding, confirming, repeating, superseding.

use std::time::{Duration, Instant};

use pollgate_core::{CoreError, PollCursor};

use crate::world::{LONG, NOW, World, bodies, main_of, request, session_of};

#[tokio::test]
async fn a_held_poll_is_woken_by_the_arrival() {
    let run = World::new().start().await;
    let held = run.hold(request(main_of("bob"), PollCursor::Start, LONG)).await;
    run.send("ann", "bob", "hi").await;
    let polled = held.await.unwrap().unwrap();
    // room.created comes first when the two have never spoken; the message is in this answer or in the next
    let cursor = PollCursor::At(polled.cursor);
    let mut texts = bodies(&polled);
    if texts.is_empty() {
        texts = bodies(&run.poll(main_of("bob"), cursor, LONG).await);
    }
    assert_eq!(texts, ["hi"]);
}

#[tokio::test]
async fn a_hold_ends_in_time_and_a_little_unevenly() {
    let run = World::new().start().await;
    let started = Instant::now();
    let polled = run.poll(main_of("bob"), PollCursor::Start, Duration::from_millis(500)).await;
    assert!(polled.events.is_empty() && polled.resync.is_none());
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(449), "{took:?}: less than the jitter allows");
}

#[tokio::test]
async fn the_same_cursor_gives_the_same_events_until_it_moves_on() {
    let run = World::new().start().await;
    for n in 0..3 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    let first = run.poll(main_of("bob"), PollCursor::Start, LONG).await;
    let again = run.poll(main_of("bob"), PollCursor::Start, LONG).await;
    assert_eq!(again.events[..first.events.len()], first.events[..]);
    let on = run.poll(main_of("bob"), PollCursor::At(again.cursor), NOW).await;
    assert!(on.events.iter().all(|event| !again.events.contains(event)));
    run.poll(main_of("bob"), PollCursor::At(on.cursor), NOW).await;
    run.settled().await;
}

#[tokio::test]
async fn what_was_answered_and_not_confirmed_comes_again_after_the_mailbox_was_let_go() {
    let run = World::new().start().await;
    run.send("ann", "bob", "hi").await;
    let first = run.poll(main_of("bob"), PollCursor::Start, LONG).await.events;
    run.released().await;
    let again = run.poll(main_of("bob"), PollCursor::Start, LONG).await;
    assert_eq!(again.events[..first.len()], first[..]);
}

#[tokio::test]
async fn a_cursor_of_before_the_release_confirms_what_it_saw() {
    let run = World::new().start().await;
    for n in 0..3 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    let mut polled = run.poll(main_of("bob"), PollCursor::Start, LONG).await;
    while polled.events.len() < 4 {
        polled = run.poll(main_of("bob"), PollCursor::Start, LONG).await;
    }
    let cursor = polled.cursor;
    drop(polled);
    run.released().await;
    let late = run.poll(main_of("bob"), PollCursor::At(cursor), NOW).await;
    assert!(late.events.is_empty(), "a client that polls rarely must get on");
    assert!(late.resync.is_none());
    run.settled().await;
}

#[tokio::test]
async fn a_second_cursor_poll_ends_the_first() {
    let run = World::new().start().await;
    let first = run.hold(request(main_of("bob"), PollCursor::Start, LONG)).await;
    let second = run.poll(main_of("bob"), PollCursor::Start, Duration::from_millis(50)).await;
    assert!(second.events.is_empty());
    assert!(matches!(first.await.unwrap(), Err(CoreError::Superseded)));
}

#[tokio::test]
async fn polls_without_a_cursor_side_by_side_each_get_every_event() {
    let run = World::new().start().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(run.hold(request(main_of("bob"), PollCursor::Simple, LONG)).await);
    }
    run.send("ann", "bob", "hi").await;
    let mut firsts = Vec::new();
    for poll in held {
        let polled = poll.await.unwrap().unwrap();
        firsts.push(polled.events.first().cloned().unwrap());
        polled.receipt.written();
    }
    assert!(firsts.iter().all(|first| *first == firsts[0]));
}

#[tokio::test]
async fn an_answer_that_was_not_written_confirms_nothing() {
    let run = World::new().start().await;
    run.send("ann", "bob", "hi").await;
    let lost = run.poll(main_of("bob"), PollCursor::Simple, LONG).await;
    let events = lost.events.clone();
    drop(lost); // the client was gone
    let again = run.poll(main_of("bob"), PollCursor::Simple, LONG).await;
    assert_eq!(again.events[..events.len()], events[..]);
    again.receipt.written();
    run.drain_simple("bob").await;
    run.settled().await;
}

#[tokio::test]
async fn every_session_gets_every_event() {
    let run = World::new().start().await;
    for session in ["phone", "laptop"] {
        run.poll(session_of("bob", session), PollCursor::Start, NOW).await;
    }
    run.send("ann", "bob", "hi").await;
    assert_eq!(run.drain(session_of("bob", "phone"), 1).await, ["hi"]);
    assert_eq!(run.drain(session_of("bob", "laptop"), 1).await, ["hi"]);
    run.settled().await;
}

#[tokio::test]
async fn one_answer_drains_what_waited() {
    let run = World::new().start().await;
    for n in 0..50 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    let polled = run.poll(main_of("bob"), PollCursor::Start, LONG).await;
    assert_eq!(bodies(&polled), (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(!polled.more);
}

#[tokio::test]
async fn a_limit_cuts_the_answer_and_says_so() {
    let run = World::new().start().await;
    for n in 0..10 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    let mut wanted = request(main_of("bob"), PollCursor::Start, LONG);
    wanted.limit = 4;
    let polled = run.core.poll(wanted).await.unwrap();
    assert_eq!((polled.events.len(), polled.more), (4, true));
}

impl crate::world::Run {
    /// Polls without a cursor until nothing is left.
    async fn drain_simple(&self, name: &str) {
        loop {
            let polled = self.poll(main_of(name), PollCursor::Simple, NOW).await;
            let done = polled.events.is_empty();
            polled.receipt.written();
            if done {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_simple_loop_that_is_faster_than_the_news_of_its_answer_gets_nothing_twice() {
    let run = World::new().start().await;
    run.send("ann", "bob", "1").await;
    let being_written = run.poll(main_of("bob"), PollCursor::Simple, LONG).await;
    let had = being_written.events.clone();
    let next = run.hold(request(main_of("bob"), PollCursor::Simple, LONG)).await;
    being_written.receipt.written();
    run.send("ann", "bob", "2").await;
    let next = next.await.unwrap().unwrap().events;
    assert!(!next.is_empty() && next.iter().all(|event| !had.contains(event)));
}

#[tokio::test]
async fn an_answer_lost_while_another_simple_poll_waits_goes_to_that_one() {
    let run = World::new().start().await;
    run.send("ann", "bob", "1").await;
    let lost = run.poll(main_of("bob"), PollCursor::Simple, LONG).await;
    let had = lost.events.clone();
    let next = run.hold(request(main_of("bob"), PollCursor::Simple, LONG)).await;
    drop(lost);
    assert_eq!(next.await.unwrap().unwrap().events[..had.len()], had[..]);
}

/// It confirms nothing there, and would be answered the same at once for ever.
#[tokio::test]
async fn a_simple_loop_beside_a_silent_cursor_loop_gets_each_event_once() {
    let run = World::new().start().await;
    let cursors = run.poll(main_of("bob"), PollCursor::Start, NOW).await;
    run.send("ann", "bob", "one").await;
    let unconfirmed = run.poll(main_of("bob"), PollCursor::At(cursors.cursor), LONG).await;
    assert_eq!(bodies(&unconfirmed), ["one"]);
    let simple = run.poll(main_of("bob"), PollCursor::Simple, LONG).await;
    assert_eq!(bodies(&simple), ["one"]);
    simple.receipt.written();
    let nothing = run.poll(main_of("bob"), PollCursor::Simple, Duration::from_millis(100)).await;
    assert!(nothing.events.is_empty(), "{nothing:?}");
    let again = run.poll(main_of("bob"), PollCursor::At(cursors.cursor), LONG).await;
    assert_eq!(bodies(&again), ["one"], "the cursor loop has lost nothing by it");
}
