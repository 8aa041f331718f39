//! What there is to say next on a stream, whichever its form: events, or its end.

use std::pin::Pin;
use std::time::Duration;

use actix_web::web::Data;
use pollgate_core::{Next, Portion, Stream};
use pollgate_model::Cursor;
use tokio::time::Instant;

use super::super::Gateway;
use super::end::End;
use crate::auth::{AuthError, Caller};

/// How often a credential that may be revoked is looked at again.
const CHECK: Duration = Duration::from_secs(5);

/// See the module's text.
pub(super) struct Pump {
    stream: Stream,
    gateway: Data<Gateway>,
    caller: Caller,
    checked_at: Instant,
    /// A look at the credential under way: it comes to its end however often waiting is broken off.
    checking: Option<Checking>,
}

type Checking = Pin<Box<dyn Future<Output = Result<(), AuthError>> + Send>>;

/// What came of waiting.
#[expect(clippy::large_enum_variant, reason = "it lives for a moment, on one stack")]
pub(super) enum Step {
    News(Portion),
    Quiet,
    End(End),
}

impl Pump {
    pub(super) fn new(stream: Stream, gateway: Data<Gateway>, caller: Caller) -> Self {
        Self { stream, gateway, caller, checked_at: Instant::now(), checking: None }
    }

    pub(super) fn gateway(&self) -> &Data<Gateway> {
        &self.gateway
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Waits for something to say, so long at most.
    ///
    /// Cancel safe: dropped while it waits, it has taken nothing.
    pub(super) async fn next(&mut self, wait: Duration) -> Step {
        if let Err(error) = self.check().await {
            return Step::End(error.into());
        }
        let good_for = self.caller.good_for();
        if good_for.is_zero() {
            return Step::End(AuthError::Expired.into());
        }
        let check = if self.caller.may_be_revoked() { CHECK } else { wait };
        match self.stream.next(wait.min(check).min(good_for)).await {
            Ok(Next::News(portion)) => Step::News(portion),
            Ok(Next::Quiet) => Step::Quiet,
            Ok(Next::Drained(pause)) => Step::End(End::Drained(pause)),
            Err(error) => Step::End(error.into()),
        }
    }

    /// Looks at a credential that may be revoked, when it is time to.
    async fn check(&mut self) -> Result<(), AuthError> {
        if self.caller.may_be_revoked() && self.checking.is_none() && self.checked_at.elapsed() >= CHECK {
            let (gateway, caller) = (self.gateway.clone(), self.caller.clone());
            self.checking = Some(Box::pin(async move { gateway.auth.still_good(&caller).await }));
        }
        if let Some(checking) = &mut self.checking {
            let outcome = checking.await;
            self.checking = None;
            self.checked_at = Instant::now();
            return outcome;
        }
        Ok(())
    }

    /// Confirms everything up to this cursor.
    pub(super) fn confirm(&mut self, cursor: Cursor) {
        self.stream.confirm(cursor);
    }

    /// A client that cannot confirm on the stream must come back to do so.
    pub(super) fn must_confirm(&self) -> bool {
        let rules = &self.gateway.streams;
        self.stream.unconfirmed().is_some_and(|unconfirmed| {
            let many = unconfirmed.full.is_some() || unconfirmed.events >= rules.most_unconfirmed;
            many || unconfirmed.since.elapsed() >= rules.unconfirmed
        })
    }

    /// A client that can confirm does not.
    pub(super) fn leaves_unconfirmed(&self) -> bool {
        let rules = &self.gateway.streams;
        self.stream.unconfirmed().is_some_and(|unconfirmed| {
            let stuck = unconfirmed.full.is_some_and(|full| full.elapsed() >= rules.slow);
            stuck || unconfirmed.since.elapsed() >= rules.unconfirmed
        })
    }

    /// The stream ends, and is counted.
    pub(super) fn ended(self, end: End) {
        self.stream.ended(end.figure());
    }
}
