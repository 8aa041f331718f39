//! A bot that answers every message that is sent to it, once.
//!
//! ```text
//! POLLGATE_TOKEN=$(pollgate jwt --user bot) cargo run --example bot
//! ```

use futures::TryStreamExt as _;
use pollgate_client::{Client, Error, Event, Item, NewMessage, Range, RoomFilter, State};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = std::env::var("POLLGATE_URL").unwrap_or_else(|_unset| "http://127.0.0.1:8080".to_owned());
    let token = std::env::var("POLLGATE_TOKEN")
        .map_err(|_unset| Error::Setup("set POLLGATE_TOKEN: pollgate jwt --user bot".to_owned()))?;
    let client = Client::builder(url).token(token).build()?;
    // the same name at the next start finds what came meanwhile
    let mut events = client.events("echo-bot").on_state(|state| {
        if let State::Waiting { retry_in, reason } = state {
            eprintln!("{reason}; again in {retry_in:.1?}");
        }
    });
    // asking for the next item confirms the last one: a bot that dies here is told of the message again
    while let Some(item) = events.try_next().await? {
        match item {
            Item::Event(event) => answer(&client, &event).await?,
            Item::Resync => catch_up(&client).await?,
            _ => {}
        }
    }
    Ok(())
}

async fn answer(client: &Client, event: &Event) -> Result<(), Error> {
    // its own messages come as well: they are what its other devices see
    let Some(message) = event.message().filter(|message| message.reply_to.is_none()) else { return Ok(()) };
    reply(client, &message).await
}

/// The same answer to the same message has the same `client_id`: told twice, it answers once.
async fn reply(client: &Client, message: &pollgate_client::Message) -> Result<(), Error> {
    let answer = NewMessage::answer(message, format!("You said: {}", message.body));
    match client.send(answer.client_id(format!("re:{}", message.id))).await {
        // the room or the message is gone: nobody waits for this answer
        Err(Error::Problem(problem)) if !problem.is_transient() => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// Events may have been missed: answers what stands unread in its rooms.
async fn catch_up(client: &Client) -> Result<(), Error> {
    let mut lists = client.room_pages(RoomFilter::default());
    while let Some(list) = lists.try_next().await? {
        for room in list.rooms.iter().filter(|room| room.unread > 0) {
            let mut pages = client.history_pages(&room.id, Range::After(room.last_read_seq), 100);
            while let Some(page) = pages.try_next().await? {
                for message in page.messages.iter().filter(|message| message.reply_to.is_none()) {
                    reply(client, message).await?;
                }
            }
        }
    }
    Ok(())
}
