//! `[store]`: the database.

use serde::{Deserialize, Serialize};

use super::SecretUrl;

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct StoreSection {
    pub url: SecretUrl,
    pub pool_size: u32,
    pub writers: usize,
    pub writer_queue: usize,
    pub migrate: bool,
    pub connect_timeout_ms: u64,
    pub acquire_timeout_ms: u64,
    pub statement_timeout_ms: u64,
    pub idempotency_key_s: u64,
}

impl StoreSection {
    /// A scheme that is mistyped must not become the name of an SQLite file.
    pub(super) fn problem(&self) -> Option<String> {
        let url = self.url.expose();
        let known = ["sqlite://", "postgres://", "postgresql://"];
        let fits = url.is_empty() || known.iter().any(|scheme| url.starts_with(scheme));
        (!fits).then(|| "store.url: begins with \"sqlite://\" or \"postgres://\", or is empty".into())
    }
}
