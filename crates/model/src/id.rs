//! Ids: parsed once at the edge, cheap to clone and to compare afterwards.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// The text has no bytes.
    #[error("must not be empty")]
    Empty,
    /// The text is longer than the id may be.
    #[error("must be at most {most} bytes long")]
    TooLong {
        /// The most bytes it may have.
        most: usize,
    },
    /// A NUL byte, which PostgreSQL cannot store in a text.
    #[error("must not contain NUL")]
    Nul,
    /// The text is not a UUID.
    #[error("is not a UUID")]
    NotUuid,
}

/// Checks an opaque text: 1 to `most` bytes, no NUL.
fn opaque(text: &str, most: usize) -> Result<(), BadId> {
    if text.is_empty() {
        return Err(BadId::Empty);
    }
    if text.len() > most {
        return Err(BadId::TooLong { most });
    }
    if text.as_bytes().contains(&0) {
        return Err(BadId::Nul);
    }
    Ok(())
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $most:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most bytes such an id may have.
            pub const MOST_BYTES: usize = $most;

            /// The id as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                opaque(text, $most)?;
                Ok(Self(Arc::from(text)))
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                opaque(&text, $most)?;
                Ok(Self(Arc::from(text)))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

text_id!(
    /// A user's id: opaque to pollgate, 1 to 128 bytes, no NUL.
    UserId,
    128
);
text_id!(
    /// Names one device or tab of a user: opaque, 1 to 128 bytes, no NUL.
    SessionId,
    128
);
text_id!(
    /// The client's own id for a message, which makes a retry harmless: 1 to 64 bytes, no NUL.
    ClientId,
    64
);

text_id!(
    /// A group room's name: 1 to 256 bytes, no NUL.
    RoomName,
    256
);
text_id!(
    /// A word of the application's, such as a room's category or status: 1 to 64 bytes, no NUL.
    Label,
    64
);
text_id!(
    /// Which order, job, ... a room is about: opaque, 1 to 128 bytes, no NUL.
    ContextId,
    128
);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id: UUID version 7 (RFC 9562), so that ids made later sort later.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default that differs each time would surprise")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The UUID itself.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                // only the form that the API prints: other spellings would make two names for one thing
                match Uuid::try_parse(text) {
                    Ok(id) if text.len() == 36 => Ok(Self(id)),
                    _ => Err(BadId::NotUuid),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A room's id.
    RoomId
);
uuid_id!(
    /// A message's id.
    MessageId
);
uuid_id!(
    /// An event's id: receivers drop repeats by it. The event of a message bears the message's id.
    EventId
);
uuid_id!(
    /// An attachment's id.
    AttachmentId
);
uuid_id!(
    /// One run of one gateway process; owner of the outbox rows it wrote.
    InstanceId
);

impl From<MessageId> for EventId {
    fn from(id: MessageId) -> Self {
        Self(id.0)
    }
}

impl EventId {
    /// When the id was made, in milliseconds since the epoch (RFC 9562, 5.7).
    #[must_use]
    pub fn made_at_ms(self) -> Option<i64> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        i64::try_from(seconds * 1000 + u64::from(nanos / 1_000_000)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_id_has_bounds() {
        assert_eq!("".parse::<UserId>(), Err(BadId::Empty));
        assert_eq!("a\0b".parse::<UserId>(), Err(BadId::Nul));
        assert!("x".repeat(128).parse::<UserId>().is_ok());
        assert_eq!("x".repeat(129).parse::<UserId>(), Err(BadId::TooLong { most: 128 }));
        assert!("x".repeat(65).parse::<ClientId>().is_err());
    }

    #[test]
    fn a_uuid_id_has_one_spelling() {
        let id = RoomId::new();
        assert_eq!(id.to_string().parse::<RoomId>(), Ok(id));
        assert_eq!(id.uuid().simple().to_string().parse::<RoomId>(), Err(BadId::NotUuid));
        assert_eq!(format!("{{{id}}}").parse::<RoomId>(), Err(BadId::NotUuid));
    }

    #[test]
    fn an_event_id_tells_when_it_was_made() {
        let before = crate::Timestamp::now().as_ms();
        let made = EventId::new().made_at_ms().unwrap();
        assert!((before..before + 60_000).contains(&made));
    }
}
