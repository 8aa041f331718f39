//! Figures about what happened so far, for whoever shows them.

/// How mailboxes moved between gateways, since the start of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandoverFigures {
    /// Taken from a gateway that let go.
    pub handed_over: u64,
    /// Asked for in vain: the one asked did not have it, or is not there any more.
    pub not_there: u64,
    /// Asked for without an answer in time.
    pub unanswered: u64,
    /// Given to another gateway.
    pub given: u64,
}
