//! Reading: events that are given back, and a queue that goes away under its consumer.

use futures::StreamExt as _;
use lapin::options::{BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;

use super::super::link::within;
use super::super::manage::arguments;
use super::super::name::short;
use super::Probe;
use crate::BrokerError;

/// More often than any broker's own bound, which is 20 where there is one.
const ROUNDS: u32 = 25;

impl Probe {
    /// Takes an event and gives it back, again and again: how often it came. A mailbox that moves between gateways does
    /// that, and nothing may be thrown away for it.
    ///
    /// # Errors
    /// The broker does not answer, or refuses.
    pub async fn give_back(&self) -> Result<(u32, u32), BrokerError> {
        let name = self.name("given-back");
        self.declare(&name, arguments(&self.limits, true)).await?;
        self.publish_through(String::new(), &name, FieldTable::default()).await?;
        let channel = self.channel().await?;
        let limit = self.settings.timeout;
        let started = channel.basic_consume(
            short(name)?,
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let mut consumed = within(limit, started).await?;
        let back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        let mut came = 0;
        while came < ROUNDS {
            let next = tokio::time::timeout(limit, consumed.next()).await;
            let Ok(Some(Ok(delivery))) = next else { break };
            came += 1;
            within(limit, channel.basic_nack(delivery.delivery_tag, back)).await?;
        }
        Ok((came, ROUNDS))
    }

    /// Consumes, and has the queue deleted: whether the consumer was told.
    ///
    /// # Errors
    /// The broker does not answer, or refuses.
    pub async fn cancel(&self) -> Result<bool, BrokerError> {
        let name = self.name("deleted");
        self.declare(&name, arguments(&self.limits, true)).await?;
        let channel = self.channel().await?;
        let limit = self.settings.timeout;
        within(limit, channel.basic_qos(self.limits.prefetch, BasicQosOptions::default())).await?;
        let started = channel.basic_consume(
            short(name.clone())?,
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let mut consumed = within(limit, started).await?;
        self.delete(&name).await?;
        let told = tokio::time::timeout(limit, async { while consumed.next().await.is_some() {} }).await;
        self.made().queues.retain(|made| *made != name);
        Ok(told.is_ok())
    }
}
