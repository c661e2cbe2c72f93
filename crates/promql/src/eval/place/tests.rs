//! Places beside those that a search finds.

use proptest::prelude::*;

use super::{Asked, Runs, Segments};
use crate::eval::Grid;
use crate::plan::Shift;

#[track_caller]
fn check(times: &[i64], grid: Grid, range: i64) {
    let shift = Shift::by(0);
    let asked = Asked::new(grid, shift, 0);
    let place = |t: i64| times.partition_point(|time| *time <= t);
    let mut next = 0;
    for run in Runs::new(times, asked) {
        assert_eq!(run.steps.start, next);
        assert!(!run.steps.is_empty());
        next = run.steps.end;
        for (i, step) in run.steps.clone().enumerate() {
            assert_eq!(run.place + run.stride * i, place(grid.time(step)), "step {step}");
        }
    }
    assert_eq!(next, grid.steps);

    let from = Asked::new(grid, shift, range);
    let mut windows = vec![None; grid.steps];
    for segment in Segments::new(times, from, asked) {
        for (i, step) in segment.steps.clone().enumerate() {
            windows[step] = Some(segment.window(i));
            assert!(segment.window(i).1 - segment.window(i).0 <= segment.widest());
        }
    }
    for (step, window) in windows.into_iter().enumerate() {
        let t = grid.time(step);
        let expected = (place(t.saturating_sub(range)), place(t));
        assert_eq!(window, (expected.0 < expected.1).then_some(expected), "step {step}");
    }
}

#[test]
fn places_of_regular_samples_are_those_of_a_search() {
    for distance in [1, 5, 10, 15, 30, 100] {
        let times: Vec<i64> = (0..200).map(|i| i * distance + 3).collect();
        for step in [1, 5, 10, 15, 30, 40, 1000] {
            check(&times, Grid::new(-50, 2500, step), 60);
            check(&times, Grid::new(100, 900, step), 15);
        }
    }
}

#[test]
fn times_at_the_ends_of_all_time_are_searched() {
    let times = [i64::MIN, -5, 0, 7, i64::MAX];
    check(&times, Grid::new(i64::MIN, i64::MAX, i64::MAX / 3), 10);
    check(&times, Grid::new(-20, 20, 3), i64::MAX);
    check(&times, Grid::new(0, 0, i64::MAX), 10);
    check(&[], Grid::new(0, 10, 1), 10);
    check(&times, Grid::new(10, 0, 1), 10);
}

proptest! {
    #[test]
    fn places_are_those_of_a_search(
        gaps in prop::collection::vec(1_i64..40, 0..300),
        regular in any::<bool>(),
        start in -100_i64..3000,
        step in 1_i64..90,
        steps in 1_i64..300,
        range in 1_i64..400,
    ) {
        let mut t = 0;
        let first = gaps.first().copied().unwrap_or(1);
        // Regular but for a jitter now and then, or not at all.
        let times: Vec<i64> = gaps
            .iter()
            .map(|gap| {
                t += if regular && *gap < 36 { first } else { *gap };
                t
            })
            .collect();
        check(&times, Grid::new(start, start + step * (steps - 1), step), range);
    }
}
