//! Which samples of a text family make one metric: a summary, or a classic histogram.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use skopos_core::{HistogramSample, Labels, MetricType, Timestamp};

use super::extra_label;
use crate::family::metric_labels;
use crate::number::write_label_float;
use crate::{Family, FamilyHistogram, FamilySample};

/// A whole summary or classic histogram.
#[derive(Debug)]
pub(super) struct Group<'f> {
    /// Without the name, and without the bucket or quantile.
    pub(super) labels: Labels,
    pub(super) count: f64,
    pub(super) sum: f64,
    /// Bounds or quantiles with their samples.
    pub(super) items: Vec<(f64, &'f FamilySample)>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) start: Option<Timestamp>,
}

impl Group<'_> {
    /// Whether it is the classic side of a native histogram.
    pub(super) fn belongs_to(&self, native: &FamilyHistogram) -> bool {
        let (count, sum) = match &native.histogram {
            // A float count would make the histogram one of floats.
            HistogramSample::Float(_) => return false,
            HistogramSample::Integer(histogram) => (histogram.count as f64, histogram.sum),
        };
        let is_same =
            count.to_bits() == self.count.to_bits() && sum.to_bits() == self.sum.to_bits();
        // Without buckets, readers give no classic side.
        is_same
            && !self.items.is_empty()
            && native.timestamp == self.timestamp
            && native.start_timestamp == self.start
    }
}

/// What one metric's samples are, before they are found to be whole.
#[derive(Default)]
struct Parts<'f> {
    members: Vec<&'f FamilySample>,
    counts: Vec<&'f FamilySample>,
    sums: Vec<&'f FamilySample>,
    items: Vec<(f64, &'f FamilySample)>,
    /// Whether one of the samples fits nowhere.
    is_odd: bool,
}

/// The whole metrics of a family in the order of their first samples; other samples go to `others`.
pub(super) fn classic_groups<'f>(
    family: &'f Family,
    others: &mut Vec<&'f FamilySample>,
) -> Vec<Group<'f>> {
    let mut by_labels: BTreeMap<(Labels, Option<Timestamp>), usize> = BTreeMap::new();
    let mut groups: Vec<(Labels, Parts<'f>)> = Vec::new();
    for sample in &family.samples {
        let labels = metric_labels(family.metric_type, &sample.labels);
        let key = (labels.clone(), sample.timestamp);
        let known = by_labels.get(&key).copied();
        // A metric that is there twice is written twice.
        let again = |at: &usize| groups.get(*at).is_some_and(|(_, parts)| parts.has(sample));
        let at = known.filter(|at| !again(at)).unwrap_or_else(|| {
            groups.push((labels, Parts::default()));
            by_labels.insert(key, groups.len() - 1);
            groups.len() - 1
        });
        if let Some((_, parts)) = groups.get_mut(at) {
            parts.add(family, sample);
        }
    }
    let mut whole = Vec::new();
    for (labels, parts) in groups {
        match parts.check(family.metric_type, labels) {
            Ok(group) => whole.push(group),
            Err(members) => others.extend(members),
        }
    }
    whole
}

impl<'f> Parts<'f> {
    /// Whether a metric that begins with such a sample, or ends with one, has it already.
    fn has(&self, sample: &FamilySample) -> bool {
        let ends = [self.members.first(), self.counts.first(), self.sums.first()];
        ends.into_iter().flatten().any(|member| member.labels == sample.labels)
    }

    fn add(&mut self, family: &Family, sample: &'f FamilySample) {
        self.members.push(sample);
        let name = sample.labels.metric_name().unwrap_or_default();
        let suffix = name.strip_prefix(&*family.name).unwrap_or("?");
        let extra = sample.labels.get(extra_label(family.metric_type));
        let is_gauge = family.metric_type == MetricType::GaugeHistogram;
        let is_summary = family.metric_type == MetricType::Summary;
        match (suffix, extra) {
            ("_count", None) => self.counts.push(sample),
            ("_sum", None) => self.sums.push(sample),
            ("_gcount", None) if is_gauge => self.counts.push(sample),
            ("_gsum", None) if is_gauge => self.sums.push(sample),
            ("_bucket", Some(extra)) if !is_summary => self.add_item(extra, sample),
            ("", Some(extra)) if is_summary => self.add_item(extra, sample),
            _ => self.is_odd = true,
        }
        // Only buckets may have an exemplar.
        self.is_odd |= sample.exemplar.is_some() && suffix != "_bucket";
    }

    fn add_item(&mut self, extra: &str, sample: &'f FamilySample) {
        let Some(value) = canonical_float(extra) else {
            self.is_odd = true;
            return;
        };
        self.items.push((value, sample));
    }

    fn check(
        self,
        metric_type: MetricType,
        labels: Labels,
    ) -> Result<Group<'f>, Vec<&'f FamilySample>> {
        let ([count], [sum]) = (self.counts.as_slice(), self.sums.as_slice()) else {
            return Err(self.members);
        };
        let start = count.start_timestamp;
        let is_same_start = self.members.iter().all(|sample| sample.start_timestamp == start);
        let is_same_time = sum.timestamp == count.timestamp;
        let is_summary = metric_type == MetricType::Summary;
        let fits = if is_summary {
            let whole = count.value as u64;
            (whole as f64).to_bits() == count.value.to_bits()
        } else {
            // Readers stop at an infinite bucket, and add one where there is none.
            let infinite = self.items.iter().position(|(bound, _)| *bound == f64::INFINITY);
            infinite.is_some_and(|at| at + 1 == self.items.len())
                && self.items.iter().all(|(_, sample)| is_readable_count(sample.value))
                && is_readable_count(count.value)
        };
        if self.is_odd || !is_same_start || !is_same_time || !fits {
            return Err(self.members);
        }
        Ok(Group {
            labels,
            count: count.value,
            sum: sum.value,
            items: self.items,
            timestamp: count.timestamp,
            start,
        })
    }
}

/// Whether a count reads back the same: a float of zero is taken for none.
fn is_readable_count(value: f64) -> bool {
    value.to_bits() != (-0.0_f64).to_bits()
}

/// The float that readers would write exactly so.
fn canonical_float(text: &str) -> Option<f64> {
    let value = match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        _ => text.parse().ok()?,
    };
    let mut written = String::new();
    write_label_float(value, &mut written);
    (written == text).then_some(value)
}
