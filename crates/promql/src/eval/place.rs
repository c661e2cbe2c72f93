//! Where the steps of a grid stand among the times of a series.
//!
//! Samples come at equal distances as a rule, and so do steps. Places are therefore told in runs in
//! which they move evenly, found by a guess that is then verified for many steps at once. Times that
//! follow no rule give short runs, never wrong ones.

use std::ops::Range;

use super::Grid;
use crate::plan::Shift;

/// Times further out than this are not reckoned with, but searched for one by one.
const FAR: i64 = 1 << 60;
/// So many times are looked at before the rest is searched.
const NEAR: usize = 8;
/// So many steps are verified together.
const BLOCK: usize = 32;

/// The times that a grid's steps ask for.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    grid: Grid,
    shift: Shift,
    before: i64,
    /// The first time and the distance, where times come at equal distances.
    even: Option<(i64, i64)>,
}

impl Asked {
    /// The time that is meant at each step, less `before`.
    pub(super) fn new(grid: Grid, shift: Shift, before: i64) -> Self {
        let mut asked = Self { grid, shift, before, even: None };
        let last = grid.steps.saturating_sub(1);
        let (first, last) = (asked.time(0), asked.time(last));
        if -FAR < first && last < FAR {
            asked.even = Some((first, if shift.is_fixed() { 0 } else { grid.step }));
        }
        asked
    }

    /// The time that step `i` asks for.
    #[inline]
    pub(super) fn time(&self, i: usize) -> i64 {
        match self.even {
            Some((first, step)) => first + step * i as i64,
            None => self.shift.reference(self.grid.time(i)).saturating_sub(self.before),
        }
    }

    /// The distance of times, where they are reckoned with.
    pub(super) fn step(&self) -> Option<i64> {
        self.even.map(|(_, step)| step)
    }
}

/// Steps in a row whose places move evenly. A place is the number of times that are not after what
/// the step asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) steps: Range<usize>,
    /// Of the first step.
    pub(super) place: usize,
    /// By how much it grows from step to step.
    pub(super) stride: usize,
}

impl Run {
    /// Cuts `count` steps off the front.
    pub(super) fn split_off(&mut self, count: usize) -> Self {
        let middle = self.steps.start + count;
        let front = Self { steps: self.steps.start..middle, ..*self };
        self.steps.start = middle;
        self.place += self.stride * count;
        front
    }
}

/// The runs of all steps, in order.
pub(super) struct Runs<'t> {
    times: &'t [i64],
    asked: Asked,
    even: Option<(i64, i64)>,
    next: usize,
    /// No step from `next` on has a lower place.
    least: usize,
}

impl<'t> Runs<'t> {
    pub(super) fn new(times: &'t [i64], asked: Asked) -> Self {
        let near = |t: Option<&i64>| t.is_none_or(|t| (-FAR..FAR).contains(t));
        let even = asked.even.filter(|_| near(times.first()) && near(times.last()));
        Self { times, asked, even, next: 0, least: 0 }
    }

    /// The place of a time, which is not below `least`.
    #[inline]
    fn place(&self, least: usize, t: i64) -> usize {
        let rest = &self.times[least..];
        let near = rest.iter().take(NEAR).take_while(|time| **time <= t).count();
        if near < NEAR { least + near } else { least + rest.partition_point(|time| *time <= t) }
    }

    /// How many steps from `i` on stand at the same place, before the time `after`.
    fn staying(&self, i: usize, t: i64, step: i64, after: i64) -> usize {
        let rest = self.asked.grid.steps - i;
        if step == 0 || rest == 1 {
            return rest;
        }
        if after <= t + step {
            return 1;
        }
        let staying = (after - 1 - t) / step + 1;
        usize::try_from(staying).map_or(rest, |staying| staying.min(rest))
    }

