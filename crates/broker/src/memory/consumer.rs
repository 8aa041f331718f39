//! The consumer's side of a seat.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::Shared;
use super::seat::{End, Seat};
use super::user::User;
use crate::{BrokerError, Consumer, DeliveryTag};

/// A consumer of one mailbox.
pub(super) struct MemoryConsumer {
    pub(super) shared: Arc<Shared>,
    pub(super) user: Arc<User>,
    pub(super) queue: u64,
    pub(super) seat: Arc<Seat>,
}

impl MemoryConsumer {
    /// Lets go, now or when the batch in hand is handed over; the waiter hears of it.
    fn let_go(&self, waiter: Option<oneshot::Sender<()>>) {
        let mut boxes = self.user.lock();
        boxes.unseat(self.queue, &self.seat);
        let ended = self.seat.end(End::Released, waiter).map(|ended| boxes.settle(self.queue, ended));
        let first = boxes.by_serial(self.queue).and_then(|queue| queue.next_step(super::now_ms()));
        self.shared.watch(&self.user, &mut boxes);
        drop(boxes);
        if let Some(ended) = ended {
            ended.tell();
        }
        self.user.pump(first);
    }
}

#[async_trait]
impl Consumer for MemoryConsumer {
    fn ack(&self, tags: &[DeliveryTag]) {
        let acked = self.seat.ack(tags);
        if acked.is_empty() {
            return;
        }
        // outcomes are told here, outside of every lock
        drop(acked);
        self.user.pump_queue(self.queue);
    }

    async fn release(&self) -> Result<(), BrokerError> {
        let (done, wait) = oneshot::channel();
        self.let_go(Some(done));
        // whoever hands over the last batch ends the seat, and an inbox never blocks
        wait.await.map_err(|_ended_before| BrokerError::Closed)
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        self.let_go(None);
    }
}
