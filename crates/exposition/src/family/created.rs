//! From `_created` samples to start times, and which samples make one metric.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use skopos_core::labels::{BUCKET_BOUND, METRIC_NAME, QUANTILE};
use skopos_core::{Labels, MetricType, Timestamp};

use super::{Family, FamilySample};
use crate::encode::write_seconds;
use crate::number::millis_from_seconds;

/// Beyond so many seconds a float does not tell milliseconds.
const MAX_SECONDS: f64 = 1e11;

/// Whether OpenMetrics has start times for families of this type.
pub(crate) fn has_start(metric_type: MetricType) -> bool {
    matches!(metric_type, MetricType::Counter | MetricType::Summary | MetricType::Histogram)
}

/// The labels that all samples of a metric share: without the name, the bucket and the quantile.
pub(crate) fn metric_labels(metric_type: MetricType, labels: &Labels) -> Labels {
    let extra = match metric_type {
        MetricType::Histogram | MetricType::GaugeHistogram => BUCKET_BOUND,
        MetricType::Summary => QUANTILE,
        _ => METRIC_NAME,
    };
    labels.filtered(|name| name != METRIC_NAME && name != extra)
}

/// The name of a sample without what its type adds.
pub(crate) fn base_name(metric_type: MetricType, name: &str) -> &str {
    let suffixes: &[&str] = match metric_type {
        MetricType::Counter => &["_total"],
        MetricType::Summary => &["_sum", "_count"],
        MetricType::Histogram => &["_bucket", "_sum", "_count"],
        _ => &[],
    };
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// Makes start times of a family's `_created` samples.
pub(super) fn fold(family: &mut Family) {
    if !has_start(family.metric_type) {
        return;
    }
    let metric_type = family.metric_type;
    let mut starts: BTreeMap<(String, Labels), Timestamp> = BTreeMap::new();
    for sample in &family.samples {
        if let Some((base, start)) = start_of(sample) {
            let labels = metric_labels(metric_type, &sample.labels);
            // Of several the first one counts, and the others stay samples.
            starts.entry((base.into(), labels)).or_insert(start);
        }
    }
    if starts.is_empty() {
        return;
    }
    let mut used = BTreeMap::new();
    for sample in &mut family.samples {
        let name = sample.labels.metric_name().unwrap_or_default();
        if name.ends_with("_created") {
            continue;
        }
        let key = (base_name(metric_type, name).into(), metric_labels(metric_type, &sample.labels));
        if let Some(&start) = starts.get(&key) {
            sample.start_timestamp = Some(start);
            used.insert(key, start);
        }
    }
    let is_folded = |sample: &FamilySample| {
        let Some((base, start)) = start_of(sample) else { return false };
        let key = (base.into(), metric_labels(metric_type, &sample.labels));
        used.remove(&key).is_some_and(|used| used == start)
    };
    drop_first(&mut family.samples, is_folded);
}

fn drop_first(samples: &mut Vec<FamilySample>, mut is_dropped: impl FnMut(&FamilySample) -> bool) {
    samples.retain(|sample| !is_dropped(sample));
}

/// The metric's name and start that a sample tells, if that is all it tells.
fn start_of(sample: &FamilySample) -> Option<(&str, Timestamp)> {
    let base = sample.labels.metric_name()?.strip_suffix("_created")?;
    let is_plain = sample.timestamp.is_none() && sample.exemplar.is_none();
    let millis = millis_from_seconds(sample.value);
    let is_time = sample.value.abs() < MAX_SECONDS && millis != 0;
    if !(is_plain && is_time) {
        return None;
    }
    // Only what the encoder writes the same way is told by the time alone.
    let mut text = String::new();
    write_seconds(millis, &mut text);
    let is_exact = text.parse() == Ok(sample.value);
    is_exact.then(|| (base, Timestamp::from_millis(millis)))
}
