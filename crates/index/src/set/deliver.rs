//! Writing many ids at once: what a batch is made of.
//!
//! Everything is written in blocks of a fixed size, which the compiler makes vectors of, as long as
//! there is room for a block: what is too much is written over by what comes next. Nothing here knows
//! where ids come from or what is left of them.

use skopos_core::SeriesId;

use super::runs::Run;

/// No more than this is written by a step that takes no heed of what fits.
pub(super) const ROOM: usize = RUNS * LONG;
/// So many runs are written at once.
const RUNS: usize = 8;
/// The longest of the runs of which several are written at once.
const LONG: usize = 16;
/// A word with more numbers is written byte by byte, with fewer number by number.
const SPARSE: usize = 12;

/// What an id is read as.
pub(crate) trait From32: Copy {
    fn from_32(id: u32) -> Self;

    fn to_32(self) -> u32;
}

impl From32 for u32 {
    fn from_32(id: u32) -> Self {
        id
    }

    fn to_32(self) -> u32 {
        self
    }
}

impl From32 for SeriesId {
    fn from_32(id: u32) -> Self {
        Self(id)
    }

    fn to_32(self) -> u32 {
        self.0
    }
}

/// Writes numbers with the same upper half, as many as there are or fit; returns how many.
pub(super) fn write_array<T: From32>(array: &[u16], upper: u32, out: &mut [T]) -> usize {
    for (slot, low) in out.iter_mut().zip(array) {
        *slot = T::from_32(upper | u32::from(*low));
    }
    array.len().min(out.len())
}

/// Writes ids, as many as there are or fit; returns how many.
pub(super) fn write_list<T: From32>(ids: &[SeriesId], out: &mut [T]) -> usize {
    for (slot, id) in out.iter_mut().zip(ids) {
        *slot = T::from_32(id.0);
    }
    ids.len().min(out.len())
}

/// Writes the first runs, but none that is long, as long as there is [`ROOM`]; returns how many runs
/// these are, and how many ids.
pub(super) fn write_runs<T: From32>(runs: &[Run], upper: u32, out: &mut [T]) -> (usize, usize) {
    let (mut done, mut written) = (0, 0);
    loop {
        let pairs = write_pairs(&runs[done..], upper, &mut out[written..]);
        done += pairs;
        written += 2 * pairs;
        let room = &mut out[written..];
        let Some(some) = runs[done..].first_chunk().filter(|_| ROOM <= room.len()) else { break };
        written += match longest(some) {
            0..=4 => write_blocks::<4, _>(some, upper, room),
            5..=8 => write_blocks::<8, _>(some, upper, room),
            9..=12 => write_blocks::<12, _>(some, upper, room),
            13..=16 => write_blocks::<LONG, _>(some, upper, room),
            _ => break,
        };
        done += RUNS;
    }
    (done, written)
}

/// Writes the first runs as long as all are of two numbers; returns how many these are.
///
/// Runs of two are the shortest that are worth while, and the most frequent ones.
// On its own, since what is told apart below would make it a sequence of single numbers.
#[inline(never)]
fn write_pairs<T: From32>(runs: &[Run], upper: u32, mut out: &mut [T]) -> usize {
    let mut done = 0;
    while let Some(some) = runs[done..].first_chunk::<RUNS>() {
        let Some((room, rest)) = out.split_first_chunk_mut::<{ 2 * RUNS }>() else { break };
        let ends = some.map(|run| (u32::from(run.first), u32::from(run.last)));
        if ends.iter().fold(0, |odd, (first, last)| odd | ((last - first) ^ 1)) != 0 {
            break;
        }
        for (pair, (first, last)) in room.chunks_exact_mut(2).zip(ends) {
            pair[0] = T::from_32(upper | first);
            pair[1] = T::from_32(upper | last);
        }
        (out, done) = (rest, done + RUNS);
    }
    done
}

