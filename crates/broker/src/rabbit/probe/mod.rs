//! Trying a cluster out with what pollgate itself does, on queues of its own that are removed afterwards.
//!
//! | module | tries |
//! | --- | --- |
//! | `greeting` | what the broker says of itself before anybody has logged in |
//! | `place` | exchanges, a mailbox, its bindings, the queue for requests between gateways |
//! | `traffic` | confirms, returns, copies, length |
//! | `time` | expiry of messages and of queues |
//! | `reading` | giving back, and the end of a consumer |
//!
//! Each question takes a channel of its own, because a refusal closes the one it happens on. Publishing has a
//! connection of its own here too: an alarm stops everything on a connection that has published.

mod greeting;
mod place;
mod reading;
mod time;
mod traffic;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use lapin::options::{ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Queue};
use uuid::Uuid;

pub use self::greeting::{Greeting, greeting};
pub use self::time::Kept;
pub use self::traffic::{Fill, Landed};
use super::link::{dial, within};
use super::name::{Names, short};
use super::settings::RabbitSettings;
use super::stats::Counters;
use crate::{BrokerError, MailboxLimits};

/// What both sides agreed on when the connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Most channels of one connection; 0: no bound.
    pub channel_max: u16,
    /// Largest frame in bytes; 0: no bound.
    pub frame_max: u32,
    /// Seconds between heartbeats; 0: none, and a dead peer is not noticed.
    pub heartbeat_s: u16,
}

/// A visit to one cluster. Whoever makes one calls [`Probe::clean_up`] at the end.
pub struct Probe {
    settings: RabbitSettings,
    limits: MailboxLimits,
    names: Names,
    /// Part of every name that is made here.
    id: String,
    managing: Arc<Connection>,
    publishing: Arc<Connection>,
    /// The exchange that mailboxes are bound to here.
    exchange: String,
    made: Mutex<Made>,
}

/// What is to be removed at the end.
#[derive(Default)]
struct Made {
    queues: Vec<String>,
    exchange: Option<String>,
}

impl Probe {
    /// Connects as a gateway does, twice.
    ///
    /// # Errors
    /// The broker is away, or refuses.
    pub async fn connect(limits: MailboxLimits, settings: RabbitSettings) -> Result<Self, BrokerError> {
        let settings = settings.checked()?;
        let counters = Counters::default();
        let managing = dial(&settings, &counters, "doctor").await?;
        let publishing = dial(&settings, &counters, "doctor, publishing").await?;
        let names = Names::new(&settings.prefix);
        let exchange = names.exchange();
        let id = Uuid::now_v7().simple().to_string();
        Ok(Self { settings, limits, names, id, managing, publishing, exchange, made: Mutex::default() })
    }

    /// What was agreed on.
    #[must_use]
    pub fn negotiated(&self) -> Negotiated {
        let agreed = self.managing.configuration();
        Negotiated {
            channel_max: agreed.channel_max(),
            frame_max: agreed.frame_max(),
            heartbeat_s: agreed.heartbeat(),
        }
    }

    /// Whether the broker has blocked publishers. It says so only to who has published.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.publishing.status().blocked()
    }

    /// Removes what was made. What cannot be removed goes by itself, when it expires.
    ///
    /// # Errors
    /// The names that are left, with the reason of the last one.
    pub async fn clean_up(self) -> Result<(), (Vec<String>, BrokerError)> {
        let Made { queues, exchange } =
            std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        let (mut left, mut why) = (Vec::new(), None);
        for name in queues {
            if let Err(error) = self.delete(&name).await {
                left.push(name);
                why = Some(error);
            }
        }
        if let Some(name) = exchange
            && let Err(error) = self.delete_exchange(&name).await
        {
            left.push(name);
            why = Some(error);
        }
        for connection in [&self.managing, &self.publishing] {
            // it is told, not asked
            drop(within(self.settings.timeout, connection.close(200, "done".into())).await);
        }
        why.map_or(Ok(()), |why| Err((left, why)))
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A queue's name: one that a mailbox could have, but for no user.
    fn name(&self, purpose: &str) -> String {
        self.names.probe(&format!("{}.{purpose}", self.id))
    }

    /// A routing key that is no user's.
    fn key(&self, purpose: &str) -> String {
        format!("~doctor.{}.{purpose}", self.id)
    }

    async fn channel(&self) -> Result<Channel, BrokerError> {
        within(self.settings.timeout, self.managing.create_channel()).await
    }

    /// A channel on which publishes are confirmed.
    async fn confirmed(&self) -> Result<Channel, BrokerError> {
        let limit = self.settings.timeout;
        let channel = within(limit, self.publishing.create_channel()).await?;
        within(limit, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }

    /// Declares a queue as mailboxes are, with these arguments.
    async fn declare(&self, name: &str, arguments: FieldTable) -> Result<Queue, BrokerError> {
        let channel = self.channel().await?;
        // noted first: an answer that does not come in time may be a queue all the same
        self.made().queues.push(name.to_owned());
        let declared = channel.queue_declare(short(name)?, QueueDeclareOptions::durable(), arguments);
        let declared = within(self.settings.timeout, declared).await;
        if matches!(declared, Err(BrokerError::Refused(_))) {
            self.made().queues.retain(|made| made != name);
        }
        declared
    }

    async fn delete(&self, name: &str) -> Result<(), BrokerError> {
        let channel = self.channel().await?;
        let deleted = channel.queue_delete(short(name)?, QueueDeleteOptions::default());
        within(self.settings.timeout, deleted).await.map(drop)
    }
}
