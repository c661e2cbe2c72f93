//! Instant selectors: the newest sample before each step.

use std::sync::Arc;

use skopos_core::{Columns, FloatHistogram, Labels, Timestamp, is_stale_nan};

use super::budget::Size;
use super::column::{Column, Series};
use super::cursor::Cursor;
use super::leaf::{Leaf, Scratch};
use super::load::detect_resets;
use super::place::{Asked, Run, Runs};
use super::{Evaluator, Grid, Result, Sink, execution};
use crate::annotation::Annotations;
use crate::functions::extended::{between, between_histograms};
use crate::histogram::Incompatible;
use crate::plan::Selector;

/// What of a sample becomes the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// The start of its counter, in seconds.
    Start,
    /// Its time, in seconds.
    Time,
    /// Its value.
    Value,
}

impl Evaluator<'_> {
    /// Hands the series of a selector to `sink`; with `times`, each value is its sample's time.
    pub(super) fn each_selected(
        &self,
        selector: &Selector,
        grid: Grid,
        times: bool,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let take = if times { Take::Time } else { Take::Value };
        self.each_taken(selector, grid, take, sink)
    }

    pub(super) fn each_taken(
        &self,
        selector: &Selector,
        grid: Grid,
        take: Take,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        if selector.anchored {
            return Err(execution("anchored modifier can only be used with a range selector"));
        }
        let loaded = self.load(selector)?;
        let work = |labels: &Labels, scratch: &mut Scratch, notes: &Annotations| {
            let columns = &mut scratch.columns;
            if selector.stats {
                detect_resets(columns);
            }
            let column = if selector.smoothed {
                self.smoothed_column(selector, labels, grid, columns, notes)
            } else {
                self.newest_column(selector, grid, take, columns)
            };
            Ok(Leaf { column, widest: 0 })
        };
        self.each_leaf(loaded.series(), grid, grid.steps, &work, &mut |labels, leaf| {
            let column = leaf.column;
            if column.is_empty() {
                return Ok(());
            }
            let size = Size::of(&column);
            self.budget.check(size)?;
            self.budget.tally_column(&column, size.samples, selector.weight);
            sink(Series { labels: labels.clone(), drop_name: false, column })
        })
    }

    fn newest_column(
        &self,
        selector: &Selector,
        grid: Grid,
        take: Take,
        columns: &mut Columns,
    ) -> Column {
        if columns.histograms.is_empty() && take == Take::Value {
            // The usual case, without the bookkeeping of two lanes.
            let asked = Asked::new(grid, selector.shift, 0);
            return newest_floats(columns, asked, grid.steps, self.settings.lookback);
        }
        let mut column = Column::new(grid.steps);
        // Steps share histograms, so each is put behind a counted reference once.
        let shared: Vec<Arc<FloatHistogram>> = columns.histograms.drain(..).map(Arc::new).collect();
        let (mut float_cursor, mut histogram_cursor) = (Cursor::default(), Cursor::default());
        for i in 0..grid.steps {
            let reference = selector.shift.reference(grid.time(i));
            let oldest = reference.saturating_sub(self.settings.lookback);
            let floats = float_cursor.advance(&columns.timestamps, reference);
            let histograms = histogram_cursor.advance(&columns.histogram_timestamps, reference);
            let float = floats.checked_sub(1).map(|at| (columns.timestamps[at], at));
            let histogram =
                histograms.checked_sub(1).map(|at| (columns.histogram_timestamps[at], at));
            match (float, histogram) {
                (Some((t, at)), h) if oldest < t && h.is_none_or(|(h, _)| h < t) => {
                    let v = columns.values[at];
                    if is_stale_nan(v) {
                        continue;
                    }
                    let start = columns.start_timestamps.get(at).copied().unwrap_or(0);
                    column.set_float(i, take_float(take, t, v, start));
                }
                (_, Some((t, at))) if oldest < t => {
                    let h = &shared[at];
                    if is_stale_nan(h.sum) {
                        continue;
                    }
                    let start = columns.histogram_start_timestamps.get(at).copied().unwrap_or(0);
                    match take {
                        Take::Value => column.set_histogram(i, Arc::clone(h)),
                        Take::Start | Take::Time => {
                            column.set_float(i, take_float(take, t, 0.0, start));
                        }
                    }
                }
                _ => {}
            }
        }
        column
    }

    fn smoothed_column(
        &self,
        selector: &Selector,
        labels: &Labels,
        grid: Grid,
        columns: &Columns,
        notes: &Annotations,
    ) -> Column {
        let name = labels.metric_name().unwrap_or_default();
        let mut column = Column::new(grid.steps);
        let lookback = self.settings.lookback;
        let is_live = |at: &usize| !is_stale_nan(columns.values[*at]);
        let live: Vec<(i64, f64)> = (0..columns.values.len())
            .filter(is_live)
            .map(|at| (columns.timestamps[at], columns.values[at]))
            .collect();
        let histograms: Vec<(i64, &FloatHistogram)> = columns
            .histogram_timestamps
            .iter()
            .copied()
            .zip(&columns.histograms)
            .filter(|(_, h)| !is_stale_nan(h.sum))
            .collect();
        for i in 0..grid.steps {
            let t = selector.shift.reference(grid.time(i));
            let (oldest, newest) = (t.saturating_sub(lookback), t.saturating_add(lookback));
            let within = |sample: i64| oldest < sample && sample <= newest;
            let at = live.partition_point(|(sample, _)| *sample <= t);
            let before = at.checked_sub(1).map(|at| live[at]).filter(|s| within(s.0));
            let after = live.get(at).copied().filter(|s| within(s.0));
            let at = histograms.partition_point(|(sample, _)| *sample <= t);
            let h_before = at.checked_sub(1).map(|at| histograms[at]).filter(|s| within(s.0));
            let h_after = histograms.get(at).copied().filter(|s| within(s.0));
            let has_floats = before.or(after).is_some();
            let has_histograms = h_before.or(h_after).is_some();
            if has_floats && has_histograms {
                notes.mixed_floats_histograms(name, selector.span);
            } else if let Some(before) = before {
                column.set_float(i, smoothed_float(before, after, t));
            } else if let Some(before) = h_before {
                match smoothed_histogram(before, h_after, t) {
                    Ok(h) => column.set_histogram(i, Arc::new(h)),
                    Err(Incompatible) => notes.mixed_exponential_custom(name, selector.span),
                }
            }
        }
        column
    }
}

