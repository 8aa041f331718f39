//! A stream as the gateway's edge sees it: the mailbox's, counted.

use std::sync::Arc;
use std::time::Duration;

use pollgate_model::{Cursor, Mailbox};
use tokio::time::Instant;

use crate::figures::{Figures, StreamEnd, StreamKind};
use crate::mailbox::{MailboxStream, Next, StreamRequest, Unconfirmed};
use crate::trace::SpanValue;
use crate::{Core, CoreError};

/// A stream that has begun. Dropped without [`ended`](Self::ended), its client has left.
pub struct Stream {
    stream: MailboxStream,
    core: Core,
    mailbox: Mailbox,
    began: Instant,
    gave: bool,
    held: StreamHeld,
}

/// Counts a stream from its beginning to its end.
struct StreamHeld {
    figures: Arc<Figures>,
    kind: StreamKind,
    end: StreamEnd,
}

impl Drop for StreamHeld {
    fn drop(&mut self) {
        self.figures.streams.ended(self.kind, self.end);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.gave {
            self.core.throttle.loops().found_nothing(&self.mailbox, self.began.elapsed());
        }
    }
}

impl Core {
    /// Begins a stream over a mailbox: whoever read it before is superseded.
    ///
    /// # Errors
    /// No seat, too many mailboxes; [`CoreError::Throttled`]: streams that are given nothing follow each other too fast.
    pub async fn stream(&self, kind: StreamKind, request: StreamRequest) -> Result<Stream, CoreError> {
        self.check_loop(&request.mailbox)?;
        let mailbox = request.mailbox.clone();
        let stream = self.mailboxes.stream(request).await.inspect_err(|error| self.figures.refused(error))?;
        self.figures.streams.began(kind);
        let held = StreamHeld { figures: self.figures.clone(), kind, end: StreamEnd::Gone };
        Ok(Stream { stream, core: self.clone(), mailbox, began: Instant::now(), gave: false, held })
    }
}

impl Stream {
    /// Waits for something to give, so long at most.
    ///
    /// Cancel safe: dropped while it waits, it has taken nothing.
    ///
    /// # Errors
    /// Another reader has the mailbox now, or the broker was away for the whole time.
    pub async fn next(&mut self, wait: Duration) -> Result<Next, CoreError> {
        let next = self.stream.next(wait).await;
        if let Ok(Next::News(portion)) = &next {
            self.gave = true;
            self.core.figures.given(portion.events.len(), &portion.fresh);
            if let Some(reason) = portion.reason {
                self.core.figures.resync(reason);
            }
            self.core.tell_given(
                &self.mailbox.user,
                &portion.fresh,
                &[("pollgate.transport", SpanValue::Name(self.held.kind.name()))],
            );
        }
        next
    }

    /// Confirms everything up to this cursor; acked when the stream is next waited for.
    pub fn confirm(&mut self, cursor: Cursor) {
        self.stream.confirm(cursor);
    }

    /// What is unconfirmed of what was given.
    #[must_use]
    pub fn unconfirmed(&self) -> Option<Unconfirmed> {
        self.stream.unconfirmed()
    }

    /// Ends it, and counts why.
    pub fn ended(mut self, end: StreamEnd) {
        self.held.end = end;
    }
}
