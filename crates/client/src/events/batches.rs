//! Events as they are answered.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::{FusedStream, Stream};

use super::cycle::Cycle;
use super::line::Line;
use super::{Options, State, Transport};
use crate::client::Client;
use crate::error::Error;
use crate::types::Event;

/// Events that came together.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Batch {
    /// The events, oldest first; none of them came before.
    pub events: Vec<Event>,
    /// Events may have been missed: read the rooms and their history, then go on.
    pub resync: bool,
    /// Confirms these events and all before. A loop that starts with it goes on after them.
    pub cursor: String,
}

/// The events of a session, in batches: a [`Stream`].
///
/// Asking for the next batch confirms the last one. Who keeps `cursor` together with what became of the batch, and starts
/// again [with it](Self::starting_at), has every event once, whatever ends in between.
///
/// Cancel safe: a `next()` that is dropped has lost nothing, and the request under way goes on with the next one. Dropping
/// `Batches` ends the request; what was not confirmed comes again to whoever reads the session next.
#[must_use = "nothing is asked before the first batch is"]
pub struct Batches {
    client: Client,
    options: Options,
    /// Of the last batch that was handed over.
    cursor: String,
    state: Turn,
}

type Asker = Box<Cycle<Line>>;

enum Turn {
    NotBegun,
    Resting(Asker),
    Asking(BoxFuture<'static, (Asker, Result<Batch, Error>)>),
    Ended,
}

impl Batches {
    pub(crate) fn new(client: Client, options: Options) -> Self {
        Self { client, options, cursor: String::new(), state: Turn::NotBegun }
    }

    /// Goes on after the events that this cursor confirms; empty: with everything that is not confirmed.
    pub fn starting_at(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// How events come; polls, unless this says otherwise.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.options.transport = transport;
        self
    }

    /// Hears who comes online and goes offline.
    pub fn presence(mut self, presence: bool) -> Self {
        self.options.presence = presence;
        self
    }

    /// At most so many events in a batch, 1 to 1000 (100).
    pub fn limit(self, limit: u32) -> Self {
        self.set_limit(limit);
        self
    }

    /// The same for the batches to come.
    pub fn set_limit(&self, limit: u32) {
        self.options.limit.store(limit.clamp(1, 1000), Ordering::Relaxed);
    }

    /// Calls this when the loop begins to wait for something that failed, and with every answer.
    pub fn on_state(mut self, listener: impl Fn(&State) + Send + Sync + 'static) -> Self {
        self.options.listener = Some(Arc::new(listener));
        self
    }

    /// Confirms the last batch without asking for more, and ends. What came meanwhile comes to the next loop.
    ///
    /// # Errors
    /// The gateway was not reached within the client's deadline: the last batch may come again.
    pub async fn close(mut self) -> Result<(), Error> {
        // ends a request that is under way: the gateway would take it for another loop's
        self.state = Turn::Ended;
        if self.cursor.is_empty() {
            return Ok(());
        }
        Line::confirm(&self.client, &self.options, &self.cursor).await
    }

    fn begin(&self) -> Asker {
        let line = Line::new(self.client.clone(), self.options.clone());
        Box::new(Cycle::new(line, self.options.clone(), self.cursor.clone()))
    }
}

impl Stream for Batches {
    type Item = Result<Batch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut asking = match std::mem::replace(&mut self.state, Turn::Ended) {
            Turn::Ended => return Poll::Ready(None),
            Turn::Asking(asking) => asking,
            Turn::NotBegun => ask(self.begin()),
            Turn::Resting(cycle) => ask(cycle),
        };
        let Poll::Ready((cycle, outcome)) = asking.as_mut().poll(context) else {
            self.state = Turn::Asking(asking);
            return Poll::Pending;
        };
        if let Ok(batch) = &outcome {
            self.cursor.clone_from(&batch.cursor);
            self.state = Turn::Resting(cycle);
        }
        Poll::Ready(Some(outcome))
    }
}

fn ask(mut cycle: Asker) -> BoxFuture<'static, (Asker, Result<Batch, Error>)> {
    Box::pin(async move {
        let outcome = cycle.next().await;
        (cycle, outcome)
    })
}

impl FusedStream for Batches {
    fn is_terminated(&self) -> bool {
        matches!(self.state, Turn::Ended)
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("options", &self.options).field("cursor", &self.cursor).finish()
    }
}
