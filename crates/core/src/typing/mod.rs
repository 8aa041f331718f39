//! Typing: told to the other members while they are there, never stored, gone by itself.
//!
//! | module | holds |
//! | --- | --- |
//! | `recent` | who said it lately |

mod recent;

use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::{Durability, Publication};
use pollgate_model::{EncodedEvent, EventId, EventKind, Recipient, RoomId, Timestamp, Typing, UserId};
use tokio::time::Instant;

pub(crate) use recent::{MOST as MOST_TYPISTS, Recent};

use crate::figures::TypingEnd;
use crate::{Core, CoreError, publish};

/// Clients forget after so long that somebody types; what comes later is worth nothing.
const WORTH: Duration = Duration::from_secs(5);

impl Core {
    /// Tells the other members of a room that `user` is typing, or is not any more. The same again within two seconds is
    /// told to nobody, and costs nothing; in a room of more than [`signal_members`](crate::CoreSettings::signal_members)
    /// nobody is told.
    ///
    /// # Errors
    /// `NotFound` for rooms that `user` is no member of; the database is away.
    pub async fn typing(&self, user: &UserId, room: RoomId, typing: bool) -> Result<(), CoreError> {
        let end = if self.typing.is_told(room, user, typing, Instant::now()) {
            TypingEnd::Absorbed
        } else {
            let members = self.audience_of(user, room).await?;
            self.tell_typing(user, room, typing, members.as_deref())?
        };
        self.figures.signals.typed(end);
        Ok(())
    }

    fn tell_typing(
        &self,
        user: &UserId,
        room: RoomId,
        typing: bool,
        members: Option<&[UserId]>,
    ) -> Result<TypingEnd, CoreError> {
        let others = members.unwrap_or_default().iter().filter(|member| *member != user);
        let recipients: Arc<[Recipient]> =
            others.map(|other| Recipient { user: other.clone(), make_mailbox: false }).collect();
        if !self.typing.tell(room, user, typing, Instant::now()) {
            return Ok(TypingEnd::Absorbed);
        }
        if recipients.is_empty() {
            return Ok(TypingEnd::Untold);
        }
        let (id, at) = (EventId::new(), Timestamp::now());
        let data = Typing { user: user.clone(), typing };
        let event = EncodedEvent::new(id, &EventKind::TYPING, at, Some(room), &data)
            .map_err(|error| CoreError::Internal(error.to_string()))?;
        let publication = Publication {
            ticket: 0,
            id,
            payload: event.json,
            recipients,
            durability: Durability::Transient,
            trace: None,
            expires_at: Some(at.plus(WORTH)),
        };
        let taken = publish::in_passing(&self.clusters, &publication);
        Ok(if taken { TypingEnd::Told } else { TypingEnd::Dropped })
    }
}
