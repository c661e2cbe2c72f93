//! The series that a selector chooses.

use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashSet;
use skopos_core::{
    Columns, Labels, MatchOp, ResetHint, SelectHints, Selection, Series as SourceSeries, TimeRange,
    Timestamp, is_stale_nan,
};

use super::{Evaluator, Grid, Result, without_metadata};
use crate::functions::window::Samples;
use crate::histogram::detect_reset;
use crate::plan::Selector;

/// The series of one selector.
#[derive(Clone)]
pub(crate) struct Loaded<'a>(Rc<Inner<'a>>);

struct Inner<'a> {
    series: Vec<(Labels, Box<dyn SourceSeries + 'a>)>,
    distinct_without_name: bool,
}

impl<'a> Loaded<'a> {
    /// The series, in the source's order.
    pub(crate) fn series(&self) -> &[(Labels, Box<dyn SourceSeries + 'a>)] {
        &self.0.series
    }

    /// Whether the series stay apart without name, type and unit.
    pub(crate) fn is_distinct_without_name(&self) -> bool {
        self.0.distinct_without_name
    }
}

fn distinct_without_name(selector: &Selector, series: &[(Labels, impl Sized)]) -> bool {
    let one_name = selector
        .matchers
        .iter()
        .any(|m| m.name() == "__name__" && m.op() == MatchOp::Equal && !m.value().is_empty());
    let has_kind = |labels: &Labels| labels.get("__type__").or(labels.get("__unit__")).is_some();
    if one_name && !series.iter().any(|(labels, _)| has_kind(labels)) {
        return true;
    }
    let mut seen = HashSet::with_capacity(series.len());
    series.iter().all(|(labels, _)| seen.insert(without_metadata(labels)))
}

impl<'a> Evaluator<'a> {
    /// The series of an instant selector over a grid.
    pub(super) fn load_instant(&self, selector: &Selector, grid: Grid) -> Result<Loaded<'a>> {
        let after = if selector.smoothed { self.settings.lookback } else { 0 };
        self.load(selector, self.settings.lookback, after, 0, grid)
    }

    /// The series of a range selector over a grid.
    pub(super) fn load_range(
        &self,
        selector: &Selector,
        range: i64,
        grid: Grid,
    ) -> Result<Loaded<'a>> {
        let lookback = self.settings.lookback;
        let extended = selector.anchored || selector.smoothed;
        let before = if extended { range.saturating_add(lookback) } else { range };
        let after = if selector.smoothed { lookback } else { 0 };
        self.load(selector, before, after, range, grid)
    }

    fn load(
        &self,
        selector: &Selector,
        before: i64,
        after: i64,
        range: i64,
        grid: Grid,
    ) -> Result<Loaded<'a>> {
        if let Some(loaded) = &self.loaded.borrow()[selector.id] {
            return Ok(loaded.clone());
        }
        let first = selector.shift.reference(grid.start);
        let last = selector.shift.reference(grid.end());
        let times = TimeRange::new(
            Timestamp::from_millis(first.saturating_sub(before).saturating_add(1)),
            Timestamp::from_millis(last.saturating_add(after)),
        );
        let mut hints = SelectHints::default();
        hints.step = if self.settings.instant { 0 } else { grid.step };
        hints.range = range;
        hints.function = selector.around.function.into();
        hints.grouping =
            selector.around.grouping.iter().map(|name| String::from(&**name)).collect();
        hints.by = selector.around.by;
        let selection = Selection::new(selector.matchers.iter().cloned(), times).with_hints(hints);
        let series = self.select(&selection)?;
        let distinct_without_name = distinct_without_name(selector, &series);
        let loaded = Loaded(Rc::new(Inner { series, distinct_without_name }));
        self.loaded.borrow_mut()[selector.id] = Some(loaded.clone());
        Ok(loaded)
    }

    /// All series of a selection.
    pub(super) fn select(
        &self,
        selection: &Selection,
    ) -> Result<Vec<(Labels, Box<dyn SourceSeries + 'a>)>> {
        let mut set = self.source.select(selection)?;
        let mut series = Vec::new();
        while let Some(one) = set.advance()? {
            series.push((one.labels().to_labels(), one));
            if series.len() % 1024 == 0 {
                self.check_time()?;
            }
        }
        for warning in set.warnings() {
            self.notes.source(warning);
        }
        Ok(series)
    }
}

/// Decodes a series into columns; staleness markers stay.
pub(crate) fn decode(series: &dyn SourceSeries, columns: &mut Columns) -> Result<()> {
    columns.clear();
    series.read_all(columns)
}

/// Finds out of each histogram whether a counter reset lies before it, where that is not known.
///
/// Upstream does so where only counts and sums are asked for, since it then drops the buckets; what
/// it finds out shows in warnings.
pub(crate) fn detect_resets(columns: &mut Columns) {
    let mut before: Option<usize> = None;
    for i in 0..columns.histograms.len() {
        if is_stale_nan(columns.histograms[i].sum) {
            continue;
        }
        let (earlier, rest) = columns.histograms.split_at_mut(i);
        if let (Some(before), ResetHint::Unknown) = (before, rest[0].reset_hint) {
            let reset = detect_reset(&rest[0], &earlier[before]);
            rest[0].reset_hint = if reset { ResetHint::Reset } else { ResetHint::NotReset };
        }
        before = Some(i);
    }
}

/// Moves decoded columns over, without staleness markers. What is left of the columns is not of use.
pub(crate) fn to_samples(columns: &mut Columns, with_starts: bool, samples: &mut Samples) {
    samples.clear();
    let starts = with_starts && columns.start_timestamps.len() == columns.timestamps.len();
    if columns.values.iter().any(|v| is_stale_nan(*v)) {
        for (i, v) in columns.values.iter().enumerate().filter(|(_, v)| !is_stale_nan(**v)) {
            samples.times.push(columns.timestamps[i]);
            samples.values.push(*v);
            if starts {
                samples.starts.push(columns.start_timestamps[i]);
            }
        }
    } else {
        std::mem::swap(&mut samples.times, &mut columns.timestamps);
        std::mem::swap(&mut samples.values, &mut columns.values);
        if starts {
            std::mem::swap(&mut samples.starts, &mut columns.start_timestamps);
        }
    }
    let starts = with_starts
        && columns.histogram_start_timestamps.len() == columns.histogram_timestamps.len();
    for (i, h) in columns.histograms.drain(..).enumerate() {
        if is_stale_nan(h.sum) {
            continue;
        }
        samples.histogram_times.push(columns.histogram_timestamps[i]);
        samples.histograms.push(Arc::new(h));
        if starts {
            samples.histogram_starts.push(columns.histogram_start_timestamps[i]);
        }
    }
}
