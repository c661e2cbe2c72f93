//! Aggregations: series are folded into their groups one after the other.

use std::mem::size_of;
use std::sync::Arc;

use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{FloatHistogram, Labels, ResetHint};

use super::budget::{Interrupt, Size};
use super::column::{Bits, Column, Point, Series};
use super::group::Groups;
use super::lanes::{Lanes, Means, Sums, fold_count, fold_extreme};
use super::{Evaluator, Grid, Result, Sink, execution};
use crate::annotation::{Annotations, HistogramOp};
use crate::ast::AggregateOp;
use crate::functions::over_time::quantile_of;
use crate::histogram::{self, Accumulator, HistogramMean, Incompatible, Outcome};
use crate::kahan::{Mean, Sum};
use crate::plan::{Aggregate, Node};
use crate::span::Span;

/// Where a group's fold notes what it met.
struct Notes<'n> {
    notes: &'n Annotations,
    interrupt: Interrupt<'n>,
    /// The aggregated expression's place.
    span: Span,
    op: AggregateOp,
}

impl Evaluator<'_> {
    /// Hands the groups of an aggregation to `sink`.
    pub(super) fn each_aggregate(
        &self,
        aggregate: &Aggregate,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        match aggregate.op {
            AggregateOp::BottomK | AggregateOp::TopK => {
                return self.each_of_best(aggregate, grid, sink);
            }
            AggregateOp::LimitK | AggregateOp::LimitRatio => {
                return self.each_of_some(aggregate, grid, sink);
            }
            AggregateOp::CountValues => return self.each_count_of_values(aggregate, grid, sink),
            _ => {}
        }
        let quantiles = self.quantile_param(aggregate, grid)?;
        let interrupt = self.settings.interrupt;
        let (span, op) = (aggregate.input.span, aggregate.op);
        let notes = Notes { notes: &self.notes, interrupt, span, op };
        let mut groups = Groups::new(&aggregate.grouping, aggregate.without);
        let mut folds: Vec<(Fold, bool)> = Vec::new();
        let mut held = self.budget.hold(Size::default())?;
        self.each(&aggregate.input.node, grid, &mut |series| {
            let at = groups.of(&series.labels);
            if folds.len() <= at {
                held.grow(Fold::size(aggregate.op, grid.steps))?;
                folds.push((Fold::new(aggregate.op, grid.steps), false));
            }
            let (fold, drop_name) = &mut folds[at];
            *drop_name |= series.drop_name;
            if aggregate.op == AggregateOp::Quantile {
                held.grow(Size::of_floats(series.column.floats().count()))?;
            }
            fold.add(&series, &notes);
            Ok(())
        })?;
        for ((fold, drop_name), labels) in folds.into_iter().zip(groups.labels()) {
            let column = fold.finish(&quantiles, &notes);
            held.shrink(Fold::size(aggregate.op, grid.steps));
            self.settings.interrupt.check_canceled()?;
            if !column.is_empty() {
                sink(Series { labels: labels.clone(), drop_name, column })?;
            }
        }
        Ok(())
    }

    /// The parameter of `quantile` at each step; warns of those that are none.
    fn quantile_param(&self, aggregate: &Aggregate, grid: Grid) -> Result<Vec<f64>> {
        let (AggregateOp::Quantile, Some(param)) = (aggregate.op, &aggregate.param) else {
            return Ok(Vec::new());
        };
        let values = self.scalar(&param.node, grid)?;
        if values.iter().any(|q| q.is_nan()) {
            self.notes.invalid_quantile(f64::NAN, param.span);
        }
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        if 1.0 < max {
            self.notes.invalid_quantile(max, param.span);
        }
        if min < 0.0 {
            self.notes.invalid_quantile(min, param.span);
        }
        Ok(values)
    }

    fn each_count_of_values(
        &self,
        aggregate: &Aggregate,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let label = match aggregate.param.as_ref().map(|param| &param.node) {
            Some(Node::Text(label)) => Arc::clone(label),
            _ => return Err(super::not_typed()),
        };
        if label.is_empty() {
            return Err(execution(format!(
                "invalid label name {}",
                skopos_core::text::Quoted(&label)
            )));
        }
        let mut grouping = aggregate.grouping.clone();
        if !aggregate.without && !grouping.contains(&label) {
            grouping.push(Arc::clone(&label));
            grouping.sort();
        }
        let mut groups = Groups::new(&grouping, aggregate.without);
        let mut counts = self.merger()?;
        self.each(&aggregate.input.node, grid, &mut |series| {
            // Neighbouring steps often have the same value.
            let mut last: Option<(u64, usize)> = None;
            for (i, point) in series.column.iter() {
                let at = match (point, last) {
                    (Point::Float(v), Some((bits, at))) if bits == v.to_bits() => at,
                    (Point::Float(v), _) => {
                        let at = group_of_value(
                            &mut groups,
                            &series.labels,
                            &label,
                            &format_float(v, FloatStyle::Plain),
                        );
                        last = Some((v.to_bits(), at));
                        at
                    }
                    (Point::Histogram(h), _) => {
                        group_of_value(&mut groups, &series.labels, &label, &h.to_string())
                    }
                };
                let labels = groups.labels()[at].clone();
                let group = counts.entry(&labels, series.drop_name, grid.steps)?;
                let before = if group.column.has(i) { group.column.float(i) } else { 0.0 };
                group.column.set_float(i, before + 1.0);
            }
            Ok(())
        })?;
        counts.finish(sink)
    }
}

