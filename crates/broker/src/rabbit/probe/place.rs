//! Exchanges, mailboxes and their bindings.

use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;

use super::super::control;
use super::super::link::{explained, is_missing, within};
use super::super::manage::arguments;
use super::super::name::short;
use super::Probe;
use crate::BrokerError;

impl Probe {
    /// Declares the exchange of all mailboxes, if it is there already; a new cluster gets one for this visit instead,
    /// because what a gateway makes would outlive it. `true`: it was there.
    ///
    /// # Errors
    /// It is refused, or something else has the name.
    pub async fn exchange(&mut self) -> Result<bool, BrokerError> {
        let name = self.names.exchange();
        if self.exchange_is_there(&name).await? {
            self.declare_exchange(&name, durable()).await?;
            return Ok(true);
        }
        let own = self.names.probe(&self.id);
        self.made().exchange = Some(own.clone());
        let passing = ExchangeDeclareOptions { auto_delete: true, ..ExchangeDeclareOptions::default() };
        let declared = self.declare_exchange(&own, passing).await;
        if matches!(declared, Err(BrokerError::Refused(_))) {
            self.made().exchange = None;
        }
        declared?;
        self.exchange = own;
        Ok(false)
    }

    /// Declares mailboxes, two of one user and one of another, with the arguments that mailboxes have; twice, because
    /// that is what gateways do.
    ///
    /// # Errors
    /// It is refused.
    pub async fn mailboxes(&self) -> Result<(), BrokerError> {
        for (queue, key) in [("one", "a"), ("two", "a"), ("three", "b")] {
            let name = self.name(queue);
            for _time in 0..2 {
                self.declare(&name, arguments(&self.limits, true)).await?;
            }
            self.bind(&name, &self.key(key)).await?;
        }
        Ok(())
    }

    /// Declares and binds what gateways ask each other through.
    ///
    /// # Errors
    /// It is refused.
    pub async fn control(&self) -> Result<(), BrokerError> {
        let exchange = self.names.control();
        let there = self.exchange_is_there(&exchange).await?;
        let exchange = if there { exchange } else { self.exchange.clone() };
        if there {
            self.declare_exchange(&exchange, durable()).await?;
        }
        let channel = self.channel().await?;
        // exclusive: it goes with this connection
        let exclusive =
            QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare("".into(), exclusive, control::arguments());
        let queue = within(self.settings.timeout, declared).await?;
        self.bind(queue.name().as_str(), &self.key("control")).await
    }

    async fn exchange_is_there(&self, name: &str) -> Result<bool, BrokerError> {
        let channel = self.channel().await?;
        let passive = ExchangeDeclareOptions { passive: true, ..durable() };
        let looked =
            channel.exchange_declare(short(name)?, ExchangeKind::Direct, passive, FieldTable::default());
        match tokio::time::timeout(self.settings.timeout, looked).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) if is_missing(&error) => Ok(false),
            Ok(Err(error)) => Err(explained(&error)),
            Err(_elapsed) => Err(BrokerError::TimedOut(self.settings.timeout)),
        }
    }

    async fn declare_exchange(&self, name: &str, options: ExchangeDeclareOptions) -> Result<(), BrokerError> {
        let channel = self.channel().await?;
        let declared =
            channel.exchange_declare(short(name)?, ExchangeKind::Direct, options, FieldTable::default());
        within(self.settings.timeout, declared).await
    }

    async fn bind(&self, queue: &str, key: &str) -> Result<(), BrokerError> {
        let channel = self.channel().await?;
        let (queue, exchange, key) = (short(queue)?, short(self.exchange.clone())?, short(key)?);
        let bound =
            channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default());
        within(self.settings.timeout, bound).await
    }

    pub(super) async fn delete_exchange(&self, name: &str) -> Result<(), BrokerError> {
        let channel = self.channel().await?;
        let deleted = channel.exchange_delete(short(name)?, ExchangeDeleteOptions::default());
        within(self.settings.timeout, deleted).await
    }
}

fn durable() -> ExchangeDeclareOptions {
    ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() }
}
