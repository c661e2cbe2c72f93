//! Functions of histograms, classic and native ones.

use std::cell::RefCell;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{FloatHistogram, Labels};

use super::call::texts;
use super::column::{Column, Series};
use super::merge::Merger;
use super::{Evaluator, Grid, Result, Sink, not_typed, without_metadata};
use crate::annotation::{Annotations, Monotonicity};
use crate::functions::classic::{self, Bucket};
use crate::histogram::{self, NanEffect};
use crate::plan::Arg;
use crate::span::Span;

/// The buckets of one classic histogram.
struct Classic {
    /// Without the bound.
    labels: Labels,
    drop_name: bool,
    /// Each bucket's bound, and its place among the input.
    buckets: Vec<(f64, usize)>,
}

/// The histograms of a vector.
struct Histograms<'i> {
    input: &'i [Series],
    classic: Vec<Classic>,
    /// The places of native ones, and the classic one with the same labels.
    native: Vec<(usize, Option<usize>)>,
}

/// An estimate for one histogram at one step.
trait Estimator {
    /// Whether something is asked for at this step.
    fn asks(&self, step: usize) -> bool;
    fn native(&self, step: usize, h: &FloatHistogram, name: &str) -> f64;
    fn classic(&self, step: usize, buckets: &mut Vec<Bucket>, name: &str) -> f64;
}

/// `histogram_quantile`.
struct Quantile<'e> {
    notes: &'e Annotations,
    q: &'e [f64],
    /// What had to be repaired, by metric name.
    forced: RefCell<BTreeMap<String, Forced>>,
    /// Where the vector stands in the query.
    span: Span,
}

impl Estimator for Quantile<'_> {
    fn asks(&self, step: usize) -> bool {
        self.q[step].to_bits() != ABSENT.to_bits()
    }

    fn native(&self, step: usize, h: &FloatHistogram, name: &str) -> f64 {
        let estimate = histogram::quantile(self.q[step], h);
        let notes = self.notes;
        match estimate.nan {
            NanEffect::None => {}
            NanEffect::Result => notes.quantile_nan_result(name, self.span),
            NanEffect::Skew => notes.quantile_nan_skew(name, self.span),
        }
        estimate.value
    }

    fn classic(&self, step: usize, buckets: &mut Vec<Bucket>, name: &str) -> f64 {
        let (value, forced) = classic::quantile(self.q[step], buckets);
        if let Some(buckets) = forced {
            let mut forced = self.forced.borrow_mut();
            let entry = forced
                .entry(name.to_owned())
                .or_insert_with(|| Forced { buckets, times: vec![0; self.q.len()] });
            entry.buckets = entry.buckets.merged(buckets);
            entry.times[step] += 1;
        }
        value
    }
}

/// Buckets that had to be repaired.
struct Forced {
    buckets: Monotonicity,
    /// How often at each step.
    times: Vec<i64>,
}

impl<'e> Quantile<'e> {
    fn new(notes: &'e Annotations, q: &'e [f64], span: Span) -> Self {
        Self { notes, q, forced: RefCell::default(), span }
    }

    fn note_forced(self, grid: Grid) {
        for (name, Forced { buckets, times }) in self.forced.into_inner() {
            let steps = || (0..times.len()).filter(|i| times[*i] != 0);
            let (Some(first), Some(last)) = (steps().next(), steps().next_back()) else { continue };
            // Upstream adds its count to itself at every step after the first, and wraps around.
            let count = times[first + 1..]
                .iter()
                .fold(times[first], |count: i64, more| count.wrapping_add(*more).wrapping_mul(2));
            let between = (grid.time(first), grid.time(last));
            self.notes.forced_monotonicity(&name, buckets, count, between, self.span);
        }
    }
}

/// `histogram_fraction`.
struct Fraction<'e> {
    notes: &'e Annotations,
    lower: &'e [f64],
    upper: &'e [f64],
    span: Span,
}

impl Estimator for Fraction<'_> {
    fn asks(&self, _: usize) -> bool {
        true
    }

    fn native(&self, step: usize, h: &FloatHistogram, name: &str) -> f64 {
        let estimate = histogram::fraction(self.lower[step], self.upper[step], h);
        if estimate.nan != NanEffect::None {
            self.notes.fraction_nan(name, self.span);
        }
        estimate.value
    }

    fn classic(&self, step: usize, buckets: &mut Vec<Bucket>, _: &str) -> f64 {
        classic::fraction(self.lower[step], self.upper[step], buckets)
    }
}

