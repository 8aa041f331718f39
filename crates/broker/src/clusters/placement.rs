//! Who is placed where: rendezvous hashing over the clusters' names.
//!
//! Each pair of a cluster and a user has a weight that depends on nothing else, and the heaviest cluster has the
//! user. So every gateway with the same list, in whatever order, places everybody alike; a cluster that is added
//! draws its share from each of the others and moves nobody else, and one that is taken away gives up its own.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use pollgate_model::UserId;
use twox_hash::XxHash3_64;

use super::name::ClusterName;

/// Most clusters of one list: sets of them are bits of a number, and each user costs a hash for each.
pub const MOST_CLUSTERS: usize = 32;

/// Why a list of clusters is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// Nobody would be placed.
    #[error("no cluster is named")]
    Empty,
    /// More than [`MOST_CLUSTERS`].
    #[error("at most {MOST_CLUSTERS} clusters can be used")]
    TooMany,
    /// Two entries are the same place.
    #[error("{0} is named twice")]
    Twice(ClusterName),
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    name: ClusterName,
    seed: u64,
}

/// A list of clusters, and so the place of every user. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    places: Arc<[Place]>,
}

impl Placement {
    /// Everybody on one.
    #[must_use]
    pub fn single(name: ClusterName) -> Self {
        Self { places: Arc::new([Place { seed: name.hash(), name }]) }
    }

    /// Everybody on one of these.
    ///
    /// # Errors
    /// None at all, too many, or two alike.
    pub fn new(names: Vec<ClusterName>) -> Result<Self, PlacementError> {
        if names.is_empty() {
            return Err(PlacementError::Empty);
        }
        if names.len() > MOST_CLUSTERS {
            return Err(PlacementError::TooMany);
        }
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
            return Err(PlacementError::Twice(twice.clone()));
        }
        Ok(Self { places: names.into_iter().map(|name| Place { seed: name.hash(), name }).collect() })
    }

    /// How many clusters there are.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.places.len()
    }

    /// The user's cluster, by its number in the list.
    #[must_use]
    pub fn lane_of(&self, user: &UserId) -> usize {
        if self.places.len() == 1 {
            return 0;
        }
        self.heaviest(user).map_or(0, |(lane, _)| lane)
    }

    /// The user's cluster; `None` never happens, as there is always one.
    #[must_use]
    pub fn cluster_of(&self, user: &UserId) -> Option<&ClusterName> {
        self.heaviest(user).map(|(_, place)| &place.name)
    }

    fn heaviest(&self, user: &UserId) -> Option<(usize, &Place)> {
        let weight = |place: &Place| XxHash3_64::oneshot_with_seed(place.seed, user.as_str().as_bytes());
        // of equal weights the name decides, so that the order of the list never does
        self.places.iter().enumerate().max_by_key(|(_, place)| (weight(place), &place.name))
    }
}

/// The names in their own order, with blanks between: two lists are the same exactly when they print the same.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.places.iter().map(|place| place.name.as_str()).collect();
        names.sort_unstable();
        f.write_str(&names.join(" "))
    }
}

/// Reads what was printed.
impl FromStr for Placement {
    type Err = PlacementError;

    fn from_str(text: &str) -> Result<Self, PlacementError> {
        Self::new(text.split_ascii_whitespace().map(ClusterName::printed).collect())
    }
}

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
