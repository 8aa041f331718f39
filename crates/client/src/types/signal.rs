//! What users are told of each other in passing.

use serde::{Deserialize, Serialize};

/// The data of a `typing` event; good for 5 s.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Typing {
    /// Who.
    pub user: String,
    /// Typing now, or not any more.
    pub typing: bool,
}

/// The data of a `presence` event, and what is answered to those who ask.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Presence {
    /// Who.
    pub user: String,
    /// Online now.
    pub online: bool,
    /// Since when online, or since when not; nothing for somebody who was never seen.
    pub since: Option<String>,
}
