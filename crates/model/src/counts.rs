//! Counting how large things are, in buckets: what histograms of metrics are made of.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts values by the smallest of its bounds that they do not exceed; cheap enough for every request.
#[derive(Debug)]
pub struct Counts<const N: usize> {
    bounds: &'static [u64; N],
    /// One for each bound.
    buckets: [AtomicU64; N],
    larger: AtomicU64,
    sum: AtomicU64,
}

/// What was counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Each bound, and how many values were at most as large.
    pub upto: Vec<(u64, u64)>,
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub sum: u64,
}

impl<const N: usize> Counts<N> {
    /// Nothing was counted yet; the bounds ascend.
    #[must_use]
    pub fn new(bounds: &'static [u64; N]) -> Self {
        let buckets = std::array::from_fn(|_| AtomicU64::new(0));
        Self { bounds, buckets, larger: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    /// Counts one.
    pub fn note(&self, value: u64) {
        let place = self.bounds.iter().position(|most| value <= *most);
        let bucket = place.and_then(|place| self.buckets.get(place)).unwrap_or(&self.larger);
        bucket.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn read(&self) -> Counted {
        let mut count = 0;
        let upto = |(most, bucket): (&u64, &AtomicU64)| {
            count += bucket.load(Ordering::Relaxed);
            (*most, count)
        };
        let upto: Vec<(u64, u64)> = self.bounds.iter().zip(&self.buckets).map(upto).collect();
        count += self.larger.load(Ordering::Relaxed);
        Counted { upto, count, sum: self.sum.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_counts_what_was_at_most_so_large() {
        let counts = Counts::new(&[1, 5, 10]);
        for value in [0, 1, 2, 10, 11] {
            counts.note(value);
        }
        let expected = Counted { upto: vec![(1, 2), (5, 3), (10, 4)], count: 5, sum: 24 };
        assert_eq!(counts.read(), expected);
    }
}
