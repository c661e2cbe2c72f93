//! Decoding many samples of an XOR chunk at once, for columns.
//!
//! What nearly all samples are made of is decoded here: one unaligned load of eight bytes a sample,
//! a second one where a value does not fit into the first, no look at the end of the bytes but the
//! one that a load needs, and runs of unchanged samples by counting zeros. Everything else is left
//! to the decoder's single step: the first two samples, distances of 64 bits, what is damaged.
//!
//! The branches are meant: which forms follow each other is well predicted, and a predicted branch
//! takes the bits' content out of the way from one sample's position to the next.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use core::iter::Zip;
use core::slice::IterMut;

use crate::xor::decode::{Window, new_window};
use crate::xor::{DOD_WIDTHS, LEADING_BITS, WIDTH_BITS};

/// Bits of a loaded word that are real wherever in a byte it begins.
const WORD_BITS: u32 = 57;
/// The bits of a window before its value: two of control, and the window's own.
const WINDOW_BITS: u32 = 2 + LEADING_BITS + WIDTH_BITS;

/// The most bytes whose samples may need a load behind the end.
const TAIL: usize = 16;

/// The state between samples, small enough for registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    /// In bits.
    pub(super) position: usize,
    pub(super) t: i64,
    pub(super) delta: u64,
    pub(super) v: u64,
    pub(super) window: Window,
}

/// Decodes into slots until they are filled or something rare comes; returns how many were filled.
///
/// Decodes whole samples only, none that ends behind the bytes.
pub(super) fn fill(bytes: &[u8], state: &mut State, ts: &mut [i64], vs: &mut [f64]) -> usize {
    let filled = fill_from(bytes, usize::MAX, state, ts, vs);
    let start = state.position >> 3;
    let tail = bytes.get(start..).unwrap_or_default();
    let mut padded = [0; 2 * TAIL];
    let (Some(ts), Some(vs)) = (ts.get_mut(filled..), vs.get_mut(filled..)) else { return filled };
    let Some(copy) = padded.get_mut(..tail.len()).filter(|copy| copy.len() <= TAIL) else {
        return filled;
    };
    // Loads would reach behind the end; of a copy with zeros behind they do not.
    copy.copy_from_slice(tail);
    let skipped = start.wrapping_mul(8);
    state.position = state.position.wrapping_sub(skipped);
    let end = tail.len().wrapping_mul(8);
    let filled = filled.wrapping_add(fill_from(&padded, end, state, ts, vs));
    state.position = state.position.wrapping_add(skipped);
    filled
}

/// The same with samples up to the bit `end` only, and where all loads lie within the bytes.
#[inline(always)]
fn fill_from(bytes: &[u8], end: usize, state: &mut State, ts: &mut [i64], vs: &mut [f64]) -> usize {
    let len = ts.len().min(vs.len());
    let mut slots = ts.iter_mut().zip(vs);
    // A wider window is a corrupt one.
    if state.window.trailing < 64 {
        // A copy of our own, so that its fields can live in registers.
        let mut at = *state;
        while fill_some(bytes, end, &mut at, &mut slots).is_some() {}
        *state = at;
    }
    len.saturating_sub(slots.len())
}

type Slots<'a> = Zip<IterMut<'a, i64>, IterMut<'a, f64>>;

/// Decodes a sample, or several unchanged ones.
#[inline(always)]
fn fill_some(bytes: &[u8], end: usize, state: &mut State, slots: &mut Slots<'_>) -> Option<()> {
    let word = load(bytes, state.position)?;
    if word >> 62 == 0 {
        return fill_unchanged(word, end, state, slots);
    }
    let next = decode(bytes, word, state)?;
    if end < next.position {
        return None;
    }
    let (t, v) = slots.next()?;
    (*t, *v) = (next.t, f64::from_bits(next.v));
    *state = next;
    Some(())
}

