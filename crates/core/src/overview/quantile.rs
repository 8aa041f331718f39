//! Percentiles of what was timed between two looks at a histogram.

use crate::Histogram;

/// So much of what was timed between `before` and `after` took at most this many seconds; `None`: nothing was timed.
///
/// Within a bucket times are taken as spread evenly, as Prometheus does; what is longer than the last bound counts as
/// that bound.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn quantile(before: &Histogram, after: &Histogram, share: f64) -> Option<f64> {
    let count = after.count.saturating_sub(before.count);
    if count == 0 {
        return None;
    }
    let wanted = share * count as f64;
    let (mut lower, mut below) = (0.0, 0.0);
    for ((bound, now), (_, then)) in after.buckets.iter().zip(&before.buckets) {
        let upto = now.saturating_sub(*then) as f64;
        if upto >= wanted && upto > below {
            return Some(lower + (bound - lower) * (wanted - below) / (upto - below));
        }
        (lower, below) = (*bound, upto);
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(buckets: [u64; 3], count: u64) -> Histogram {
        let buckets = [0.1, 0.2, 1.0].into_iter().zip(buckets).collect();
        Histogram { buckets, count, sum: 0.0 }
    }

    #[test]
    fn only_what_came_between_the_two_counts() {
        let before = histogram([100, 100, 100], 100);
        let after = histogram([100, 110, 110], 110);
        assert_eq!(quantile(&before, &before, 0.5), None);
        let median = quantile(&before, &after, 0.5).unwrap();
        assert!((median - 0.15).abs() < 1e-9, "{median}");
        assert!((quantile(&before, &after, 1.0).unwrap() - 0.2).abs() < 1e-9);
    }

    #[test]
    fn what_took_longer_than_any_bound_is_said_to_have_taken_that() {
        let none = histogram([0, 0, 0], 0);
        let slow = histogram([0, 0, 1], 10);
        assert!((quantile(&none, &slow, 0.99).unwrap() - 1.0).abs() < 1e-9);
    }
}
