//! `[poll]`, `[stream]`, `[mailbox]`, `[limits]`, `[log]`: numbers.

use serde::{Deserialize, Serialize};

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct PollSettings {
    pub hold_ms: u64,
    pub jitter_percent: u32,
    pub linger_ms: u64,
    pub limit: usize,
    pub most_events: usize,
    pub most_bytes: usize,
}

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct StreamSettings {
    pub heartbeat_ms: u64,
    pub unconfirmed_ms: u64,
}

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct MailboxSettings {
    pub message_ttl_s: u64,
    pub max_length: u64,
    pub expires_s: u64,
    pub session_expires_s: u64,
    pub prefetch: u16,
    pub alarm_depth: u64,
    pub looks_per_second: usize,
}

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct LimitSettings {
    pub text_bytes: usize,
    pub batch_events: usize,
    pub batch_bytes: usize,
    pub recipients: usize,
    pub room_members: usize,
    pub signal_members: usize,
    pub held_polls_per_user: usize,
    pub held_polls: usize,
    pub mailboxes: usize,
    pub sessions_per_user: usize,
    pub watched_mailboxes: usize,
    pub relay_publications: usize,
    pub relay_bytes: usize,
    pub outbox_rows: usize,
    pub throttle_entries: usize,
    pub tickets: usize,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct LogSettings {
    pub format: LogFormat,
    pub level: String,
    pub slow_ms: u64,
}
