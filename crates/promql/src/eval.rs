//! Evaluating a plan: series by series, all steps of a series at once.
//!
//! Every node hands its series to whoever asks, one after the other ([`Evaluator::each`]), so that
//! an aggregation over a function over a selector never holds its input. What needs all series at
//! once (matching, sorting, `topk`) collects them first. The order of series is that of upstream, so
//! sums have the same bits.

mod aggregate;
mod binary;
mod call;
pub(crate) mod column;
mod cursor;
mod element;
mod grid;
mod group;
mod histogram_call;
mod info;
mod label_call;
mod load;
mod merge;
mod range;
mod range_function;
mod select;
mod topk;

use std::cell::{Cell, RefCell};

use skopos_core::{Clock, Error, ErrorKind, SeriesSource, Timestamp};

pub(crate) use self::column::{Column, Series};
pub(crate) use self::grid::Grid;
use self::load::Loaded;
use self::merge::Merger;
use crate::annotation::Annotations;
use crate::plan::Node;

/// The result of a step of evaluation.
pub(crate) type Result<T> = std::result::Result<T, Error>;
/// Who takes the series of a node.
pub(crate) type Sink<'s> = dyn FnMut(Series) -> Result<()> + 's;

/// What does not change while a query runs.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    /// How far an instant selector looks back, in milliseconds.
    pub(crate) lookback: i64,
    /// How many samples may be held at the same time.
    pub(crate) max_samples: usize,
    /// Whether names are dropped at the end of the query only.
    pub(crate) delayed_names: bool,
    /// Whether `__type__` labels tell counters.
    pub(crate) type_and_unit_labels: bool,
    /// Whether start timestamps are looked at.
    pub(crate) start_timestamps: bool,
    /// Whether the query is evaluated once, for a vector.
    pub(crate) instant: bool,
    /// The clock that the deadline is told by.
    pub(crate) clock: Option<&'a dyn Clock>,
    /// When to give up.
    pub(crate) deadline: Timestamp,
}

/// Evaluates one query.
pub(crate) struct Evaluator<'a> {
    source: &'a dyn SeriesSource,
    settings: Settings<'a>,
    notes: Annotations,
    /// How many samples are held now.
    held: Cell<usize>,
    /// The series of each selector, once they are asked for.
    loaded: RefCell<Vec<Option<Loaded<'a>>>>,
}

/// The error of a query that would hold too many samples.
#[cold]
pub(crate) fn too_many_samples() -> Error {
    Error::new(
        ErrorKind::Limit,
        "query processing would load too many samples into memory in query execution",
    )
}

#[cold]
pub(crate) fn execution(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Execution, message)
}

#[cold]
fn same_labelset() -> Error {
    execution("vector cannot contain metrics with the same labelset")
}

/// Samples that stay in the budget until this is dropped.
struct Held<'e> {
    counter: &'e Cell<usize>,
    samples: usize,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.counter.set(self.counter.get().saturating_sub(self.samples));
    }
}

/// Series that are held together, and counted as such.
struct Collected<'e> {
    series: Vec<Series>,
    held: Held<'e>,
}

