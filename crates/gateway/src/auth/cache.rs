//! What was found out about a credential, for a short time: a loop brings the same one several times a second.
//!
//! Keyed by hash, so that no credential stays in memory. Bounded: when it is full it starts anew, which costs look-ups
//! and nothing else.

use std::time::{Duration, Instant};

use dashmap::DashMap;

/// A credential's SHA-256.
pub(super) type Hash = [u8; 32];

/// See the module's text.
pub(super) struct Cache<T> {
    entries: DashMap<Hash, (Instant, T)>,
    most: usize,
}

impl<T: Clone> Cache<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { entries: DashMap::new(), most }
    }

    pub(super) fn get(&self, hash: &Hash) -> Option<T> {
        let entry = self.entries.get(hash)?;
        let (until, value) = entry.value();
        (Instant::now() < *until).then(|| value.clone())
    }

    pub(super) fn put(&self, hash: Hash, value: T, good_for: Duration) {
        if self.entries.len() >= self.most {
            self.entries.clear();
        }
        self.entries.insert(hash, (Instant::now() + good_for, value));
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
        assert!(cache.entries.len() <= 2);
        assert_eq!(cache.get(&[3; 32]), Some("c"));
    }
}
