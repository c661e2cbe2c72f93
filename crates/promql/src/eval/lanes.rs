//! Running sums, means and extremes at every step side by side: a series is taken in as a whole.
//!
//! Each step is a lane of its own in which values come in the order of series, so that the bits are
//! those of one lane after the other. Where a series and all before it have a value at 64 steps in a
//! row, which is the usual case, there is a loop without conditions.

use super::column::{Bits, Column};
use super::few::Few;
use crate::kahan::{Mean, Sum};

/// Which lanes of a word a value falls into.
enum Hit {
    /// All of them, for the first time.
    AllNew,
    /// All of them, as before.
    AllSeen,
    /// Those of the bits.
    Some(u64),
}

/// Calls `f` with each range of at most 64 steps, and how the floats of `column` meet what was seen;
/// then they are seen.
fn each_word(
    seen: &mut Bits,
    column: &Column,
    mut f: impl FnMut(std::ops::Range<usize>, Hit, u64),
) {
    let steps = column.steps();
    for (at, (word, seen)) in column.floats().words().iter().zip(seen.words_mut()).enumerate() {
        let from = 64 * at;
        let to = steps.min(from + 64);
        let all = u64::MAX >> (64 - (to - from));
        let hit = match (*word == all, *seen) {
            (true, 0) => Hit::AllNew,
            (true, seen) if seen == all => Hit::AllSeen,
            _ => Hit::Some(*word),
        };
        f(from..to, hit, *seen);
        *seen |= *word;
    }
}

/// Calls `f` with each bit that is set, and whether it has been seen.
#[inline]
fn each_bit(mut bits: u64, seen: u64, mut f: impl FnMut(usize, bool)) {
    while bits != 0 {
        let bit = bits.trailing_zeros() as usize;
        f(bit, seen >> bit & 1 == 1);
        bits &= bits - 1;
    }
}

/// A fold of floats at every step.
pub(super) trait Lanes {
    fn new(steps: usize) -> Self;
    /// Takes the floats of a series in.
    fn add(&mut self, column: &Column);
    /// Takes one float in.
    fn add_one(&mut self, i: usize, v: f64);
    fn seen(&mut self) -> &mut Bits;
    fn finish(self) -> Column;
}

/// Compensated sums.
#[derive(Debug)]
pub(super) struct Sums {
    sum: Few<f64>,
    lost: Few<f64>,
    seen: Bits,
}

/// [`Sum::plus`] for lanes side by side, its branches turned into choices.
fn plus(sums: &mut [f64], lost: &mut [f64], values: &[f64]) {
    for ((sum, lost), v) in sums.iter_mut().zip(lost).zip(values) {
        let t = *sum + v;
        let is_less = v.abs() <= sum.abs();
        let (great, small) = if is_less { (*sum, *v) } else { (*v, *sum) };
        let more = *lost + ((great - t) + small);
        *lost = if t.is_infinite() { 0.0 } else { more };
        *sum = t;
    }
}

impl Lanes for Sums {
    fn new(steps: usize) -> Self {
        Self { sum: Few::new(steps), lost: Few::new(steps), seen: Bits::new(steps) }
    }

    fn add(&mut self, column: &Column) {
        let Self { sum, lost, seen } = self;
        each_word(seen, column, |range, hit, seen| {
            let values = &column.values()[range.clone()];
            let (sum, lost) = (&mut sum[range.clone()], &mut lost[range]);
            match hit {
                Hit::AllNew => sum.copy_from_slice(values),
                Hit::AllSeen => plus(sum, lost, values),
                Hit::Some(bits) => each_bit(bits, seen, |i, seen| {
                    let before = Sum { sum: sum[i], lost: lost[i] };
                    let now = if seen { before.plus(values[i]) } else { Sum::new(values[i]) };
                    (sum[i], lost[i]) = (now.sum, now.lost);
                }),
            }
        });
    }

    fn add_one(&mut self, i: usize, v: f64) {
        let before = Sum { sum: self.sum[i], lost: self.lost[i] };
        let now = if self.seen.get(i) { before.plus(v) } else { Sum::new(v) };
        (self.sum[i], self.lost[i]) = (now.sum, now.lost);
        self.seen.set(i);
    }

    fn seen(&mut self) -> &mut Bits {
        &mut self.seen
    }

    fn finish(mut self) -> Column {
        self.sum.iter_mut().zip(&*self.lost).for_each(|(sum, lost)| *sum += lost);
        Column::new_of(self.sum, self.seen)
    }
}