impl Collected<'_> {
    fn add(&mut self, evaluator: &Evaluator<'_>, series: Series) -> Result<()> {
        if series.column.is_empty() {
            return Ok(());
        }
        let samples = series.column.samples();
        evaluator.count(samples)?;
        self.held.samples += samples;
        self.series.push(series);
        Ok(())
    }
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        source: &'a dyn SeriesSource,
        settings: Settings<'a>,
        selectors: usize,
    ) -> Self {
        let loaded = RefCell::new((0..selectors).map(|_| None).collect());
        Self { source, settings, notes: Annotations::default(), held: Cell::new(0), loaded }
    }

    /// What was noted on the way.
    pub(crate) fn notes(&self) -> &Annotations {
        &self.notes
    }

    /// The series of a vector, with names dropped that shall be.
    pub(crate) fn vector(&self, node: &Node, grid: Grid) -> Result<Vec<Series>> {
        let collected = self.collect(node, grid)?;
        if !collected.series.iter().any(|series| series.drop_name) {
            return Ok(collected.series);
        }
        let mut merger = Merger::new();
        for mut series in collected.series {
            if series.drop_name {
                series.labels = without_metadata(&series.labels);
            }
            merger.add(series)?;
        }
        Ok(merger.into_series())
    }

    /// The value of a scalar at each step.
    pub(crate) fn scalar(&self, node: &Node, grid: Grid) -> Result<Vec<f64>> {
        match node {
            Node::Number(v) => Ok(vec![*v; grid.steps]),
            Node::Once(inner) => {
                let once = self.scalar(inner, grid.first())?;
                Ok(vec![once.first().copied().unwrap_or(f64::NAN); grid.steps])
            }
            Node::Negate(inner) => {
                let mut values = self.scalar(inner, grid)?;
                for v in &mut values {
                    *v = -*v;
                }
                Ok(values)
            }
            Node::Binary(binary) => self.scalar_binary(binary, grid),
            Node::Call(call) => self.scalar_call(call, grid),
            Node::Aggregate(_) | Node::Range(_) | Node::Selector(_) | Node::Text(_) => {
                Err(not_typed())
            }
        }
    }

    /// Hands the series of a vector to `sink`.
    pub(crate) fn each(&self, node: &Node, grid: Grid, sink: &mut Sink<'_>) -> Result<()> {
        self.check_time()?;
        if grid.steps == 0 {
            return Ok(());
        }
        match node {
            Node::Aggregate(aggregate) => self.each_aggregate(aggregate, grid, sink),
            Node::Binary(binary) => self.each_binary(binary, grid, sink),
            Node::Call(call) => self.each_call(call, grid, sink),
            Node::Negate(inner) => self.each_negated(inner, grid, sink),
            Node::Once(inner) => self.each(inner, grid.first(), &mut |mut series| {
                series.column = series.column.repeated(grid.steps);
                sink(series)
            }),
            Node::Selector(selector) => self.each_selected(selector, grid, false, sink),
            Node::Number(_) | Node::Range(_) | Node::Text(_) => Err(not_typed()),
        }
    }

    fn each_negated(&self, inner: &Node, grid: Grid, sink: &mut Sink<'_>) -> Result<()> {
        self.each_without_name(inner, grid, sink, &mut |series| {
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
        self.each(node, grid, &mut |series| collected.add(self, series))?;
        Ok(collected)
    }

    fn nothing_collected(&self) -> Result<Collected<'_>> {
        Ok(Collected { series: Vec::new(), held: self.hold(0)? })
    }

    /// Takes samples into the budget.
    fn count(&self, samples: usize) -> Result<()> {
        let held = self.held.get().saturating_add(samples);
        if self.settings.max_samples < held {
            return Err(too_many_samples());
        }
        self.held.set(held);
        Ok(())
    }

    fn hold(&self, samples: usize) -> Result<Held<'_>> {
        self.count(samples)?;
        Ok(Held { counter: &self.held, samples })
    }

    /// Whether so many more samples would fit.
    fn check_budget(&self, samples: usize) -> Result<()> {
        if self.settings.max_samples < self.held.get().saturating_add(samples) {
            return Err(too_many_samples());
        }
        Ok(())
    }

    /// Whether there is time left.
    fn check_time(&self) -> Result<()> {
        match self.settings.clock {
            Some(clock) if self.settings.deadline <= clock.now() => {
                Err(Error::new(ErrorKind::Timeout, "query timed out in expression evaluation"))
            }
            _ => Ok(()),
        }
    }
}

/// A node of a type that the checker does not let through.
#[cold]
fn not_typed() -> Error {
    Error::new(ErrorKind::Internal, "expression has a type that its place does not take")
}

/// Whether a label tells what a metric is, and not which series of it.
fn is_metadata(name: &str) -> bool {
    matches!(name, "__name__" | "__type__" | "__unit__")
}

/// The labels without name, type and unit.
fn without_metadata(labels: &skopos_core::Labels) -> skopos_core::Labels {
    labels.filtered(|name| !is_metadata(name))
}
