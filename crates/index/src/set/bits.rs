//! A bitmap of 65536 bits: the form of chunks that are neither sparse nor made of runs.

use super::runs::{self, Run};

const WORDS: usize = 1024;

/// 65536 bits.
#[derive(Clone, Debug)]
pub(super) struct Bits([u64; WORDS]);

impl Bits {
    pub(super) const EMPTY: Self = Self([0; WORDS]);

    pub(super) fn contains(&self, low: u16) -> bool {
        self.0[usize::from(low >> 6)] & bit(low) != 0
    }

    /// Returns whether it was not there.
    pub(super) fn insert(&mut self, low: u16) -> bool {
        let word = &mut self.0[usize::from(low >> 6)];
        let is_new = *word & bit(low) == 0;
        *word |= bit(low);
        is_new
    }

    /// Returns whether it was there.
    pub(super) fn remove(&mut self, low: u16) -> bool {
        let was_there = self.contains(low);
        self.0[usize::from(low >> 6)] &= !bit(low);
        was_there
    }

    pub(super) fn insert_run(&mut self, run: Run) {
        self.masked(run, |word, mask| *word |= mask);
    }

    pub(super) fn remove_run(&mut self, run: Run) {
        self.masked(run, |word, mask| *word &= !mask);
    }

    pub(super) fn meets_run(&self, run: Run) -> bool {
        let (from, to) = (usize::from(run.first >> 6), usize::from(run.last >> 6));
        (from..=to).any(|at| self.0[at] & mask(run, at) != 0)
    }

    /// What is in the runs, where that is no more than `most` numbers.
    pub(super) fn array_within(&self, runs: &[Run], most: usize) -> Vec<u16> {
        let mut array = Vec::with_capacity(most.min(runs::len(runs) as usize));
        for run in runs {
            let (from, to) = (usize::from(run.first >> 6), usize::from(run.last >> 6));
            for at in from..=to {
                push_word(&mut array, self.0[at] & mask(*run, at), (at as u16) << 6);
            }
        }
        array
    }

    /// Keeps what is in the runs.
    pub(super) fn within(&self, runs: &[Run]) -> Self {
        let mut kept = Self::EMPTY;
        for run in runs {
            let (from, to) = (usize::from(run.first >> 6), usize::from(run.last >> 6));
            for at in from..=to {
                kept.0[at] |= self.0[at] & mask(*run, at);
            }
        }
        kept
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn and_not(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    pub(super) fn or_assign(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    pub(super) fn is_disjoint(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & b == 0)
    }

    pub(super) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.0
    }

    pub(super) fn count_runs(&self) -> usize {
        let mut before = 0;
        let starts = self.0.iter().map(|word| {
            let starts = word & !(word << 1 | before);
            before = word >> 63;
            starts.count_ones() as usize
        });
        starts.sum()
    }

    pub(super) fn to_array(&self, len: usize) -> Vec<u16> {
        let mut array = Vec::with_capacity(len);
        for (word, base) in self.0.iter().zip((0..=u16::MAX).step_by(64)) {
            push_word(&mut array, *word, base);
        }
        array
    }

    fn zip(&self, other: &Self, op: impl Fn(u64, u64) -> u64) -> Self {
        let mut result = Self::EMPTY;
        for (word, (a, b)) in result.0.iter_mut().zip(self.0.iter().zip(&other.0)) {
            *word = op(*a, *b);
        }
        result
    }

    fn masked(&mut self, run: Run, op: impl Fn(&mut u64, u64)) {
        for at in usize::from(run.first >> 6)..=usize::from(run.last >> 6) {
            op(&mut self.0[at], mask(run, at));
        }
    }
}

fn push_word(array: &mut Vec<u16>, mut word: u64, base: u16) {
    while word != 0 {
        array.push(base + word.trailing_zeros() as u16);
        word &= word - 1;
    }
}

fn bit(low: u16) -> u64 {
    1 << (low & 63)
}

/// The bits of the run in the word `at`, which it touches.
fn mask(run: Run, at: usize) -> u64 {
    let mut mask = u64::MAX;
    if usize::from(run.first >> 6) == at {
        mask &= u64::MAX << (run.first & 63);
    }
    if usize::from(run.last >> 6) == at {
        mask &= u64::MAX >> (63 - (run.last & 63));
    }
    mask
}
