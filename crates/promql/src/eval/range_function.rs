//! Calls of functions that take a range vector.

use skopos_core::{Labels, SampleValue};

use super::column::{Bits, Column, Series};
use super::leaf::{Leaf, Scratch};
use super::load::{detect_resets, to_samples};
use super::merge::Names;
use super::range::{Extent, Windows};
use super::{Evaluator, Grid, Result, Sink, execution};
use crate::annotation::Annotations;
use crate::functions::rate::Slope;
use crate::functions::window::{Cell, Context, Samples, Window};
use crate::functions::{extended, over_time, rate, regression};
use crate::plan::{Call, Node, Range, RangeSource};
use crate::span::Span;

/// The functions of range vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeFunction {
    AbsentOverTime,
    AvgOverTime,
    Changes,
    CountOverTime,
    Deriv,
    DoubleExponentialSmoothing,
    FirstOverTime,
    Instant { rate: bool },
    LastOverTime,
    MadOverTime,
    MaxOverTime,
    MinOverTime,
    PredictLinear,
    PresentOverTime,
    QuantileOverTime,
    Resets,
    Slope(Slope),
    StddevOverTime,
    StdvarOverTime,
    SumOverTime,
    TimeOfFirst,
    TimeOfLast,
    TimeOfMax,
    TimeOfMin,
}

impl RangeFunction {
    /// The function of this name, if it takes a range vector.
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "absent_over_time" => Self::AbsentOverTime,
            "avg_over_time" => Self::AvgOverTime,
            "changes" => Self::Changes,
            "count_over_time" => Self::CountOverTime,
            "delta" => Self::Slope(Slope::DELTA),
            "deriv" => Self::Deriv,
            "double_exponential_smoothing" => Self::DoubleExponentialSmoothing,
            "first_over_time" => Self::FirstOverTime,
            "idelta" => Self::Instant { rate: false },
            "increase" => Self::Slope(Slope::INCREASE),
            "irate" => Self::Instant { rate: true },
            "last_over_time" => Self::LastOverTime,
            "mad_over_time" => Self::MadOverTime,
            "max_over_time" => Self::MaxOverTime,
            "min_over_time" => Self::MinOverTime,
            "predict_linear" => Self::PredictLinear,
            "present_over_time" => Self::PresentOverTime,
            "quantile_over_time" => Self::QuantileOverTime,
            "rate" => Self::Slope(Slope::RATE),
            "resets" => Self::Resets,
            "stddev_over_time" => Self::StddevOverTime,
            "stdvar_over_time" => Self::StdvarOverTime,
            "sum_over_time" => Self::SumOverTime,
            "ts_of_first_over_time" => Self::TimeOfFirst,
            "ts_of_last_over_time" => Self::TimeOfLast,
            "ts_of_max_over_time" => Self::TimeOfMax,
            "ts_of_min_over_time" => Self::TimeOfMin,
            _ => return None,
        })
    }

    fn keeps_name(self) -> bool {
        matches!(self, Self::FirstOverTime | Self::LastOverTime)
    }

    fn allows_anchored(self) -> bool {
        matches!(self, Self::Changes | Self::Resets | Self::Slope(_))
    }

    fn allows_smoothed(self) -> bool {
        matches!(self, Self::Slope(_))
    }
}

/// A call with its scalar arguments evaluated.
#[derive(Clone, Copy)]
pub(super) struct Prepared<'c> {
    pub(super) function: RangeFunction,
    pub(super) windows: Windows<'c>,
    /// The scalar arguments in order, one value for each step.
    scalars: &'c [Vec<f64>],
    notes: &'c Annotations,
    span: Span,
}

