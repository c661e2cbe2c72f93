//! When each part of a plan is evaluated, what it asks its source for, and how that counts.
//!
//! All of it follows from the query and its times, but for one thing: which info series `info` needs
//! depends on data. Its selection is one that holds them all.

use skopos_core::{MatchOp, Matcher, SelectHints, Selection, TimeRange, Timestamp};

use super::{Arg, Call, Node, Range, RangeSource, Selector, Shift, Times, Weight};
use crate::eval::Grid;

/// The metric that `info` takes labels from where none is named.
pub(crate) const DEFAULT_INFO_METRIC: &str = "target_info";

/// What follows from a plan's times.
pub(super) struct Resolved {
    pub(super) selections: Vec<Selection>,
    pub(super) most_steps: usize,
}

/// Gives each selector its selection and its weight.
pub(super) fn resolve(root: &mut Node, times: Times, grid: Grid) -> Resolved {
    let (selections, infos) = (Vec::new(), Vec::new());
    let mut resolver = Resolver { times, selections, infos, most_steps: grid.steps };
    resolver.node(root, grid, 1);
    Resolved { selections: resolver.selections, most_steps: resolver.most_steps }
}

struct Resolver {
    times: Times,
    selections: Vec<Selection>,
    /// Which of them are for `info`.
    infos: Vec<usize>,
    most_steps: usize,
}

impl Resolver {
    fn node(&mut self, node: &mut Node, grid: Grid, weight: Weight) {
        if grid.steps == 0 {
            return;
        }
        match node {
            Node::Aggregate(aggregate) => {
                if let Some(param) = &mut aggregate.param {
                    self.node(&mut param.node, grid, weight);
                }
                self.node(&mut aggregate.input.node, grid, weight);
            }
            Node::Binary(binary) => {
                self.node(&mut binary.lhs, grid, weight);
                self.node(&mut binary.rhs, grid, weight);
            }
            Node::Call(call) if call.func.name == "info" => self.info(call, grid, weight),
            Node::Call(call) => {
                for arg in &mut call.args {
                    match &mut arg.node {
                        Node::Range(range) => self.argument(range, grid, weight),
                        node => self.node(node, grid, weight),
                    }
                }
            }
            Node::Negate(negation) => self.node(&mut negation.input, grid, weight),
            Node::Number(_) | Node::Text(_) => {}
            Node::Once(inner) => {
                let times = Weight::try_from(grid.steps).unwrap_or(Weight::MAX);
                self.node(inner, grid.first(), weight.saturating_mul(times));
            }
            Node::Range(range) => self.result(range, grid, weight),
            Node::Selector(selector) => {
                selector.weight = weight;
                let after = if selector.smoothed { self.times.lookback } else { 0 };
                // Resets of histograms are found by looking at those before.
                let newest = grid.steps == 1 && !selector.smoothed && !selector.stats;
                let reach = Reach { before: self.times.lookback, after, range: 0, newest };
                self.select(selector, reach, grid);
            }
        }
    }

    /// A range vector as a function's argument: what counts is its windows.
    fn argument(&mut self, range: &mut Range, grid: Grid, weight: Weight) {
        range.weight = weight;
        self.range(range, grid, 0);
    }

    /// A range vector as a query's result: of a subquery, what counts is what it reads.
    fn result(&mut self, range: &mut Range, grid: Grid, weight: Weight) {
        let is_subquery = matches!(range.source, RangeSource::Subquery { .. });
        range.weight = if is_subquery { 0 } else { weight };
        self.range(range, grid, weight);
    }

    fn range(&mut self, range: &mut Range, grid: Grid, inner_weight: Weight) {
        let lookback = self.times.lookback;
        let inner = range.inner_grid(grid);
        self.most_steps = self.most_steps.max(inner.steps);
        match &mut range.source {
            RangeSource::Selector(selector) => {
                let extended = selector.anchored || selector.smoothed;
                let before =
                    if extended { range.range.saturating_add(lookback) } else { range.range };
                let after = if selector.smoothed { lookback } else { 0 };
                self.select(
                    selector,
                    Reach { before, after, range: range.range, newest: false },
                    grid,
                );
            }
            RangeSource::Subquery { node, .. } => self.node(node, inner, inner_weight),
        }
    }

    fn select(&mut self, selector: &mut Selector, reach: Reach, grid: Grid) {
        let first = selector.shift.reference(grid.start);
        let last = selector.shift.reference(grid.end());
        let times = TimeRange::new(
            Timestamp::from_millis(first.saturating_sub(reach.before).saturating_add(1)),
            Timestamp::from_millis(last.saturating_add(reach.after)),
        );
        let mut hints = SelectHints::default();
        hints.step = if self.times.step == 0 { 0 } else { grid.step };
        hints.range = reach.range;
        hints.newest = reach.newest;
        let around = &selector.around;
        hints.function = around.function.into();
        hints.grouping = around.grouping.iter().map(|name| String::from(&**name)).collect();
        hints.by = around.by;
        let matchers = selector.matchers.iter().cloned();
        selector.selection = Some(self.add(Selection::new(matchers, times).with_hints(hints)));
    }

