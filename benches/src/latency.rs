//! Latencies as a histogram, and the few numbers of it that are shown.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

const DIGITS: u8 = 3;
const MOST_MICROS: u64 = 10 * 60 * 1_000_000;

/// A histogram of durations, exact to a thousandth, up to ten minutes.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    /// # Errors
    /// Never with the bounds above; the histogram's maker reports bad ones.
    pub(crate) fn new() -> Result<Self, String> {
        Histogram::new_with_bounds(1, MOST_MICROS, DIGITS).map(Self).map_err(|error| error.to_string())
    }

    /// Counts one; what is longer than the histogram counts as its longest.
    pub(crate) fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros);
    }

    /// The numbers to show; `None` when nothing was recorded.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        let ms = |quantile: f64| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        (!self.0.is_empty()).then(|| Quantiles {
            count: self.0.len(),
            mean_ms: self.0.mean() / 1000.0,
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            max_ms: self.0.max() as f64 / 1000.0,
        })
    }
}

/// What is shown of a histogram, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    /// How many were recorded.
    pub(crate) count: u64,
    /// The mean.
    pub(crate) mean_ms: f64,
    /// Half are not longer.
    pub(crate) p50_ms: f64,
    /// 99 of 100 are not longer.
    pub(crate) p99_ms: f64,
    /// 999 of 1000 are not longer.
    pub(crate) p999_ms: f64,
    /// The longest.
    pub(crate) max_ms: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_recorded_has_no_quantiles() {
        assert_eq!(Latencies::new().unwrap().quantiles(), None);
    }

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut latencies = Latencies::new().unwrap();
        (1..=1000).for_each(|ms| latencies.record(Duration::from_millis(ms)));
        let shown = latencies.quantiles().unwrap();
        let near = |value: f64, wanted: f64| (value - wanted).abs() <= wanted / 500.0;
        assert!(
            near(shown.p50_ms, 500.0) && near(shown.p99_ms, 990.0) && near(shown.p999_ms, 999.0),
            "{shown:?}"
        );
        assert_eq!(shown.count, 1000);
    }

    #[test]
    fn what_is_too_long_counts_as_the_longest() {
        let mut latencies = Latencies::new().unwrap();
        latencies.record(Duration::from_secs(86_400));
        assert!(latencies.quantiles().unwrap().max_ms >= 600_000.0);
    }
}
