//! Publishing: an application's own events, durable like a message or ephemeral.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::{Durability, Publication};
use pollgate_model::{EncodedEvent, EventId, EventKind, Recipient, RoomId, Timestamp, UserId};
use pollgate_store::{Audience, NewEvent};
use serde_json::value::RawValue;

use crate::relay::divide;
use crate::{Core, CoreError};

/// Who gets an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// These users.
    Users(Vec<UserId>),
    /// Everybody in a room.
    Room(RoomId),
}

/// An event as the application wants it.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// Who gets it.
    pub to: To,
    /// Its type.
    pub kind: EventKind,
    /// Its data, any JSON.
    pub data: Box<RawValue>,
    /// No store, no promise.
    pub ephemeral: bool,
    /// How long it is worth delivering.
    pub ttl: Option<Duration>,
}

impl Announcement {
    /// A user named twice gets it once.
    fn addressed_once(mut self) -> Self {
        if let To::Users(users) = &mut self.to {
            let mut named = HashSet::with_capacity(users.len());
            users.retain(|user| named.insert(user.clone()));
        }
        self
    }
}

impl Core {
    /// Accepts events, all or none; their ids, in order. Durable ones are committed when this answers, ephemeral
    /// ones are on their way.
    ///
    /// # Errors
    /// Nothing was accepted; only [`CoreError::StoreUncertain`] leaves that open.
    pub async fn publish(&self, announcements: Vec<Announcement>) -> Result<Vec<EventId>, CoreError> {
        self.check(&announcements)?;
        let announcements: Vec<Announcement> =
            announcements.into_iter().map(Announcement::addressed_once).collect();
        let at = Timestamp::now();
        let mut ids = Vec::with_capacity(announcements.len());
        let mut durable = Vec::new();
        let mut ephemeral = Vec::new();
        for one in announcements {
            let id = EventId::new();
            ids.push(id);
            let room = match &one.to {
                To::Room(room) => Some(*room),
                To::Users(_) => None,
            };
            let event = EncodedEvent::new(id, &one.kind, at, room, &one.data)
                .map_err(|e| CoreError::Invalid(format!("data: {e}")))?;
            let expires_at = one.ttl.map(|ttl| at.plus(ttl));
            if one.ephemeral {
                ephemeral.push((self.audience(&one.to).await?, event, expires_at));
            } else {
                let to = match one.to {
                    To::Users(users) => Audience::Users(users),
                    To::Room(room) => Audience::Room(room),
                };
                durable.push(NewEvent { event, to, expires_at });
            }
        }
        if !durable.is_empty() {
            self.room_in_outbox()?;
            self.store.publish(durable).await?;
        }
        for (recipients, event, expires_at) in ephemeral {
            self.publish_ephemeral(&recipients, &event, expires_at);
        }
        Ok(ids)
    }

    fn publish_ephemeral(
        &self,
        recipients: &Arc<[Recipient]>,
        event: &EncodedEvent,
        expires_at: Option<Timestamp>,
    ) {
        for (lane, recipients) in divide(self.clusters.placement(), recipients) {
            // `false` says that the broker is away or busy: an ephemeral event has no promise to break
            let _taken = self.clusters.lane(lane).broker.publish_ephemeral(Publication {
                ticket: 0,
                id: event.id,
                payload: event.json.clone(),
                recipients,
                durability: Durability::Transient,
                expires_at,
            });
        }
    }

    fn check(&self, announcements: &[Announcement]) -> Result<(), CoreError> {
        let most = self.settings.batch_events;
        if announcements.is_empty() || announcements.len() > most {
            return Err(CoreError::Invalid(format!("events: 1 to {most} of them")));
        }
        let (most_users, most_bytes) = (self.settings.recipients, self.settings.text_bytes);
        for one in announcements {
            if one.data.get().len() > most_bytes {
                return Err(CoreError::TooLarge(format!("data: at most {most_bytes} bytes")));
            }
            match &one.to {
                To::Users(users) if users.is_empty() || users.len() > most_users => {
                    return Err(CoreError::Invalid(format!("to: 1 to {most_users} users")));
                }
                To::Users(_) | To::Room(_) => {}
            }
        }
        Ok(())
    }

    /// Who gets an ephemeral event; nobody's mailbox is made for it.
    async fn audience(&self, to: &To) -> Result<Arc<[Recipient]>, CoreError> {
        let users = match to {
            To::Users(users) => users.clone(),
            To::Room(room) => self.store.members(*room).await?,
        };
        Ok(users.into_iter().map(|user| Recipient { user, make_mailbox: false }).collect())
    }
}
