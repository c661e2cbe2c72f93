//! Decoding entropy-coded residuals.
#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use alloc::vec::Vec;

use super::super::bitpack::{bits_at, low_bits, packed_len, peek};
use super::super::input::{Fault, Input, Wrong};
use super::super::{BLOCK, Block};
use super::{Bin, MAX_LOG, MIN_LOG, N_STATES, OFFSET_WIDTH, spread};

/// The most bits that one look at the stream gives for sure.
const PEEK_BITS: u32 = 57;
/// The bytes that a turn of all states may look at: a look of eight bytes begins in the first 32,
/// since those before it took 57 bits each at the most.
const WINDOW: usize = 40;

/// What a state says: a bin, and which states may follow.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The least residual of the bin.
    lower: u64,
    /// As many bits as the offset above `lower` has.
    offset_mask: u64,
    /// The first of the states that may follow.
    next: u16,
    /// As many bits as tell which of them follows.
    state_mask: u16,
    state_bits: u8,
    offset_bits: u8,
    /// Both together.
    n_bits: u8,
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
        if self.narrow {
            self.fill_narrow(block);
        } else {
            self.fill_wide(block);
        }
        if self.stream.len().wrapping_mul(8) < self.bit {
            let offset = self.offset.wrapping_add(self.stream.len());
            return Err(Fault { offset, what: Wrong::End });
        }
        Ok(())
    }

    /// One look for each residual, and one question a turn whether the bytes are there.
    fn fill_narrow(&mut self, block: &mut [u64]) {
        let (turns, rest) = block.as_chunks_mut::<N_STATES>();
        let (mut states, mut bit) = (self.states, self.bit);
        for turn in turns {
            self.turn(turn, &mut states, &mut bit);
        }
        (self.states, self.bit) = (states, bit);
        self.fill_wide(rest);
    }

    #[inline(always)]
    fn turn(&self, turn: &mut [u64; N_STATES], states: &mut [usize; N_STATES], bit: &mut usize) {
        let at = *bit >> 3;
        let end;
        let window = match self.stream.get(at..).and_then(<[u8]>::first_chunk::<WINDOW>) {
            Some(window) => window,
            None => {
                end = last_window(self.stream, at);
                &end
            }
        };
        let start = *bit & 7;
        let mut place = start;
        for (out, state) in turn.iter_mut().zip(states) {
            // All states are in the table.
            let Some(entry) = self.table.get(*state) else { return };
            let word = look(window, place);
            let which = word & u64::from(entry.state_mask);
            *state = usize::from(entry.next).wrapping_add(which as usize);
            let offset = word.wrapping_shr(u32::from(entry.state_bits)) & entry.offset_mask;
            *out = entry.lower.wrapping_add(offset);
            place = place.wrapping_add(entry.n_bits.into());
        }
        *bit = bit.wrapping_add(place.wrapping_sub(start));
    }

    fn fill_wide(&mut self, block: &mut [u64]) {
        for turn in block.chunks_mut(N_STATES) {
            for (out, state) in turn.iter_mut().zip(&mut self.states) {
                let Some(entry) = self.table.get(*state) else { return };
                let which = peek(self.stream, self.bit) & u64::from(entry.state_mask);
                *state = usize::from(entry.next).wrapping_add(which as usize);
                self.bit = self.bit.wrapping_add(entry.state_bits.into());
                let offset = bits_at(self.stream, self.bit, entry.offset_bits.into());
                *out = entry.lower.wrapping_add(offset);
                self.bit = self.bit.wrapping_add(entry.offset_bits.into());
            }
        }
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

/// Eight bytes of the window, from a bit on that is below 256.
#[inline]
fn look(window: &[u8; WINDOW], bit: usize) -> u64 {
    let from = window.split_at((bit >> 3) & 31).1;
    from.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight)) >> (bit & 7)
}

/// What is left of a stream, and zeros.
#[cold]
fn last_window(stream: &[u8], at: usize) -> [u8; WINDOW] {
    let mut window = [0; WINDOW];
    for (to, from) in window.iter_mut().zip(stream.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    window
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
    let entries = bins.iter().map(|bin| Entry {
        lower: bin.lower,
        offset_mask: low_bits(bin.offset_bits),
        offset_bits: bin.offset_bits as u8,
        ..Entry::default()
    });
    // The next of a bin's numbers, from its weight on.
    let mut bins: Vec<(Entry, u32)> = entries.zip(bins.iter().map(|bin| bin.weight)).collect();
    let mut table = Vec::with_capacity(1 << log);
    for i in spread(&bins.iter().map(|(_, weight)| *weight).collect::<Vec<_>>(), log) {
        let Some((entry, number)) = bins.get_mut(usize::from(i)) else { break };
        let state_bits = log.wrapping_sub(number.ilog2());
        entry.next = (*number << state_bits).wrapping_sub(1 << log) as u16;
        entry.state_mask = low_bits(state_bits) as u16;
        entry.state_bits = state_bits as u8;
        entry.n_bits = entry.offset_bits.wrapping_add(entry.state_bits);
        *number = number.wrapping_add(1);
        table.push(*entry);
    }
    table
}