/// No run is longer than this.
#[inline(never)]
fn longest(runs: &[Run; RUNS]) -> u32 {
    runs.iter().fold(0, |most, run| most.max(run.len()))
}

/// Writes each run as a block of a fixed length; returns how many ids they are.
#[inline(never)]
fn write_blocks<const LEN: usize, T: From32>(
    runs: &[Run; RUNS],
    upper: u32,
    out: &mut [T],
) -> usize {
    let (all, mut rest) = (out.len(), out);
    for run in runs {
        let Some(block) = rest.first_chunk_mut::<LEN>() else { break };
        write_block(block, upper | u32::from(run.first));
        rest = &mut rest[run.len() as usize..];
    }
    all - rest.len()
}

/// Writes a block of consecutive ids.
fn write_block<const LEN: usize, T: From32>(block: &mut [T; LEN], first: u32) {
    for (slot, i) in block.iter_mut().zip(0..) {
        *slot = T::from_32(first.wrapping_add(i));
    }
}

/// Writes `count` consecutive ids, or as many as fit; returns how many.
pub(super) fn write_run<T: From32>(first: u32, count: u32, out: &mut [T]) -> usize {
    let count = count as usize;
    if let Some(block) = out.first_chunk_mut::<LONG>()
        && count <= LONG
    {
        write_block(block, first);
        return count;
    }
    let count = count.min(out.len());
    let (blocks, rest) = out[..count].as_chunks_mut::<LONG>();
    let mut first = first;
    for block in blocks {
        write_block(block, first);
        first = first.wrapping_add(LONG as u32);
    }
    for (slot, i) in rest.iter_mut().zip(0..) {
        *slot = T::from_32(first.wrapping_add(i));
    }
    count
}

/// Writes the ids of a word, for which there is room, whatever they are; returns how many.
pub(super) fn write_word<T: From32>(word: u64, base: u32, out: &mut [T; ROOM]) -> usize {
    let count = word.count_ones() as usize;
    let starts = word & !(word << 1);
    if 8 * starts.count_ones() as usize <= count {
        return write_runs_of(word, base, out);
    }
    if count <= SPARSE {
        let mut rest = word;
        // Four at a time, without a look at whether there are so many.
        for four in out.chunks_exact_mut(4).take(count.div_ceil(4)) {
            for slot in four {
                *slot = T::from_32(base.wrapping_add(rest.trailing_zeros()));
                rest &= rest.wrapping_sub(1);
            }
        }
        return count;
    }
    let mut written = 0;
    for (byte, from) in word.to_le_bytes().into_iter().zip((0..64).step_by(8)) {
        let Some(block) = out[written..].first_chunk_mut::<8>() else { break };
        let places = &PLACES[usize::from(byte)];
        for (slot, place) in block.iter_mut().zip(places) {
            *slot = T::from_32(base + (from + u32::from(*place)));
        }
        written += usize::from(COUNTS[usize::from(byte)]);
    }
    written
}

/// Writes the runs of a word.
fn write_runs_of<T: From32>(mut word: u64, base: u32, out: &mut [T; ROOM]) -> usize {
    let mut written = 0;
    while word != 0 {
        let start = word.trailing_zeros();
        let len = (!(word >> start)).trailing_zeros().min(64 - start);
        written += write_run(base + start, len, &mut out[written..]);
        // In two steps, since all 64 bits cannot be shifted out at once.
        word &= u64::MAX << (start + len - 1) << 1;
    }
    written
}

/// The places of the bits of each byte.
static PLACES: [[u16; 8]; 256] = {
    let (mut table, mut byte) = ([[0; 8]; 256], 0);
    while byte < 256 {
        let (mut count, mut bit) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][count] = bit;
                count += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// How many bits each byte has: not every processor counts them.
static COUNTS: [u8; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < 256 {
        table[byte] = (byte as u8).count_ones() as u8;
        byte += 1;
    }
    table
};
