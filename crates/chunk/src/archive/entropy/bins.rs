//! Which bins take the fewest bits.
//!
//! The sorted residuals are cut into groups of about equal number, and neighboring groups are joined
//! where that is cheaper, which dynamic programming finds out. Logarithms are approximated in
//! integers, so that all machines write the same bytes.

use alloc::vec;
use alloc::vec::Vec;

use super::super::bitpack::width_of;
use super::{Bin, MAX_LOG, MIN_LOG, OFFSET_WIDTH};

/// About how many groups there are at first.
const N_GROUPS: usize = 100;
/// Costs are in this fraction of a bit.
const UNIT: u64 = 1 << UNIT_LOG;
const UNIT_LOG: u32 = 10;
/// What a bin's weight is thought to take, in bits.
const WEIGHT_BITS: u64 = 9;
/// Tables as large as they need be, but no larger than is quick to make, are written.
const MAX_WRITTEN_LOG: u32 = if 11 < MAX_LOG { 11 } else { MAX_LOG };

/// Bins with their weights.
pub(super) struct Choice {
    /// Ascending in `lower`, at most 256.
    pub(super) bins: Vec<Bin>,
    pub(super) log: u32,
    /// The bits of the difference between the lower ends of two neighbors.
    pub(super) lower_width: u32,
}

/// Equal or neighboring residuals.
#[derive(Clone, Copy)]
struct Group {
    low: u64,
    high: u64,
    /// How many residuals there are up to this group's end.
    end: usize,
}

/// The bins for residuals, which are sorted and relative to the least of them.
pub(super) fn choose(sorted: &[u64]) -> Choice {
    let groups = groups(sorted);
    let range_width = u64::from(width_of(groups.last().map_or(0, |group| group.high)));
    let per_bin = (WEIGHT_BITS + u64::from(OFFSET_WIDTH) + range_width.min(20)) * UNIT;
    let joined = join(&groups, sorted.len(), per_bin);
    weigh(&joined, sorted.len())
}

fn groups(sorted: &[u64]) -> Vec<Group> {
    let full = (sorted.len() / N_GROUPS).max(1);
    let mut groups: Vec<Group> = Vec::new();
    let (mut start, mut end) = (0, 0);
    for run in sorted.chunk_by(|a, b| a == b) {
        let Some(value) = run.first().copied() else { continue };
        // A group is closed before a long run, so that the run can be a bin of its own.
        let joins = groups.last().is_some() && end - start < full && run.len() < full;
        end += run.len();
        match groups.last_mut().filter(|_| joins) {
            Some(last) => (last.high, last.end) = (value, end),
            None => {
                start = end - run.len();
                groups.push(Group { low: value, high: value, end });
            }
        }
    }
    groups
}

/// Bins, with the number of residuals in each, that take the fewest bits by estimate.
fn join(groups: &[Group], total: usize, per_bin: u64) -> Vec<(Bin, usize)> {
    let total_log = log2(total as u64);
    // For each number of groups: the least cost of them, and where their last bin begins.
    let mut best = vec![(0_u64, 0_usize)];
    for (j, last) in groups.iter().enumerate() {
        let mut least = (u64::MAX, 0);
        for (i, first) in groups[..=j].iter().enumerate().rev() {
            let count = (last.end - start_of(groups, i)) as u64;
            let bits = u64::from(width_of(last.high - first.low)) * UNIT;
            let cost = best[i].0 + count * (bits + total_log - log2(count)) + per_bin;
            if cost < least.0 {
                least = (cost, i);
            }
        }
        best.push(least);
    }
    let mut joined = Vec::new();
    let mut end = groups.len();
    while 0 < end {
        let start = best[end].1;
        let (first, last) = (groups[start], groups[end - 1]);
        let offset_bits = width_of(last.high - first.low);
        let bin = Bin { lower: first.low, offset_bits, weight: 0 };
        joined.push((bin, last.end - start_of(groups, start)));
        end = start;
    }
    joined.reverse();
    joined
}

fn start_of(groups: &[Group], i: usize) -> usize {
    if i == 0 { 0 } else { groups[i - 1].end }
}

/// Finds the size of the table that takes the fewest bits, and the bins' weights in it.
fn weigh(joined: &[(Bin, usize)], total: usize) -> Choice {
    let lowers = joined.iter().map(|(bin, _)| bin.lower);
    let differences = lowers.clone().skip(1).zip(lowers).map(|(b, a)| b - a);
    let lower_width = width_of(differences.max().unwrap_or(0));
    let at_least = (joined.len().next_power_of_two().ilog2() + 1).clamp(MIN_LOG, MAX_WRITTEN_LOG);
    let sizes = if joined.len() == 1 { MIN_LOG..=MIN_LOG } else { at_least..=MAX_WRITTEN_LOG };
    let tried = sizes.map(|log| {
        let weights = weights(joined, total, log);
        let sum: u64 = joined
            .iter()
            .zip(&weights)
            .map(|((_, count), w)| *count as u64 * (u64::from(log) * UNIT - log2(u64::from(*w))))
            .sum();
        (sum + joined.len() as u64 * u64::from(log) * UNIT, log, weights)
    });
    let (_, log, weights) = tried.min_by_key(|(cost, log, _)| (*cost, *log)).unwrap_or_default();
    let weighed = joined.iter().zip(weights).map(|((bin, _), weight)| Bin { weight, ..*bin });
    Choice { bins: weighed.collect(), log, lower_width }
}

/// Weights in proportion to the counts, at least 1 each, that sum up to 2^`log`.
fn weights(joined: &[(Bin, usize)], total: usize, log: u32) -> Vec<u32> {
    let size = 1_u64 << log;
    let mut weights: Vec<u32> = joined
        .iter()
        .map(|(_, count)| ((*count as u64 * size + total as u64 / 2) / total as u64).max(1) as u32)
        .collect();
    let mut sum: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    while sum != size {
        // The heaviest bin bears it best.
        let Some(heaviest) = weights.iter_mut().max() else { break };
        if sum < size {
            *heaviest += 1;
            sum += 1;
        } else {
            *heaviest -= 1;
            sum -= 1;
        }
    }
    weights
}

/// The binary logarithm of a number, which is not 0, in units: within 1 % of a bit.
fn log2(n: u64) -> u64 {
    let whole = n.ilog2();
    // The fraction of n / 2^whole above 1, then log2(1 + x) = x + 0.3444·x·(1 − x) or so.
    let x = ((n << (63 - whole)) << 1) >> (64 - UNIT_LOG);
    let bend = x * (UNIT - x) / UNIT * 353 / UNIT;
    u64::from(whole) * UNIT + x + bend
}
