//! The loop of a session's events: at most one request under way, no delay between two, every event once.

mod batches;
mod cycle;
mod line;
mod one_by_one;
mod poll;
mod sse;
mod stream;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use batches::{Batch, Batches};
pub use one_by_one::{Events, Item};

use crate::error::Error;
use crate::types::Event;

/// How events come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// Long polls: work everywhere.
    #[default]
    Poll,
    /// Server-Sent Events, with polls where the gateway or what stands before it does not let them through.
    Sse,
}

/// What a loop is doing, for those who show it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// The gateway answers.
    Live,
    /// Something failed.
    Waiting {
        /// When it is tried again.
        retry_in: Duration,
        /// What failed.
        reason: String,
    },
}

type Listener = Arc<dyn Fn(&State) + Send + Sync>;

/// What a loop asks for.
#[derive(Clone)]
pub(crate) struct Options {
    session: String,
    transport: Transport,
    presence: bool,
    /// Shared with the request under way, which reads it when it begins.
    limit: Arc<AtomicU32>,
    listener: Option<Listener>,
}

/// The gateway's own default.
const USUAL_LIMIT: u32 = 100;

impl Options {
    pub(crate) fn new(session: String) -> Self {
        let limit = Arc::new(AtomicU32::new(USUAL_LIMIT));
        Self { session, transport: Transport::Poll, presence: false, limit, listener: None }
    }

    fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    fn tell(&self, state: &State) {
        if let Some(listener) = &self.listener {
            listener(state);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, transport, presence, limit, listener: _ } = self;
        write!(f, "Options({session:?}, {transport:?}, presence: {presence}, limit: {limit:?})")
    }
}

/// What came of one request, or of one frame of a stream.
#[derive(Debug)]
struct Answer {
    events: Vec<Event>,
    /// Confirms these events, and all before.
    cursor: String,
    resync: bool,
    /// How long to wait before the next request.
    pause: Duration,
}

/// Where answers come from.
///
/// A cursor is given only when all events up to it were taken. Dropped while it waits, it has confirmed nothing more.
trait Source: Send {
    fn ask(&mut self, cursor: &str) -> impl Future<Output = Result<Answer, Error>> + Send;
}
