//! The rules of the loop, whatever its answers come from.
//!
//! - One request at a time; the next one begins as soon as the events of the last were taken, unless a pause is asked for
//!   or something failed.
//! - Its cursor confirms them, never more.
//! - What comes twice is dropped by its id.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Answer, Batch, Options, Source, State};
use crate::backoff::{Backoff, bounded, dice};
use crate::error::{End, Error, Problem};
use crate::seen::Seen;

/// Answers that bring nothing come no faster than ten a second, whatever the gateway or something before it does.
const FLOOR: Duration = Duration::from_millis(100);

pub(super) struct Cycle<S> {
    source: S,
    options: Options,
    /// Confirms what was handed over: whoever asks for the next batch has taken the last one.
    cursor: String,
    seen: Seen,
    backoff: Backoff,
    rest_until: Option<Instant>,
}

impl<S: Source> Cycle<S> {
    pub(super) fn new(source: S, options: Options, cursor: String) -> Self {
        Self { source, options, cursor, seen: Seen::default(), backoff: Backoff::default(), rest_until: None }
    }

    /// The next events, after whatever time; an error ends the loop.
    pub(super) async fn next(&mut self) -> Result<Batch, Error> {
        loop {
            if let Some(until) = self.rest_until.take() {
                sleep_until(until).await;
            }
            let began = Instant::now();
            match self.source.ask(&self.cursor).await {
                Ok(answer) => {
                    self.options.tell(&State::Live);
                    self.backoff.reset();
                    if let Some(batch) = self.take(answer, began) {
                        return Ok(batch);
                    }
                }
                // the gateway cannot read this cursor: what it stood for is not known any more
                Err(Error::Problem(problem)) if problem.status == 400 && !self.cursor.is_empty() => {
                    self.cursor.clear();
                    return Ok(Batch { events: Vec::new(), resync: true, cursor: String::new() });
                }
                Err(error) => self.fail(error)?,
            }
        }
    }

    /// What is new of an answer; `None`: nothing.
    fn take(&mut self, answer: Answer, began: Instant) -> Option<Batch> {
        let Answer { mut events, cursor, resync, pause } = answer;
        events.retain(|event| self.seen.add(&event.id));
        self.cursor.clone_from(&cursor);
        let nothing = events.is_empty() && !resync;
        let until = Instant::now() + bounded(pause);
        let until = if nothing { until.max(began + FLOOR) } else { until };
        self.rest_until = (until > Instant::now()).then_some(until);
        if nothing { None } else { Some(Batch { events, resync, cursor }) }
    }

    /// Waits before the next attempt, or ends.
    fn fail(&mut self, error: Error) -> Result<(), Error> {
        let error = ended(error);
        if !error.is_transient() {
            return Err(error);
        }
        let retry_in = self.backoff.wait(error.retry_after(), dice());
        self.rest_until = Some(Instant::now() + retry_in);
        self.options.tell(&State::Waiting { retry_in, reason: error.to_string() });
        Ok(())
    }
}

/// A problem that another attempt does not cure ends the loop.
fn ended(error: Error) -> Error {
    match error {
        Error::Problem(problem) if !problem.is_transient() => {
            let why = why(&problem);
            Error::Ended { why, problem }
        }
        other => other,
    }
}

fn why(problem: &Problem) -> End {
    match problem.status {
        401 => End::SignedOut,
        409 => End::Superseded,
        _ => End::Refused,
    }
}

#[cfg(test)]
#[path = "cycle_tests.rs"]
mod tests;
