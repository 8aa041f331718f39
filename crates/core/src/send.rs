//! Sending: a message, checked and committed.

use pollgate_model::{NewMessage, UserId};
use pollgate_store::Sent;
use tokio::time::Instant;
use tracing::{Instrument as _, debug_span};

use crate::trace::{SpanBegun, SpanKind, SpanValue};
use crate::{Core, CoreError};

impl Core {
    /// Accepts a message: it is committed when this answers, and will reach every recipient.
    ///
    /// Dropped while it waits, the message may or may not have been accepted; its `client_id` makes a retry harmless.
    ///
    /// # Errors
    /// Nothing was accepted; only [`CoreError::StoreUncertain`] leaves that open.
    pub async fn send(&self, new: NewMessage) -> Result<Sent, CoreError> {
        self.send_for(new, None).await
    }

    /// [`Core::send`] by a caller who sends in the sender's name: the caller's uploads may go along as the sender's may.
    ///
    /// # Errors
    /// As there.
    pub async fn send_for(&self, mut new: NewMessage, caller: Option<UserId>) -> Result<Sent, CoreError> {
        if new.body.is_empty() && new.attachments.is_empty() {
            return Err(CoreError::Invalid("body: must not be empty".into()));
        }
        self.check_text(&new.body)?;
        self.attachments.check(&new)?;
        self.room_in_outbox()?;
        let started = Instant::now();
        let span = self.settings.tracing.below(new.trace.as_ref(), false);
        if let Some(span) = &span {
            // what follows is a consequence of the commit
            new.trace = Some(span.context.clone());
        }
        let sent = self.store.send_for(new, caller).instrument(debug_span!("commit")).await?;
        self.slow_commit.note(started.elapsed());
        self.tell_commit(span, sent.repeated);
        if sent.repeated {
            self.figures.repeated();
        } else {
            if self.settings.search {
                self.indexing.note(sent.room);
            }
            self.figures.sent(started.elapsed());
        }
        Ok(sent)
    }

    /// Something was committed; `repeated`: long ago.
    pub(crate) fn tell_commit(&self, span: Option<SpanBegun>, repeated: bool) {
        let Some(span) = span else { return };
        let attributes = vec![
            ("pollgate.stage", SpanValue::Name("commit")),
            ("pollgate.repeated", SpanValue::Flag(repeated)),
        ];
        self.settings.tracing.tell(span.ended("commit", SpanKind::Internal, attributes));
    }

    /// A message's text is one that can be stored; it may be empty.
    pub(crate) fn check_text(&self, body: &str) -> Result<(), CoreError> {
        let most = self.settings.text_bytes;
        if body.len() > most {
            return Err(CoreError::TooLarge(format!("body: at most {most} bytes")));
        }
        if body.as_bytes().contains(&0) {
            return Err(CoreError::Invalid("body: must not contain NUL".into()));
        }
        Ok(())
    }

    /// The outbox has room for one more.
    pub(crate) fn room_in_outbox(&self) -> Result<(), CoreError> {
        if !self.relay.is_full() {
            return Ok(());
        }
        let full = CoreError::Overloaded("outbox");
        self.figures.refused(&full);
        Err(full)
    }
}
