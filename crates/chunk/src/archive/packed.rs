//! Packed residuals: blocks of 128 with a base and a width each, and patches for what does not fit.
#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use alloc::vec::Vec;

use super::bitpack::{BitWriter, bits_at, pack_block, packed_len, unpack_block, width_of};
use super::input::{Fault, Input, push_varint, unzigzag, zigzag};
use super::{BLOCK, Block};

/// Marks a block with patches, in the byte of its width.
const PATCHED: u8 = 0x80;

/// Reads a block of `len` residuals, 1 to 128.
pub(super) fn read_block(
    input: &mut Input<'_>,
    base: u64,
    len: usize,
    block: &mut Block,
) -> Result<(), Fault> {
    let start = *input;
    let head = input.byte()?;
    let width = u32::from(head & !PATCHED);
    if 64 < width {
        return Err(start.wrong("width of a block"));
    }
    let base = base.wrapping_add(input.varint()?);
    let patches = if head & PATCHED == 0 { None } else { Some(Patches::read(input, len)?) };
    let packed = input.take(packed_len(len, width))?;
    if len == BLOCK {
        unpack_block(packed, width, base, block);
    } else {
        for (i, out) in block.iter_mut().take(len).enumerate() {
            let bit = i.wrapping_mul(width as usize);
            *out = base.wrapping_add(bits_at(packed, bit, width));
        }
    }
    if let Some(patches) = patches {
        patches.apply(base, block);
    }
    Ok(())
}

/// The values of a block that its width does not hold.
struct Patches<'a> {
    places: &'a [u8],
    values: &'a [u8],
    width: u32,
}

impl<'a> Patches<'a> {
    fn read(input: &mut Input<'a>, len: usize) -> Result<Self, Fault> {
        let start = *input;
        let count = usize::from(input.byte()?);
        let width = u32::from(input.byte()?);
        if count == 0 || len < count || !(1..=64).contains(&width) {
            return Err(start.wrong("patches of a block"));
        }
        let start = *input;
        let places = input.take(count)?;
        let ascending = places.is_sorted_by(|a, b| a < b);
        if !ascending || places.last().is_some_and(|last| len <= usize::from(*last)) {
            return Err(start.wrong("places of a block's patches"));
        }
        let values = input.take(packed_len(count, width))?;
        Ok(Self { places, values, width })
    }

    fn apply(&self, base: u64, block: &mut Block) {
        for (place, bit) in self.places.iter().zip((0..).step_by(self.width as usize)) {
            if let Some(out) = block.get_mut(usize::from(*place)) {
                *out = base.wrapping_add(unzigzag(bits_at(self.values, bit, self.width)));
            }
        }
    }
}

/// Writes residuals, relative to `base`.
pub(super) fn write(residuals: &[u64], base: u64, bytes: &mut Vec<u8>) {
    for block in residuals.chunks(BLOCK) {
        write_block(block, base, bytes);
    }
}

fn write_block(residuals: &[u64], base: u64, bytes: &mut Vec<u8>) {
    let frame = Frame::best(residuals);
    let mut block = [0; BLOCK];
    let mut places = Vec::new();
    let mut patches = Vec::new();
    for (i, (out, r)) in block.iter_mut().zip(residuals).enumerate() {
        let offset = r.wrapping_sub(frame.base);
        if width_of(offset) <= frame.width {
            *out = offset;
        } else {
            places.push(i as u8);
            patches.push(zigzag(offset));
        }
    }
    bytes.push(frame.width as u8 | if places.is_empty() { 0 } else { PATCHED });
    push_varint(bytes, frame.base.wrapping_sub(base));
    if !places.is_empty() {
        let width = patches.iter().copied().map(width_of).max().unwrap_or(0);
        bytes.push(places.len() as u8);
        bytes.push(width as u8);
        bytes.extend_from_slice(&places);
        bytes.extend(sequence(&patches, width));
    }
    if residuals.len() == BLOCK {
        pack_block(&block, frame.width, bytes);
    } else {
        bytes.extend(sequence(block.split_at(residuals.len()).0, frame.width));
    }
}

