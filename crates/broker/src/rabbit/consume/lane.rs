//! A consuming channel: one task writes its acks and lets its consumers go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use futures::stream::{FuturesUnordered, StreamExt as _};
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicNackOptions, BasicQosOptions};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::warn;

use super::attachment::Attachment;
use crate::rabbit::link::within;
use crate::rabbit::manage::Management;
use crate::rabbit::stats::{OpenChannels, count};
use crate::task::Tasks;
use crate::{BrokerError, DeliveryTag, Detached};

/// Commands worked on before writing.
const BATCH: usize = 256;

/// What a consumer asks of its channel. Unbounded, and yet bounded: an ack for each unacked delivery, one release.
pub(super) enum Command {
    Ack(Vec<DeliveryTag>),
    Release(Arc<Attachment>, Option<oneshot::Sender<Result<(), BrokerError>>>),
}

/// A consuming channel.
pub(super) struct Lane {
    pub(super) channel: Channel,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    attachments: Mutex<Attachments>,
    dead: AtomicBool,
    management: Arc<Management>,
    prefetch: u16,
    limit: Duration,
    /// Of a channel for one taker only: takers are few.
    taker: Option<OwnedSemaphorePermit>,
    _open: OpenChannels,
}

#[derive(Default)]
struct Attachments {
    by_id: HashMap<u64, Arc<Attachment>>,
    /// Attached, or about to be.
    places: usize,
}

