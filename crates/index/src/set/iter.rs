//! Reading a set: one id at a time, or many at once.

use core::slice;

use super::chunk::{Chunk, Form};
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
    Few(slice::Iter<'a, u32>),
    /// Runs of which the first `skip` numbers were read.
    Runs {
        runs: &'a [super::runs::Run],
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
    pub(crate) fn of_list(list: &'a [u32]) -> Self {
        Self { chunks: &[], base: 0, rest: Rest::Few(list.iter()) }
    }

    pub(super) fn new(chunks: &'a [Chunk]) -> Self {
        let mut ids = Self { chunks, base: 0, rest: Rest::Array([].iter()) };
        ids.next_chunk();
        ids
    }

    /// Writes the next ids to the start of `out`, as many as there are and fit; returns how many.
    pub(crate) fn read<T: From32>(&mut self, out: &mut [T]) -> usize {
        let mut written = 0;
        while written < out.len() {
            match self.rest.read(self.base, &mut out[written..]) {
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
            *list = ids[ids.partition_point(|id| *id < target)..].iter();
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

/// What an id is read as.
pub(crate) trait From32 {
    fn from_32(id: u32) -> Self;
}

impl From32 for u32 {
    fn from_32(id: u32) -> Self {
        id
    }
}

impl From32 for skopos_core::SeriesId {
    fn from_32(id: u32) -> Self {
        Self(id)
    }
}

/// Runs are written in blocks of so many ids, as long as there is room for a block: what is too
/// much is written over later.
const BLOCK: usize = 16;

/// Writes a block of consecutive ids.
fn write_block<T: From32>(block: &mut [T; BLOCK], first: u32) {
    for (slot, i) in block.iter_mut().zip(0..) {
        *slot = T::from_32(first.wrapping_add(i));
    }
}

/// Writes `count` consecutive ids, for which there is room.
fn write_run<T: From32>(out: &mut [T], first: u32, count: u32) {
    if let Some(block) = out.first_chunk_mut::<BLOCK>()
        && count as usize <= BLOCK
    {
        write_block(block, first);
    } else {
        write_long(&mut out[..count as usize], first);
    }
}

/// Writes consecutive ids from `first` on.
fn write_long<T: From32>(out: &mut [T], first: u32) {
    for (slot, id) in out.iter_mut().zip(first..) {
        *slot = T::from_32(id);
    }
}

/// Writes the ids of a word, for which there is room, whatever they are.
fn write_word<T: From32>(out: &mut [T; 64], base: u32, mut word: u64) -> usize {
    let count = word.count_ones() as usize;
    let starts = word & !(word << 1);
    if 8 * starts.count_ones() as usize <= count {
        let mut written = 0;
        while word != 0 {
            let start = word.trailing_zeros();
            let len = (!(word >> start)).trailing_zeros().min(64 - start);
            write_run(&mut out[written..], base + start, len);
            written += len as usize;
            // In two steps, since all 64 bits cannot be shifted out at once.
            word &= u64::MAX << (start + len - 1) << 1;
        }
        return written;
    }
    // Four at a time, without a look at whether there are so many: what is too much is written over.
    for four in out.chunks_exact_mut(4).take(count.div_ceil(4)) {
        for slot in four {
            *slot = T::from_32(base.wrapping_add(word.trailing_zeros()));
            word &= word.wrapping_sub(1);
        }
    }
    count
}

impl Rest<'_> {
    fn next(&mut self) -> Option<u32> {
        match self {
            Self::Array(array) => array.next().map(|low| u32::from(*low)),
            Self::Few(list) => list.next().copied(),
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

    fn read<T: From32>(&mut self, upper: u32, out: &mut [T]) -> usize {
        match self {
            Self::Array(array) => {
                let slice = array.as_slice();
                let (now, later) = slice.split_at(slice.len().min(out.len()));
                for (slot, low) in out.iter_mut().zip(now) {
                    *slot = T::from_32(upper | u32::from(*low));
                }
                *array = later.iter();
                now.len()
            }
            Self::Few(list) => {
                let slice = list.as_slice();
                let (now, later) = slice.split_at(slice.len().min(out.len()));
                for (slot, id) in out.iter_mut().zip(now) {
                    *slot = T::from_32(*id);
                }
                *list = later.iter();
                now.len()
            }
            Self::Runs { runs, skip } => {
                let mut written = 0;
                let mut from = *skip;
                let mut left = *runs;
                while let Some((run, rest)) = left.split_first() {
                    let (first, count) = (upper + u32::from(run.first) + from, run.len() - from);
                    if let Some(room) = out[written..].first_chunk_mut::<BLOCK>()
                        && count as usize <= BLOCK
                    {
                        write_block(room, first);
                        (written, from, left) = (written + count as usize, 0, rest);
                        continue;
                    }
                    let fits = (count as usize).min(out.len() - written);
                    write_long(&mut out[written..written + fits], first);
                    written += fits;
                    if fits < count as usize {
                        from += fits as u32;
                        break;
                    }
                    (from, left) = (0, rest);
                }
                (*runs, *skip) = (left, from);
                written
            }
            Self::Bits { word, base, words } => {
                let mut written = 0;
                while written < out.len() {
                    if *word == 0 {
                        let Some(next) = words.next() else { break };
                        *word = *next;
                        *base += 64;
                        continue;
                    }
                    if let Some(room) = out[written..].first_chunk_mut::<64>() {
                        written += write_word(room, upper + *base, *word);
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
            Self::Few(list) => list.by_ref().fold(init, |folded, id| f(folded, *id)),
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
