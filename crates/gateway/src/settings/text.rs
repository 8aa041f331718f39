//! `[messages]`, `[search]`, `[retention]`: changing, finding and removing messages.

use serde::{Deserialize, Serialize};

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct MessageSettings {
    pub edit_s: u64,
}

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct SearchSettings {
    pub enabled: bool,
}

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct RetentionSettings {
    pub days: u32,
    pub messages_per_room: u32,
    pub every_s: u64,
}
