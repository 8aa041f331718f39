//! What users are told of each other in passing: who is typing, who is online.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// The data of a `typing` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Who.
    pub user: UserId,
    /// Typing now, or not any more.
    pub typing: bool,
}

/// The data of a `presence` event, and what is answered to those who ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presence {
    /// Who.
    pub user: UserId,
    /// Online now.
    pub online: bool,
    /// Since when online, or since when not; nothing for somebody who was never seen.
    pub since: Option<Timestamp>,
}

impl Presence {
    /// Of somebody who was never seen.
    #[must_use]
    pub const fn unseen(user: UserId) -> Self {
        Self { user, online: false, since: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_never_seen_has_a_since_that_is_null() {
        let json = serde_json::to_string(&Presence::unseen("ann".parse().unwrap())).unwrap();
        assert_eq!(json, r#"{"user":"ann","online":false,"since":null}"#);
    }
}
