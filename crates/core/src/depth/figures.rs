//! What is counted about depths, and what is noted.

use pollgate_store::{DepthTotals, NotedDepth};

/// What is counted about depths. What is noted is the same at every gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepthFigures {
    /// Looks at mailboxes.
    pub looks: u64,
    /// Events that operators deleted.
    pub purged: u64,
    /// Numbers of noted mailboxes; unknown while the database is away, or nobody looks.
    pub totals: Option<DepthTotals>,
    /// The deepest of them, as they were found last.
    pub deepest: Vec<NotedDepth>,
}
