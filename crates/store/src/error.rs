//! Failures, by what a caller can do about them.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be used now; nothing was done. Try again.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A bound of this process was met; nothing was done. Try again a little later.
    #[error("{0} is full")]
    Busy(&'static str),
    /// The connection broke in the middle of the commit: it may have been stored.
    #[error("the connection to the database broke during the commit, it may have been stored: {0}")]
    Uncertain(String),
    /// What was asked for is not there, or not for the caller.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The asker may not do it.
    #[error("{0}")]
    Forbidden(String),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// The idempotency key was used for something else.
    #[error("the key was used for another request")]
    KeyReused,
    /// It cannot be done as it was asked.
    #[error("{0}")]
    Invalid(String),
    /// The schema is not this program's.
    #[error("{0}")]
    Outdated(String),
    /// The database holds what this program never wrote.
    #[error("the database holds what cannot be read: {0}")]
    Corrupt(String),
}

/// How a statement failed, by what to do next.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Another transaction was in the way (deadlock, serialisation, a unique index): the same again may succeed.
    Race(String),
    /// The connection is of no more use.
    Lost(String),
    /// This statement; others on the same connection may well succeed.
    Statement(String),
    /// A row that cannot be understood.
    Corrupt(String),
}

impl Failure {
    /// Nothing can be read from the row.
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }

    /// The database's own words.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Race(why) | Self::Lost(why) | Self::Statement(why) | Self::Corrupt(why) => why,
        }
    }
}

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        let text = error.to_string();
        match &error {
            DieselError::DatabaseError(kind, _) => match kind {
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ForeignKeyViolation => Self::Race(text),
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                    Self::Lost(text)
                }
                // diesel knows no kind for a deadlock (40P01)
                _ if text.starts_with("deadlock detected") => Self::Race(text),
                _ if went_away(&text) => Self::Lost(text),
                _ => Self::Statement(text),
            },
            DieselError::BrokenTransactionManager | DieselError::AlreadyInTransaction => Self::Lost(text),
            DieselError::DeserializationError(_) => Self::Corrupt(text),
            _ => Self::Statement(text),
        }
    }
}

/// Ends of a connection that libpq reports as plain errors.
fn went_away(text: &str) -> bool {
    [
        "terminating connection",
        "server closed the connection",
        "no connection to the server",
        "could not receive data",
    ]
    .iter()
    .any(|end| text.contains(end))
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Race(why) | Failure::Lost(why) | Failure::Statement(why) => Self::Unavailable(why),
            Failure::Corrupt(why) => Self::Corrupt(why),
        }
    }
}
