//! Sparse residuals: all are the base but for a few, which are listed.
#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use alloc::vec::Vec;

use super::Block;
use super::bitpack::{bits_at, packed_len, width_of};
use super::input::{Fault, Input, push_uvarint, unzigzag, zigzag};
use super::packed::sequence;

/// A list of residuals that differ from the base.
#[derive(Debug)]
pub(super) struct Sparse<'a> {
    /// The integers before each entry's place.
    gaps: Input<'a>,
    values: &'a [u8],
    width: u32,
    /// The place of the next entry, `usize::MAX` after the last.
    next: usize,
    /// How many entries were given.
    n_given: usize,
    n_entries: usize,
}

impl<'a> Sparse<'a> {
    /// Reads a list for `len` residuals; all its places are looked at.
    pub(super) fn read(input: &mut Input<'a>, len: usize) -> Result<Self, Fault> {
        let start = *input;
        let n_entries = input.uvarint()?;
        let width = u32::from(input.byte()?);
        if n_entries == 0 || len as u64 <= n_entries || !(1..=64).contains(&width) {
            return Err(start.wrong("list of residuals"));
        }
        let n_entries = n_entries as usize;
        let gaps = *input;
        let mut end = 0_u64;
        for _ in 0..n_entries {
            let before = *input;
            end = end.saturating_add(input.uvarint()?).saturating_add(1);
            if (len as u64) < end {
                return Err(before.wrong("place in a list of residuals"));
            }
        }
        let values = input.take(packed_len(n_entries, width))?;
        let mut sparse = Self { gaps, values, width, next: 0, n_given: 0, n_entries };
        sparse.next = sparse.gap();
        Ok(sparse)
    }

    /// The next gap, which was seen to be sound.
    fn gap(&mut self) -> usize {
        if self.n_given == self.n_entries {
            return usize::MAX;
        }
        self.gaps.uvarint().map_or(usize::MAX, |gap| gap as usize)
    }

    /// Puts the residuals from the place `at` on into `block`.
    pub(super) fn fill(&mut self, base: u64, at: usize, len: usize, block: &mut Block) {
        block.fill(base);
        while let Some(out) =
            block.get_mut(..len).and_then(|block| block.get_mut(self.next.wrapping_sub(at)))
        {
            let bit = self.n_given.wrapping_mul(self.width as usize);
            *out = base.wrapping_add(unzigzag(bits_at(self.values, bit, self.width)));
            self.n_given = self.n_given.wrapping_add(1);
            self.next = self.next.saturating_add(1).saturating_add(self.gap());
        }
    }
}

/// Writes the list of residuals that are not `base`; there is at least one, and not all.
pub(super) fn write(residuals: &[u64], base: u64, bytes: &mut Vec<u8>) {
    let entries: Vec<(usize, u64)> =
        residuals.iter().copied().enumerate().filter(|(_, r)| *r != base).collect();
    let values: Vec<u64> = entries.iter().map(|(_, r)| zigzag(r.wrapping_sub(base))).collect();
    let width = values.iter().copied().map(width_of).max().unwrap_or(0);
    push_uvarint(bytes, entries.len() as u64);
    bytes.push(width as u8);
    let mut end = 0;
    for (place, _) in &entries {
        push_uvarint(bytes, place.wrapping_sub(end) as u64);
        end = place.wrapping_add(1);
    }
    bytes.extend(sequence(&values, width));
}

/// The residual that more than half of them are, if there is one, and how many are not.
pub(super) fn majority(residuals: &[u64]) -> Option<(u64, usize)> {
    let (mut candidate, mut votes) = (0, 0_usize);
    for r in residuals {
        if votes == 0 {
            candidate = *r;
        }
        votes = if candidate == *r { votes.wrapping_add(1) } else { votes.wrapping_sub(1) };
    }
    let others = residuals.iter().filter(|r| **r != candidate).count();
    (others.wrapping_mul(2) < residuals.len()).then_some((candidate, others))
}

/// About how many bits [`write`] takes.
pub(super) fn estimated_bits(residuals: &[u64], base: u64) -> u64 {
    let others = residuals.iter().filter(|r| **r != base);
    let (n, widest) = others.fold((0_u64, 0), |(n, widest), r| {
        (n.wrapping_add(1), widest.max(width_of(zigzag(r.wrapping_sub(base)))))
    });
    n.wrapping_mul(8_u64.wrapping_add(u64::from(widest))).wrapping_add(16)
}
