//! `[presence]`: who counts as online.

use serde::{Deserialize, Serialize};

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct PresenceSettings {
    pub offline_after_ms: u64,
}
