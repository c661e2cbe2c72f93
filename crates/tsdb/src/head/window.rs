//! The beginning of the window, and the queries that still look at what lies before it.
//!
//! Moving the beginning hides the past from new queries at once. What an open query may still read
//! stays until it is closed; so a query never finds a part of its snapshot gone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::series::NEVER;

#[derive(Debug)]
pub(super) struct Window {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Samples before this time are gone for new queries.
    start: i64,
    /// Chunks that end before this time were dropped, or are about to be.
    dropped: i64,
    /// How many open queries look from this time on.
    queries: BTreeMap<i64, usize>,
}

/// What a truncation has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// Whether the window begins later than before.
    pub(super) is_forward: bool,
    /// Chunks that end before this time can be dropped, if there may be any.
    pub(super) drop_before: Option<i64>,
}

impl Window {
    pub(super) fn new() -> Self {
        let state = State { start: NEVER, dropped: NEVER, queries: BTreeMap::new() };
        Self { state: Mutex::new(state) }
    }

    pub(super) fn start(&self) -> i64 {
        self.state().start
    }

    /// Lets the window begin at `start`, or where it does if that is later.
    pub(super) fn move_to(&self, start: i64) -> Move {
        let mut state = self.state();
        let is_forward = state.start < start;
        state.start = state.start.max(start);
        let seen = state.queries.first_key_value().map_or(i64::MAX, |(start, _)| *start);
        let free = state.start.min(seen);
        let drop_before = (state.dropped < free).then_some(free);
        state.dropped = state.dropped.max(free);
        Move { is_forward, drop_before }
    }

    /// Opens a query for the samples from `start` on, as far as they are in the window.
    pub(super) fn open(&self, start: i64) -> OpenQuery<'_> {
        let mut state = self.state();
        let start = start.max(state.start);
        *state.queries.entry(start).or_default() += 1;
        OpenQuery { window: self, start }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the samples of a query until it is dropped.
#[derive(Debug)]
pub(super) struct OpenQuery<'a> {
    window: &'a Window,
    start: i64,
}

impl OpenQuery<'_> {
    /// The first time that the query can see.
    pub(super) fn start(&self) -> i64 {
        self.start
    }
}

impl Drop for OpenQuery<'_> {
    fn drop(&mut self) {
        let mut state = self.window.state();
        if let Some(count) = state.queries.get_mut(&self.start) {
            *count -= 1;
            if *count == 0 {
                state.queries.remove(&self.start);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(window: &Window, start: i64, is_forward: bool, drop_before: Option<i64>) {
        assert_eq!(window.move_to(start), Move { is_forward, drop_before });
    }

    #[test]
    fn the_window_moves_forward_only() {
        let window = Window::new();
        check(&window, 10, true, Some(10));
        check(&window, 10, false, None);
        check(&window, 5, false, None);
        check(&window, 11, true, Some(11));
        assert_eq!(window.start(), 11);
    }

    #[test]
    fn open_queries_hold_what_they_see() {
        let window = Window::new();
        check(&window, 10, true, Some(10));
        let early = window.open(NEVER);
        let late = window.open(30);
        let twin = window.open(30);
        assert_eq!((early.start(), late.start()), (10, 30));
        check(&window, 20, true, None);
        drop(early);
        check(&window, 20, false, Some(20));
        check(&window, 50, true, Some(30));
        drop(late);
        check(&window, 50, false, None);
        drop(twin);
        check(&window, 50, false, Some(50));
    }
}
