//! Metric families, as the text format wants them.

use pollgate_core::Histogram;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
};

/// A sample's label: its name and value.
pub(super) type Label<'a> = (&'a str, &'a str);

/// One value, and the label that tells it from the others of its family.
pub(super) type Sample<'a> = (Option<Label<'a>>, f64);

fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn metric<'a>(labels: impl IntoIterator<Item = Label<'a>>) -> Metric {
    let pair = |(name, value): Label<'a>| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    };
    let mut metric = Metric::default();
    metric.set_label(labels.into_iter().map(pair).collect());
    metric
}

/// Counts that only grow.
pub(super) fn counter<'a, L: IntoIterator<Item = Label<'a>>>(
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (L, f64)>,
) -> MetricFamily {
    let one = |(labels, value): (L, f64)| {
        let mut counter = Counter::default();
        counter.set_value(value);
        let mut metric = metric(labels);
        metric.set_counter(counter);
        metric
    };
    family(name, help, MetricType::COUNTER, samples.into_iter().map(one).collect())
}

/// Values as they are now.
pub(super) fn gauge<'a, L: IntoIterator<Item = Label<'a>>>(
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (L, f64)>,
) -> MetricFamily {
    let one = |(labels, value): (L, f64)| {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = metric(labels);
        metric.set_gauge(gauge);
        metric
    };
    family(name, help, MetricType::GAUGE, samples.into_iter().map(one).collect())
}

/// How large, or how long, something was.
pub(super) fn histogram(name: &str, help: &str, counted: &Histogram) -> MetricFamily {
    family(name, help, MetricType::HISTOGRAM, vec![buckets(None, counted)])
}

/// The same for several, told apart by a label.
pub(super) fn histograms(
    name: &str,
    help: &str,
    label: &str,
    counted: &[(&'static str, Histogram)],
) -> MetricFamily {
    let metrics = counted.iter().map(|(value, counted)| buckets(Some((label, value)), counted));
    family(name, help, MetricType::HISTOGRAM, metrics.collect())
}

fn buckets(label: Option<Label<'_>>, counted: &Histogram) -> Metric {
    let bucket = |(most, count): &(f64, u64)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*most);
        bucket.set_cumulative_count(*count);
        bucket
    };
    let mut buckets = Buckets::default();
    buckets.set_bucket(counted.buckets.iter().map(bucket).collect());
    buckets.set_sample_count(counted.count);
    buckets.set_sample_sum(counted.sum);
    let mut metric = metric(label);
    metric.set_histogram(buckets);
    metric
}
