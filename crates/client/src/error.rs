//! What can go wrong, in one enum.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// Any other crate's error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why something did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The gateway answered with an error.
    #[error("{0}")]
    Problem(Problem),
    /// A loop has ended and does not come back by itself.
    #[error("{why}: {problem}")]
    Ended {
        /// In a word.
        why: End,
        /// As the gateway says it.
        problem: Problem,
    },
    /// The gateway was not reached, or its answer did not come to its end.
    #[error("the gateway cannot be reached: {0}")]
    Network(#[source] BoxError),
    /// The hook gave no token.
    #[error("no token to call with: {0}")]
    Token(#[source] BoxError),
    /// The answer is not what a gateway answers: something else listens there, or stands between.
    #[error("the answer cannot be read: {0}")]
    Answer(#[source] BoxError),
    /// The client cannot be built like this.
    #[error("{0}")]
    Setup(String),
}

/// Why a loop of events ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// Another loop has taken this session's mailbox.
    Superseded,
    /// The credential is not good, and there is no better one.
    SignedOut,
    /// The same would be refused again.
    Refused,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Superseded => "superseded",
            Self::SignedOut => "signed out",
            Self::Refused => "refused",
        })
    }
}

/// An error that the gateway, or what stands before it, answered (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable and kebab-case, such as `not-found`; empty when it was not the gateway that answered.
    pub code: String,
    /// In words, for people.
    pub detail: String,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// Names the request in the gateway's log.
    pub request_id: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.detail.as_str()) {
            ("", detail) => write!(f, "{} {detail}", self.status),
            (code, "") => write!(f, "{code} ({})", self.status),
            (code, detail) => write!(f, "{code} ({}): {detail}", self.status),
        }
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

impl Problem {
    /// From an answer that is no success; its body may be anything.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_else(|_balancers_own_page| Body {
            code: String::new(),
            title: String::new(),
            detail: format!("HTTP {status}"),
        });
        let detail = if body.detail.is_empty() { body.title } else { body.detail };
        Self { status, code: body.code, detail, retry_after: None, request_id: None }
    }

    /// Whether the same may work later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..=599)
    }
}

impl Error {
    pub(crate) fn network(error: impl Into<BoxError>) -> Self {
        Self::Network(error.into())
    }

    pub(crate) fn answer(error: impl Into<BoxError>) -> Self {
        Self::Answer(error.into())
    }

    /// What the gateway answered, when it did.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) | Self::Ended { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// The problem's code, such as `throttled`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }

    /// The problem's HTTP status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.problem().map(|problem| problem.status)
    }

    /// How long the gateway asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.problem().and_then(|problem| problem.retry_after)
    }

    /// Whether the same may work later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Problem(problem) => problem.is_transient(),
            Self::Network(_) | Self::Token(_) | Self::Answer(_) => true,
            Self::Ended { .. } | Self::Setup(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_read_from_json_and_from_anything_else() {
        let body = br#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no such room","code":"not-found"}"#;
        let problem = Problem::read(404, body);
        assert_eq!((problem.code.as_str(), problem.detail.as_str()), ("not-found", "no such room"));
        assert_eq!(problem.to_string(), "not-found (404): no such room");
        let page = Problem::read(502, b"<html>Bad Gateway</html>");
        assert_eq!((page.code.as_str(), page.to_string().as_str()), ("", "502 HTTP 502"));
        assert!(page.is_transient() && !problem.is_transient());
    }
}
