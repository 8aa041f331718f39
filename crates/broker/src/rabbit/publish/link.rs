//! The publishing connection: one channel with confirms, one without for what carries no promise.

use std::pin::Pin;
use std::sync::Arc;

use deadpool_lapin::Pool;
use futures::{Stream, StreamExt as _};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Event};
use pollgate_model::{Recipient, Timestamp};

use super::window::Confirm;
use crate::rabbit::link::{pooled, within};
use crate::rabbit::manage::Management;
use crate::rabbit::marker;
use crate::rabbit::name::{Names, short};
use crate::rabbit::settings::RabbitSettings;
use crate::rabbit::stats::{Counters, OpenChannels};
use crate::rabbit::trace;
use crate::{BrokerError, Durability, Publication};

const PERSISTENT: u8 = 2;
const TRANSIENT: u8 = 1;

/// What a publish without promise resolves to: nothing worth knowing.
pub(super) type Write = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A publishing connection, ready to publish.
pub(super) struct Link {
    connection: deadpool_lapin::Connection,
    confirmed: Arc<Channel>,
    plain: Arc<Channel>,
    pub(super) events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    pub(super) incarnation: u32,
    exchange: ShortString,
    _open: OpenChannels,
}

impl Link {
    /// Connects and makes everything ready.
    pub(super) async fn open(
        pool: &Pool,
        management: &Management,
        names: &Names,
        settings: &RabbitSettings,
        counters: &Arc<Counters>,
    ) -> Result<Self, BrokerError> {
        let limit = settings.timeout;
        let connection = pooled(pool, counters, limit).await?;
        let events = connection.events_listener().boxed();
        let confirmed = within(limit, connection.create_channel()).await?;
        within(limit, confirmed.confirm_select(ConfirmSelectOptions::default())).await?;
        let plain = within(limit, connection.create_channel()).await?;
        management.prepare().await?;
        let incarnation = marker::incarnation(management, &confirmed, names, limit).await?;
        let exchange = short(names.exchange())?;
        let (confirmed, plain) = (Arc::new(confirmed), Arc::new(plain));
        Ok(Self { connection, confirmed, plain, events, incarnation, exchange, _open: counters.opened(2) })
    }

    /// Whether both channels still work.
    pub(super) fn works(&self) -> bool {
        let channels = [&self.confirmed, &self.plain];
        self.connection.status().connected() && channels.iter().all(|channel| channel.status().connected())
    }

    /// A publish that is confirmed. Nothing is written before it is polled.
    pub(super) fn confirmed(
        &self,
        publication: &Publication,
        to: &Recipient,
    ) -> Result<Confirm, BrokerError> {
        let key = short(to.user.as_str())?;
        let delivery_mode = match publication.durability {
            Durability::Persistent => PERSISTENT,
            Durability::Transient => TRANSIENT,
        };
        let properties = properties(publication, delivery_mode);
        let options = BasicPublishOptions { mandatory: to.make_mailbox, ..BasicPublishOptions::default() };
        let (channel, exchange) = (Arc::clone(&self.confirmed), self.exchange.clone());
        let payload = publication.payload.clone();
        Ok(Box::pin(async move {
            channel.basic_publish(exchange, key, options, &payload, properties).await?.await
        }))
    }

    /// A publish without promise. Nothing is written before it is polled.
    pub(super) fn plain(&self, publication: &Publication, to: &Recipient) -> Result<Write, BrokerError> {
        let key = short(to.user.as_str())?;
        let properties = properties(publication, TRANSIENT);
        let (channel, exchange) = (Arc::clone(&self.plain), self.exchange.clone());
        let payload = publication.payload.clone();
        Ok(Box::pin(async move {
            let options = BasicPublishOptions::default();
            // no promise was made, and a broken channel is noticed elsewhere
            drop(channel.basic_publish(exchange, key, options, &payload, properties).await);
        }))
    }

    /// Says good-bye, within the time limit.
    pub(super) async fn close(self, settings: &RabbitSettings) {
        // whether the broker hears it or not, the connection is dropped here
        drop(within(settings.timeout, self.connection.close(200, "stopped".into())).await);
    }

    /// Takes the connection out of its pool, so that the next one is new.
    pub(super) fn discard(self) {
        drop(deadpool_lapin::Connection::take(self.connection));
    }
}

fn properties(publication: &Publication, delivery_mode: u8) -> BasicProperties {
    let properties = BasicProperties::default()
        .with_message_id(publication.id.to_string().into())
        .with_delivery_mode(delivery_mode);
    let properties = match &publication.trace {
        Some(context) => properties.with_headers(trace::headers(context)),
        None => properties,
    };
    let Some(expires_at) = publication.expires_at else { return properties };
    let left_ms = expires_at.as_ms().saturating_sub(Timestamp::now().as_ms()).max(0);
    properties.with_expiration(left_ms.to_string().into())
}
