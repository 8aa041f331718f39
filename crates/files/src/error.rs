//! Failures, by what a caller can do about them.

/// Why the storage did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// The storage is away, too slow, or refuses. Try again.
    #[error("the attachment storage is not available: {0}")]
    Unavailable(String),
    /// The storage is there, and these bytes are not in it.
    #[error("the attachment storage has no {0}")]
    Missing(String),
    /// The place makes no sense as it was set.
    #[error("{0}")]
    Invalid(String),
}

impl From<object_store::Error> for FilesError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { path, .. } => Self::Missing(path),
            other => Self::Unavailable(other.to_string()),
        }
    }
}
