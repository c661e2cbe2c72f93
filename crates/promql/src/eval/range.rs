//! Range vectors: windows that slide over the samples of one series after the other.

use std::sync::Arc;

use skopos_core::{Columns, FloatHistogram, Labels, RangeSeries, ResetHint, Sample, Timestamp};

use super::analysis::Key;
use super::budget::{Interrupt, Size};
use super::column::{Point, Series};
use super::cursor::Cursor;
use super::load::{detect_resets, to_samples};
use super::place::{Asked, Segment, Segments};
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
pub(super) struct Windows<'a> {
    grid: Grid,
    range: i64,
    shift: Shift,
    pub(super) extension: Extension,
    pub(super) interrupt: Interrupt<'a>,
}

/// How large the windows of a series are, in samples.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// The largest one.
    pub(super) widest: usize,
    /// All of them together.
    pub(super) total: usize,
}

impl Extent {
    #[inline]
    pub(super) fn add(&mut self, size: usize) {
        self.widest = self.widest.max(size);
        self.total += size;
    }

    /// Takes the windows of a segment in.
    #[inline]
    pub(super) fn add_all(&mut self, segment: &Segment) {
        self.widest = self.widest.max(segment.widest());
        self.total += segment.total();
    }
}

impl Windows<'_> {
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
                // A look at a window may take long.
                self.interrupt.check_canceled()?;
                visit(i, Window { samples, floats, histograms, t, start, end })?;
            }
        }
        Ok(())
    }
}

impl Windows<'_> {
    /// The windows of a series of floats, in segments.
    ///
    /// They must not hold samples beyond their range.
    pub(super) fn segments<'t>(&self, times: &'t [i64]) -> Segments<'t> {
        let from = Asked::new(self.grid, self.shift, self.range);
        Segments::new(times, from, Asked::new(self.grid, self.shift, 0))
    }

    /// The window of a segment's step number `i`.
    #[inline]
    pub(super) fn window<'a>(
        &self,
        samples: &'a Samples,
        segment: &Segment,
        i: usize,
    ) -> Window<'a> {
        let t = self.grid.time(segment.steps.start + i);
        let end = self.shift.reference(t);
        let start = end.saturating_sub(self.range);
        Window { samples, floats: segment.window(i), histograms: (0, 0), t, start, end }
    }

    /// By how much windows move from step to step.
    pub(super) fn stride(&self) -> i64 {
        if self.shift.is_fixed() { 0 } else { self.grid.step }
    }
}

/// Moves both ends of a window to the samples after `from`, up to and including `to`.
fn slide(times: &[i64], window: &mut (Cursor, Cursor), from: i64, to: i64) -> (usize, usize) {
    let start = window.0.advance(times, from);
    window.1.at = window.1.at.max(start);
    (start, window.1.advance(times, to))
}

impl<'a> Evaluator<'a> {
    /// The windows of a range vector over a grid.
    pub(super) fn windows(&self, range: &Range, grid: Grid) -> Windows<'a> {
        let (shift, extension) = match &range.source {
            RangeSource::Selector(Selector { shift, anchored, smoothed, .. }) => {
                let (anchored, smoothed) = (*anchored, *smoothed);
                (*shift, Extension { anchored, smoothed, lookback: self.settings.lookback })
            }
            RangeSource::Subquery { shift, .. } => (*shift, Extension::default()),
        };
        let interrupt = self.settings.interrupt;
        Windows { grid, range: range.range, shift, extension, interrupt }
    }

    /// Calls `visit` with the labels and samples of each series of a range vector. The third
    /// argument says whether the name shall go at the end.
    pub(super) fn each_range(
        &self,
        range: &Range,
        grid: Grid,
        visit: &mut dyn FnMut(&Labels, &mut Samples, bool) -> Result<()>,
    ) -> Result<()> {
        let key = Key::of(range);
        self.observe_range(key, visit, |visit| self.each_range_of(range, grid, visit))
    }

    fn each_range_of(
        &self,
        range: &Range,
        grid: Grid,
        visit: &mut dyn FnMut(&Labels, &mut Samples, bool) -> Result<()>,
    ) -> Result<()> {
        let mut samples = Samples::default();
        match &range.source {
            RangeSource::Selector(selector) => {
                let loaded = self.load(selector)?;
                let mut columns = Columns::new();
                for (labels, series) in loaded.series() {
                    self.check_time()?;
                    self.decode(&**series, &mut columns, grid)?;
                    if selector.stats {
                        detect_resets(&mut columns);
                    }
                    to_samples(&mut columns, self.settings.start_timestamps, &mut samples);
                    visit(labels, &mut samples, false)?;
                }
                Ok(())
            }
            RangeSource::Subquery { node, .. } => {
                let inner = range.inner_grid(grid);
                self.check_budget(inner.steps)?;
                self.each(node, inner, &mut |series| {
                    fill(&series, inner, &mut samples);
                    visit(&series.labels, &mut samples, series.drop_name)
                })
            }
        }
    }

    /// Counts what the windows of a series hold: `total` samples, if that is known.
    pub(super) fn tally_windows(
        &self,
        range: &Range,
        windows: &Windows<'_>,
        samples: &Samples,
        total: Option<usize>,
    ) -> Result<()> {
        if range.weight == 0 {
            return Ok(());
        }
        if let Some(total) = total {
            self.budget.tally(total, range.weight);
            if !self.budget.counts_steps() {
                return Ok(());
            }
        }
        let sizes = samples.histogram_sizes();
        windows.each(samples, |i, window| {
            let size = window.size(&sizes);
            if total.is_none() {
                self.budget.tally(size, range.weight);
            }
            self.budget.tally_step(i, size, range.weight);
            Ok(())
        })
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
        let mut held = self.budget.hold(Size::default())?;
        self.each_range(range, grid, &mut |labels, samples, drop_name| {
            self.settings.interrupt.check_canceled()?;
            let sizes = samples.histogram_sizes();
            windows.each(samples, |i, window| {
                let size = window.size(&sizes);
                held.grow(Size { samples: size, bytes: 16 * window.len() })?;
                self.budget.tally(size, range.weight);
                self.budget.tally_step(i, size, range.weight);
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