impl Evaluator<'_> {
    /// Hands the series of a call with a range vector to `sink`.
    pub(super) fn each_range_call(
        &self,
        function: RangeFunction,
        call: &Call,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let mut scalars = Vec::new();
        let mut range_node = None;
        for arg in &call.args {
            match &arg.node {
                node @ Node::Range(range) => range_node = Some((node, range)),
                _ => scalars.push(self.scalar(&arg.node, grid)?),
            }
        }
        let Some((node, range)) = range_node else { return Err(super::not_typed()) };
        let windows = self.windows(range, grid);
        check_extension(function, call.func.name, &windows)?;
        let span = call.args.first().map_or(Span::default(), |arg| arg.span);
        let prepared = Prepared { function, windows, scalars: &scalars, notes: &self.notes, span };
        if function == RangeFunction::AbsentOverTime {
            return self.each_absent_over_time(call, range, &prepared, grid, sink);
        }
        if function.keeps_name() {
            return self.each_range_column(
                &prepared,
                range,
                grid,
                &mut |labels, column, drop_name| {
                    sink(Series { labels: labels.clone(), drop_name, column })
                },
            );
        }
        let mut names = match self.names(node, grid)? {
            Names::Distinct if call.name_unseen => Names::Kept,
            names => names,
        };
        self.each_range_column(&prepared, range, grid, &mut |labels, column, drop_name| {
            self.note_non_counter(function, labels, &column, span);
            names.drop_from(Series { labels: labels.clone(), drop_name, column }, sink)
        })?;
        names.finish(sink)
    }

    /// Calls `take` with the labels and the column of each series that has values, and whether its
    /// name shall go at the end.
    fn each_range_column(
        &self,
        call: &Prepared<'_>,
        range: &Range,
        grid: Grid,
        take: &mut dyn FnMut(&Labels, Column, bool) -> Result<()>,
    ) -> Result<()> {
        let mut take = |labels: &Labels, leaf: Leaf, drop_name: bool| {
            self.check_budget(leaf.widest.saturating_add(leaf.column.samples()))?;
            if leaf.column.is_empty() { Ok(()) } else { take(labels, leaf.column, drop_name) }
        };
        let (RangeSource::Selector(selector), None) = (&range.source, &self.analysis) else {
            return self.each_range(range, grid, &mut |labels, samples, drop_name| {
                take(labels, self.range_leaf(call, range, labels, samples, grid)?, drop_name)
            });
        };
        let loaded = self.load(selector)?;
        let work = |labels: &Labels, scratch: &mut Scratch, notes: &Annotations| {
            if selector.stats {
                detect_resets(&mut scratch.columns);
            }
            let samples = &mut scratch.samples;
            to_samples(&mut scratch.columns, self.settings.start_timestamps, samples);
            self.range_leaf(&Prepared { notes, ..*call }, range, labels, samples, grid)
        };
        let breadth = grid.steps.saturating_add(range.usual_samples());
        self.each_leaf(loaded.series(), grid, breadth, &work, &mut |labels, leaf| {
            take(labels, leaf, false)
        })
    }

    fn range_leaf(
        &self,
        call: &Prepared<'_>,
        range: &Range,
        labels: &Labels,
        samples: &mut Samples,
        grid: Grid,
    ) -> Result<Leaf> {
        let cx = Context { notes: call.notes, labels, span: call.span };
        let mut column = Column::new(grid.steps);
        let extent = if samples.histograms.is_empty() && !call.windows.is_extended() {
            call.fill_floats(samples, &cx, &mut column)?
        } else {
            call.fill(samples, &cx, &mut column)?
        };
        self.tally_windows(range, &call.windows, samples, Some(extent.total))?;
        Ok(Leaf { column, widest: extent.widest })
    }

    /// Notes that `rate` or `increase` was asked of something that does not look like a counter.
    fn note_non_counter(
        &self,
        function: RangeFunction,
        labels: &Labels,
        column: &Column,
        span: Span,
    ) {
        if !matches!(function, RangeFunction::Slope(Slope { counter: true, .. })) {
            return;
        }
        let Some(name) = labels.metric_name().filter(|_| !column.floats().is_empty()) else {
            return;
        };
        if self.settings.type_and_unit_labels {
            let kind = labels.get("__type__").unwrap_or_default();
            if kind != "counter" && kind != "histogram" {
                self.notes.possible_non_counter_label(name, kind, span);
            }
            return;
        }
        let suffixes = ["_total", "_sum", "_count", "_bucket"];
        if !suffixes.iter().any(|suffix| name.ends_with(suffix)) {
            self.notes.possible_non_counter(name, span);
        }
    }

    fn each_absent_over_time(
        &self,
        call: &Call,
        range: &Range,
        prepared: &Prepared<'_>,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let mut present = Bits::new(grid.steps);
        self.each_range(range, grid, &mut |_, samples, _| {
            self.tally_windows(range, &prepared.windows, samples, None)?;
            prepared.windows.each(samples, |i, _| {
                present.set(i);
                Ok(())
            })
        })?;
        let node = call.args.first().map(|arg| &arg.node);
        Self::emit_absent(node, &present, grid, sink)
    }
}

/// Whether the function knows what the selector's modifier means.
fn check_extension(function: RangeFunction, name: &str, windows: &Windows) -> Result<()> {
    let extension = windows.extension;
    if extension.anchored && !function.allows_anchored() {
        return Err(execution(format!(
            "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with {name}"
        )));
    }
    if extension.smoothed && !function.allows_smoothed() {
        return Err(execution(format!(
            "smoothed modifier can only be used with: delta, increase, rate - not with {name}"
        )));
    }
    Ok(())
}