/// The newest float at each step, if it is not older than the lookback nor stale.
fn newest_floats(columns: &Columns, asked: Asked, steps: usize, lookback: i64) -> Column {
    let mut column = Column::new(steps);
    let times = columns.timestamps.as_slice();
    for run in Runs::new(times, asked) {
        each_live(run, times, asked, lookback, &mut |run| {
            column.copy(run.steps, &columns.values[run.place - 1..], run.stride);
        });
    }
    column.remove_stale();
    column
}

/// Hands over the parts of a run that have a sample not older than the lookback.
#[inline]
fn each_live(
    mut run: Run,
    times: &[i64],
    asked: Asked,
    lookback: i64,
    visit: &mut impl FnMut(Run),
) {
    let is_live = |i: usize, place: usize| {
        place.checked_sub(1).is_some_and(|at| asked.time(i).saturating_sub(lookback) < times[at])
    };
    // Between steps that move on lies a sample that is younger than a step.
    let stays_live = run.stride == 0 || asked.step().is_some_and(|step| step <= lookback);
    if !stays_live {
        while !run.steps.is_empty() {
            let one = run.split_off(1);
            if is_live(one.steps.start, one.place) {
                visit(one);
            }
        }
        return;
    }
    if !is_live(run.steps.start, run.place) {
        run.split_off(if run.stride == 0 { run.steps.len() } else { 1 });
    }
    if run.stride == 0 && 1 < run.steps.len() && !is_live(run.steps.end - 1, run.place) {
        let (mut live, mut dead) = (run.steps.start, run.steps.end - 1);
        while live + 1 < dead {
            let middle = live.midpoint(dead);
            *(if is_live(middle, run.place) { &mut live } else { &mut dead }) = middle;
        }
        run.steps.end = dead;
    }
    if !run.steps.is_empty() {
        visit(run);
    }
}

fn smoothed_float(before: (i64, f64), after: Option<(i64, f64)>, t: i64) -> f64 {
    match after {
        Some(after) if before.0 < t => between(before, after, t, false),
        _ => before.1,
    }
}

fn smoothed_histogram(
    before: (i64, &FloatHistogram),
    after: Option<(i64, &FloatHistogram)>,
    t: i64,
) -> std::result::Result<FloatHistogram, Incompatible> {
    use skopos_core::ResetHint::Gauge;
    match after {
        Some(after) if before.0 < t => {
            let gauges = before.1.reset_hint == Gauge && after.1.reset_hint == Gauge;
            between_histograms(before, after, t, !gauges)
        }
        _ => Ok(before.1.clone()),
    }
}

fn take_float(take: Take, t: i64, v: f64, start: i64) -> f64 {
    match take {
        Take::Start => Timestamp::from_millis(start).as_seconds(),
        Take::Time => Timestamp::from_millis(t).as_seconds(),
        Take::Value => v,
    }
}
