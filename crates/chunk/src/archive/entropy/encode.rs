//! Encoding residuals by entropy.
//!
//! Numeral systems are written from the last residual to the first, since the reader goes the
//! other way; the bits of each are kept and written in the reader's order.

use alloc::vec;
use alloc::vec::Vec;

use super::super::bitpack::BitWriter;
use super::bins::{self, Choice};
use super::{N_STATES, OFFSET_WIDTH, spread};

/// Writes residuals, of which there is at least one, and returns the base: the least of them.
pub(in super::super) fn write(residuals: &[u64], bytes: &mut Vec<u8>) -> u64 {
    let base = residuals.iter().map(|r| *r as i64).min().unwrap_or(0) as u64;
    let offsets: Vec<u64> = residuals.iter().map(|r| r.wrapping_sub(base)).collect();
    let mut sorted = offsets.clone();
    sorted.sort_unstable();
    let choice = bins::choose(&sorted);
    bytes.push(choice.log as u8);
    bytes.push((choice.bins.len() - 1) as u8);
    bytes.push(choice.lower_width as u8);
    bytes.extend(packed_bins(&choice));
    bytes.extend(stream(&offsets, &choice));
    base
}

fn packed_bins(choice: &Choice) -> Vec<u8> {
    let mut writer = BitWriter::default();
    let mut lower = 0;
    for bin in &choice.bins {
        writer.push(u64::from(bin.weight - 1), choice.log);
        writer.push(u64::from(bin.offset_bits), OFFSET_WIDTH);
        writer.push(bin.lower - lower, choice.lower_width);
        lower = bin.lower;
    }
    writer.finish()
}

/// The bits that lead from one state to the one before.
#[derive(Clone, Copy, Default)]
struct Written {
    bits: u64,
    n_bits: u32,
}

fn stream(offsets: &[u64], choice: &Choice) -> Vec<u8> {
    let table = StateTable::new(choice);
    let size = 1_usize << choice.log;
    let mut states = [size; N_STATES];
    let mut written = vec![(Written::default(), 0_usize); offsets.len()];
    for (i, (offset, out)) in offsets.iter().zip(&mut written).enumerate().rev() {
        let bin = choice.bins.partition_point(|bin| bin.lower <= *offset) - 1;
        let state = &mut states[i % N_STATES];
        let weight = choice.bins[bin].weight as usize;
        // Bits are put out until what is left is one of the bin's numbers.
        let mut n_bits = state.ilog2() - weight.ilog2();
        if *state >> n_bits < weight {
            n_bits -= 1;
        }
        let bits = (*state & ((1 << n_bits) - 1)) as u64;
        *out = (Written { bits, n_bits }, bin);
        *state = table.state_of(bin, (*state >> n_bits) - weight);
    }
    let mut writer = BitWriter::default();
    for state in states {
        writer.push((state - size) as u64, choice.log);
    }
    for (offset, (state, bin)) in offsets.iter().zip(written) {
        let bin = choice.bins[bin];
        writer.push(state.bits, state.n_bits);
        writer.push(offset - bin.lower, bin.offset_bits);
    }
    writer.finish()
}

/// The states of each bin, in order.
struct StateTable {
    /// The states, 2^log added, bin by bin.
    states: Vec<usize>,
    /// Where each bin's states begin.
    starts: Vec<usize>,
}

impl StateTable {
    fn new(choice: &Choice) -> Self {
        let size = 1_usize << choice.log;
        let mut starts = Vec::with_capacity(choice.bins.len());
        let mut sum = 0;
        for bin in &choice.bins {
            starts.push(sum);
            sum += bin.weight as usize;
        }
        let mut next = starts.clone();
        let mut states = vec![0; size];
        let weights: Vec<u32> = choice.bins.iter().map(|bin| bin.weight).collect();
        for (state, bin) in spread(&weights, choice.log).into_iter().enumerate() {
            let at = &mut next[usize::from(bin)];
            states[*at] = state + size;
            *at += 1;
        }
        Self { states, starts }
    }

    fn state_of(&self, bin: usize, number: usize) -> usize {
        self.states[self.starts[bin] + number]
    }
}
