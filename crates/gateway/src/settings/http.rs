//! `[http]`: addresses and time-outs.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::bounds::same_address;
use super::{SHORTEST_SECRET, Secret, TrustedProxies};

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct HttpSettings {
    pub listen: SocketAddr,
    pub operator_listen: SocketAddr,
    pub operator_token: Secret,
    pub workers: usize,
    pub demo: bool,
    pub docs: bool,
    pub cors_origins: Vec<String>,
    pub trusted_proxies: TrustedProxies,
    pub grace_ms: u64,
    pub header_timeout_ms: u64,
    pub body_timeout_ms: u64,
    pub write_timeout_ms: u64,
    pub keep_alive_ms: u64,
    pub most_connections: usize,
}

impl HttpSettings {
    pub(super) fn problem(&self) -> Option<String> {
        let bad = self.cors_origins.iter().find(|origin| {
            let named = origin.starts_with("http://") || origin.starts_with("https://");
            *origin != "*" && (!named || origin.ends_with('/'))
        });
        if let Some(origin) = bad {
            return Some(format!(
                "http.cors_origins: {origin:?} is no origin; write \"https://shop.example\" without a path"
            ));
        }
        if same_address(self.listen, self.operator_listen) {
            return Some("http.listen and http.operator_listen must differ".into());
        }
        if let Some(problem) = self.operator_problem() {
            return Some(problem);
        }
        if self.header_timeout_ms == 0 || self.body_timeout_ms == 0 {
            return Some("http.header_timeout_ms and http.body_timeout_ms must not be 0".into());
        }
        // 0 would mean "never" to the system, and it counts in 32 bits
        if !(1..=u64::from(u32::MAX / 2)).contains(&self.write_timeout_ms) {
            return Some("http.write_timeout_ms must be 1 to 2147483647".into());
        }
        (self.most_connections == 0).then(|| "http.most_connections must not be 0".into())
    }

    /// What operators see is nobody else's business: other machines get there with a token only.
    fn operator_problem(&self) -> Option<String> {
        let token = self.operator_token.expose();
        if !token.is_empty() && token.len() < SHORTEST_SECRET {
            return Some(format!("http.operator_token: at least {SHORTEST_SECRET} bytes"));
        }
        if token.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Some("http.operator_token: visible ASCII only, as it stands in a header".into());
        }
        (token.is_empty() && !self.operator_listen.ip().to_canonical().is_loopback()).then(|| {
            format!(
                "http.operator_listen: other machines reach {}, and there is no http.operator_token. Set one of at least \
                 {SHORTEST_SECRET} bytes (openssl rand -hex 32), or listen on 127.0.0.1",
                self.operator_listen
            )
        })
    }
}
