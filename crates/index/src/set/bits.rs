//! A bitmap of the part of 65536 numbers that it has some of: the form of chunks that are neither sparse
//! nor made of runs.

use super::runs::{self, Run};

const WORDS: usize = 1024;

/// Numbers below 65536.
#[derive(Clone, Debug)]
pub(super) struct Bits {
    /// The place of the first word among those of all numbers. Those that are not held are zero.
    from: u16,
    /// Invariant: none of them is behind the last place.
    words: Box<[u64]>,
}

impl Bits {
    /// None, with room for all.
    pub(super) fn with_room() -> Self {
        Self { from: 0, words: vec![0; WORDS].into() }
    }

    /// None, with room for those of the run.
    pub(super) fn with_room_for(run: Run) -> Self {
        let (from, to) = places(run);
        Self { from: from as u16, words: vec![0; to - from + 1].into() }
    }

    pub(super) fn contains(&self, low: u16) -> bool {
        self.word(usize::from(low >> 6)) & bit(low) != 0
    }

    /// Returns whether it was not there.
    pub(super) fn insert(&mut self, low: u16) -> bool {
        let word = self.word_mut(usize::from(low >> 6));
        let is_new = *word & bit(low) == 0;
        *word |= bit(low);
        is_new
    }

    /// Returns whether it was there.
    pub(super) fn remove(&mut self, low: u16) -> bool {
        let was_there = self.contains(low);
        if was_there {
            *self.word_mut(usize::from(low >> 6)) &= !bit(low);
        }
        was_there
    }

    pub(super) fn insert_run(&mut self, run: Run) {
        if let Ok(all) = <&mut [u64; WORDS]>::try_from(&mut *self.words) {
            // No place is out of their bounds, so that none is compared with them.
            let (from, to) = places(run);
            let (first, last) = (u64::MAX << (run.first & 63), u64::MAX >> (63 - (run.last & 63)));
            if from == to {
                all[from] |= first & last;
                return;
            }
            all[from] |= first;
            (from + 1..to).for_each(|at| all[at] = u64::MAX);
            all[to] |= last;
            return;
        }
        let (from, to) = places(run);
        self.reach(from, to);
        for at in from..=to {
            *self.word_mut(at) |= mask(run, at);
        }
    }

    /// Adds ascending numbers.
    pub(super) fn insert_all(&mut self, lows: &[u16]) {
        if let Ok(all) = <&mut [u64; WORDS]>::try_from(&mut *self.words) {
            // No number is out of their bounds, so that none is compared with them.
            return lows.iter().for_each(|low| all[usize::from(low >> 6)] |= bit(*low));
        }
        let ([first, ..], [.., last]) = (lows, lows) else { return };
        let (from, to) = places(Run { first: *first, last: *last });
        self.reach(from, to);
        let words = &mut self.words[from - usize::from(self.from)..];
        for low in lows {
            words[usize::from(low >> 6) - from] |= bit(*low);
        }
    }

    pub(super) fn remove_run(&mut self, run: Run) {
        for at in self.held(run) {
            *self.word_mut(at) &= !mask(run, at);
        }
    }

    pub(super) fn meets_run(&self, run: Run) -> bool {
        self.held(run).any(|at| self.word(at) & mask(run, at) != 0)
    }

    /// What is in the runs, where that is no more than `most` numbers.
    pub(super) fn array_within(&self, runs: &[Run], most: usize) -> Vec<u16> {
        let mut array = Vec::with_capacity(most.min(runs::len(runs) as usize));
        for run in runs {
            for at in self.held(*run) {
                push_word(&mut array, self.word(at) & mask(*run, at), (at as u16) << 6);
            }
        }
        array
    }

    /// Keeps what is in the runs.
    pub(super) fn within(&self, runs: &[Run]) -> Self {
        let mut kept = Self { from: self.from, words: vec![0; self.words.len()].into() };
        for run in runs {
            for at in self.held(*run) {
                *kept.word_mut(at) |= self.word(at) & mask(*run, at);
            }
        }
        kept
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let (from, [a, b]) = self.shared(other);
        let words = a.iter().zip(b).map(|(a, b)| a & b).collect();
        Self { from: from as u16, words }
    }

    pub(super) fn and_not(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        let (from, [_, others]) = self.shared(other);
        let start = from.saturating_sub(usize::from(self.from));
        for (word, other) in rest.words.iter_mut().skip(start).zip(others) {
            *word &= !other;
        }
        rest
    }

