//! How much waits where: finding deep mailboxes among very many, telling when one is too deep, and when no longer.
//!
//! No broker is asked for all its queues. What is published is counted by user, and only where something may be left is
//! looked: at users who are not here to read it, at sessions that were just left, and again at what was found deep. The
//! number of looks in a second is bounded, however many mailboxes there are. What is found deep is noted in the
//! database, so that all gateways know the same, and an alarm ends also when the gateway that found it is gone.
//!
//! | module | holds |
//! | --- | --- |
//! | `candidates` | where to look, as a plain struct |
//! | `watch` | the same for those who publish and those who let mailboxes go |
//! | `rule` | deep, alarming, or neither |
//! | `looker` | the service that looks |
//! | `list` | what operators ask for |
//! | `purges` | mailboxes that were deleted, and who is to be told |

mod candidates;
mod figures;
mod list;
mod looker;
mod purges;
mod rule;
mod watch;

pub use figures::DepthFigures;
pub use list::ListedDepth;
pub(crate) use looker::Looker;
pub(crate) use purges::Purges;
pub use rule::DepthRule;
pub(crate) use watch::Watch;

/// Most mailboxes that are noted, over all gateways.
pub(crate) const MOST_NOTED: usize = 10_000;
