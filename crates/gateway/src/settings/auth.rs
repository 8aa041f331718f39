//! `[auth]`: credentials.

use serde::{Deserialize, Serialize};

use super::{SHORTEST_SECRET, Secret};

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct AuthSettings {
    pub allow_query_token: bool,
    pub ticket_secret: Secret,
    pub jwt: JwtSettings,
}

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct JwtSettings {
    pub hs256_secret: Secret,
    pub public_key_file: String,
    pub issuer: String,
    pub audience: String,
    pub leeway_s: u64,
}

impl AuthSettings {
    pub(super) fn problem(&self) -> Option<String> {
        let tickets = self.ticket_secret.expose();
        if !tickets.is_empty() && tickets.len() < SHORTEST_SECRET {
            return Some(format!("auth.ticket_secret: at least {SHORTEST_SECRET} bytes"));
        }
        let secret = self.jwt.hs256_secret.expose();
        if !secret.is_empty() && !self.jwt.public_key_file.is_empty() {
            return Some("auth.jwt: hs256_secret and public_key_file exclude each other".into());
        }
        let short = !secret.is_empty() && secret.len() < SHORTEST_SECRET;
        short.then(|| format!("auth.jwt.hs256_secret: at least {SHORTEST_SECRET} bytes"))
    }
}
