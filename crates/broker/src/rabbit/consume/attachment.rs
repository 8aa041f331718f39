//! One consumer as this side knows it: where its deliveries go, what is unacked, how it ended.
//!
//! The client library calls [`ConsumerDelegate::on_new_delivery`] on its own thread, in order, holding locks of its
//! own: nothing of the library may be called or dropped in there except reading a channel's status when a consumer
//! ends. Nor is the state's lock held while an [`Inbox`] is called, which may hold one under which somebody acks.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use lapin::ChannelStatus;
use lapin::message::DeliveryResult;
use lapin::types::ShortString;
use pollgate_model::Mailbox;
use tokio::sync::mpsc;
use tracing::warn;

use super::lane::Command;
use crate::rabbit::trace;
use crate::{Delivery, DeliveryTag, Detached, Inbox};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Its owner lets go; what still comes is kept to be given back.
    Releasing,
    Ended,
}

struct State {
    phase: Phase,
    unacked: VecDeque<DeliveryTag>,
    /// The library's handle. While a consumer is being cancelled its deliveries go there, past the delegate.
    consumer: Option<lapin::Consumer>,
}

/// One consumer.
pub(super) struct Attachment {
    pub(super) id: u64,
    pub(super) mailbox: Mailbox,
    /// Its name on the channel.
    pub(super) tag: ShortString,
    inbox: Arc<dyn Inbox>,
    channel: ChannelStatus,
    commands: mpsc::UnboundedSender<Command>,
    state: Mutex<State>,
}

impl Attachment {
    pub(super) fn new(
        id: u64,
        mailbox: Mailbox,
        inbox: Arc<dyn Inbox>,
        channel: ChannelStatus,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Self {
        let tag = format!("c{id}").into();
        let state = State { phase: Phase::Open, unacked: VecDeque::new(), consumer: None };
        Self { id, mailbox, tag, inbox, channel, commands, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn consuming(&self, consumer: lapin::Consumer) {
        self.state().consumer = Some(consumer);
    }

    /// Notes a delivery as unacked; `None` if the consumer does not want it any more.
    pub(super) fn accept(&self, message: lapin::message::Delivery) -> Option<Delivery> {
        let tag = message.delivery_tag;
        let id = message.properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok());
        let mut state = self.state();
        if state.phase == Phase::Ended {
            return None;
        }
        let Some(id) = id else {
            drop(state);
            warn!("a message without an event's id stood in a mailbox, dropping it");
            self.send(Command::Ack(vec![tag]));
            return None;
        };
        state.unacked.push_back(tag);
        if state.phase != Phase::Open {
            return None;
        }
        drop(state);
        let trace = message.properties.headers().as_ref().and_then(trace::read);
        Some(Delivery {
            tag,
            id,
            payload: Bytes::from(message.data),
            redelivered: message.redelivered,
            arrived: Instant::now(),
            trace,
        })
    }

    /// Queues acks of what is unacked.
    pub(super) fn ack(&self, tags: &[DeliveryTag]) {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return;
        }
        let mut acked = Vec::with_capacity(tags.len());
        for tag in tags {
            // kept in the order they came, which is ascending
            let Ok(at) = state.unacked.binary_search(tag) else { continue };
            acked.extend(state.unacked.remove(at));
        }
        drop(state);
        if !acked.is_empty() {
            self.send(Command::Ack(acked));
        }
    }

    /// Begins to let go; `false` when that has begun before.
    pub(super) fn begin_release(&self) -> bool {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Releasing;
            return true;
        }
        false
    }

    /// Everything that is unacked, in order, to be given back. The consumer has been cancelled.
    pub(super) fn take_unacked(&self) -> VecDeque<DeliveryTag> {
        let consumer = self.state().consumer.take();
        if let Some(mut consumer) = consumer {
            // all that came before the cancel's answer stands there by now
            while let Some(Some(Ok(message))) = consumer.next().now_or_never() {
                // not handed out: it is noted to be given back with the rest
                drop(self.accept(message));
            }
        }
        std::mem::take(&mut self.state().unacked)
    }

    /// It is over; whoever asked for that need not be told.
    pub(super) fn end(&self) {
        let consumer = {
            let mut state = self.state();
            state.phase = Phase::Ended;
            state.consumer.take()
        };
        drop(consumer);
    }

    /// It ended by itself. May be called by the client library: drops nothing of it.
    pub(super) fn detach(&self, why: Detached) {
        let was = std::mem::replace(&mut self.state().phase, Phase::Ended);
        if was != Phase::Open {
            return;
        }
        self.inbox.detached(why);
    }

    /// Nothing of it is left on the channel.
    pub(super) fn is_off(&self) -> bool {
        let state = self.state();
        state.phase == Phase::Ended && state.consumer.is_none() && state.unacked.is_empty()
    }

    pub(super) fn send(&self, command: Command) {
        // the channel is gone: what is unacked comes again
        drop(self.commands.send(command));
    }

    pub(super) fn channel_works(&self) -> bool {
        self.channel.connected()
    }
}

/// Hands what the client library delivers to the attachment's inbox.
pub(super) struct Delegate(pub(super) Arc<Attachment>);

impl lapin::ConsumerDelegate for Delegate {
    fn on_new_delivery(&self, delivery: DeliveryResult) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match delivery {
            Ok(Some(message)) => {
                if let Some(delivery) = self.0.accept(message) {
                    self.0.inbox.deliver(delivery);
                }
            }
            // the end of a channel looks like the end of its consumers
            Ok(None) => self.0.detach(if self.0.channel_works() { Detached::Gone } else { Detached::Lost }),
            Err(_error) => self.0.detach(Detached::Lost),
        }
        Box::pin(ready(()))
    }
}
