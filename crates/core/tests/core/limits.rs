//! Every bound, filled.

use pollgate_core::{CoreError, PollCursor};

use crate::world::{LONG, NOW, World, main_of, request};

#[tokio::test]
async fn the_registry_of_mailboxes_is_bounded() {
    let mut world = World::new();
    world.settings.mailboxes = 2;
    let run = world.start().await;
    run.poll(main_of("ann"), PollCursor::Start, NOW).await;
    run.poll(main_of("bob"), PollCursor::Start, NOW).await;
    let third = run.core.poll(request(main_of("eve"), PollCursor::Start, NOW)).await;
    assert!(matches!(third, Err(CoreError::Overloaded("mailboxes"))));
    run.released().await;
    run.poll(main_of("eve"), PollCursor::Start, NOW).await;
}

#[tokio::test]
async fn held_polls_of_one_user_are_bounded() {
    let mut world = World::new();
    world.settings.held_polls_per_user = 1;
    let run = world.start().await;
    let held = run.hold(request(main_of("bob"), PollCursor::Simple, LONG)).await;
    let second = run.core.poll(request(main_of("bob"), PollCursor::Simple, NOW)).await;
    assert!(matches!(second, Err(CoreError::TooManyPolls { most: 1 })));
    held.abort();
}

#[tokio::test]
async fn a_full_outbox_refuses_and_takes_again_when_it_is_emptied() {
    let mut world = World::new();
    world.settings.outbox_rows = 3;
    let run = world.start().await;
    run.send("ann", "bob", "1").await; // two rows: the room and the message
    run.send("ann", "bob", "2").await;
    let refused = run.try_send("ann", "bob", "3").await;
    assert!(matches!(refused, Err(CoreError::Overloaded("outbox"))));
    assert_eq!(run.drain(main_of("bob"), 2).await, ["1", "2"]);
    run.settled().await;
    run.send("ann", "bob", "3").await;
}

#[tokio::test]
async fn a_relay_with_little_memory_loses_nothing() {
    let mut world = World::new();
    world.settings.relay_publications = 2;
    let run = world.start().await;
    let sends = (0..50).map(|n| {
        let run = &run;
        async move { run.send("ann", "bob", &n.to_string()).await }
    });
    futures::future::join_all(sends).await;
    let mut texts = run.drain(main_of("bob"), 50).await;
    texts.sort_by_key(|text| text.parse::<u32>().unwrap());
    assert_eq!(texts, (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
    run.settled().await;
}
