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
    /// The place of each entry, ascending.
    places: Vec<u16>,
    values: &'a [u8],
    width: u32,
    /// How many entries were given.
    n_given: usize,
    /// Whether the block before has others than the base.
    patched: bool,
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
        // Each place takes a byte or more.
        let mut places = Vec::with_capacity((n_entries as usize).min(input.rest().len()));
        let mut end = 0_u64;
        for _ in 0..n_entries {
            let before = *input;
            let place = end.saturating_add(input.uvarint()?);
            if len as u64 <= place {
                return Err(before.wrong("place in a list of residuals"));
            }
            places.push(place as u16);
            end = place.wrapping_add(1);
        }
        let values = input.take(packed_len(places.len(), width))?;
        Ok(Self { places, values, width, n_given: 0, patched: false })
    }

    /// Puts the residuals from the place `at` on into `block`, which is the one before, or all base.
    pub(super) fn fill(&mut self, base: u64, at: usize, len: usize, block: &mut Block) {
        if self.patched {
            block.fill(base);
            self.patched = false;
        }
        let end = at.wrapping_add(len);
        let places = self.places.get(self.n_given..).unwrap_or_default();
        for place in places.iter().map(|place| usize::from(*place)).take_while(|p| *p < end) {
            let bit = self.n_given.wrapping_mul(self.width as usize);
            if let Some(out) = block.get_mut(place.wrapping_sub(at)) {
                *out = base.wrapping_add(unzigzag(bits_at(self.values, bit, self.width)));
            }
            self.patched = true;
            self.n_given = self.n_given.wrapping_add(1);
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