/// Compensated means.
#[derive(Debug)]
pub(super) struct Means {
    count: Few<f64>,
    sums: Sums,
    /// Lanes whose sum would be infinite, which hold a mean.
    incremental: Bits,
}

impl Means {
    fn add_to_lane(&mut self, i: usize, v: f64, seen: bool) {
        let Sums { sum, lost, .. } = &mut self.sums;
        if !seen {
            (self.count[i], sum[i], lost[i]) = (1.0, v, 0.0);
            return;
        }
        let acc = Sum { sum: sum[i], lost: lost[i] };
        let mut mean = Mean { count: self.count[i], acc, incremental: self.incremental.get(i) };
        mean.add(v);
        (self.count[i], sum[i], lost[i]) = (mean.count, mean.acc.sum, mean.acc.lost);
        if mean.incremental {
            self.incremental.set(i);
        }
    }

    /// Whether the values can be added to sums that stay finite.
    fn stay_finite(&self, range: &std::ops::Range<usize>, values: &[f64]) -> bool {
        let sums = self.sums.sum[range.clone()].iter().zip(values);
        self.incremental.words()[range.start / 64] == 0
            && !sums.fold(false, |any, (sum, v)| any | (sum + v).is_infinite())
    }
}

impl Lanes for Means {
    fn new(steps: usize) -> Self {
        Self { count: Few::new(steps), sums: Sums::new(steps), incremental: Bits::new(steps) }
    }

    fn add(&mut self, column: &Column) {
        let mut seen = std::mem::take(&mut self.sums.seen);
        each_word(&mut seen, column, |range, hit, seen| {
            let values = &column.values()[range.clone()];
            match hit {
                Hit::AllNew => {
                    self.count[range.clone()].fill(1.0);
                    self.sums.sum[range].copy_from_slice(values);
                }
                Hit::AllSeen if self.stay_finite(&range, values) => {
                    self.count[range.clone()].iter_mut().for_each(|count| *count += 1.0);
                    let Sums { sum, lost, .. } = &mut self.sums;
                    plus(&mut sum[range.clone()], &mut lost[range], values);
                }
                Hit::AllSeen => {
                    for (i, v) in range.zip(values) {
                        self.add_to_lane(i, *v, true);
                    }
                }
                Hit::Some(bits) => each_bit(bits, seen, |i, seen| {
                    self.add_to_lane(range.start + i, values[i], seen);
                }),
            }
        });
        self.sums.seen = seen;
    }

    fn add_one(&mut self, i: usize, v: f64) {
        let seen = self.sums.seen.get(i);
        self.add_to_lane(i, v, seen);
        self.sums.seen.set(i);
    }

    fn seen(&mut self) -> &mut Bits {
        &mut self.sums.seen
    }

    fn finish(self) -> Column {
        let Self { count, sums, incremental } = self;
        let Sums { mut sum, lost, seen } = sums;
        for (i, (sum, lost)) in sum.iter_mut().zip(&*lost).enumerate() {
            let acc = Sum { sum: *sum, lost: *lost };
            *sum = Mean { count: count[i], acc, incremental: incremental.get(i) }.value();
        }
        Column::new_of(sum, seen)
    }
}

/// The best floats, by a comparison that says whether a value beats the one so far; NaN only where
/// all are NaN.
pub(super) fn fold_extreme(best: &mut Column, column: &Column, beats: impl Fn(f64, f64) -> bool) {
    let (best, seen) = best.lane_mut();
    let better = |best: f64, v: f64| if beats(best, v) || best.is_nan() { v } else { best };
    each_word(seen, column, |range, hit, seen| {
        let values = &column.values()[range.clone()];
        let best = &mut best[range];
        match hit {
            Hit::AllNew => best.copy_from_slice(values),
            Hit::AllSeen => {
                best.iter_mut().zip(values).for_each(|(best, v)| *best = better(*best, *v));
            }
            Hit::Some(bits) => each_bit(bits, seen, |i, seen| {
                best[i] = if seen { better(best[i], values[i]) } else { values[i] };
            }),
        }
    });
}

/// Counts the values of a series, floats and histograms.
pub(super) fn fold_count(counts: &mut Column, column: &Column) {
    let (counts, seen) = counts.lane_mut();
    let present = column.present();
    for (counts, word) in counts.chunks_mut(64).zip(present.words()) {
        if *word == u64::MAX {
            counts.iter_mut().for_each(|count| *count += 1.0);
        } else {
            each_bit(*word, 0, |i, _| counts[i] += 1.0);
        }
    }
    seen.union(&present);
}

#[cfg(test)]
mod tests;