    /// How many steps from one at `place` on move by `stride`, which is known of the second one.
    fn moving(&self, place: usize, stride: usize, t: i64, step: i64, most: usize) -> usize {
        let mut count = 2;
        let mut t = t + 2 * step;
        // The last time that is not after `t`, and the one behind it.
        let Some(rest) = self.times.get(place + 2 * stride - 1..) else { return most.min(count) };
        if stride == 1 {
            for pairs in rest.windows(BLOCK + 1).step_by(BLOCK).take(most.saturating_sub(2) / BLOCK)
            {
                let pairs = pairs[..BLOCK].iter().zip(&pairs[1..]);
                // A sign says that one of the two is on the wrong side.
                let wrong = pairs.enumerate().fold(0, |wrong, (i, (before, after))| {
                    let t = t + step * i as i64;
                    wrong | (t - before) | (after - 1 - t)
                });
                if wrong < 0 {
                    break;
                }
                count += BLOCK;
                t += step * BLOCK as i64;
            }
        }
        let mut at = (count - 2) * stride;
        while count < most
            && rest.get(at).is_some_and(|before| *before <= t)
            && rest.get(at + 1).is_some_and(|after| t < *after)
        {
            count += 1;
            at += stride;
            t += step;
        }
        count
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let (i, steps) = (self.next, self.asked.grid.steps);
        if steps <= i {
            return None;
        }
        let t = self.asked.time(i);
        let place = self.place(self.least, t);
        let mut run = Run { steps: i..i + 1, place, stride: 0 };
        self.least = place;
        match (self.times.get(place), self.even) {
            (None, _) => run.steps.end = steps,
            (Some(_), None) => {}
            (Some(after), Some((_, step))) => {
                run.steps.end = i + self.staying(i, t, step, *after);
                if run.steps.len() == 1 && i + 1 < steps {
                    let second = self.place(place, t + step);
                    if second < self.times.len() {
                        run.stride = second - place;
                        let moving = self.moving(place, run.stride, t, step, steps - i);
                        run.steps.end = i + moving;
                        self.least = place + run.stride * (moving - 1);
                    }
                }
            }
        }
        self.next = run.steps.end;
        Some(run)
    }
}

/// Steps in a row whose windows move evenly at both ends; none of the windows is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) steps: Range<usize>,
    /// The first sample of the first step's window.
    pub(super) from: usize,
    /// The end of the first step's window, which does not belong to it.
    pub(super) to: usize,
    pub(super) from_stride: usize,
    pub(super) to_stride: usize,
}

impl Segment {
    /// The window of the segment's step number `i`.
    #[inline]
    pub(super) fn window(&self, i: usize) -> (usize, usize) {
        (self.from + self.from_stride * i, self.to + self.to_stride * i)
    }

    fn width(&self, i: usize) -> usize {
        let (from, to) = self.window(i);
        to - from
    }

    /// How many samples the widest window has.
    pub(super) fn widest(&self) -> usize {
        self.width(0).max(self.width(self.steps.len() - 1))
    }

    /// How many samples all windows have together.
    pub(super) fn total(&self) -> usize {
        // Widths grow evenly, so that the mean is the one between the ends.
        let ends = self.width(0) + self.width(self.steps.len() - 1);
        ends.saturating_mul(self.steps.len()) / 2
    }

    /// The segment without empty windows, which can only stand at its ends.
    fn without_empty(mut self) -> Option<Self> {
        if self.width(0) == 0 {
            (self.from, self.to) = self.window(1);
            self.steps.start += 1;
        }
        if !self.steps.is_empty() && self.width(self.steps.len() - 1) == 0 {
            self.steps.end -= 1;
        }
        (!self.steps.is_empty() && self.width(0) != 0).then_some(self)
    }
}

/// The windows between two kinds of times that are asked for, in order.
pub(super) struct Segments<'t> {
    starts: Runs<'t>,
    ends: Runs<'t>,
    start: Option<Run>,
    end: Option<Run>,
}

impl<'t> Segments<'t> {
    /// The windows of times after `from`, up to and including `to`.
    pub(super) fn new(times: &'t [i64], from: Asked, to: Asked) -> Self {
        let (starts, ends) = (Runs::new(times, from), Runs::new(times, to));
        Self { starts, ends, start: None, end: None }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        loop {
            let mut start = self.start.take().or_else(|| self.starts.next())?;
            let mut end = self.end.take().or_else(|| self.ends.next())?;
            let shared = start.steps.len().min(end.steps.len());
            let (from, to) = (start.split_off(shared), end.split_off(shared));
            self.start = Some(start).filter(|run| !run.steps.is_empty());
            self.end = Some(end).filter(|run| !run.steps.is_empty());
            let segment = Segment {
                steps: from.steps,
                from: from.place,
                to: to.place.max(from.place),
                from_stride: from.stride,
                to_stride: to.stride,
            };
            if let Some(segment) = segment.without_empty() {
                return Some(segment);
            }
        }
    }
}

#[cfg(test)]
mod tests;
