//! Evaluating a plan: series by series, all steps of a series at once.
//!
//! Every node hands its series to whoever asks, one after the other ([`Evaluator::each`]), so that
//! an aggregation over a function over a selector never holds its input. What needs all series at
//! once (matching, sorting, `topk`) collects them first. The order of series is that of upstream, so
//! sums have the same bits.

mod aggregate;
pub(crate) mod analysis;
mod best;
mod binary;
pub(crate) mod budget;
mod call;
pub(crate) mod column;
mod cursor;
mod element;
mod few;
mod grid;
mod group;
mod histogram_call;
mod info;
mod label_call;
mod lanes;
mod leaf;
mod load;
mod merge;
#[cfg(feature = "parallel")]
mod parallel;
pub(crate) mod place;
mod range;
mod range_float;
mod range_function;
mod result;
mod select;
mod topk;

use std::sync::OnceLock;

use skopos_core::{Error, ErrorKind, Selection, SeriesSource};

use self::analysis::{Analysis, Key};
use self::budget::{Budget, Held, Interrupt, Size};
pub(crate) use self::column::{Column, Series};
pub(crate) use self::element::of_scalars;
pub(crate) use self::grid::Grid;
use self::load::Loaded;
use self::merge::Merger;
use crate::annotation::Annotations;
use crate::plan::{Node, Plan};
use crate::read::Expressions;

/// The result of a step of evaluation.
pub(crate) type Result<T> = std::result::Result<T, Error>;
/// Who takes the series of a node.
pub(crate) type Sink<'s> = dyn FnMut(Series) -> Result<()> + 's;

/// What does not change while a query runs.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    /// How far an instant selector looks back, in milliseconds.
    pub(crate) lookback: i64,
    /// Whether names are dropped at the end of the query only.
    pub(crate) delayed_names: bool,
    /// Whether `__type__` labels tell counters.
    pub(crate) type_and_unit_labels: bool,
    /// Whether start timestamps are looked at.
    pub(crate) start_timestamps: bool,
    /// Whether the query is evaluated once, for a vector.
    pub(crate) instant: bool,
    /// When to stop.
    pub(crate) interrupt: Interrupt<'a>,
    /// Regular expressions that were compiled for the query before.
    pub(crate) expressions: Option<&'a Expressions>,
    #[cfg(feature = "parallel")]
    pub(crate) crew: Crew,
}

/// On how many threads series are worked on.
#[cfg(feature = "parallel")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crew {
    /// All together, the query's own among them.
    pub(crate) threads: usize,
    /// Selections that cost fewer points stay on the query's own.
    pub(crate) from: usize,
}

/// Evaluates one query.
pub(crate) struct Evaluator<'a> {
    source: &'a dyn SeriesSource,
    settings: Settings<'a>,
    notes: Annotations,
    budget: Budget,
    /// What each operator gives, where that is asked for.
    analysis: Option<Analysis<'a>>,
    selections: &'a [Selection],
    /// The series of each selection, once they are asked for.
    loaded: Vec<OnceLock<Loaded<'a>>>,
}

#[cold]
pub(crate) fn execution(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Execution, message)
}

#[cold]
fn same_labelset() -> Error {
    execution("vector cannot contain metrics with the same labelset")
}

/// Series that are held together, and counted as such.
struct Collected<'e> {
    series: Vec<Series>,
    held: Held<'e>,
}

