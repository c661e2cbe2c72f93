//! Series with the same labels become one, where their steps allow it.

use hashbrown::HashMap;
use skopos_core::Labels;

use super::budget::{Held, Size};
use super::column::Series;
use super::{Column, Evaluator, Grid, Result, Sink, same_labelset, without_metadata};
use crate::plan::{Node, RangeSource};

/// Collects series, merging those with the same labels. They count as held.
pub(crate) struct Merger<'e> {
    series: Vec<Series>,
    by_labels: HashMap<Labels, usize>,
    held: Held<'e>,
}

impl<'e> Merger<'e> {
    pub(crate) fn new(held: Held<'e>) -> Self {
        Self { series: Vec::new(), by_labels: HashMap::new(), held }
    }

    /// Takes a series in; an error where one with the same labels has a value at the same step.
    pub(crate) fn add(&mut self, series: Series) -> Result<()> {
        self.held.grow(Size::of(&series.column))?;
        let Some(at) = self.by_labels.get(&series.labels) else {
            self.by_labels.insert(series.labels.clone(), self.series.len());
            self.series.push(series);
            return Ok(());
        };
        let before = &mut self.series[*at];
        before.drop_name |= series.drop_name;
        if before.column.merge(series.column) { Ok(()) } else { Err(same_labelset()) }
    }

    /// The series with these labels, made without values if there is none yet.
    pub(crate) fn entry(
        &mut self,
        labels: &Labels,
        drop_name: bool,
        steps: usize,
    ) -> Result<&mut Series> {
        let at = match self.by_labels.get(labels) {
            Some(at) => *at,
            None => {
                self.held.grow(Size { samples: steps, bytes: Column::bytes_of(steps) })?;
                let column = Column::new(steps);
                self.series.push(Series { labels: labels.clone(), drop_name, column });
                self.by_labels.insert(labels.clone(), self.series.len() - 1);
                self.series.len() - 1
            }
        };
        Ok(&mut self.series[at])
    }

    /// Hands the series to `sink` in the order in which they came, those without values left out.
    pub(crate) fn finish(mut self, sink: &mut Sink<'_>) -> Result<()> {
        for series in self.series {
            // Whoever takes it counts it from now on.
            self.held.shrink(Size::of(&series.column));
            if !series.column.is_empty() {
                sink(series)?;
            }
        }
        Ok(())
    }

    /// The series in the order in which they came.
    pub(crate) fn into_series(self) -> Vec<Series> {
        self.series
    }
}

/// How the names of series are dropped.
pub(crate) enum Names<'e> {
    /// They are marked, and go at the end of the query.
    Delayed,
    /// No two series can become the same.
    Distinct,
    /// No two series can become the same, and nobody looks at names.
    Kept,
    /// Series may become the same.
    Merged(Merger<'e>),
}

impl Names<'_> {
    /// Drops the name of a series, which then or at the end goes to `sink`.
    pub(crate) fn drop_from(&mut self, mut series: Series, sink: &mut Sink<'_>) -> Result<()> {
        match self {
            Self::Delayed => {
                series.drop_name = true;
                sink(series)
            }
            // Of histograms they would be told.
            Self::Kept if series.column.histograms().is_empty() => sink(series),
            Self::Distinct | Self::Kept => {
                series.labels = without_metadata(&series.labels);
                sink(series)
            }
            Self::Merged(merger) => {
                series.labels = without_metadata(&series.labels);
                merger.add(series)
            }
        }
    }

    /// Hands over what had to wait.
    pub(crate) fn finish(self, sink: &mut Sink<'_>) -> Result<()> {
        match self {
            Self::Delayed | Self::Distinct | Self::Kept => Ok(()),
            Self::Merged(merger) => merger.finish(sink),
        }
    }
}

impl Evaluator<'_> {
    /// How the names of this node's series can be dropped.
    pub(super) fn names(&self, node: &Node, grid: Grid) -> Result<Names<'_>> {
        Ok(if self.settings.delayed_names {
            Names::Delayed
        } else if self.is_distinct_without_name(node, grid)? {
            Names::Distinct
        } else {
            Names::Merged(self.merger()?)
        })
    }

    /// How the names of series can be dropped of which nothing is known.
    pub(super) fn names_of_any(&self) -> Result<Names<'_>> {
        Ok(if self.settings.delayed_names { Names::Delayed } else { Names::Merged(self.merger()?) })
    }

    /// Whether the series stay apart without name, type and unit.
    fn is_distinct_without_name(&self, node: &Node, grid: Grid) -> Result<bool> {
        Ok(match node {
            Node::Selector(selector) => self.load(selector)?.is_distinct_without_name(),
            Node::Range(range) => match &range.source {
                RangeSource::Selector(selector) => self.load(selector)?.is_distinct_without_name(),
                RangeSource::Subquery { node, .. } => {
                    let grid = range.inner_grid(grid);
                    0 < grid.steps && self.is_distinct_without_name(node, grid)?
                }
            },
            Node::Once(inner) => self.is_distinct_without_name(inner, grid.first())?,
            Node::Negate(negation) => self.is_distinct_without_name(&negation.input, grid)?,
            Node::Call(call) if keeps_series_apart(call.func.name) => {
                let input = call.args.iter().find(|arg| is_series(&arg.node));
                match input {
                    Some(input) => self.is_distinct_without_name(&input.node, grid)?,
                    None => false,
                }
            }
            Node::Binary(binary) => match (binary.lhs_scalar, binary.rhs_scalar) {
                (true, false) => self.is_distinct_without_name(&binary.rhs, grid)?,
                (false, true) => self.is_distinct_without_name(&binary.lhs, grid)?,
                _ => false,
            },
            Node::Aggregate(aggregate) => {
                !aggregate.op.has_param()
                    && !aggregate.without
                    && !aggregate.grouping.iter().any(|name| super::is_metadata(name))
            }
            _ => false,
        })
    }
}

/// Whether an argument brings the series of a call.
fn is_series(node: &Node) -> bool {
    match node {
        Node::Number(_) | Node::Text(_) => false,
        Node::Once(inner) => is_series(inner),
        Node::Negate(negation) => is_series(&negation.input),
        Node::Binary(binary) => !(binary.lhs_scalar && binary.rhs_scalar),
        Node::Call(call) => call.func.return_type != crate::types::ValueType::Scalar,
        Node::Aggregate(_) | Node::Range(_) | Node::Selector(_) => true,
    }
}

/// Whether a function gives at most one series for each of its argument's, with its labels.
fn keeps_series_apart(name: &str) -> bool {
    !matches!(
        name,
        "absent"
            | "absent_over_time"
            | "histogram_fraction"
            | "histogram_quantile"
            | "histogram_quantiles"
            | "info"
            | "label_join"
            | "label_replace"
            | "vector"
    )
}
