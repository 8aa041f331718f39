//! Events one by one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::{FusedStream, Stream};

use super::{Batches, State, Transport};
use crate::error::Error;
use crate::types::Event;

/// What a loop brings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// An event, once.
    Event(Event),
    /// Events may have been missed: read the rooms and their history, then ask for the next item.
    Resync,
}

/// The events of a session, one by one: a [`Stream`].
///
/// Asking for the next item says that the last one was taken care of: an answer's events are confirmed when the item after
/// them is asked for. A bot that dies in between gets them again.
///
/// What fails is tried again for ever, with full-jitter back-off; an error is the last item, and says why the loop ended.
///
/// Cancel safe, also in `select!`: a `next()` that is dropped has lost nothing. Dropping `Events` ends the loop.
#[derive(Debug)]
#[must_use = "nothing is asked before the first item is"]
pub struct Events {
    batches: Batches,
    /// Of the last answer; the loop goes on when they are taken.
    left: VecDeque<Item>,
}

impl Events {
    pub(crate) fn new(batches: Batches) -> Self {
        Self { batches, left: VecDeque::new() }
    }

    fn with(self, change: impl FnOnce(Batches) -> Batches) -> Self {
        Self { batches: change(self.batches), left: self.left }
    }

    /// How events come; polls, unless this says otherwise.
    pub fn transport(self, transport: Transport) -> Self {
        self.with(|batches| batches.transport(transport))
    }

    /// Hears who comes online and goes offline.
    pub fn presence(self, presence: bool) -> Self {
        self.with(|batches| batches.presence(presence))
    }

    /// At most so many events in an answer, 1 to 1000 (100): so many come again to a bot that died.
    pub fn limit(self, limit: u32) -> Self {
        self.with(|batches| batches.limit(limit))
    }

    /// Calls this when the loop begins to wait for something that failed, and with every answer.
    pub fn on_state(self, listener: impl Fn(&State) + Send + Sync + 'static) -> Self {
        self.with(|batches| batches.on_state(listener))
    }

    /// Confirms what was taken, and ends. In the middle of an answer nothing can be confirmed: all of it comes again.
    ///
    /// # Errors
    /// The gateway was not reached within the client's deadline: the last events may come again.
    pub async fn close(self) -> Result<(), Error> {
        if self.left.is_empty() { self.batches.close().await } else { Ok(()) }
    }
}

impl Stream for Events {
    type Item = Result<Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while self.left.is_empty() {
            match ready!(Pin::new(&mut self.batches).poll_next(context)) {
                Some(Ok(batch)) => {
                    self.left.extend(batch.events.into_iter().map(Item::Event));
                    if batch.resync {
                        self.left.push_back(Item::Resync);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(self.left.pop_front().map(Ok))
    }
}

impl FusedStream for Events {
    fn is_terminated(&self) -> bool {
        self.left.is_empty() && self.batches.is_terminated()
    }
}