fn group_of_value(groups: &mut Groups<'_>, labels: &Labels, label: &str, value: &str) -> usize {
    let mut builder = labels.to_builder();
    builder.set(label, value);
    groups.of(&builder.finish())
}

/// What a group has folded so far.
enum Fold {
    Avg(States<Means, HistogramMean>),
    Count(Column),
    /// `group`.
    Group(Column),
    Max(Column),
    Min(Column),
    Quantile {
        values: Vec<Vec<f64>>,
    },
    /// The population variance, or its root.
    Spread {
        root: bool,
        moments: Vec<Moments>,
        seen: Bits,
    },
    Sum(States<Sums, Accumulator>),
}

/// The sum or mean of a group at each step.
struct States<L, H> {
    /// Of the steps that have met floats alone.
    floats: L,
    /// One for each step, or none at all where no series has a histogram.
    others: Vec<State<H>>,
}

/// The sum or mean of a group at one step, where it is not one of floats.
#[derive(Clone, Default)]
enum State<H> {
    /// No histograms met.
    #[default]
    Floats,
    Histogram(Box<Folded<H>>),
    /// Floats and histograms met.
    Mixed,
    /// Histograms met that do not add up.
    Incompatible,
}

/// The sum or mean of histograms, and which hints of resets they had.
#[derive(Clone)]
struct Folded<H> {
    value: H,
    reset: bool,
    not_reset: bool,
}

impl<H: FoldHistogram> Folded<H> {
    fn new(h: &FloatHistogram) -> Self {
        let mut folded = Self { value: H::new(h), reset: false, not_reset: false };
        folded.see(h);
        folded
    }

    fn add(&mut self, h: &FloatHistogram) -> std::result::Result<Outcome, Incompatible> {
        self.see(h);
        self.value.add(h)
    }

    fn see(&mut self, h: &FloatHistogram) {
        self.reset |= h.reset_hint == ResetHint::Reset;
        self.not_reset |= h.reset_hint == ResetHint::NotReset;
    }
}

/// Count, mean and sum of squared distances of the values so far.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, v: f64) {
        if self.count == 0.0 {
            let squares = if v.is_finite() { 0.0 } else { f64::NAN };
            *self = Self { count: 1.0, mean: v, squares };
            return;
        }
        self.count += 1.0;
        let delta = v - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (v - self.mean);
    }
}

trait FoldHistogram: Sized {
    fn new(h: &FloatHistogram) -> Self;
    fn add(&mut self, h: &FloatHistogram) -> std::result::Result<Outcome, Incompatible>;
    fn value(&self) -> FloatHistogram;
}

impl FoldHistogram for Accumulator {
    fn new(h: &FloatHistogram) -> Self {
        Self::new(h)
    }

    fn add(&mut self, h: &FloatHistogram) -> std::result::Result<Outcome, Incompatible> {
        Self::add(self, h)
    }

    fn value(&self) -> FloatHistogram {
        self.finish()
    }
}

impl FoldHistogram for HistogramMean {
    fn new(h: &FloatHistogram) -> Self {
        Self::new(h)
    }

    fn add(&mut self, h: &FloatHistogram) -> std::result::Result<Outcome, Incompatible> {
        Self::add(self, h)
    }

    fn value(&self) -> FloatHistogram {
        Self::value(self)
    }
}

impl Fold {
    /// How much the fold of a group takes.
    fn size(op: AggregateOp, steps: usize) -> Size {
        let each = match op {
            AggregateOp::Avg => size_of::<Mean>(),
            AggregateOp::Quantile => size_of::<Vec<f64>>(),
            AggregateOp::Stddev | AggregateOp::Stdvar => size_of::<Moments>(),
            AggregateOp::Sum => size_of::<Sum>(),
            _ => size_of::<f64>(),
        };
        Size { samples: steps, bytes: steps.saturating_mul(each) }
    }

    fn new(op: AggregateOp, steps: usize) -> Self {
        match op {
            AggregateOp::Avg => Self::Avg(States::new(steps)),
            AggregateOp::Count => Self::Count(Column::new(steps)),
            AggregateOp::Max => Self::Max(Column::new(steps)),
            AggregateOp::Min => Self::Min(Column::new(steps)),
            AggregateOp::Quantile => Self::Quantile { values: vec![Vec::new(); steps] },
            AggregateOp::Stddev | AggregateOp::Stdvar => Self::Spread {
                root: op == AggregateOp::Stddev,
                moments: vec![Moments::default(); steps],
                seen: Bits::new(steps),
            },
            AggregateOp::Sum => Self::Sum(States::new(steps)),
            AggregateOp::BottomK
            | AggregateOp::CountValues
            | AggregateOp::Group
            | AggregateOp::LimitK
            | AggregateOp::LimitRatio
            | AggregateOp::TopK => Self::Group(Column::new(steps)),
        }
    }

