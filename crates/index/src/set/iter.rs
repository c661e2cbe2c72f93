//! Reading a set: one id at a time, or many at once.

use core::slice;

use skopos_core::SeriesId;

use super::chunk::{Chunk, Form};
use super::deliver::{self, From32};
use super::runs::Run;
use super::split;

/// The ids of a set, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Ids<'a> {
    /// Those that were not begun.
    chunks: &'a [Chunk],
    /// The upper half of the ids of the chunk that is being read.
    base: u32,
    rest: Rest<'a>,
}

/// What is left of a chunk.
#[derive(Clone, Debug)]
enum Rest<'a> {
    Array(slice::Iter<'a, u16>),
    /// Whole ids: there are no chunks.
    Few(slice::Iter<'a, SeriesId>),
    /// Runs of which the first `skip` numbers were read.
    Runs {
        runs: &'a [Run],
        skip: u32,
    },
    /// What is left of a word, and the words after it; `base` is the first number of the word.
    Bits {
        word: u64,
        base: u32,
        words: slice::Iter<'a, u64>,
    },
}

impl<'a> Ids<'a> {
    /// Those of a list, ascending.
    pub(crate) fn of_list(list: &'a [SeriesId]) -> Self {
        Self { chunks: &[], base: 0, rest: Rest::Few(list.iter()) }
    }

    pub(super) fn new(chunks: &'a [Chunk]) -> Self {
        let mut ids = Self { chunks, base: 0, rest: Rest::Array([].iter()) };
        ids.next_chunk();
        ids
    }

    /// Writes the next ids to the start of `out`, as many as there are and fit; returns how many.
    pub(crate) fn read<T: From32>(&mut self, out: &mut [T]) -> usize {
        self.read_leaving(0, out)
    }

    /// The same for a batch of some size, whose end may be left as it is: ids are written faster where
    /// there is room for more.
    pub(crate) fn read_batch<T: From32, const SIZE: usize>(
        &mut self,
        out: &mut [T; SIZE],
    ) -> usize {
        const { assert!(2 * deliver::ROOM <= SIZE, "something is written") };
        self.read_leaving(deliver::ROOM, out)
    }

    /// Writes ids until no more than so much of `out` is left.
    fn read_leaving<T: From32>(&mut self, left: usize, out: &mut [T]) -> usize {
        let mut written = 0;
        while left < out.len() - written {
            match self.rest.read(self.base, left, &mut out[written..]) {
                0 if self.next_chunk() => {}
                0 => break,
                count => written += count,
            }
        }
        written
    }

    /// Skips ids below `target`.
    pub(crate) fn seek(&mut self, target: u32) {
        if let Rest::Few(list) = &mut self.rest {
            let ids = list.as_slice();
            *list = ids[ids.partition_point(|id| id.0 < target)..].iter();
            return;
        }
        let (key, low) = split(target);
        if self.base >> 16 < u32::from(key) {
            self.chunks = &self.chunks[self.chunks.partition_point(|chunk| chunk.key() < key)..];
            if !self.next_chunk() {
                self.rest = Rest::Array([].iter());
                return;
            }
        }
        if self.base >> 16 == u32::from(key) {
            self.rest.seek(low);
        }
    }

    /// Calls `f` for each id that is left; faster than one by one.
    pub(crate) fn fold<B>(mut self, init: B, mut f: impl FnMut(B, u32) -> B) -> B {
        let mut folded = init;
        loop {
            folded = self.rest.fold(self.base, folded, &mut f);
            if !self.next_chunk() {
                return folded;
            }
        }
    }

    fn next_chunk(&mut self) -> bool {
        let Some((chunk, rest)) = self.chunks.split_first() else { return false };
        self.chunks = rest;
        self.base = u32::from(chunk.key()) << 16;
        self.rest = match chunk.form() {
            Form::Array(array) => Rest::Array(array.iter()),
            Form::Runs(runs) => Rest::Runs { runs, skip: 0 },
            Form::Bits(bits) => {
                let mut words = bits.words().iter();
                let word = words.next().copied().unwrap_or(0);
                Rest::Bits { word, base: u32::from(bits.base()), words }
            }
        };
        true
    }
}

impl Iterator for Ids<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            if let Some(low) = self.rest.next() {
                return Some(self.base + low);
            }
            if !self.next_chunk() {
                return None;
            }
        }
    }

    fn fold<B, F: FnMut(B, u32) -> B>(self, init: B, f: F) -> B {
        Ids::fold(self, init, f)
    }
}

