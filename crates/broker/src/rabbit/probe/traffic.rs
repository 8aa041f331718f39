//! Publishing: confirms, returns, copies, and what a full mailbox does.

use futures::future::try_join_all;
use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions, QueuePurgeOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation};

use super::super::link::{explained, is_missing, within};
use super::super::manage::arguments;
use super::super::name::short;
use super::Probe;
use crate::BrokerError;

/// Publishes on their way at once.
const WINDOW: u64 = 500;
/// A mailbox is not filled beyond this.
const MOST_FILL: u64 = 10_000;

/// What the broker said of one publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landed {
    /// It has it.
    Confirmed,
    /// Nobody is bound to the key, and it came back.
    Returned,
    /// It has it not, and will not.
    Refused,
    /// It says nothing.
    Unsaid,
}

/// How a mailbox filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Events put in.
    pub put: u64,
    /// Of these, events that the broker refused.
    pub refused: u64,
    /// Events in it afterwards.
    pub held: u64,
    /// Events it may hold, by the settings.
    pub most: u64,
    /// The number of the oldest one in it, from 0.
    pub oldest: Option<u64>,
}

impl Probe {
    /// Publishes one persistent event to the first user.
    ///
    /// # Errors
    /// The broker does not answer, or refuses.
    pub async fn publish(&self) -> Result<Landed, BrokerError> {
        self.publish_to(&self.key("a"), FieldTable::default()).await
    }

    /// Publishes one that nobody can get.
    ///
    /// # Errors
    /// The broker does not answer, or refuses.
    pub async fn publish_to_nobody(&self) -> Result<Landed, BrokerError> {
        self.publish_to(&self.key("nobody"), FieldTable::default()).await
    }

    /// Publishes one event with the second user in `CC`: how many of it the mailboxes of both got, in the order in which
    /// [`Probe::mailboxes`] made them.
    ///
    /// # Errors
    /// The broker does not answer, or refuses.
    pub async fn copies(&self) -> Result<[u64; 3], BrokerError> {
        let queues = ["one", "two", "three"].map(|queue| self.name(queue));
        for queue in &queues {
            self.purge(queue).await?;
        }
        let mut headers = FieldTable::default();
        headers.insert(
            "CC".into(),
            AMQPValue::FieldArray(vec![AMQPValue::LongString(self.key("b").into())].into()),
        );
        self.publish_to(&self.key("a"), headers).await?;
        let mut got = [0; 3];
        for (queue, got) in queues.iter().zip(&mut got) {
            *got = self.ready(queue).await?.unwrap_or(0);
        }
        Ok(got)
    }

    /// Puts more events into a mailbox than it may hold.
    ///
    /// # Errors
    /// The broker does not answer, or refuses.
    pub async fn fill(&self) -> Result<Fill, BrokerError> {
        let name = self.name("full");
        self.declare(&name, arguments(&self.limits, true)).await?;
        let most = self.limits.max_length;
        let put = most.min(MOST_FILL).saturating_add(1);
        let channel = self.confirmed().await?;
        let queue = short(name.clone())?;
        let (mut next, mut refused) = (0, 0);
        while next < put {
            let numbers = next..put.min(next + WINDOW);
            next = numbers.end;
            let sent = try_join_all(numbers.map(|number| {
                // transient: nobody waits for the disk
                let properties = BasicProperties::default().with_delivery_mode(1);
                let (channel, queue) = (&channel, queue.clone());
                async move {
                    let options = BasicPublishOptions::default();
                    let payload = number.to_be_bytes();
                    channel.basic_publish("".into(), queue, options, &payload, properties).await?.await
                }
            }));
            let sent = within(self.settings.timeout.saturating_mul(4), sent).await?;
            refused += sent.iter().filter(|said| matches!(said, Confirmation::Nack(_))).count() as u64;
        }
        let held = self.ready(&name).await?.unwrap_or(0);
        let oldest = self.oldest(&name).await?;
        self.purge(&name).await?;
        Ok(Fill { put, refused, held, most, oldest })
    }

    async fn oldest(&self, name: &str) -> Result<Option<u64>, BrokerError> {
        let channel = self.channel().await?;
        let taken = channel.basic_get(short(name)?, BasicGetOptions { no_ack: true });
        let taken = within(self.settings.timeout, taken).await?;
        Ok(taken.and_then(|taken| taken.delivery.data.as_slice().try_into().map(u64::from_be_bytes).ok()))
    }

    pub(super) async fn publish_to(&self, key: &str, headers: FieldTable) -> Result<Landed, BrokerError> {
        self.publish_through(self.exchange.clone(), key, headers).await
    }

    /// Through the exchange without a name the key is a queue.
    pub(super) async fn publish_through(
        &self,
        exchange: String,
        key: &str,
        headers: FieldTable,
    ) -> Result<Landed, BrokerError> {
        let channel = self.confirmed().await?;
        let (exchange, key) = (short(exchange)?, short(key)?);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default().with_delivery_mode(2).with_headers(headers);
        let sent = async { channel.basic_publish(exchange, key, options, b"{}", properties).await?.await };
        Ok(match within(self.settings.timeout, sent).await? {
            Confirmation::Ack(None) => Landed::Confirmed,
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Landed::Returned,
            Confirmation::Nack(None) => Landed::Refused,
            Confirmation::NotRequested => Landed::Unsaid,
        })
    }

    /// Events ready in a queue; `None`: there is no such queue.
    pub(super) async fn ready(&self, name: &str) -> Result<Option<u64>, BrokerError> {
        let channel = self.channel().await?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let looked = channel.queue_declare(short(name)?, passive, FieldTable::default());
        match tokio::time::timeout(self.settings.timeout, looked).await {
            Ok(Ok(queue)) => Ok(Some(u64::from(queue.message_count()))),
            Ok(Err(error)) if is_missing(&error) => Ok(None),
            Ok(Err(error)) => Err(explained(&error)),
            Err(_elapsed) => Err(BrokerError::TimedOut(self.settings.timeout)),
        }
    }

    async fn purge(&self, name: &str) -> Result<(), BrokerError> {
        let channel = self.channel().await?;
        let purged = channel.queue_purge(short(name)?, QueuePurgeOptions::default());
        within(self.settings.timeout, purged).await.map(drop)
    }
}
