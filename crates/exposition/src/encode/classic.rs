//! The classic samples that stand for a native histogram where a format has only those.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;
use skopos_core::labels::{BUCKET_BOUND, METRIC_NAME};
use skopos_core::{Exemplar, FloatHistogram, HistogramSample, MetricType};

use crate::number::write_label_float;
use crate::{Family, FamilyHistogram, FamilySample, TextFormat};

/// Buckets, sum and count: all of a histogram with custom buckets, and what there is of another one.
pub(super) fn samples(
    family: &Family,
    histogram: &FamilyHistogram,
    format: TextFormat,
) -> Vec<FamilySample> {
    let is_gauge = family.metric_type == MetricType::GaugeHistogram;
    let (sum, count) = match format {
        TextFormat::OpenMetrics if is_gauge => ("_gsum", "_gcount"),
        _ => ("_sum", "_count"),
    };
    let name = histogram.labels.metric_name().unwrap_or(&family.name);
    let sample = |suffix: &str, bound: Option<f64>, value: f64| {
        let mut labels = histogram.labels.to_builder();
        labels.set(METRIC_NAME, &format!("{name}{suffix}"));
        if let Some(bound) = bound {
            let mut text = String::new();
            write_label_float(bound, &mut text);
            labels.set(BUCKET_BOUND, &text);
        }
        let mut sample = FamilySample::new(labels.finish(), value);
        sample.timestamp = histogram.timestamp;
        sample.start_timestamp = histogram.start_timestamp;
        sample
    };
    let float = match &histogram.histogram {
        HistogramSample::Float(float) => float,
        HistogramSample::Integer(integer) => &integer.to_float(),
    };
    let mut exemplars: Vec<&Exemplar> = histogram.exemplars.iter().collect();
    let mut samples = Vec::new();
    for (bound, cumulative) in buckets(float) {
        let mut bucket = sample("_bucket", Some(bound), cumulative);
        let exemplar = exemplars.iter().position(|exemplar| exemplar.value <= bound);
        bucket.exemplar = exemplar.map(|at| exemplars.swap_remove(at).clone());
        samples.push(bucket);
    }
    samples.push(sample(sum, None, float.sum));
    samples.push(sample(count, None, float.count));
    samples
}

/// Bounds and cumulative counts, the infinite one last.
pub(crate) fn buckets(histogram: &FloatHistogram) -> Vec<(f64, f64)> {
    let mut buckets = Vec::new();
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        let mut filled = histogram.positive().peekable();
        let mut cumulative = 0.0;
        for (index, &bound) in (0..).zip(histogram.custom_values.iter()) {
            while let Some(bucket) = filled.next_if(|bucket| bucket.index <= index) {
                cumulative += bucket.count;
            }
            buckets.push((bound, cumulative));
        }
    }
    buckets.push((f64::INFINITY, histogram.count));
    buckets
}
