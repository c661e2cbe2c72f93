//! Range vectors: windows that slide over the samples of one series after the other.

use std::sync::Arc;

use skopos_core::{Columns, FloatHistogram, Labels, RangeSeries, ResetHint, Sample, Timestamp};

use super::column::{Column, Point, Series};
use super::cursor::Cursor;
use super::load::{decode, detect_resets, to_samples};
use super::{Evaluator, Grid, Result, execution};
use crate::functions::extended::between;
use crate::functions::window::{Samples, Window};
use crate::plan::{Node, Range, RangeSource, Selector, Shift};

/// What a window holds besides the samples of its range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) anchored: bool,
    pub(super) smoothed: bool,
    lookback: i64,
}

/// A range vector at the steps of a grid.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    grid: Grid,
    range: i64,
    shift: Shift,
    pub(super) extension: Extension,
}

impl Windows {
    /// Whether windows hold samples beyond their range.
    pub(super) fn is_extended(&self) -> bool {
        self.extension.anchored || self.extension.smoothed
    }

    /// How many steps there are.
    pub(super) fn steps(&self) -> usize {
        self.grid.steps
    }

    /// Calls `visit` with each step and its window, where that has samples.
    pub(super) fn each(
        &self,
        samples: &Samples,
        mut visit: impl FnMut(usize, Window<'_>) -> Result<()>,
    ) -> Result<()> {
        let Extension { smoothed, lookback, .. } = self.extension;
        let before = if self.is_extended() { lookback } else { 0 };
        let after = if smoothed { lookback } else { 0 };
        let mut float_cursors = (Cursor::default(), Cursor::default());
        let mut histogram_cursors = (Cursor::default(), Cursor::default());
        for i in 0..self.grid.steps {
            let t = self.grid.time(i);
            let end = self.shift.reference(t);
            let start = end.saturating_sub(self.range);
            let (from, to) = (start.saturating_sub(before), end.saturating_add(after));
            let floats = slide(&samples.times, &mut float_cursors, from, to);
            let histograms = slide(&samples.histogram_times, &mut histogram_cursors, from, to);
            if floats.0 < floats.1 || histograms.0 < histograms.1 {
                visit(i, Window { samples, floats, histograms, t, start, end })?;
            }
        }
        Ok(())
    }
}

impl Windows {
    /// A function of each window of a series of floats, and how many samples the widest one has.
    ///
    /// The windows must not hold samples beyond their range.
    #[inline]
    pub(super) fn column_of_floats(
        &self,
        samples: &Samples,
        mut f: impl FnMut(&Window<'_>) -> Option<f64>,
    ) -> (Column, usize) {
        let mut cursors = (Cursor::default(), Cursor::default());
        let mut widest = 0;
        let column = Column::from_floats(self.grid.steps, |i| {
            let t = self.grid.time(i);
            let end = self.shift.reference(t);
            let start = end.saturating_sub(self.range);
            let floats = slide(&samples.times, &mut cursors, start, end);
            widest = widest.max(floats.1 - floats.0);
            let window = Window { samples, floats, histograms: (0, 0), t, start, end };
            if floats.0 < floats.1 { f(&window) } else { None }
        });
        (column, widest)
    }
}

/// Moves both ends of a window to the samples after `from`, up to and including `to`.
fn slide(times: &[i64], window: &mut (Cursor, Cursor), from: i64, to: i64) -> (usize, usize) {
    let start = window.0.advance(times, from);
    window.1.at = window.1.at.max(start);
    (start, window.1.advance(times, to))
}

impl<'a> Evaluator<'a> {
    /// The times at which a subquery evaluates its expression.
    pub(super) fn subquery_grid(range: &Range, grid: Grid) -> Grid {
        let RangeSource::Subquery { step, shift, .. } = &range.source else { return grid };
        let first = shift.reference(grid.start).saturating_sub(range.range);
        let end = shift.reference(grid.end());
        // The first multiple of the step after the start of the first window.
        let start = first.div_euclid(*step).saturating_add(1).saturating_mul(*step);
        Grid::new(start, end, *step)
    }

    /// The windows of a range vector over a grid.
    pub(super) fn windows(&self, range: &Range, grid: Grid) -> Windows {
        let (shift, extension) = match &range.source {
            RangeSource::Selector(Selector { shift, anchored, smoothed, .. }) => {
                let (anchored, smoothed) = (*anchored, *smoothed);
                (*shift, Extension { anchored, smoothed, lookback: self.settings.lookback })
            }
            RangeSource::Subquery { shift, .. } => (*shift, Extension::default()),
        };
        Windows { grid, range: range.range, shift, extension }
    }