impl Prepared<'_> {
    fn scalar(&self, arg: usize, step: usize) -> f64 {
        self.scalars.get(arg).and_then(|values| values.get(step)).copied().unwrap_or(f64::NAN)
    }

    /// The function's value for each window; how large the windows are.
    pub(super) fn fill(
        &self,
        samples: &mut Samples,
        cx: &Context<'_>,
        column: &mut Column,
    ) -> Result<Extent> {
        if matches!(self.function, RangeFunction::Slope(Slope { counter: true, .. })) {
            samples.find_resets();
        }
        let mut scratch = Vec::new();
        let sizes = samples.histogram_sizes();
        let mut extent = Extent::default();
        self.windows.each(samples, |i, window| {
            extent.add(window.size(&sizes));
            if let Some(value) = self.apply(i, &window, &mut scratch, cx)? {
                column.set(i, value);
            }
            Ok(())
        })?;
        Ok(extent)
    }

    /// The quantile that is asked for at a step; warns if it is none.
    pub(super) fn quantile(&self, step: usize) -> f64 {
        let q = self.scalar(0, step);
        if !(0.0..=1.0).contains(&q) {
            self.notes.invalid_quantile(q, self.span);
        }
        q
    }

    /// The function's value for one window.
    fn apply(
        &self,
        step: usize,
        window: &Window<'_>,
        scratch: &mut Vec<f64>,
        cx: &Context<'_>,
    ) -> Result<Cell> {
        let extension = self.windows.extension;
        Ok(match self.function {
            RangeFunction::Slope(slope) if extension.anchored || extension.smoothed => {
                extended::slope(window, slope, extension.smoothed, cx)
            }
            RangeFunction::Changes | RangeFunction::Resets if extension.anchored => {
                match extended::anchor(window) {
                    Some(window) => self.plain(step, &window, scratch, cx)?,
                    None => None,
                }
            }
            _ => self.plain(step, window, scratch, cx)?,
        })
    }

    fn plain(
        &self,
        step: usize,
        window: &Window<'_>,
        scratch: &mut Vec<f64>,
        cx: &Context<'_>,
    ) -> Result<Cell> {
        Ok(match self.function {
            RangeFunction::AbsentOverTime | RangeFunction::PresentOverTime => {
                Some(SampleValue::Float(1.0))
            }
            RangeFunction::AvgOverTime => over_time::avg(window, cx),
            RangeFunction::Changes => over_time::changes(window),
            RangeFunction::CountOverTime => over_time::count(window),
            RangeFunction::Deriv => regression::deriv(window, cx),
            RangeFunction::DoubleExponentialSmoothing => {
                let (smoothing, trend) = (self.scalar(0, step), self.scalar(1, step));
                check_factor("smoothing factor", "sf", smoothing)?;
                check_factor("trend factor", "tf", trend)?;
                regression::double_exponential_smoothing(window, smoothing, trend, cx)
            }
            RangeFunction::FirstOverTime => over_time::first(window),
            RangeFunction::Instant { rate: is_rate } => rate::instant(window, is_rate, cx),
            RangeFunction::LastOverTime => over_time::last(window),
            RangeFunction::MadOverTime => over_time::mad(window, scratch, cx),
            RangeFunction::MaxOverTime => over_time::max(window, cx),
            RangeFunction::MinOverTime => over_time::min(window, cx),
            RangeFunction::PredictLinear => {
                regression::predict_linear(window, self.scalar(0, step), cx)
            }
            RangeFunction::QuantileOverTime => {
                if window.values().is_empty() {
                    return Ok(None);
                }
                over_time::quantile(self.quantile(step), window, scratch, cx)
            }
            RangeFunction::Resets => over_time::resets(window),
            RangeFunction::Slope(slope) => rate::extrapolated(window, slope, cx),
            RangeFunction::StddevOverTime => {
                over_time::variance(window, cx).map(|v| SampleValue::Float(v.sqrt()))
            }
            RangeFunction::StdvarOverTime => {
                over_time::variance(window, cx).map(SampleValue::Float)
            }
            RangeFunction::SumOverTime => over_time::sum(window, cx),
            RangeFunction::TimeOfFirst => over_time::time_of_first(window),
            RangeFunction::TimeOfLast => over_time::time_of_last(window),
            RangeFunction::TimeOfMax => over_time::time_of_max(window, cx),
            RangeFunction::TimeOfMin => over_time::time_of_min(window, cx),
        })
    }
}

fn check_factor(what: &str, short: &str, v: f64) -> Result<()> {
    if v <= 0.0 || 1.0 <= v {
        let got = fixed(v);
        return Err(execution(format!("invalid {what}. Expected: 0 < {short} < 1, got: {got}")));
    }
    Ok(())
}

/// Go's `%f`.
fn fixed(v: f64) -> String {
    if v.is_finite() {
        return format!("{v:.6}");
    }
    skopos_core::text::format_float(v, skopos_core::text::FloatStyle::General)
}