impl Evaluator<'_> {
    /// Hands the series of a call of a histogram function to `sink`.
    pub(super) fn each_histogram_call(
        &self,
        name: &str,
        args: &[Arg],
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        match (name, args) {
            ("histogram_avg", [vector]) => {
                self.each_native(vector, grid, sink, |h| h.sum / h.count)
            }
            ("histogram_count", [vector]) => self.each_native(vector, grid, sink, |h| h.count),
            ("histogram_stddev", [vector]) => {
                self.each_native(vector, grid, sink, |h| histogram::variance(h).sqrt())
            }
            ("histogram_stdvar", [vector]) => {
                self.each_native(vector, grid, sink, histogram::variance)
            }
            ("histogram_sum", [vector]) => self.each_native(vector, grid, sink, |h| h.sum),
            ("histogram_fraction", [lower, upper, vector]) => {
                let span = vector.span;
                let (lower, upper) =
                    (self.scalar(&lower.node, grid)?, self.scalar(&upper.node, grid)?);
                let estimator = Fraction { notes: &self.notes, lower: &lower, upper: &upper, span };
                self.each_estimate(vector, grid, &[("", "", &estimator)], sink)
            }
            ("histogram_quantile", [q, vector]) => {
                let q = self.quantiles(q, grid)?;
                let estimator = Quantile::new(&self.notes, &q, vector.span);
                self.each_estimate(vector, grid, &[("", "", &estimator)], sink)?;
                estimator.note_forced(grid);
                Ok(())
            }
            ("histogram_quantiles", [vector, label, qs @ ..]) => {
                self.each_quantiles(vector, label, qs, grid, sink)
            }
            _ => Err(not_typed()),
        }
    }

    /// The quantile at each step; warns of those that are none.
    fn quantiles(&self, q: &Arg, grid: Grid) -> Result<Vec<f64>> {
        let values = self.scalar(&q.node, grid)?;
        for v in values.iter().filter(|v| !(0.0..=1.0).contains(*v)) {
            self.notes.invalid_quantile(*v, q.span);
        }
        Ok(values)
    }

    fn each_quantiles(
        &self,
        vector: &Arg,
        label: &Arg,
        qs: &[Arg],
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let label_texts = texts(std::slice::from_ref(label))?;
        let name = &*label_texts[0];
        // A label's value may change from step to step, so each distinct quantile is on its own.
        let mut all: Vec<(Vec<f64>, String)> = Vec::new();
        for q in qs {
            let values = self.quantiles(q, grid)?;
            let mut distinct = values.clone();
            distinct.sort_by(f64::total_cmp);
            distinct.dedup_by(|a, b| a.to_bits() == b.to_bits());
            for v in distinct {
                let only = values
                    .iter()
                    .map(|other| if other.to_bits() == v.to_bits() { *other } else { ABSENT })
                    .collect();
                all.push((only, open_metrics(v)));
            }
        }
        let estimators: Vec<Quantile<'_>> =
            all.iter().map(|(q, _)| Quantile::new(&self.notes, q, vector.span)).collect();
        let outputs: Vec<(&str, &str, &dyn Estimator)> = estimators
            .iter()
            .zip(&all)
            .map(|(e, (_, value))| (name, value.as_str(), e as &dyn Estimator))
            .collect();
        self.each_estimate(vector, grid, &outputs, sink)?;
        estimators.into_iter().for_each(|e| e.note_forced(grid));
        Ok(())
    }

    /// A number for each native histogram. Only the name goes, type and unit stay.
    fn each_native(
        &self,
        vector: &Arg,
        grid: Grid,
        sink: &mut Sink<'_>,
        f: impl Fn(&FloatHistogram) -> f64,
    ) -> Result<()> {
        let mut merger = self.merger()?;
        self.each(&vector.node, grid, &mut |mut series| {
            let mut column = Column::new(grid.steps);
            for (i, h) in series.column.histograms().iter().enumerate() {
                if let Some(h) = h {
                    column.set_float(i, f(h));
                }
            }
            if column.is_empty() {
                return Ok(());
            }
            series.column = column;
            if self.settings.delayed_names {
                series.drop_name = true;
            } else {
                series.labels = series.labels.without_metric_name();
            }
            merger.add(series)
        })?;
        merger.finish(sink)
    }

    /// Estimates for each histogram: each output has a label to set (or none) and an estimator.
    fn each_estimate(
        &self,
        vector: &Arg,
        grid: Grid,
        outputs: &[(&str, &str, &dyn Estimator)],
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let input = self.collect(&vector.node, grid)?;
        let histograms = self.sort_out(&input.series, vector.span);
        let conflicts = self.conflicts(&histograms, grid, vector.span);
        let mut merger = self.merger()?;
        for (label, value, estimator) in outputs {
            for (at, group) in &histograms.native {
                self.settings.interrupt.check_canceled()?;
                let series = &input.series[*at];
                let name = self.shown_name(&series.labels);
                let mut column = Column::new(grid.steps);
                for (i, h) in series.column.histograms().iter().enumerate() {
                    let Some(h) = h else { continue };
                    let conflict = group.is_some_and(|group| conflicts[group].get(i));
                    if !conflict && estimator.asks(i) {
                        column.set_float(i, estimator.native(i, h, name));
                    }
                }
                self.emit_estimate(
                    &mut merger,
                    &series.labels,
                    series.drop_name,
                    column,
                    (label, value),
                )?;
            }
            for (group, classic) in histograms.classic.iter().enumerate() {
                let name = self.shown_name(&classic.labels);
                let mut column = Column::new(grid.steps);
                let mut buckets = Vec::with_capacity(classic.buckets.len());
                self.settings.interrupt.check_canceled()?;
                for i in 0..grid.steps {
                    if conflicts[group].get(i) || !estimator.asks(i) {
                        continue;
                    }
                    buckets.clear();
                    for (upper, at) in &classic.buckets {
                        let counts = &input.series[*at].column;
                        if counts.floats().get(i) {
                            buckets.push(Bucket { upper: *upper, count: counts.float(i) });
                        }
                    }
                    if !buckets.is_empty() {
                        column.set_float(i, estimator.classic(i, &mut buckets, name));
                    }
                }
                self.emit_estimate(
                    &mut merger,
                    &classic.labels,
                    classic.drop_name,
                    column,
                    (label, value),
                )?;
            }
        }
        merger.finish(sink)
    }

    /// The name that annotations show: none where names are dropped at once.
    fn shown_name<'l>(&self, labels: &'l Labels) -> &'l str {
        let name = labels.metric_name().filter(|_| self.settings.delayed_names);
        name.unwrap_or_default()
    }

    fn emit_estimate(
        &self,
        merger: &mut Merger<'_>,
        labels: &Labels,
        drop_name: bool,
        column: Column,
        (label, value): (&str, &str),
    ) -> Result<()> {
        if column.is_empty() {
            return Ok(());
        }
        let delayed = self.settings.delayed_names;
        let mut labels = if delayed { labels.clone() } else { without_metadata(labels) };
        if !label.is_empty() {
            let mut builder = labels.to_builder();
            builder.set(label, value);
            labels = builder.finish();
        }
        merger.add(Series { labels, drop_name: drop_name || delayed, column })
    }

    /// Sorts a vector's series into classic and native histograms.
    fn sort_out<'i>(&self, input: &'i [Series], span: Span) -> Histograms<'i> {
        let mut classic: Vec<Classic> = Vec::new();
        let mut by_labels: HashMap<Labels, usize> = HashMap::new();
        for (at, series) in input.iter().enumerate() {
            if series.column.floats().is_empty() {
                continue;
            }
            let bound = series.labels.get("le").unwrap_or_default();
            let Some(upper) = parse_bound(bound) else {
                self.notes.bad_bucket_label(self.shown_name(&series.labels), bound, span);
                continue;
            };
            let labels = series.labels.filtered(|name| name != "le");
            let group = *by_labels.entry(labels).or_insert_with_key(|labels| {
                let labels = labels.clone();
                let drop_name = series.drop_name;
                classic.push(Classic { labels, drop_name, buckets: Vec::new() });
                classic.len() - 1
            });
            classic[group].buckets.push((upper, at));
        }
        let native = input
            .iter()
            .enumerate()
            .filter(|(_, series)| !series.column.histograms().is_empty())
            .map(|(at, series)| (at, by_labels.get(&series.labels).copied()))
            .collect();
        Histograms { input, classic, native }
    }

    /// At which steps each classic histogram has a native one with the same labels.
    fn conflicts(
        &self,
        histograms: &Histograms<'_>,
        grid: Grid,
        span: Span,
    ) -> Vec<super::column::Bits> {
        let mut conflicts = vec![super::column::Bits::new(grid.steps); histograms.classic.len()];
        for (at, group) in &histograms.native {
            let Some(group) = *group else { continue };
            let native = &histograms.input[*at];
            for (i, h) in native.column.histograms().iter().enumerate() {
                let mut buckets = histograms.classic[group].buckets.iter();
                let both = h.is_some()
                    && buckets.any(|(_, at)| histograms.input[*at].column.floats().get(i));
                if both {
                    conflicts[group].set(i);
                    self.notes.mixed_classic_native(self.shown_name(&native.labels), span);
                }
            }
        }
        conflicts
    }
}

/// A quantile that is not asked for at a step: a NaN that no query can write.
const ABSENT: f64 = f64::from_bits(0x7ff8_0000_5ca1_ab1e);

/// A bucket's bound, as Go reads floats.
fn parse_bound(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if plain { text.parse().ok() } else { None }
}

/// A float as `OpenMetrics` writes it: always with a point or an exponent.
fn open_metrics(v: f64) -> String {
    let text = format_float(v, FloatStyle::General);
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if plain { format!("{text}.0") } else { text }
}