    /// Calls `visit` with the labels and samples of each series of a range vector. The third
    /// argument says whether the name shall go at the end.
    pub(super) fn each_range(
        &self,
        range: &Range,
        grid: Grid,
        visit: &mut dyn FnMut(&Labels, &mut Samples, bool) -> Result<()>,
    ) -> Result<()> {
        let mut samples = Samples::default();
        match &range.source {
            RangeSource::Selector(selector) => {
                let loaded = self.load_range(selector, range.range, grid)?;
                let mut columns = Columns::new();
                for (labels, series) in loaded.series() {
                    self.check_time()?;
                    decode(&**series, &mut columns)?;
                    if selector.stats {
                        detect_resets(&mut columns);
                    }
                    to_samples(&mut columns, self.settings.start_timestamps, &mut samples);
                    visit(labels, &mut samples, false)?;
                }
                Ok(())
            }
            RangeSource::Subquery { node, .. } => {
                let inner = Self::subquery_grid(range, grid);
                self.check_budget(inner.steps)?;
                self.each(node, inner, &mut |series| {
                    fill(&series, inner, &mut samples);
                    visit(&series.labels, &mut samples, series.drop_name)
                })
            }
        }
    }

    /// A range vector as the result of an instant query.
    pub(crate) fn matrix(&self, node: &Node, grid: Grid) -> Result<Vec<RangeSeries>> {
        let range = match node {
            Node::Range(range) => range,
            Node::Once(inner) => return self.matrix(inner, grid),
            _ => return Err(super::not_typed()),
        };
        let windows = self.windows(range, grid);
        let mut out: Vec<(RangeSeries, bool)> = Vec::new();
        self.each_range(range, grid, &mut |labels, samples, drop_name| {
            windows.each(samples, |_, window| {
                self.count(window.len())?;
                let floats = floats_of(&window, windows.extension)?;
                let histograms = histograms_of(&window);
                if !floats.is_empty() || !histograms.is_empty() {
                    let labels = labels.clone();
                    out.push((RangeSeries { labels, floats, histograms }, drop_name));
                }
                Ok(())
            })
        })?;
        let mut series = Vec::with_capacity(out.len());
        for (mut one, drop_name) in out {
            if drop_name {
                one.labels = super::without_metadata(&one.labels);
            }
            series.push(one);
        }
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        if series.windows(2).any(|pair| pair[0].labels == pair[1].labels) {
            return Err(super::same_labelset());
        }
        Ok(series)
    }
}

/// A series of a subquery as samples.
fn fill(series: &Series, grid: Grid, samples: &mut Samples) {
    samples.clear();
    if series.column.histograms().is_empty() {
        for i in series.column.floats().iter() {
            samples.times.push(grid.time(i));
            samples.values.push(series.column.float(i));
        }
        return;
    }
    for (i, point) in series.column.iter() {
        match point {
            Point::Float(v) => {
                samples.times.push(grid.time(i));
                samples.values.push(v);
            }
            Point::Histogram(h) => {
                samples.histogram_times.push(grid.time(i));
                samples.histograms.push(without_reset_hint(h));
            }
        }
    }
}

/// The histogram without what is known of resets: between the steps of a subquery it says nothing.
fn without_reset_hint(h: &Arc<FloatHistogram>) -> Arc<FloatHistogram> {
    match h.reset_hint {
        ResetHint::Gauge | ResetHint::Unknown => Arc::clone(h),
        ResetHint::NotReset | ResetHint::Reset => {
            let mut h = FloatHistogram::clone(h);
            h.reset_hint = ResetHint::Unknown;
            Arc::new(h)
        }
    }
}

fn histograms_of(window: &Window<'_>) -> Vec<(Timestamp, Arc<FloatHistogram>)> {
    let times = window.histogram_times().iter().map(|t| Timestamp::from_millis(*t));
    times.zip(window.histograms().iter().cloned()).collect()
}

/// The floats of a window; of an extended one, with values at both ends of the range.
fn floats_of(window: &Window<'_>, extension: Extension) -> Result<Vec<Sample>> {
    let (times, values) = (window.times(), window.values());
    let plain = || times.iter().zip(values).map(|(t, v)| Sample::new(*t, *v)).collect();
    if !extension.anchored && !extension.smoothed {
        return Ok(plain());
    }
    if !window.histograms().is_empty() {
        let name = if extension.anchored { "anchored" } else { "smoothed" };
        return Err(execution(format!("{name} modifier is not supported with histograms")));
    }
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(Vec::new()) };
    if *last <= window.start || window.end < *first {
        return Ok(Vec::new());
    }
    let inner =
        times.partition_point(|t| *t <= window.start)..times.partition_point(|t| *t < window.end);
    let value_at = |t: i64, default: f64| {
        let at = times.partition_point(|time| *time <= t);
        match (at.checked_sub(1), times.get(at)) {
            (Some(before), Some(_)) if times[before] < t && extension.smoothed => {
                between((times[before], values[before]), (times[at], values[at]), t, false)
            }
            (Some(before), _) => values[before],
            (None, _) => default,
        }
    };
    let mut out = vec![Sample::new(window.start, value_at(window.start, values[0]))];
    out.extend(inner.map(|i| Sample::new(times[i], values[i])));
    out.push(Sample::new(window.end, value_at(window.end, values[0])));
    Ok(out)
}
