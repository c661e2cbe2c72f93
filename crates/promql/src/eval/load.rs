//! The series that a selector chooses.

use std::sync::Arc;

use hashbrown::HashSet;
use skopos_core::{
    Columns, Labels, MatchOp, ResetHint, Selection, Series as SourceSeries, is_stale_nan,
};

use super::budget::{Size, columns_bytes};
use super::{Column, Evaluator, Grid, Result, not_typed, without_metadata};
use crate::functions::window::Samples;
use crate::histogram::detect_reset;
use crate::plan::Selector;

/// The series of one selector.
#[derive(Clone)]
pub(crate) struct Loaded<'a>(Arc<Inner<'a>>);

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
    if one_name && !series.iter().any(|(labels, _)| has_kind(labels)) {
        return true;
    }
    let mut seen = HashSet::with_capacity(series.len());
    series.iter().all(|(labels, _)| seen.insert(without_metadata(labels)))
}

/// Whether labels tell a metric's type or unit.
fn has_kind(labels: &Labels) -> bool {
    let mut up_to_unit = labels.iter().take_while(|(name, _)| *name <= "__unit__");
    up_to_unit.any(|(name, _)| matches!(name, "__type__" | "__unit__"))
}

impl<'a> Evaluator<'a> {
    /// The series of a selector.
    pub(super) fn load(&self, selector: &Selector) -> Result<Loaded<'a>> {
        let Some(id) = selector.selection else { return Err(not_typed()) };
        if let Some(loaded) = self.loaded[id].get() {
            return Ok(loaded.clone());
        }
        let series = self.select(&self.selections[id])?;
        let distinct_without_name = distinct_without_name(selector, &series);
        let loaded = Loaded(Arc::new(Inner { series, distinct_without_name }));
        Ok(self.loaded[id].get_or_init(|| loaded).clone())
    }

    /// All series of a selection.
    pub(super) fn select(
        &self,
        selection: &Selection,
    ) -> Result<Vec<(Labels, Box<dyn SourceSeries + 'a>)>> {
        let mut set = self.source.select(selection)?;
        let mut series = Vec::new();
        while let Some(one) = set.advance()? {
            self.settings.interrupt.check_canceled()?;
            self.budget.add_series()?;
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

    /// Decodes a series into columns; staleness markers stay.
    ///
    /// What is made of it, a column of the grid's steps, must have room beside it.
    pub(super) fn decode(
        &self,
        series: &dyn SourceSeries,
        columns: &mut Columns,
        grid: Grid,
    ) -> Result<()> {
        columns.clear();
        let output = Column::bytes_of(grid.steps);
        let check = |columns: &Columns| {
            let bytes = columns_bytes(columns).saturating_add(output);
            self.budget.check(Size { samples: 0, bytes })
        };
        if self.budget.limits_bytes() || self.settings.interrupt.cancellation.is_some() {
            let mut cursor = series.cursor();
            while cursor.read(columns)? {
                self.settings.interrupt.check_canceled()?;
                check(columns)?;
            }
        } else {
            series.read_all(columns)?;
        }
        check(columns)
    }
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
