//! Publishing: an application's own events, durable like a message or ephemeral.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::{Clusters, Durability, Publication};
use pollgate_model::{EncodedEvent, EventId, EventKind, Recipient, RoomId, Timestamp, TraceContext, UserId};
use pollgate_store::{Audience, Keyed, NewEvent, Published, RequestKey};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::figures::Stage;
use crate::relay::divide;
use crate::trace::SpanBegun;
use crate::{Core, CoreError};

/// How deep the data of an event may be nested. Readers of JSON end at some depth (128 levels, where ours is one of them),
/// and an event stands some levels deep in an answer: one that nobody can read would be asked for again and again.
const MOST_DEPTH: usize = 100;

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
    /// Where it stands in a trace, when it is sampled.
    pub trace: Option<Arc<TraceContext>>,
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

/// Events on their way in.
#[derive(Default)]
struct Prepared {
    ids: Vec<EventId>,
    durable: Vec<NewEvent>,
    ephemeral: Vec<Publication>,
}

/// Publishes without promise, to mailboxes that are there; `false`: a broker is away or busy, and its users get nothing.
pub(crate) fn in_passing(clusters: &Clusters, publication: &Publication) -> bool {
    let mut taken = true;
    for (lane, recipients) in divide(clusters.placement(), &publication.recipients) {
        let one = Publication { recipients, ..publication.clone() };
        taken &= clusters.lane(lane).broker.publish_ephemeral(one);
    }
    taken
}

/// What became of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Their ids, in order.
    pub ids: Vec<EventId>,
    /// They were accepted before under the same key; nothing was published again.
    pub repeated: bool,
}

impl Core {
    /// Accepts events, all or none. Durable ones are committed when this answers, ephemeral
    /// ones are on their way.
    ///
    /// With a key, the same request again is answered with the ids it got first, and nothing is published again: for
    /// ephemeral events too, which cost a commit then.
    ///
    /// # Errors
    /// Nothing was accepted; only [`CoreError::StoreUncertain`] leaves that open. [`CoreError::KeyReused`]: the key
    /// stands for another request; [`CoreError::Conflict`]: the first request with it is still in progress here.
    pub async fn publish(
        &self,
        announcements: Vec<Announcement>,
        key: Option<RequestKey>,
    ) -> Result<Accepted, CoreError> {
        self.check(&announcements)?;
        let _entry = key.as_ref().map(|key| self.in_progress.enter(key.id)).transpose()?;
        let Prepared { ids, mut durable, ephemeral } = self.prepare(announcements).await?;
        let commits = !durable.is_empty() || key.is_some();
        let (started, span) = (Instant::now(), self.follow(&mut durable));
        if !durable.is_empty() {
            self.room_in_outbox()?;
        }
        match key {
            None => self.store.publish(durable).await?,
            Some(key) => {
                let keyed = Keyed { key, ids: ids.clone() };
                if let Published::Before(ids) = self.store.publish_once(durable, keyed).await? {
                    self.figures.repeated();
                    self.tell_commit(span, true);
                    return Ok(Accepted { ids, repeated: true });
                }
            }
        }
        if commits {
            self.figures.stages.note(Stage::Commit, started.elapsed());
            self.tell_commit(span, false);
        }
        for publication in ephemeral {
            // an ephemeral event has no promise to break
            let _taken = in_passing(&self.clusters, &publication);
        }
        Ok(Accepted { ids, repeated: false })
    }

    /// Begins the span of a commit, of which what is committed is a consequence.
    fn follow(&self, durable: &mut [NewEvent]) -> Option<SpanBegun> {
        let parent = durable.first().and_then(|event| event.trace.as_ref());
        let span = self.settings.tracing.below(parent, false)?;
        for event in durable {
            event.trace = Some(span.context.clone());
        }
        Some(span)
    }

    async fn prepare(&self, announcements: Vec<Announcement>) -> Result<Prepared, CoreError> {
        let at = Timestamp::now();
        let mut prepared = Prepared::default();
        for one in announcements.into_iter().map(Announcement::addressed_once) {
            let id = EventId::new();
            prepared.ids.push(id);
            let room = match &one.to {
                To::Room(room) => Some(*room),
                To::Users(_) => None,
            };
            let event = EncodedEvent::new(id, &one.kind, at, room, &one.data)
                .map_err(|e| CoreError::Invalid(format!("data: {e}")))?;
            let expires_at = one.ttl.map(|ttl| at.plus(ttl));
            if one.ephemeral {
                prepared.ephemeral.push(Publication {
                    ticket: 0,
                    id: event.id,
                    payload: event.json,
                    recipients: self.audience(&one.to).await?,
                    durability: Durability::Transient,
                    expires_at,
                    trace: one.trace,
                });
            } else {
                let to = match one.to {
                    To::Users(users) => Audience::Users(users),
                    To::Room(room) => Audience::Room(room),
                };
                prepared.durable.push(NewEvent { event, to, expires_at, trace: one.trace });
            }
        }
        Ok(prepared)
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
            if depth(one.data.get()) > MOST_DEPTH {
                return Err(CoreError::Invalid(format!("data: nested at most {MOST_DEPTH} deep")));
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

/// How deep lists and objects stand in each other in a text that is JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn brackets_in_texts_are_no_depth() {
        for (json, expected) in [
            ("1", 0),
            (r#""[[[""#, 0),
            (r#""\"[[[""#, 0),
            (r#"["\\",[{}]]"#, 3),
            (r#"{"a":[1,{"]":2}],"b":[]}"#, 3),
            ("[[],[],[[]]]", 3),
        ] {
            assert_eq!(depth(json), expected, "{json}");
        }
    }
}