impl Rest<'_> {
    fn next(&mut self) -> Option<u32> {
        match self {
            Self::Array(array) => array.next().map(|low| u32::from(*low)),
            Self::Few(list) => list.next().map(|id| id.0),
            Self::Runs { runs, skip } => {
                let run = runs.first()?;
                let low = u32::from(run.first) + *skip;
                *skip += 1;
                if *skip == run.len() {
                    (*runs, *skip) = (&runs[1..], 0);
                }
                Some(low)
            }
            Self::Bits { word, base, words } => {
                while *word == 0 {
                    *word = *words.next()?;
                    *base += 64;
                }
                let low = *base + word.trailing_zeros();
                *word &= *word - 1;
                Some(low)
            }
        }
    }

    /// Writes numbers until no more than `left` of `out` is left.
    fn read<T: From32>(&mut self, upper: u32, left: usize, out: &mut [T]) -> usize {
        match self {
            Self::Array(array) => {
                let written = deliver::write_array(array.as_slice(), upper, out);
                *array = array.as_slice()[written..].iter();
                written
            }
            Self::Few(list) => {
                let written = deliver::write_list(list.as_slice(), out);
                *list = list.as_slice()[written..].iter();
                written
            }
            Self::Runs { runs, skip } => read_runs(runs, skip, upper, left, out),
            Self::Bits { word, base, words } => {
                let mut written = 0;
                while left < out.len() - written {
                    if *word == 0 {
                        let Some(next) = words.next() else { break };
                        *word = *next;
                        *base += 64;
                        continue;
                    }
                    if let Some(room) = out[written..].first_chunk_mut() {
                        written += deliver::write_word(*word, upper + *base, room);
                        *word = 0;
                        continue;
                    }
                    out[written] = T::from_32(upper + *base + word.trailing_zeros());
                    *word &= *word - 1;
                    written += 1;
                }
                written
            }
        }
    }

    fn seek(&mut self, target: u16) {
        match self {
            Self::Array(array) => {
                let slice = array.as_slice();
                *array = slice[slice.partition_point(|low| *low < target)..].iter();
            }
            // The ids know nothing of upper halves.
            Self::Few(_) => {}
            Self::Runs { runs, skip } => {
                let count = runs.partition_point(|run| run.last < target);
                if 0 < count {
                    (*runs, *skip) = (&runs[count..], 0);
                }
                if let Some(run) = runs.first().filter(|run| run.first < target) {
                    *skip = (*skip).max(u32::from(target - run.first));
                }
            }
            Self::Bits { word, base, words } => {
                let wanted = u32::from(target) & !63;
                if *base < wanted {
                    let ahead = ((wanted - *base) / 64) as usize;
                    *word = words.nth(ahead - 1).copied().unwrap_or(0);
                    *base = wanted;
                }
                if *base == wanted {
                    *word &= u64::MAX << (target & 63);
                }
            }
        }
    }

    fn fold<B>(&mut self, upper: u32, init: B, f: &mut impl FnMut(B, u32) -> B) -> B {
        match self {
            Self::Array(array) => {
                array.by_ref().fold(init, |folded, low| f(folded, upper | u32::from(*low)))
            }
            Self::Few(list) => list.by_ref().fold(init, |folded, id| f(folded, id.0)),
            Self::Runs { runs, skip } => {
                let mut folded = init;
                for run in core::mem::take(runs) {
                    let first = u32::from(run.first) + core::mem::take(skip);
                    let ids = first..=u32::from(run.last);
                    folded = ids.fold(folded, |folded, low| f(folded, upper + low));
                }
                folded
            }
            Self::Bits { .. } => {
                let mut folded = init;
                while let Some(low) = self.next() {
                    folded = f(folded, upper + low);
                }
                folded
            }
        }
    }
}

fn read_runs<T: From32>(
    runs: &mut &[Run],
    skip: &mut u32,
    upper: u32,
    left: usize,
    out: &mut [T],
) -> usize {
    let mut written = 0;
    while left < out.len() - written {
        if *skip == 0 {
            let (done, count) = deliver::write_runs(runs, upper, &mut out[written..]);
            *runs = &runs[done..];
            written += count;
        }
        // Those that are long or the last, one by one.
        for _ in 0..8 {
            let Some((run, rest)) = runs.split_first() else { return written };
            let (first, count) = (upper + u32::from(run.first) + *skip, run.len() - *skip);
            let fits = deliver::write_run(first, count, &mut out[written..]);
            written += fits;
            if fits < count as usize {
                *skip += fits as u32;
                return written;
            }
            (*runs, *skip) = (rest, 0);
            if out.len() - written <= left {
                break;
            }
        }
    }
    written
}
