//! The consumer's side of an attachment.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::attachment::Attachment;
use super::lane::Command;
use crate::{BrokerError, Consumer, DeliveryTag};

/// A consumer.
pub(super) struct RabbitConsumer {
    pub(super) attachment: Arc<Attachment>,
}

#[async_trait]
impl Consumer for RabbitConsumer {
    fn ack(&self, tags: &[DeliveryTag]) {
        self.attachment.ack(tags);
    }

    async fn release(&self) -> Result<(), BrokerError> {
        if !self.attachment.begin_release() {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        self.attachment.send(Command::Release(Arc::clone(&self.attachment), Some(reply)));
        let lost = |_dropped| BrokerError::Unreachable("the channel is lost".to_owned());
        // bounded: the channel's task limits each step, and ends when the channel breaks
        answer.await.map_err(lost)?
    }
}

impl Drop for RabbitConsumer {
    fn drop(&mut self) {
        // released already, or ended by itself: that only takes it off the channel's list
        self.attachment.begin_release();
        if !self.attachment.is_off() {
            self.attachment.send(Command::Release(Arc::clone(&self.attachment), None));
        }
    }
}