impl Collected<'_> {
    fn add(&mut self, series: Series) -> Result<()> {
        if series.column.is_empty() {
            return Ok(());
        }
        self.held.grow(Size::of(&series.column))?;
        self.series.push(series);
        Ok(())
    }
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        source: &'a dyn SeriesSource,
        settings: Settings<'a>,
        plan: &'a Plan,
        budget: Budget,
        analysis: Option<Analysis<'a>>,
    ) -> Self {
        let selections = plan.selections.as_slice();
        let loaded = selections.iter().map(|_| OnceLock::new()).collect();
        let notes = Annotations::default();
        Self { source, settings, notes, budget, analysis, selections, loaded }
    }

    /// What was noted on the way.
    pub(crate) fn notes(&self) -> &Annotations {
        &self.notes
    }

    /// What the query used.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// What was observed, if it was asked for.
    pub(crate) fn analysis(&self) -> Option<&Analysis<'a>> {
        self.analysis.as_ref()
    }

    /// The series of a vector, with names dropped that shall be.
    pub(crate) fn vector(&self, node: &Node, grid: Grid) -> Result<Vec<Series>> {
        let collected = self.collect(node, grid)?;
        if !collected.series.iter().any(|series| series.drop_name) {
            return Ok(collected.series);
        }
        // The series are held already, and no more of them come of it.
        let Collected { series, held } = collected;
        drop(held);
        let mut merger = self.merger()?;
        for mut series in series {
            if series.drop_name {
                series.labels = without_metadata(&series.labels);
            }
            merger.add(series)?;
        }
        Ok(merger.into_series())
    }

    /// The value of a scalar at each step.
    pub(crate) fn scalar(&self, node: &Node, grid: Grid) -> Result<Vec<f64>> {
        self.settings.interrupt.check_canceled()?;
        self.budget.check(Size::of_floats(grid.steps))?;
        if let Node::Once(inner) = node {
            let once = self.scalar(inner, grid.first())?;
            return Ok(vec![once.first().copied().unwrap_or(f64::NAN); grid.steps]);
        }
        self.observe_scalar(Key::of_node(node), || self.scalar_of_node(node, grid))
    }

    fn scalar_of_node(&self, node: &Node, grid: Grid) -> Result<Vec<f64>> {
        match node {
            Node::Number(constant) => Ok(vec![constant.v; grid.steps]),
            Node::Negate(negation) => {
                let mut values = self.scalar(&negation.input, grid)?;
                for v in &mut values {
                    *v = -*v;
                }
                Ok(values)
            }
            Node::Binary(binary) => self.scalar_binary(binary, grid),
            Node::Call(call) => self.scalar_call(call, grid),
            Node::Aggregate(_)
            | Node::Once(_)
            | Node::Range(_)
            | Node::Selector(_)
            | Node::Text(_) => Err(not_typed()),
        }
    }

    /// Hands the series of a vector to `sink`.
    pub(crate) fn each(&self, node: &Node, grid: Grid, sink: &mut Sink<'_>) -> Result<()> {
        self.check_time()?;
        if grid.steps == 0 {
            return Ok(());
        }
        // Whatever the operator is, it makes columns of this length.
        self.budget.check(Size { samples: 0, bytes: Column::bytes_of(grid.steps) })?;
        if let Node::Once(inner) = node {
            return self.each(inner, grid.first(), &mut |mut series| {
                series.column = series.column.repeated(grid.steps);
                self.budget.check(Size::of(&series.column))?;
                sink(series)
            });
        }
        self.observe(Key::of_node(node), sink, |sink| match node {
            Node::Aggregate(aggregate) => self.each_aggregate(aggregate, grid, sink),
            Node::Binary(binary) => self.each_binary(binary, grid, sink),
            Node::Call(call) => self.each_call(call, grid, sink),
            Node::Negate(negation) => self.each_negated(&negation.input, grid, sink),
            Node::Selector(selector) => self.each_selected(selector, grid, false, sink),
            Node::Number(_) | Node::Once(_) | Node::Range(_) | Node::Text(_) => Err(not_typed()),
        })
    }

    fn each_negated(&self, input: &Node, grid: Grid, sink: &mut Sink<'_>) -> Result<()> {
        self.each_without_name(input, grid, sink, &mut |series| {
            series.column.map_floats(|v| -v);
            series.column.map_histograms(|h| {
                let mut h = h.clone();
                crate::histogram::mul(&mut h, -1.0);
                h
            });
            Ok(())
        })
    }

    /// Hands the series of `input`, changed by `change` and without their names, to `sink`.
    fn each_without_name(
        &self,
        input: &Node,
        grid: Grid,
        sink: &mut Sink<'_>,
        change: &mut dyn FnMut(&mut Series) -> Result<()>,
    ) -> Result<()> {
        let mut names = self.names(input, grid)?;
        self.each(input, grid, &mut |mut series| {
            change(&mut series)?;
            if series.column.is_empty() {
                return Ok(());
            }
            names.drop_from(series, sink)
        })?;
        names.finish(sink)
    }

    /// All series of a vector.
    fn collect(&self, node: &Node, grid: Grid) -> Result<Collected<'_>> {
        let mut collected = self.nothing_collected()?;
        self.each(node, grid, &mut |series| collected.add(series))?;
        Ok(collected)
    }

    fn nothing_collected(&self) -> Result<Collected<'_>> {
        Ok(Collected { series: Vec::new(), held: self.budget.hold(Size::default())? })
    }

    fn merger(&self) -> Result<Merger<'_>> {
        Ok(Merger::new(self.budget.hold(Size::default())?))
    }

    /// Whether so many more samples would fit.
    fn check_budget(&self, samples: usize) -> Result<()> {
        self.budget.check(Size { samples, bytes: 0 })
    }

    /// Whether anybody waits for the answer, and whether there is time left.
    fn check_time(&self) -> Result<()> {
        self.settings.interrupt.check()
    }
}

/// A node of a type that the checker does not let through.
#[cold]
fn not_typed() -> Error {
    Error::new(ErrorKind::Internal, "expression has a type that its place does not take")
}

/// Whether a label tells what a metric is, and not which series of it.
pub(crate) fn is_metadata(name: &str) -> bool {
    matches!(name, "__name__" | "__type__" | "__unit__")
}

/// The labels without name, type and unit.
fn without_metadata(labels: &skopos_core::Labels) -> skopos_core::Labels {
    labels.filtered(|name| !is_metadata(name))
}