/// Values of equal width one after the other.
pub(super) fn sequence(values: &[u64], width: u32) -> Vec<u8> {
    let mut writer = BitWriter::default();
    for v in values {
        writer.push(*v, width);
    }
    writer.finish()
}

/// So many widths in a row that save nothing end the search.
const MAX_WORSE: u32 = 3;

/// The base of a block and the width of its values above it.
struct Frame {
    base: u64,
    width: u32,
}

impl Frame {
    /// The frame that takes the fewest bytes. A frame of some width is laid where most values lie
    /// in it; narrower ones are tried until [`MAX_WORSE`] in a row were no better.
    fn best(residuals: &[u64]) -> Self {
        let mut sorted = [0_i64; BLOCK];
        let sorted = sorted.split_at_mut(residuals.len()).0;
        for (to, from) in sorted.iter_mut().zip(residuals) {
            *to = *from as i64;
        }
        let (least, most) = extremes(sorted);
        let full = width_of(most.wrapping_sub(least));
        let mut best = (packed_len(sorted.len(), full), Self { base: least, width: full });
        if full == 0 {
            return best.1;
        }
        sorted.sort_unstable();
        let mut worse = 0_u32;
        for width in (0..full).rev() {
            let (base, inside) = densest(sorted, width);
            let patches = sorted.len().wrapping_sub(inside);
            // What lies farthest from the base decides the width of the patches.
            let farthest = zigzag(least.wrapping_sub(base)).max(zigzag(most.wrapping_sub(base)));
            let len = packed_len(sorted.len(), width)
                .wrapping_add(patches)
                .wrapping_add(packed_len(patches, width_of(farthest)))
                .wrapping_add(2);
            if len < best.0 {
                best = (len, Self { base, width });
                worse = 0;
            } else {
                worse = worse.wrapping_add(1);
            }
            if worse == MAX_WORSE {
                break;
            }
        }
        best.1
    }
}

/// The least and the greatest, as signed integers.
pub(super) fn extremes(values: &[i64]) -> (u64, u64) {
    let ends = values.iter().fold((i64::MAX, i64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
    (ends.0 as u64, ends.1 as u64)
}

/// Where a frame holds the most of the sorted values, and how many.
fn densest(sorted: &[i64], width: u32) -> (u64, usize) {
    let mut best = (0, 0);
    let mut ends = sorted.iter().enumerate().peekable();
    let mut end = 0_usize;
    for (start, base) in sorted.iter().enumerate() {
        while let Some((i, _)) =
            ends.next_if(|(_, v)| width_of(v.wrapping_sub(*base) as u64) <= width)
        {
            end = i.wrapping_add(1);
        }
        let inside = end.saturating_sub(start);
        if best.1 < inside {
            best = (*base as u64, inside);
        }
        if end == sorted.len() {
            break;
        }
    }
    best
}

/// About how many bits [`write`] takes for the residuals.
pub(super) fn estimated_bits(residuals: &[u64]) -> u64 {
    residuals.chunks(BLOCK).map(estimated_block_bits).sum()
}

fn estimated_block_bits(residuals: &[u64]) -> u64 {
    let least = residuals.iter().map(|r| *r as i64).min().unwrap_or(0) as u64;
    let mut of_width = [0_u64; 65];
    for r in residuals {
        if let Some(n) = of_width.get_mut(width_of(r.wrapping_sub(least)) as usize) {
            *n = n.wrapping_add(1);
        }
    }
    let full = of_width.iter().rposition(|n| *n != 0).unwrap_or(0) as u64;
    let per_patch = full.wrapping_add(9);
    let len = residuals.len() as u64;
    // Widths from the widest down; what is wider than a width is patched.
    let (mut best, mut n_wider) = (u64::MAX, 0_u64);
    for width in (0..=full).rev() {
        let bits = len.wrapping_mul(width).wrapping_add(n_wider.wrapping_mul(per_patch));
        best = best.min(bits);
        n_wider = n_wider.wrapping_add(of_width.get(width as usize).copied().unwrap_or(0));
    }
    best.wrapping_add(24)
}
