//! Several brokers side by side: each user's mailboxes live on one of them.
//!
//! | module | holds |
//! | --- | --- |
//! | `name` | what a cluster is called |
//! | `placement` | who is placed where |

mod name;
mod placement;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pollgate_model::UserId;
use tokio::sync::watch;

pub use name::ClusterName;
pub use placement::{MOST_CLUSTERS, Placement, PlacementError};

use crate::{Broker, BrokerState};

/// A broker under its name.
pub struct Cluster {
    /// What it is called.
    pub name: ClusterName,
    /// The broker.
    pub broker: Arc<dyn Broker>,
    state: watch::Receiver<BrokerState>,
}

impl Cluster {
    fn new(name: ClusterName, broker: Arc<dyn Broker>) -> Self {
        Self { state: broker.state(), name, broker }
    }

    /// How it is now.
    #[must_use]
    pub fn state(&self) -> BrokerState {
        self.state.borrow().clone()
    }

    /// Names its transient state, see [`BrokerState::incarnation`].
    #[must_use]
    pub fn incarnation(&self) -> u32 {
        self.state.borrow().incarnation
    }
}

/// The brokers, and who is placed on which; at least one.
///
/// A cluster that is away is its users' misfortune only: nothing here waits for one on behalf of another.
pub struct Clusters {
    placement: Placement,
    first: Cluster,
    others: Vec<Cluster>,
}

impl fmt::Debug for Clusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clusters({})", self.placement)
    }
}

impl Clusters {
    /// One broker that has everybody.
    #[must_use]
    pub fn single(name: ClusterName, broker: Arc<dyn Broker>) -> Self {
        let placement = Placement::single(name.clone());
        Self { placement, first: Cluster::new(name, broker), others: Vec::new() }
    }

    /// These brokers; a user's place depends on the names alone.
    ///
    /// # Errors
    /// None at all, too many, or two of one name.
    pub fn new(brokers: Vec<(ClusterName, Arc<dyn Broker>)>) -> Result<Self, PlacementError> {
        let placement = Placement::new(brokers.iter().map(|(name, _)| name.clone()).collect())?;
        let mut clusters = brokers.into_iter().map(|(name, broker)| Cluster::new(name, broker));
        let first = clusters.next().ok_or(PlacementError::Empty)?;
        Ok(Self { placement, first, others: clusters.collect() })
    }

    /// Who is placed where.
    #[must_use]
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The one that has this user's mailboxes.
    #[must_use]
    pub fn of(&self, user: &UserId) -> &Cluster {
        self.lane(self.placement.lane_of(user))
    }

    /// The one of this lane; lanes count from 0 in the order of [`Clusters::iter`].
    #[must_use]
    pub fn lane(&self, lane: usize) -> &Cluster {
        lane.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.first)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Cluster> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Closes all at the same time, see [`Broker::close`].
    pub async fn close(&self, grace: Duration) {
        join_all(self.iter().map(|cluster| cluster.broker.close(grace))).await;
    }
}
