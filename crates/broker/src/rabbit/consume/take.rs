//! Taking events out of a mailbox that nobody consumes.

use std::sync::Arc;

use lapin::options::BasicGetOptions;
use lapin::types::ShortString;
use pollgate_model::Mailbox;

use super::attachment::Attachment;
use super::consumer::RabbitConsumer;
use super::lane::Lane;
use super::{ConsumeLink, Consuming};
use crate::rabbit::link::within;
use crate::rabbit::name::short;
use crate::{BrokerError, Delivery, Taken};

impl Consuming {
    /// Takes up to `most` events, on a channel of its own that stays open for the acks.
    pub(in crate::rabbit) async fn take(
        self: &Arc<Self>,
        mailbox: &Mailbox,
        most: usize,
    ) -> Result<Option<Taken>, BrokerError> {
        let (this, mailbox) = (Arc::clone(self), mailbox.clone());
        let taking = self.tasks.run(async move { this.take_out(&mailbox, most).await });
        taking.await.map_err(|_stopped| BrokerError::Closed)?
    }

    async fn take_out(&self, mailbox: &Mailbox, most: usize) -> Result<Option<Taken>, BrokerError> {
        let Some(found) = self.management.look(mailbox).await? else { return Ok(None) };
        if found.consumers > 0 {
            return Ok(None);
        }
        let limit = self.settings.timeout;
        let seat = tokio::time::timeout(limit, Arc::clone(&self.takers).acquire_owned()).await;
        let seat = match seat {
            Ok(seat) => seat.map_err(|_closed| BrokerError::Closed)?,
            Err(_elapsed) => return Err(BrokerError::Full("room for take-overs")),
        };
        let link = self.any_link().await?;
        let channel = within(limit, link.connection.create_channel()).await?;
        let lane = self.lane(channel).await?;
        let attachment = self.attachment(&lane, mailbox, None);
        lane.add(&attachment);
        // from here on its drop gives back what was taken
        let consumer = Box::new(RabbitConsumer { attachment: Arc::clone(&attachment), _seat: Some(seat) });
        let queue = short(self.names.mailbox(mailbox))?;
        let (deliveries, drained) = self.get(&lane, &attachment, &queue, most).await?;
        Ok(Some(Taken { deliveries, drained, consumer }))
    }

    async fn get(
        &self,
        lane: &Lane,
        attachment: &Attachment,
        queue: &ShortString,
        most: usize,
    ) -> Result<(Vec<Delivery>, bool), BrokerError> {
        let mut deliveries = Vec::new();
        while deliveries.len() < most {
            let got = lane.channel.basic_get(queue.clone(), BasicGetOptions::default());
            let Some(message) = within(self.settings.timeout, got).await? else {
                return Ok((deliveries, true));
            };
            let left = message.message_count;
            deliveries.extend(attachment.accept(message.delivery));
            if left == 0 {
                return Ok((deliveries, true));
            }
        }
        Ok((deliveries, false))
    }

    async fn any_link(&self) -> Result<Arc<ConsumeLink>, BrokerError> {
        let mut links = self.lock().await?;
        match links.first() {
            Some(link) => Ok(Arc::clone(link)),
            None => self.connect(&mut links).await,
        }
    }
}
