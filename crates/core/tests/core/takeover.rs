//! A session takes over what waited in the main mailbox; what cannot be had any more is said.

use std::time::Duration;

use pollgate_broker::Broker as _;
use pollgate_core::{PollCursor, ResyncReason};
use pollgate_model::Timestamp;

use crate::world::{LONG, NOW, World, main_of, session_of};

#[tokio::test]
async fn the_first_poll_of_a_session_gets_what_waited_in_order_and_removes_the_main_mailbox() {
    let run = World::new().start().await;
    for n in 0..20 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    let texts = run.drain(session_of("bob", "phone"), 20).await;
    assert_eq!(texts, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    for _ in 0..500 {
        if run.broker.depth(&main_of("bob")).await.unwrap().is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(run.broker.depth(&main_of("bob")).await.unwrap(), None);
    run.settled().await;
}

#[tokio::test]
async fn a_take_over_larger_than_the_window_goes_on_part_by_part() {
    let mut world = World::new();
    world.settings.prefetch = 8;
    world.limits.prefetch = 8;
    let run = world.start().await;
    for n in 0..30 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    let texts = run.drain(session_of("bob", "phone"), 30).await;
    assert_eq!(texts, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
    run.send("ann", "bob", "after").await;
    assert_eq!(run.drain(session_of("bob", "phone"), 1).await, ["after"]);
    run.settled().await;
}

#[tokio::test]
async fn a_session_mailbox_that_vanished_means_resync_until_it_was_heard() {
    let run = World::new().start().await;
    let mailbox = session_of("bob", "phone");
    let first = run.poll(mailbox.clone(), PollCursor::Start, NOW).await;
    assert_eq!(first.resync, None);
    run.broker.delete(&mailbox).await.unwrap();
    let told = run.poll(mailbox.clone(), PollCursor::At(first.cursor), LONG).await;
    assert_eq!(told.resync, Some(ResyncReason::Gone));
    let again = run.poll(mailbox.clone(), PollCursor::At(first.cursor), LONG).await;
    assert_eq!(again.resync, Some(ResyncReason::Gone), "not confirmed, so said again");
    let heard = run.poll(mailbox, PollCursor::At(again.cursor), NOW).await;
    assert_eq!(heard.resync, None);
}

#[tokio::test]
async fn an_overflowed_mailbox_means_resync() {
    let mut world = World::new();
    world.settings.mailbox_length = 10;
    world.limits.max_length = 10;
    let run = world.start().await;
    for n in 0..20 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    for _ in 0..500 {
        if run.broker.depth(&main_of("bob")).await.unwrap().is_some_and(|d| d.ready == 10) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let polled = run.poll(main_of("bob"), PollCursor::Start, LONG).await;
    assert_eq!(polled.resync, Some(ResyncReason::Overflowed));
}

/// The one who found the mailbox gone told so in an answer that was lost, and is itself gone by now.
#[tokio::test]
async fn a_sessions_cursor_that_outlived_its_mailbox_means_resync_although_there_is_one_again() {
    let mut world = World::new();
    world.settings.session_expires = Duration::from_millis(50);
    world.settings.linger = NOW;
    let run = world.start().await;
    let mailbox = session_of("bob", "phone");
    let old = run.poll(mailbox.clone(), PollCursor::Start, NOW).await.cursor;
    run.released().await;
    while old.issued_at.age_at(Timestamp::now()) <= world.settings.session_expires {
        tokio::task::yield_now().await;
    }
    let told = run.poll(mailbox.clone(), PollCursor::At(old), NOW).await;
    assert_eq!(told.resync, Some(ResyncReason::Gone));
    let fresh = told.cursor;
    drop(told);
    assert_eq!(run.poll(mailbox, PollCursor::At(fresh), NOW).await.resync, None);
}

#[tokio::test]
async fn a_mailbox_that_overflows_while_it_is_polled_means_resync() {
    let mut world = World::new();
    world.settings.mailbox_length = 10;
    world.limits.max_length = 10;
    world.settings.prefetch = 4;
    world.limits.prefetch = 4;
    let run = world.start().await;
    let first = run.poll(main_of("bob"), PollCursor::Start, NOW).await;
    for n in 0..30 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    // asked again and again with one cursor: nothing is confirmed, and what waits behind the window is dropped
    for _ in 0..500 {
        let polled = run.poll(main_of("bob"), PollCursor::At(first.cursor), LONG).await;
        if polled.resync == Some(ResyncReason::Overflowed) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("events were dropped, and nobody was told");
}