impl Lane {
    /// Takes a channel into use. Its task ends when the channel does.
    pub(super) async fn open(
        channel: Channel,
        management: Arc<Management>,
        prefetch: u16,
        taker: Option<OwnedSemaphorePermit>,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, BrokerError> {
        let limit = management.limit();
        within(limit, channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let (commands, commands_in) = mpsc::unbounded_channel();
        let open = management.counters.opened(1);
        let lane = Arc::new(Self {
            channel,
            commands,
            attachments: Mutex::default(),
            dead: AtomicBool::new(false),
            management,
            prefetch,
            limit,
            taker,
            _open: open,
        });
        // it ends with the lane, and what goes wrong on it breaks the lane
        drop(tasks.run(run(Arc::clone(&lane), commands_in)));
        Ok(lane)
    }

    fn attachments(&self) -> MutexGuard<'_, Attachments> {
        self.attachments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn works(&self) -> bool {
        !self.dead.load(Ordering::SeqCst) && self.channel.status().connected()
    }

    /// Takes a place for a consumer, if fewer than `most` are taken.
    pub(super) fn reserve(&self, most: usize) -> bool {
        let mut attachments = self.attachments();
        if attachments.places >= most || !self.works() {
            return false;
        }
        attachments.places += 1;
        true
    }

    /// Gives a place back that no consumer came to.
    pub(super) fn unreserve(&self) {
        let mut attachments = self.attachments();
        attachments.places = attachments.places.saturating_sub(1);
    }

    /// Adds a consumer to its place; `false` when the channel has broken meanwhile.
    pub(super) fn add(&self, attachment: &Arc<Attachment>) -> bool {
        self.attachments().by_id.insert(attachment.id, Arc::clone(attachment));
        if self.works() {
            return true;
        }
        self.remove(attachment);
        false
    }

    fn remove(&self, attachment: &Attachment) {
        let mut attachments = self.attachments();
        if attachments.by_id.remove(&attachment.id).is_some() {
            attachments.places = attachments.places.saturating_sub(1);
        }
    }

    /// All consumers, to be released one by one.
    pub(super) fn all(&self) -> Vec<Arc<Attachment>> {
        self.attachments().by_id.values().map(Arc::clone).collect()
    }

    /// The channel is of no use any more: every consumer hears of it, once.
    pub(super) fn break_off(&self) {
        if self.dead.swap(true, Ordering::SeqCst) {
            return;
        }
        let attachments = std::mem::take(&mut *self.attachments());
        for attachment in attachments.by_id.into_values() {
            attachment.detach(Detached::Lost);
            attachment.end();
        }
    }

    async fn acks(&self, tags: &mut Vec<DeliveryTag>) -> Result<(), BrokerError> {
        if tags.is_empty() {
            return Ok(());
        }
        let writes = tags.drain(..).map(|tag| self.channel.basic_ack(tag, BasicAckOptions::default()));
        within(self.limit, try_join_all(writes)).await.map(drop)
    }

    async fn release(&self, attachment: &Attachment) -> Result<(), BrokerError> {
        count(&self.management.counters.cancels);
        let tag = attachment.tag.clone();
        within(self.limit, self.channel.basic_cancel(tag, BasicCancelOptions::default())).await?;
        let tags = attachment.take_unacked();
        if tags.is_empty() {
            // the channel has handed all acks to the queue before it asked the queue to cancel
            return Ok(());
        }
        // no answer: then nobody can say whether all stands in its place, and it is given back all the same
        let before = self.management.look(&attachment.mailbox).await.ok().flatten();
        let count = u64::try_from(tags.len()).unwrap_or(u64::MAX);
        let back = BasicNackOptions { requeue: true, multiple: false };
        // one by one: on a shared channel "up to this tag" would take those of other mailboxes too
        let writes = tags.into_iter().map(|tag| self.channel.basic_nack(tag, back));
        within(self.limit, try_join_all(writes)).await?;
        // the channel answers in order: once it does, it has handed all before to the queue
        within(self.limit, self.channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        if let Some(before) = before {
            self.management.until_ready(&attachment.mailbox, before.ready.saturating_add(count)).await;
        }
        Ok(())
    }
}

async fn release(
    lane: Arc<Lane>,
    attachment: Arc<Attachment>,
    reply: Option<oneshot::Sender<Result<(), BrokerError>>>,
) -> Result<(), BrokerError> {
    let released = lane.release(&attachment).await;
    attachment.end();
    lane.remove(&attachment);
    if lane.taker.is_some() && released.is_ok() {
        // whether anybody hears of it or not
        drop(within(lane.limit, lane.channel.close(200, "done".into())).await);
        lane.break_off();
    }
    if let Some(reply) = reply {
        // the releaser has left: then nobody waits for it
        let _left = reply.send(released.clone());
    }
    released
}

/// Works on the commands until the channel is broken.
async fn run(lane: Arc<Lane>, mut commands: mpsc::UnboundedReceiver<Command>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut tags = Vec::new();
    let mut releases = FuturesUnordered::new();
    while lane.works() {
        let done = tokio::select! {
            _count = commands.recv_many(&mut batch, BATCH) => Ok(()),
            Some(released) = releases.next(), if !releases.is_empty() => released,
            () = tokio::time::sleep(super::LOOK_EVERY) => Ok(()),
        };
        let mut done: Result<(), BrokerError> = done;
        for command in batch.drain(..) {
            match command {
                Command::Ack(acked) => tags.extend(acked),
                Command::Release(attachment, reply) => {
                    // acks queued before a release take effect before it
                    done = done.and(lane.acks(&mut tags).await);
                    releases.push(release(Arc::clone(&lane), attachment, reply));
                }
            }
        }
        if let Err(error) = done.and(lane.acks(&mut tags).await) {
            warn!(%error, "a consuming channel is given up");
            break;
        }
    }
    let channel = lane.channel.clone();
    lane.break_off();
    commands.close();
    while let Some(command) = commands.recv().await {
        if let Command::Release(attachment, reply) = command {
            attachment.end();
            tell_lost(reply);
        }
    }
    // whoever waits for a release hears that the channel is gone when its future is dropped
    drop(releases);
    if channel.status().connected() {
        drop(within(lane.limit, channel.close(200, "given up".into())).await);
    }
}

fn tell_lost(reply: Option<oneshot::Sender<Result<(), BrokerError>>>) {
    if let Some(reply) = reply {
        let _left = reply.send(Err(BrokerError::Unreachable("the channel is lost".to_owned())));
    }
}
