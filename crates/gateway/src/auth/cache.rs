//! What was found out about a credential, for a short time: a loop brings the same one several times a second.
//!
//! Keyed by hash, so that no credential stays in memory. Bounded: when it is full it starts anew, which costs look-ups
//! and nothing else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use pollgate_core::Limit;

/// A credential's SHA-256.
pub(super) type Hash = [u8; 32];

/// See the module's text.
pub(super) struct Cache<T> {
    entries: DashMap<Hash, (Instant, T)>,
    most: usize,
    /// How often it was full and started anew.
    cleared: AtomicU64,
}

impl<T: Clone> Cache<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { entries: DashMap::new(), most, cleared: AtomicU64::new(0) }
    }

    pub(super) fn get(&self, hash: &Hash) -> Option<T> {
        let entry = self.entries.get(hash)?;
        let (until, value) = entry.value();
        (Instant::now() < *until).then(|| value.clone())
    }

    pub(super) fn put(&self, hash: Hash, value: T, good_for: Duration) {
        if self.entries.len() >= self.most {
            self.entries.clear();
            self.cleared.fetch_add(1, Ordering::Relaxed);
        }
        self.entries.insert(hash, (Instant::now() + good_for, value));
    }

    /// How full it is.
    pub(super) fn limit(&self, name: &'static str) -> Limit {
        Limit {
            name,
            most: self.most as u64,
            used: Some(self.entries.len() as u64),
            refused: Some(self.cleared.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_and_the_map_is_bounded() {
        let cache = Cache::new(2);
        cache.put([1; 32], "a", Duration::from_secs(60));
        assert_eq!(cache.get(&[1; 32]), Some("a"));
        cache.put([2; 32], "b", Duration::ZERO);
        assert_eq!(cache.get(&[2; 32]), None);
        cache.put([3; 32], "c", Duration::from_secs(60));
        let limit = cache.limit("tokens");
        assert_eq!((limit.most, limit.used, limit.refused), (2, Some(1), Some(1)));
        assert_eq!(cache.get(&[3; 32]), Some("c"));
    }
}
