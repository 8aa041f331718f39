//! A histogram of how long something took.

use std::time::Duration;

use pollgate_model::{Counted, Counts};

/// Upper bounds of the buckets, in microseconds; what took longer is counted in none of them.
const BOUNDS_US: [u64; 18] = [
    100,
    250,
    500,
    1000,
    2000,
    5000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    60_000_000,
    600_000_000,
];

/// Counts durations; cheap enough for every request.
#[derive(Debug)]
pub(crate) struct Times(Counts<{ BOUNDS_US.len() }>);

/// What was counted so far, in the unit of a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Upper bounds, and how many were at most so large.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub sum: f64,
}

impl Histogram {
    /// What was counted, `per_unit` of it to the unit of the metric.
    #[expect(clippy::cast_precision_loss, reason = "a metric is a double, and these stay far below 2^53")]
    pub(crate) fn of(counted: &Counted, per_unit: f64) -> Self {
        let buckets = counted.upto.iter().map(|(most, count)| (*most as f64 / per_unit, *count)).collect();
        Self { buckets, count: counted.count, sum: counted.sum as f64 / per_unit }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self(Counts::new(&BOUNDS_US))
    }
}

impl Times {
    /// Counts one.
    pub(crate) fn note(&self, took: Duration) {
        self.0.note(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// In seconds.
    pub(crate) fn read(&self) -> Histogram {
        Histogram::of(&self.0.read(), 1e6)
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
        let upto =
            |seconds: f64| read.buckets.iter().find(|(most, _)| (most - seconds).abs() < 1e-9).unwrap().1;
        assert_eq!([upto(0.0001), upto(0.001), upto(0.002), upto(0.005), upto(600.0)], [1, 2, 3, 4, 5]);
        assert_eq!(read.count, 6);
        assert!((read.sum - 3660.006).abs() < 1e-6);
    }
}
