//! A small blocking HTTP client for the commands that talk to a gateway.

use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;

/// Longer than any hold.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than the largest answer.
const LARGEST: u64 = 64 << 20;

/// Why a gateway did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Worth another try after this long.
    #[error("{why}")]
    Later { after: Duration, why: String },
    /// The same again would be refused again.
    #[error("{0}")]
    Final(String),
}

/// One gateway, one credential.
pub(crate) struct HttpClient {
    agent: Agent,
    url: String,
    authorization: String,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
    code: String,
}

impl HttpClient {
    pub(crate) fn new(url: String, token: String) -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        Self {
            agent: config.into(),
            url: url.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {token}"),
        }
    }

    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<String, Refusal> {
        let request = self.agent.get(format!("{}{path}", self.url)).query_pairs(query.iter().copied());
        Self::read(request.header("authorization", &self.authorization).call())
    }

    pub(crate) fn post(&self, path: &str, json: &str) -> Result<String, Refusal> {
        let request =
            self.agent.post(format!("{}{path}", self.url)).header("authorization", &self.authorization);
        Self::read(request.content_type("application/json").send(json))
    }

    fn read(outcome: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<String, Refusal> {
        let unreachable = |error: ureq::Error| Refusal::Later {
            after: Duration::ZERO,
            why: format!("the gateway cannot be reached: {error}"),
        };
        let mut response = outcome.map_err(unreachable)?;
        let status = response.status();
        let after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
        let body = response.body_mut().with_config().limit(LARGEST).read_to_string().map_err(unreachable)?;
        if status.is_success() {
            return Ok(body);
        }
        let why = match serde_json::from_str::<Problem>(&body) {
            Ok(problem) => format!("{} ({status}): {}", problem.code, problem.detail),
            Err(_no_problem) => format!("{status}"),
        };
        match status.as_u16() {
            429 | 502..=504 => Err(Refusal::Later { after: Duration::from_secs(after.unwrap_or(1)), why }),
            _ => Err(Refusal::Final(why)),
        }
    }
}
