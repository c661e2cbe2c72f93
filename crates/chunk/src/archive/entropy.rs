//! Entropy-coded residuals: a bin by asymmetric numeral systems, and the offset in the bin as bits.
//!
//! A bin is a range of residuals with a share of the probability. The table of states is that of
//! tabled asymmetric numeral systems; residuals take turns with four states, so that a processor
//! can work at four of them at once.

mod bins;
mod decode;
mod encode;

pub(super) use self::decode::Entropy;
pub(super) use self::encode::write;

use alloc::vec;
use alloc::vec::Vec;

/// How many states take turns.
const N_STATES: usize = 4;
/// The table has 2^4 to 2^12 states.
const MIN_LOG: u32 = 4;
const MAX_LOG: u32 = 12;
/// Bits of a bin's count of offset bits.
const OFFSET_WIDTH: u32 = 7;

/// A range of residuals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bin {
    /// The least residual, relative to the column's base.
    lower: u64,
    /// How many bits the offset above it has.
    offset_bits: u32,
    /// How many states the bin has.
    weight: u32,
}

/// The bin of each state: the bins' states are strewn over the table by a fixed step.
fn spread(weights: &[u32], log: u32) -> Vec<u16> {
    let size = 1_usize << log;
    let step = (size >> 1).wrapping_add(size >> 3).wrapping_add(3);
    let mut bin_of_state = vec![0; size];
    let mut state = 0;
    for (i, weight) in (0_u16..).zip(weights) {
        for _ in 0..*weight {
            if let Some(of_state) = bin_of_state.get_mut(state) {
                *of_state = i;
            }
            state = state.wrapping_add(step) % size;
        }
    }
    bin_of_state
}
