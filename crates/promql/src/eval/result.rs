//! The result of a range query: each series becomes samples as soon as it is there.

use std::sync::Arc;

use skopos_core::{RangeSeries, Sample, Timestamp};

use super::budget::Size;
use super::column::{Column, Series};
use super::{Evaluator, Grid, Result};
use crate::plan::Node;

impl Evaluator<'_> {
    /// The series of a vector at all steps, in the order of their labels.
    pub(crate) fn range_series(&self, node: &Node, grid: Grid) -> Result<Vec<RangeSeries>> {
        let mut all = Vec::new();
        if self.settings.delayed_names {
            // Series may still become one.
            all.extend(self.vector(node, grid)?.into_iter().map(|one| range_series(one, grid)));
        } else {
            let mut held = self.budget.hold(Size::default())?;
            self.each(node, grid, &mut |series| {
                held.grow(Size::of(&series.column))?;
                all.push(range_series(series, grid));
                Ok(())
            })?;
        }
        all.retain(|one| !one.floats.is_empty() || !one.histograms.is_empty());
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(all)
    }
}

fn range_series(series: Series, grid: Grid) -> RangeSeries {
    let Series { labels, column, .. } = series;
    let floats = samples(&column, grid);
    let histograms =
        column.histograms().iter().enumerate().filter_map(|(i, h)| {
            Some((Timestamp::from_millis(grid.time(i)), Arc::clone(h.as_ref()?)))
        });
    RangeSeries { labels, floats, histograms: histograms.collect() }
}

fn samples(column: &Column, grid: Grid) -> Vec<Sample> {
    let count = column.floats().count();
    if count == column.steps() {
        let values = column.values().iter().enumerate();
        return values.map(|(i, v)| Sample::new(grid.time(i), *v)).collect();
    }
    let mut samples = Vec::with_capacity(count);
    column.each_float(|i, v| samples.push(Sample::new(grid.time(i), v)));
    samples
}