/// Decodes samples that keep the distance and the value: two zero bits each, many of which are seen
/// at once.
#[inline(always)]
fn fill_unchanged(word: u64, end: usize, state: &mut State, slots: &mut Slots<'_>) -> Option<()> {
    let seen = word.leading_zeros().min(WORD_BITS) as usize / 2;
    let there = end.saturating_sub(state.position) / 2;
    let run = seen.min(there).min(slots.len());
    if run == 0 {
        return None;
    }
    for (t, v) in slots.by_ref().take(run) {
        state.t = state.t.wrapping_add_unsigned(state.delta);
        (*t, *v) = (state.t, f64::from_bits(state.v));
    }
    state.position = state.position.wrapping_add(run.wrapping_mul(2));
    Some(())
}

/// The state behind the sample that `word` begins with.
#[inline(always)]
fn decode(bytes: &[u8], word: u64, state: &State) -> Option<State> {
    let (dod, used) = if word >> 63 == 0 { (0, 1) } else { changed_distance(word)? };
    let delta = state.delta.wrapping_add(dod);
    let t = state.t.wrapping_add_unsigned(delta);
    let control = word << used;
    if control >> 63 == 0 {
        let position = state.position.wrapping_add(used as usize).wrapping_add(1);
        return Some(State { position, t, delta, ..*state });
    }
    let (used, window) = if control >> 62 == 0b10 {
        (used.wrapping_add(2), state.window)
    } else {
        (used.wrapping_add(WINDOW_BITS), new_window(control))
    };
    if 64 <= window.trailing {
        return None;
    }
    let position = state.position.wrapping_add(used as usize);
    let bits = if used.wrapping_add(window.width) <= WORD_BITS {
        word << used
    } else {
        load_whole(bytes, position)?
    };
    let xor = bits.wrapping_shr(64_u32.wrapping_sub(window.width)).wrapping_shl(window.trailing);
    let position = position.wrapping_add(window.width as usize);
    Some(State { position, t, delta, v: state.v ^ xor, window })
}

/// The delta of deltas behind a first bit of 1, and the bits that it takes; `None` for 64 bits.
#[inline(always)]
fn changed_distance(word: u64) -> Option<(u64, u32)> {
    let [a, b, c] = DOD_WIDTHS;
    match word >> 60 {
        0b1000..=0b1011 => Some(distance(word, 2, a)),
        0b1100 | 0b1101 => Some(distance(word, 3, b)),
        0b1110 => Some(distance(word, 4, c)),
        _ => None,
    }
}

#[inline(always)]
fn distance(word: u64, prefix: u32, width: u32) -> (u64, u32) {
    let bits = (word << prefix).wrapping_shr(64_u32.wrapping_sub(width));
    // The largest positive number has the bits of two's complement's smallest negative one.
    let least = (1_u64 << width.wrapping_sub(1)).wrapping_sub(1);
    let mask = (1_u64 << width).wrapping_sub(1);
    let dod = (bits.wrapping_add(least) & mask).wrapping_sub(least);
    (dod, prefix.wrapping_add(width))
}

/// [`WORD_BITS`] bits or more from a position on.
#[inline(always)]
fn load(bytes: &[u8], position: usize) -> Option<u64> {
    let at = position >> 3;
    let eight = bytes.get(at..at.wrapping_add(8))?.first_chunk()?;
    Some(u64::from_be_bytes(*eight) << (position & 7))
}

/// 64 bits from a position on.
#[inline(always)]
fn load_whole(bytes: &[u8], position: usize) -> Option<u64> {
    let at = position >> 3;
    let nine: &[u8; 9] = bytes.get(at..at.wrapping_add(9))?.first_chunk()?;
    let [.., last] = nine;
    let begin = position & 7;
    let word = u64::from_be_bytes(*nine.first_chunk()?);
    Some((word << begin) | (u64::from(*last) >> 8_usize.wrapping_sub(begin)))
}