    fn info(&mut self, call: &mut Call, grid: Grid, weight: Weight) {
        call.weight = weight;
        let [base, rest @ ..] = call.args.as_mut_slice() else { return };
        self.node(&mut base.node, grid, weight);
        let (names, labels) = info_matchers(rest.first());
        let times = info_times(&base.node, self.times.lookback, grid);
        // Never one with a selector's: what is asked in the end has more matchers.
        self.selections.push(Selection::new(names.into_iter().chain(labels), times));
        self.infos.push(self.selections.len() - 1);
        call.info = Some(self.selections.len() - 1);
    }

    /// The number of a selection; of one that asks for the same, if there is one.
    fn add(&mut self, selection: Selection) -> usize {
        let hints = selection.hints();
        let same = |other: &Selection| {
            let theirs = other.hints();
            selection.range() == other.range()
                && (hints.step, hints.range) == (theirs.step, theirs.range)
                && are_equal(selection.matchers(), other.matchers())
        };
        let own = |at: &usize| !self.infos.contains(at) && same(&self.selections[*at]);
        let Some(at) = (0..self.selections.len()).find(own) else {
            self.selections.push(selection);
            return self.selections.len() - 1;
        };
        let newest = hints.newest;
        let other = &mut self.selections[at];
        if other.hints() != hints {
            // Several functions are around it, so that none can be told.
            let mut hints = SelectHints::default();
            (hints.step, hints.range) = (other.hints().step, other.hints().range);
            hints.newest = newest && other.hints().newest;
            *other = other.clone().with_hints(hints);
        }
        at
    }
}

/// How far around a step's time samples matter, in milliseconds.
#[derive(Clone, Copy)]
struct Reach {
    before: i64,
    after: i64,
    /// The length of a range selector, 0 for an instant one.
    range: i64,
    /// Whether only the newest of them does.
    newest: bool,
}

/// Whether the same matchers are asked for, in whatever order.
fn are_equal(a: &[Matcher], b: &[Matcher]) -> bool {
    a.iter().all(|m| b.contains(m)) && b.iter().all(|m| a.contains(m))
}

impl Range {
    /// The times at which a subquery evaluates its expression; those of a selector are the steps'.
    pub(crate) fn inner_grid(&self, grid: Grid) -> Grid {
        let RangeSource::Subquery { step, shift, .. } = &self.source else { return grid };
        let first = shift.reference(grid.start).saturating_sub(self.range);
        let end = shift.reference(grid.end());
        // The first multiple of the step after the start of the first window.
        let start = first.div_euclid(*step).saturating_add(1).saturating_mul(*step);
        Grid::new(start, end, *step)
    }
}

/// What the second argument of `info` asks for: of the info metrics' names, and of the labels to add.
pub(crate) fn info_matchers(selector: Option<&Arg>) -> (Vec<Matcher>, Vec<Matcher>) {
    let matchers = match selector.map(|arg| &arg.node) {
        Some(Node::Selector(selector)) => &selector.matchers,
        Some(Node::Once(inner)) => match &**inner {
            Node::Selector(selector) => &selector.matchers,
            _ => &Vec::new(),
        },
        _ => &Vec::new(),
    };
    let (mut names, labels): (Vec<_>, Vec<_>) =
        matchers.iter().cloned().partition(|m| m.name() == "__name__");
    if names.is_empty() {
        names.push(Matcher::equal("__name__", DEFAULT_INFO_METRIC));
    } else if names.iter().all(|m| m.op().is_negative()) {
        names.push(Matcher::new("__name__", MatchOp::Regex, ".+_info"));
    }
    (names, labels)
}

/// The times of which info series matter, whose series `base` gives.
pub(crate) fn info_times(base: &Node, lookback: i64, grid: Grid) -> TimeRange {
    let reference = info_reference(base);
    TimeRange::new(
        Timestamp::from_millis(reference(grid.start).saturating_sub(lookback - 1)),
        Timestamp::from_millis(reference(grid.end())),
    )
}

/// The time of info series that is meant at a step: that of the first selector of the base.
pub(crate) fn info_reference(base: &Node) -> impl Fn(i64) -> i64 {
    let mut shifts = Vec::new();
    first_shifts(base, &mut shifts);
    move |t| shifts.iter().fold(t, |t, shift: &Shift| shift.reference(t))
}

/// What moves the times of the first selector of an expression, from the outside in; whether there
/// is a selector.
fn first_shifts(node: &Node, shifts: &mut Vec<Shift>) -> bool {
    match node {
        Node::Selector(selector) => {
            shifts.push(selector.shift);
            true
        }
        Node::Once(inner) => first_shifts(inner, shifts),
        Node::Negate(negation) => first_shifts(&negation.input, shifts),
        Node::Call(call) => call.args.iter().any(|arg| first_shifts(&arg.node, shifts)),
        Node::Aggregate(a) => first_shifts(&a.input.node, shifts),
        Node::Binary(binary) => {
            first_shifts(&binary.lhs, shifts) || first_shifts(&binary.rhs, shifts)
        }
        Node::Range(range) => match &range.source {
            RangeSource::Selector(selector) => {
                shifts.push(selector.shift);
                true
            }
            RangeSource::Subquery { node, shift, .. } => {
                shifts.push(*shift);
                let found = first_shifts(node, shifts);
                if !found {
                    shifts.pop();
                }
                found
            }
        },
        Node::Number(_) | Node::Text(_) => false,
    }
}
