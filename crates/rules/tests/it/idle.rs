//! A rule that has nothing to say takes no memory, not even for a moment.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use skopos_core::{
    Error, ManualClock, QueryEngine, QueryOutput, QueryRequest, QueryValue, Timestamp,
};
use skopos_rules::{Evaluator, Group, GroupDefaults, GroupState, Rule};

use crate::doubles::{Dollars, Store};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting by threads.
struct Counting;

#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends allocates without being counted.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract, and `at` came from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Nothing;

impl QueryEngine for Nothing {
    fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        Ok(QueryOutput::new(QueryValue::Vector(Vec::new())))
    }

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(text.to_owned())
    }
}

#[test]
fn idle_rules_allocate_nothing() {
    let mut group = Group::new("g");
    for i in 0..100 {
        let mut rule = Rule::alerting(format!("Down{i}"), "up == 0");
        rule.labels.insert("severity".into(), "page".into());
        rule.annotations.insert("summary".into(), "$instance is down".into());
        group.rules.push(rule);
        group.rules.push(Rule::recording(format!("r{i}"), "sum(up)"));
    }
    let defaults = GroupDefaults::default();
    let mut state = GroupState::new(&group, "f", defaults, &Nothing, false).unwrap();
    let (store, clock) = (Store::default(), ManualClock::default());
    let evaluator = Evaluator::new(&Nothing, &Dollars, &store, &clock);
    let before = ALLOCATIONS.get();
    assert_ne!(before, 0, "allocations are counted");
    for minute in 0..10 {
        assert_eq!(state.evaluate(Timestamp::from_millis(minute * 60_000), &evaluator).samples, 0);
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
