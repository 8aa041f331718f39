//! Long polls.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Answer, Options};
use crate::call::{Call, LONG, parse};
use crate::client::Client;
use crate::error::Error;
use crate::types::Event;

#[derive(Deserialize)]
struct Polled {
    events: Vec<Box<RawValue>>,
    cursor: String,
    #[serde(default)]
    resync: bool,
    #[serde(default)]
    pause_ms: u64,
}

/// What a loop asks for, by whichever way.
pub(super) fn call(path: &str, options: &Options, cursor: &str) -> Call {
    let session = (!options.session.is_empty()).then_some(&options.session);
    let call = Call::get([path]).query("cursor", cursor).maybe("session", session);
    if options.presence { call.query("presence", true) } else { call }
}

/// Waits for events as long as the gateway holds.
pub(super) async fn poll(client: &Client, options: &Options, cursor: &str) -> Result<Answer, Error> {
    let call = call("poll", options, cursor).query("limit", options.limit()).patience(LONG);
    let polled: Polled = parse(&client.attempt(&call).await?)?;
    let events: Result<Vec<_>, _> = polled.events.into_iter().map(Event::read).collect();
    Ok(Answer {
        events: events?,
        cursor: polled.cursor,
        resync: polled.resync,
        pause: Duration::from_millis(polled.pause_ms),
    })
}

/// Confirms, and waits for nothing. What is answered is not confirmed, and comes again.
pub(super) async fn confirm(client: &Client, options: &Options, cursor: &str) -> Result<(), Error> {
    client.done(call("poll", options, cursor).query("wait", 0).query("limit", 1)).await?;
    Ok(())
}
