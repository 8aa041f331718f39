//! What can go wrong, as far as a caller can act upon it. Status codes are the HTTP layer's business.

use pollgate_broker::BrokerError;
use pollgate_store::StoreError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The request makes no sense; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// Something is larger than it may be; the text says what and by how much.
    #[error("{0}")]
    TooLarge(String),
    /// There is no such thing, or the caller may not know of it.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The caller may not do it; the text says why.
    #[error("{0}")]
    Forbidden(String),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// The idempotency key was used for another request.
    #[error("Idempotency-Key: it was used for another request")]
    KeyReused,
    /// Another poll took this poll's place.
    #[error("another poll took over this mailbox")]
    Superseded,
    /// The user holds as many polls as one user may.
    #[error("at most {most} polls may be held for one user")]
    TooManyPolls {
        /// The bound.
        most: usize,
    },
    /// A bound of this gateway is met; the text names it.
    #[error("{0}: no room at the moment")]
    Overloaded(&'static str),
    /// The database is away or too slow; nothing was accepted.
    #[error("the database is not available")]
    StoreUnavailable(String),
    /// The database went away in mid-commit: what was asked may have been stored.
    #[error("the database went away in mid-commit: it may have been stored all the same")]
    StoreUncertain(String),
    /// The broker is away or too slow.
    #[error("the broker is not available")]
    BrokerUnavailable(String),
    /// The database holds what it never should.
    #[error("internal error")]
    Internal(String),
}

impl From<StoreError> for CoreError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::StoreUnavailable(why),
            StoreError::Uncertain(why) => Self::StoreUncertain(why),
            StoreError::Busy(what) => Self::Overloaded(what),
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Forbidden(why) => Self::Forbidden(why),
            StoreError::Conflict(why) => Self::Conflict(why),
            StoreError::KeyReused => Self::KeyReused,
            StoreError::Invalid(why) => Self::Invalid(why),
            StoreError::Outdated(why) | StoreError::Corrupt(why) => Self::Internal(why),
        }
    }
}

impl From<BrokerError> for CoreError {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Full(what) => Self::Overloaded(what),
            other => Self::BrokerUnavailable(other.to_string()),
        }
    }
}
