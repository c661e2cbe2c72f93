//! What each operator of a plan gave and how long it took, for queries that are analyzed.
//!
//! Series pass through many operators one after the other, so time is told by a single stopwatch: it
//! always runs for the operator that is at work. Operators are known by where they are in memory.

use std::mem::size_of;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;
use skopos_core::{Clock, Labels};

use super::column::Series;
use super::{Evaluator, Result, Sink};
use crate::functions::window::Samples;
use crate::plan::Node;

/// What an operator gave.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observed {
    pub(crate) series: u64,
    pub(crate) samples: u64,
    pub(crate) bytes: u64,
    /// Without the time of the operators that it reads.
    pub(crate) nanos: i64,
}

/// Which operator is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(usize);

impl Key {
    /// The key of any part of a plan that stays where it is.
    pub(crate) fn of<T>(part: &T) -> Self {
        Self(std::ptr::from_ref(part) as usize)
    }

    /// The key of a node: what is evaluated once is known as itself.
    pub(crate) fn of_node(node: &Node) -> Self {
        match node {
            Node::Aggregate(aggregate) => Self::of(&**aggregate),
            Node::Binary(binary) => Self::of(&**binary),
            Node::Call(call) => Self::of(&**call),
            Node::Negate(negation) => Self::of(&**negation),
            Node::Once(inner) => Self::of_node(inner),
            Node::Range(range) => Self::of(&**range),
            Node::Selector(selector) => Self::of(&**selector),
            Node::Number(_) | Node::Text(_) => Self::of(node),
        }
    }
}

/// The observations of a query that runs.
pub(crate) struct Analysis<'a> {
    clock: Option<&'a dyn Clock>,
    state: Mutex<State>,
}

struct State {
    operators: HashMap<Key, Observed>,
    at_work: Key,
    since: i64,
}

/// Who is at work where no operator is.
const NOBODY: Key = Key(0);

impl<'a> Analysis<'a> {
    pub(crate) fn new(clock: Option<&'a dyn Clock>) -> Self {
        let since = clock.map_or(0, Clock::nanos);
        let state = State { operators: HashMap::new(), at_work: NOBODY, since };
        Self { clock, state: Mutex::new(state) }
    }

    /// What was observed of an operator.
    pub(crate) fn of(&self, key: Key) -> Observed {
        self.state().operators.get(&key).copied().unwrap_or_default()
    }

    /// Whether times are told.
    pub(crate) fn has_times(&self) -> bool {
        self.clock.is_some()
    }

    /// Starts the stopwatch for an operator; who was at work before.
    fn switch(&self, to: Key) -> Key {
        let now = self.clock.map_or(0, Clock::nanos);
        let mut state = self.state();
        let (from, since) = (state.at_work, state.since);
        state.operators.entry(from).or_default().nanos += now.saturating_sub(since).max(0);
        (state.at_work, state.since) = (to, now);
        from
    }

    fn add(&self, key: Key, samples: usize, bytes: usize) {
        let mut state = self.state();
        let observed = state.operators.entry(key).or_default();
        observed.series += 1;
        observed.samples += samples as u64;
        observed.bytes += bytes as u64;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers are good however the writer ended.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Evaluator<'_> {
    /// Runs an operator; each of its series goes to `sink`, past a look at whether anybody still waits.
    pub(super) fn observe(
        &self,
        key: Key,
        sink: &mut Sink<'_>,
        run: impl FnOnce(&mut Sink<'_>) -> Result<()>,
    ) -> Result<()> {
        let interrupt = self.settings.interrupt;
        let Some(analysis) = &self.analysis else {
            return run(&mut |series: Series| {
                interrupt.check_canceled()?;
                sink(series)
            });
        };
        let outer = analysis.switch(key);
        let result = run(&mut |series: Series| {
            interrupt.check_canceled()?;
            analysis.add(key, series.column.samples(), series.column.bytes());
            analysis.switch(outer);
            let result = sink(series);
            analysis.switch(key);
            result
        });
        analysis.switch(outer);
        result
    }

    /// The same for the samples of a range vector.
    pub(super) fn observe_range(
        &self,
        key: Key,
        visit: &mut dyn FnMut(&Labels, &mut Samples, bool) -> Result<()>,
        run: impl FnOnce(&mut dyn FnMut(&Labels, &mut Samples, bool) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        let Some(analysis) = &self.analysis else { return run(visit) };
        let outer = analysis.switch(key);
        let result = run(&mut |labels, samples, drop_name| {
            analysis.add(key, samples.size(), samples.bytes());
            analysis.switch(outer);
            let result = visit(labels, samples, drop_name);
            analysis.switch(key);
            result
        });
        analysis.switch(outer);
        result
    }

    /// The same for scalars.
    pub(super) fn observe_scalar(
        &self,
        key: Key,
        run: impl FnOnce() -> Result<Vec<f64>>,
    ) -> Result<Vec<f64>> {
        let Some(analysis) = &self.analysis else { return run() };
        let outer = analysis.switch(key);
        let result = run();
        if let Ok(values) = &result {
            analysis.add(key, values.len(), values.len() * size_of::<f64>());
        }
        analysis.switch(outer);
        result
    }
}