    fn add(&mut self, series: &Series, notes: &Notes<'_>) {
        let column = &series.column;
        match self {
            Self::Avg(states) => states.add(series, notes),
            Self::Sum(states) => states.add(series, notes),
            Self::Count(counts) => fold_count(counts, column),
            Self::Group(ones) => {
                for i in column.present().iter() {
                    ones.set_float(i, 1.0);
                }
            }
            Self::Max(best) => {
                fold_extreme(best, column, |best, v| best < v);
                notes.ignored(column);
            }
            Self::Min(best) => {
                fold_extreme(best, column, |best, v| v < best);
                notes.ignored(column);
            }
            Self::Quantile { values } => {
                column.each_float(|i, v| values[i].push(v));
                notes.ignored(column);
            }
            Self::Spread { moments, seen, .. } => {
                column.each_float(|i, v| moments[i].add(v));
                seen.union(column.floats());
                notes.ignored(column);
            }
        }
    }

    fn finish(self, quantiles: &[f64], notes: &Notes<'_>) -> Column {
        match self {
            Self::Avg(states) => states.finish(notes),
            Self::Sum(states) => states.finish(notes),
            Self::Count(column) | Self::Group(column) | Self::Max(column) | Self::Min(column) => {
                column
            }
            Self::Quantile { values } => {
                let mut column = Column::new(values.len());
                for (i, mut values) in values.into_iter().enumerate() {
                    // Sorting takes long; what is missing then, nobody sees.
                    if notes.interrupt.is_canceled() {
                        break;
                    }
                    if !values.is_empty() {
                        let q = quantiles.get(i).copied().unwrap_or(f64::NAN);
                        column.set_float(i, quantile_of(q, &mut values));
                    }
                }
                column
            }
            Self::Spread { root, moments, seen } => {
                let mut column = Column::new(moments.len());
                for i in seen.iter() {
                    let variance = moments[i].squares / moments[i].count;
                    column.set_float(i, if root { variance.sqrt() } else { variance });
                }
                column
            }
        }
    }
}

impl Notes<'_> {
    /// Notes that histograms were ignored, if there are any.
    fn ignored(&self, column: &Column) {
        if column.histograms().iter().any(Option::is_some) {
            self.notes.histogram_ignored_in_aggregation(self.op.as_str(), self.span);
        }
    }

    fn outcome(&self, outcome: Outcome) {
        if outcome.reconciled {
            self.notes.reconciled_bounds(HistogramOp::Aggregation, self.span);
        }
    }
}

impl<L: Lanes, H: FoldHistogram> States<L, H> {
    fn new(steps: usize) -> Self {
        Self { floats: L::new(steps), others: Vec::new() }
    }

    fn add(&mut self, series: &Series, notes: &Notes<'_>) {
        let column = &series.column;
        if column.histograms().is_empty() && self.others.is_empty() {
            self.floats.add(column);
            return;
        }
        if self.others.is_empty() {
            self.others.resize_with(column.steps(), State::default);
        }
        for (i, point) in column.iter() {
            match point {
                Point::Float(v) => self.add_float(i, v),
                Point::Histogram(h) => self.add_histogram(i, h, series, notes),
            }
        }
    }

    fn add_float(&mut self, i: usize, v: f64) {
        match &mut self.others[i] {
            State::Floats => self.floats.add_one(i, v),
            state @ State::Histogram(_) => *state = State::Mixed,
            State::Mixed | State::Incompatible => {}
        }
    }

    fn add_histogram(&mut self, i: usize, h: &FloatHistogram, series: &Series, notes: &Notes<'_>) {
        match &mut self.others[i] {
            state @ State::Floats => {
                let met_floats = self.floats.seen().get(i);
                self.floats.seen().unset(i);
                *state = if met_floats {
                    State::Mixed
                } else {
                    State::Histogram(Box::new(Folded::new(h)))
                };
            }
            State::Histogram(sum) => match sum.add(h) {
                Ok(outcome) => notes.outcome(outcome),
                Err(Incompatible) => {
                    let name = series.labels.metric_name().unwrap_or_default();
                    notes.notes.mixed_exponential_custom(name, notes.span);
                    self.others[i] = State::Incompatible;
                }
            },
            State::Mixed | State::Incompatible => {}
        }
    }

    fn finish(self, notes: &Notes<'_>) -> Column {
        let mut column = self.floats.finish();
        for (i, state) in self.others.into_iter().enumerate() {
            match state {
                State::Floats | State::Incompatible => {}
                State::Histogram(sum) => {
                    if sum.reset && sum.not_reset {
                        notes.notes.reset_collision(HistogramOp::Aggregation, notes.span);
                    }
                    let mut h = sum.value.value();
                    histogram::compact(&mut h);
                    column.set_histogram(i, Arc::new(h));
                }
                State::Mixed => notes.notes.mixed_floats_histograms_aggregation(notes.span),
            }
        }
        column
    }
}
