//! Decoding entropy-coded residuals.
#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use alloc::vec::Vec;

use super::super::bitpack::{bits_at, packed_len, peek};
use super::super::input::{Fault, Input, Wrong};
use super::super::{BLOCK, Block};
use super::{Bin, MAX_LOG, MIN_LOG, N_STATES, OFFSET_WIDTH, spread};

/// The most bits that one look at the stream gives for sure.
const PEEK_BITS: u32 = 57;

/// What a state says: a bin, and which states may follow.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The least residual of the bin.
    lower: u64,
    /// The first of the states that may follow.
    next: u16,
    /// How many bits tell which of them follows.
    state_bits: u8,
    /// How many bits the offset above `lower` has.
    offset_bits: u8,
}

/// A stream of residuals.
#[derive(Debug)]
pub(in super::super) struct Entropy<'a> {
    table: Vec<Entry>,
    stream: &'a [u8],
    /// Where the stream begins in the chunk.
    offset: usize,
    /// The next bit of the stream.
    bit: usize,
    states: [usize; N_STATES],
    /// Whether one look at the stream is enough for each residual.
    narrow: bool,
}

impl<'a> Entropy<'a> {
    /// Reads the bins and the first states.
    pub(in super::super) fn read(input: &mut Input<'a>, base: u64) -> Result<Self, Fault> {
        let start = *input;
        let log = u32::from(input.byte()?);
        if !(MIN_LOG..=MAX_LOG).contains(&log) {
            return Err(start.wrong("size of a table of states"));
        }
        let bins = read_bins(input, base, log)?;
        let table = table(&bins, log);
        let widest = bins.iter().map(|bin| bin.offset_bits).max().unwrap_or(0);
        let mut entropy = Self {
            table,
            stream: input.rest(),
            offset: input.offset(),
            bit: 0,
            states: [0; N_STATES],
            narrow: log.saturating_add(widest) <= PEEK_BITS,
        };
        for state in &mut entropy.states {
            *state = bits_at(entropy.stream, entropy.bit, log) as usize;
            entropy.bit = entropy.bit.wrapping_add(log as usize);
        }
        Ok(entropy)
    }

    /// Puts the next `len` residuals into `block`; a multiple of four unless they are the last.
    pub(in super::super) fn fill(&mut self, len: usize, block: &mut Block) -> Result<(), Fault> {
        let block = block.split_at_mut(len.min(BLOCK)).0;
        if self.narrow { self.fill_as::<true>(block) } else { self.fill_as::<false>(block) }
        if self.stream.len().wrapping_mul(8) < self.bit {
            let offset = self.offset.wrapping_add(self.stream.len());
            return Err(Fault { offset, what: Wrong::End });
        }
        Ok(())
    }

    fn fill_as<const NARROW: bool>(&mut self, block: &mut [u64]) {
        let (mut states, mut bit) = (self.states, self.bit);
        let (table, stream) = (self.table.as_slice(), self.stream);
        let mut fours = block.chunks_exact_mut(N_STATES);
        for four in fours.by_ref() {
            for (out, state) in four.iter_mut().zip(&mut states) {
                *out = step::<NARROW>(table, stream, state, &mut bit);
            }
        }
        for (out, state) in fours.into_remainder().iter_mut().zip(&mut states) {
            *out = step::<NARROW>(table, stream, state, &mut bit);
        }
        (self.states, self.bit) = (states, bit);
    }

    /// Goes behind the stream, whose states must have come back to where the writer began.
    pub(in super::super) fn finish(&self, input: &mut Input<'a>) -> Result<(), Fault> {
        let start = *input;
        input.take(self.bit.div_ceil(8))?;
        if self.states != [0; N_STATES] {
            return Err(start.wrong("stream of residuals"));
        }
        Ok(())
    }
}

#[inline(always)]
fn step<const NARROW: bool>(
    table: &[Entry],
    stream: &[u8],
    state: &mut usize,
    bit: &mut usize,
) -> u64 {
    // States are always in the table; asking is cheaper than it looks.
    let Some(entry) = table.get(*state) else { return 0 };
    let word = peek(stream, *bit);
    let (state_bits, offset_bits) = (u32::from(entry.state_bits), u32::from(entry.offset_bits));
    let which = word & 1_u64.wrapping_shl(state_bits).wrapping_sub(1);
    *state = usize::from(entry.next).wrapping_add(which as usize);
    let offset = if NARROW {
        word.wrapping_shr(state_bits) & 1_u64.wrapping_shl(offset_bits).wrapping_sub(1)
    } else {
        bits_at(stream, bit.wrapping_add(state_bits as usize), offset_bits)
    };
    *bit = bit.wrapping_add(state_bits.wrapping_add(offset_bits) as usize);
    entry.lower.wrapping_add(offset)
}

fn read_bins(input: &mut Input<'_>, base: u64, log: u32) -> Result<Vec<Bin>, Fault> {
    let start = *input;
    let n_bins = usize::from(input.byte()?).wrapping_add(1);
    let lower_width = u32::from(input.byte()?);
    if 64 < lower_width {
        return Err(start.wrong("width of bins"));
    }
    let start = *input;
    let width = log.wrapping_add(OFFSET_WIDTH).wrapping_add(lower_width);
    let packed = input.take(packed_len(n_bins, width))?;
    let mut bins = Vec::with_capacity(n_bins);
    let (mut lower, mut sum) = (base, 0_u32);
    for at in (0..).step_by(width as usize).take(n_bins) {
        let weight = (bits_at(packed, at, log) as u32).wrapping_add(1);
        let at = at.wrapping_add(log as usize);
        let offset_bits = bits_at(packed, at, OFFSET_WIDTH) as u32;
        let at = at.wrapping_add(OFFSET_WIDTH as usize);
        lower = lower.wrapping_add(bits_at(packed, at, lower_width));
        sum = sum.wrapping_add(weight);
        if 64 < offset_bits {
            return Err(start.wrong("bin"));
        }
        bins.push(Bin { lower, offset_bits, weight });
    }
    if sum != 1 << log {
        return Err(start.wrong("sum of the bins' weights"));
    }
    Ok(bins)
}

fn table(bins: &[Bin], log: u32) -> Vec<Entry> {
    // The next of a bin's numbers, from its weight on.
    let mut numbers: Vec<u32> = bins.iter().map(|bin| bin.weight).collect();
    let entry = |i: u16| {
        let (bin, number) = bins.get(usize::from(i)).zip(numbers.get_mut(usize::from(i)))?;
        let state_bits = log.wrapping_sub(number.ilog2());
        let next = (*number << state_bits).wrapping_sub(1 << log);
        *number = number.wrapping_add(1);
        Some(Entry {
            lower: bin.lower,
            next: next as u16,
            state_bits: state_bits as u8,
            offset_bits: bin.offset_bits as u8,
        })
    };
    spread(bins, log).into_iter().filter_map(entry).collect()
}
