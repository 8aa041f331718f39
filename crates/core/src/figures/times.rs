//! A histogram of how long something took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in milliseconds; what took longer is counted in none of them.
const BOUNDS_MS: [u32; 15] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000, 600_000];

/// Counts durations; cheap enough for every request.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// One for each bound.
    buckets: [AtomicU64; BOUNDS_MS.len()],
    longer: AtomicU64,
    sum_us: AtomicU64,
}

/// What `Times` has counted so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Upper bounds in seconds, and how many took at most so long.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// All of them together, in seconds.
    pub sum_s: f64,
}

impl Times {
    /// Counts one.
    pub(crate) fn note(&self, took: Duration) {
        let fits = BOUNDS_MS.iter().position(|most| took <= Duration::from_millis(u64::from(*most)));
        let bucket = fits.and_then(|place| self.buckets.get(place)).unwrap_or(&self.longer);
        bucket.fetch_add(1, Ordering::Relaxed);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Histogram {
        let mut count = 0;
        let upto = |(most, bucket): (&u32, &AtomicU64)| {
            count += bucket.load(Ordering::Relaxed);
            (f64::from(*most) / 1000.0, count)
        };
        let buckets: Vec<(f64, u64)> = BOUNDS_MS.iter().zip(&self.buckets).map(upto).collect();
        count += self.longer.load(Ordering::Relaxed);
        let sum_s = Duration::from_micros(self.sum_us.load(Ordering::Relaxed)).as_secs_f64();
        Histogram { buckets, count, sum_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_counts_what_took_at_most_so_long() {
        let times = Times::default();
        for ms in [0, 1, 2, 3, 60_000, 3_600_000] {
            times.note(Duration::from_millis(ms));
        }
        let read = times.read();
        assert_eq!(read.buckets.first(), Some(&(0.001, 2)));
        assert_eq!(read.buckets.get(1), Some(&(0.002, 3)));
        assert_eq!(read.buckets.get(2), Some(&(0.005, 4)));
        assert_eq!(read.buckets.last(), Some(&(600.0, 5)));
        assert_eq!(read.count, 6);
        assert!((read.sum_s - 3660.006).abs() < 1e-9);
    }
}
