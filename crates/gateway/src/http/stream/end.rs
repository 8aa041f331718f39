//! Why a stream ends, as its client reads it.

use std::time::Duration;

use pollgate_core::{CoreError, StreamEnd};
use rand::Rng as _;

use super::super::problem::{Code, Problem};
use crate::auth::AuthError;

/// See the module's text. What each one asks of a client stands in docs/streams.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is time to confirm.
    Confirm,
    /// The gateway stops.
    Drained(Duration),
    /// Another reader has the mailbox.
    Superseded,
    /// The client did not read, or did not confirm.
    Slow,
    /// The credential is not good any more.
    Credential(Code),
    /// The gateway's trouble.
    Trouble(Code),
}

impl End {
    /// Its name, and how long the client should wait before it comes back.
    pub(super) fn told(self) -> (&'static str, Duration) {
        match self {
            Self::Confirm => ("confirm", Duration::ZERO),
            Self::Drained(pause) => ("drained", pause),
            Self::Superseded => ("superseded", Duration::ZERO),
            Self::Slow => ("slow", Duration::ZERO),
            Self::Credential(code) => (code.as_str(), Duration::ZERO),
            // uneven, so that not all come back at once
            Self::Trouble(code) => {
                (code.as_str(), Duration::from_millis(rand::rng().random_range(1000..=4000)))
            }
        }
    }

    /// As JSON.
    pub(super) fn json(self) -> String {
        let (name, pause) = self.told();
        format!("{{\"end\":\"{name}\",\"pause_ms\":{}}}", pause.as_millis())
    }

    /// The close code of a WebSocket (RFC 6455, 7.4; from 4000 on they are the application's).
    pub(super) const fn close_code(self) -> u16 {
        match self {
            Self::Confirm | Self::Slow => 4408,
            Self::Drained(_) => 1012,
            Self::Superseded => 4409,
            Self::Credential(_) => 4401,
            Self::Trouble(_) => 1013,
        }
    }

    /// As it is counted.
    pub(super) const fn figure(self) -> StreamEnd {
        match self {
            Self::Confirm => StreamEnd::Confirm,
            Self::Drained(_) => StreamEnd::Drained,
            Self::Superseded => StreamEnd::Superseded,
            Self::Slow => StreamEnd::Slow,
            Self::Credential(_) => StreamEnd::Credential,
            Self::Trouble(_) => StreamEnd::Failed,
        }
    }
}

impl From<CoreError> for End {
    fn from(error: CoreError) -> Self {
        match error {
            CoreError::Superseded => Self::Superseded,
            other => Self::Trouble(Problem::from(other).code()),
        }
    }
}

impl From<AuthError> for End {
    fn from(error: AuthError) -> Self {
        match Problem::from(error).code() {
            code @ (Code::Unauthenticated | Code::TokenExpired) => Self::Credential(code),
            code => Self::Trouble(code),
        }
    }
}
