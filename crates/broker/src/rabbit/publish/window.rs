//! The publishes on their way, and what their confirms say.
//!
//! Rule: a confirm says nothing about a return. The client library hands returned messages to whichever confirm
//! comes next, so they are matched by message id and routing key. The broker sends a return before the confirm of
//! the same publish, and the library hands on at most one with each confirm, in the order they came: once all
//! confirms up to a publish have come, its return has been handed to some confirm that came before the last of
//! these, maybe to one of a later publish. Therefore every publish on its way is asked, in order, before the
//! oldest ones are called finished.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use lapin::Confirmation;
use pollgate_model::EventId;
use tokio::time::Instant;

use super::parcel::Copy;
use crate::BrokerError;
use crate::rabbit::link::explained;

/// Resolves when the broker has confirmed.
pub(super) type Confirm = Pin<Box<dyn Future<Output = lapin::Result<Confirmation>> + Send>>;

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Confirmed,
    /// Nobody is bound to its routing key.
    Returned,
    /// The broker has it not, and will not.
    Refused,
}

struct Flight {
    number: u64,
    copy: Copy,
    sent: Instant,
    /// Until it has come.
    confirm: Option<Confirm>,
    acked: bool,
}

/// Publishes on their way, oldest first.
#[derive(Default)]
pub(super) struct Window {
    flights: VecDeque<Flight>,
    last: u64,
    /// Returns that no finished publish has claimed yet.
    returned: HashMap<(EventId, String), u32>,
}

impl Window {
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// The number of the publish sent last.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Every publish up to this number is finished.
    pub(super) fn finished(&self) -> u64 {
        self.flights.front().map_or(self.last, |oldest| oldest.number.saturating_sub(1))
    }

    /// When the oldest was sent.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.flights.front().map(|oldest| oldest.sent)
    }

    /// Adds a publish; it is written when the window is polled next.
    pub(super) fn push(&mut self, copy: Copy, confirm: Confirm) {
        self.last += 1;
        let flight =
            Flight { number: self.last, copy, sent: Instant::now(), confirm: Some(confirm), acked: false };
        self.flights.push_back(flight);
    }

    /// Asks every publish, in order; ready when at least one has an answer.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BrokerError>> {
        let mut any = false;
        for flight in &mut self.flights {
            let Some(confirm) = &mut flight.confirm else { continue };
            let Poll::Ready(answer) = confirm.as_mut().poll(cx) else { continue };
            flight.confirm = None;
            any = true;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => return Poll::Ready(Err(explained(&error))),
            };
            flight.acked = answer.is_ack();
            let Some(message) = answer.take_message() else { continue };
            let id =
                message.delivery.properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok());
            if let Some(id) = id {
                let key = (id, message.delivery.routing_key.as_str().to_owned());
                *self.returned.entry(key).or_default() += 1;
            }
        }
        if any { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// The oldest publish, if it is finished.
    pub(super) fn pop(&mut self) -> Option<(Copy, Verdict)> {
        if self.flights.front()?.confirm.is_some() {
            return None;
        }
        let Flight { copy, acked, .. } = self.flights.pop_front()?;
        let verdict = if self.claim(&copy) {
            Verdict::Returned
        } else if acked {
            Verdict::Confirmed
        } else {
            Verdict::Refused
        };
        Some((copy, verdict))
    }

    fn claim(&mut self, copy: &Copy) -> bool {
        if self.returned.is_empty() {
            return false;
        }
        let key = (copy.parcel.publication.id, copy.to.user.as_str().to_owned());
        let Some(times) = self.returned.get_mut(&key) else { return false };
        *times -= 1;
        if *times == 0 {
            self.returned.remove(&key);
        }
        true
    }

    /// Gives everything up.
    pub(super) fn fail(&mut self, error: &BrokerError) {
        for flight in self.flights.drain(..) {
            flight.copy.fail(error);
        }
        self.returned.clear();
    }
}