    pub(super) fn or_assign(&mut self, other: &Self) {
        let from = usize::from(other.from);
        let Some(last) = other.words.len().checked_sub(1) else { return };
        self.reach(from, from + last);
        let start = from - usize::from(self.from);
        for (word, other) in self.words[start..].iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    pub(super) fn is_disjoint(&self, other: &Self) -> bool {
        let (_, [a, b]) = self.shared(other);
        a.iter().zip(b).all(|(a, b)| a & b == 0)
    }

    /// Whether all numbers are in the other bitmap; `false` where it holds fewer words.
    pub(super) fn is_surely_within(&self, other: &Self) -> bool {
        let (_, [a, b]) = self.shared(other);
        a.len() == self.words.len() && a.iter().zip(b).all(|(a, b)| a & !b == 0)
    }

    pub(super) fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// From the lowest number to the highest, if there is one.
    pub(super) fn span(&self) -> Option<Run> {
        let from = self.words.iter().position(|word| *word != 0)?;
        let to = self.words.iter().rposition(|word| *word != 0)?;
        let base = |at: usize| (usize::from(self.from) + at) as u16 * 64;
        let first = base(from) + self.words[from].trailing_zeros() as u16;
        let last = base(to) + (63 - self.words[to].leading_zeros()) as u16;
        Some(Run { first, last })
    }

    /// Gives the words without numbers at both ends back.
    pub(super) fn trim(&mut self) {
        let Some(span) = self.span() else { return };
        let (from, to) = places(span);
        if to - from + 1 < self.words.len() {
            let start = from - usize::from(self.from);
            self.words = self.words[start..=start + to - from].into();
            self.from = from as u16;
        }
    }

    /// The words that are held.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The first number of the first of these words.
    pub(super) fn base(&self) -> u16 {
        self.from * 64
    }

    /// The word of the numbers from 64 times `at` on.
    pub(super) fn word(&self, at: usize) -> u64 {
        self.words.get(at.wrapping_sub(usize::from(self.from))).copied().unwrap_or(0)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }

    pub(super) fn count_runs(&self) -> usize {
        let mut before = 0;
        let starts = self.words.iter().map(|word| {
            let starts = word & !(word << 1 | before);
            before = word >> 63;
            starts.count_ones() as usize
        });
        starts.sum()
    }

    pub(super) fn to_array(&self, len: usize) -> Vec<u16> {
        let mut array = Vec::with_capacity(len);
        for (word, base) in self.words.iter().zip((self.base()..=u16::MAX).step_by(64)) {
            push_word(&mut array, *word, base);
        }
        array
    }

    /// The places of the run's words that are held.
    fn held(&self, run: Run) -> core::ops::Range<usize> {
        let (from, to) = places(run);
        let held = usize::from(self.from);
        from.max(held)..(to + 1).min(held + self.words.len())
    }

    /// The words that both hold, and the place of the first.
    fn shared<'a>(&'a self, other: &'a Self) -> (usize, [&'a [u64]; 2]) {
        let from = usize::from(self.from.max(other.from));
        let words =
            |bits: &'a Self| bits.words.get(from - usize::from(bits.from)..).unwrap_or_default();
        let (a, b) = (words(self), words(other));
        let count = a.len().min(b.len());
        (from, [&a[..count], &b[..count]])
    }

    fn word_mut(&mut self, at: usize) -> &mut u64 {
        self.reach(at, at);
        &mut self.words[at - usize::from(self.from)]
    }

    /// Makes room for the words at these places, and for some more behind or before them.
    fn reach(&mut self, from: usize, to: usize) {
        let (start, end) = (usize::from(self.from), usize::from(self.from) + self.words.len());
        if start <= from && to < end {
            return;
        }
        let more = self.words.len() / 2;
        let new_start = if start <= from { start } else { from.min(start.saturating_sub(more)) };
        let new_end = if to < end { end } else { (to + 1).max(end + more).min(WORDS) };
        let mut words = vec![0; new_end - new_start];
        words[start - new_start..][..self.words.len()].copy_from_slice(&self.words);
        (self.from, self.words) = (new_start as u16, words.into());
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

/// The places of the words with the run's first and last number.
pub(super) fn places(run: Run) -> (usize, usize) {
    (usize::from(run.first >> 6), usize::from(run.last >> 6))
}

/// The bits of the run in the word `at`, which it touches.
pub(super) fn mask(run: Run, at: usize) -> u64 {
    let mut mask = u64::MAX;
    if usize::from(run.first >> 6) == at {
        mask &= u64::MAX << (run.first & 63);
    }
    if usize::from(run.last >> 6) == at {
        mask &= u64::MAX >> (63 - (run.last & 63));
    }
    mask
}
