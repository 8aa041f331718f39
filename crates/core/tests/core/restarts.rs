//! A process that ends between any two lines: what was accepted comes all the same.

use pollgate_core::PollCursor;

use crate::world::{LONG, NOW, World, bodies, main_of};

#[tokio::test]
async fn what_nobody_confirmed_is_there_after_a_restart() {
    let world = World::new();
    let run = world.start().await;
    for n in 0..10 {
        run.send("ann", "bob", &n.to_string()).await;
    }
    // five are confirmed, the rest was answered only
    let mut cursor = PollCursor::Start;
    let mut wanted = crate::world::request(main_of("bob"), cursor, LONG);
    wanted.limit = 6; // room.created and five messages
    let first = run.core.poll(wanted).await.unwrap();
    assert_eq!(bodies(&first).len(), 5);
    cursor = PollCursor::At(first.cursor);
    let answered = run.poll(main_of("bob"), cursor, LONG).await;
    assert_eq!(bodies(&answered).len(), 5);
    drop(answered);
    run.core.stop(LONG).await;
    drop(run);

    let run = world.start().await;
    let again = run.drain(main_of("bob"), 5).await;
    assert_eq!(again, ["5", "6", "7", "8", "9"]);
    run.settled().await;
}

#[tokio::test]
async fn a_restart_is_no_reason_to_resync_the_main_mailbox() {
    let world = World::new();
    let run = world.start().await;
    let polled = run.poll(main_of("bob"), PollCursor::Start, NOW).await;
    run.core.stop(LONG).await;
    drop(run);
    let run = world.start().await;
    let polled = run.poll(main_of("bob"), PollCursor::At(polled.cursor), NOW).await;
    assert_eq!(polled.resync, None);
}
