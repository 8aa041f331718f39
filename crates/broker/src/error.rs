//! What can go wrong with a broker, as far as a caller can act upon it.

/// Why the broker did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BrokerError {
    /// No connection, or it broke: try again later.
    #[error("the broker cannot be reached: {0}")]
    Unreachable(String),
    /// It did not answer in time: it may have done it all the same.
    #[error("the broker did not answer within {0:?}")]
    TimedOut(std::time::Duration),
    /// It said no; the same again will be refused again.
    #[error("the broker refused: {0}")]
    Refused(String),
    /// A bound of this gateway was met.
    #[error("the broker's {0} is full")]
    Full(&'static str),
    /// This broker was closed.
    #[error("the broker is closed")]
    Closed,
}
