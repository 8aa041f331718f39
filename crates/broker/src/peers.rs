//! Requests from gateway to gateway, carried by the broker they share.
//!
//! No promise is made about them: a request may be lost, come late or be answered by nobody, and whoever asks goes
//! on after a short while. They only make hand-overs fast and orderly.

use std::fmt;

use bytes::Bytes;

/// What came of a request to one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Its answer.
    Answered(Bytes),
    /// There is no such gateway at this broker, or not any more.
    Nobody,
    /// No answer came in time: it is slow, cut off, or the broker takes no publications now.
    Silent,
}

/// The way back to whoever asked. Dropped without an answer, the other side waits in vain for its short while.
pub struct Reply(Box<dyn FnOnce(Bytes) + Send>);

impl Reply {
    /// Answers by calling this, which must not block.
    pub fn new(answer: impl FnOnce(Bytes) + Send + 'static) -> Self {
        Self(Box::new(answer))
    }

    /// Sends the answer, if there still is a way.
    pub fn answer(self, answer: Bytes) {
        (self.0)(answer);
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

/// Answers the requests of other gateways.
pub trait Responder: Send + Sync + 'static {
    /// A request came. Called on the broker's own threads: must not block; the answer may be given later, from
    /// anywhere. May see requests of this very gateway.
    fn asked(&self, request: Bytes, reply: Reply);
}
