//! Decoding many samples of an XOR chunk at once, for columns; and what XOR2 shares of it.
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
pub(crate) const WORD_BITS: u32 = 57;
/// The bits of a window: its count of leading zeros, and its width.
pub(crate) const WINDOW_BITS: u32 = LEADING_BITS + WIDTH_BITS;

/// The most bytes whose samples may need a load behind the end.
const TAIL: usize = 24;

/// The state between samples, small enough for registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// In bits.
    pub(crate) position: usize,
    pub(crate) t: i64,
    pub(crate) delta: u64,
    /// The bits that the next value is told against.
    pub(crate) v: u64,
    pub(crate) window: Window,
}

/// Places for a time and a value each.
pub(crate) type Slots<'a> = Zip<IterMut<'a, i64>, IterMut<'a, f64>>;

/// What decodes samples into the slots `I`.
pub(crate) trait Fill<I>: Copy {
    /// The state that all encodings have.
    fn state(&mut self) -> &mut State;

    /// Decodes a sample, or several unchanged ones; `None` for something rare, for a sample behind
    /// the bit `end`, or for a load behind the bytes.
    fn fill_some(&mut self, bytes: &[u8], end: usize, slots: &mut I) -> Option<()>;
}

/// Decodes into slots until they are filled or something rare comes; returns how many were filled.
///
/// Decodes whole samples only, none that ends behind the bytes.
#[inline(always)]
pub(crate) fn fill<F: Fill<I>, I: ExactSizeIterator>(
    bytes: &[u8],
    from: &mut F,
    mut slots: I,
) -> usize {
    let len = slots.len();
    fill_from(bytes, usize::MAX, from, &mut slots);
    let start = from.state().position >> 3;
    let tail = bytes.get(start..).unwrap_or_default();
    let mut padded = [0; 2 * TAIL];
    // Loads would reach behind the end; of a copy with zeros behind they do not.
    if 0 < slots.len()
        && let Some(copy) = padded.get_mut(..tail.len()).filter(|copy| copy.len() <= TAIL)
    {
        copy.copy_from_slice(tail);
        let skipped = start.wrapping_mul(8);
        from.state().position = from.state().position.wrapping_sub(skipped);
        fill_from(&padded, tail.len().wrapping_mul(8), from, &mut slots);
        from.state().position = from.state().position.wrapping_add(skipped);
    }
    len.saturating_sub(slots.len())
}

/// The same with samples up to the bit `end` only, and where all loads lie within the bytes.
#[inline(always)]
fn fill_from<F: Fill<I>, I>(bytes: &[u8], end: usize, from: &mut F, slots: &mut I) {
    // A wider window is a corrupt one.
    if from.state().window.trailing < 64 {
        // A copy of our own, so that its fields can live in registers.
        let mut at = *from;
        while at.fill_some(bytes, end, slots).is_some() {}
        *from = at;
    }
}

impl Fill<Slots<'_>> for State {
    fn state(&mut self) -> &mut State {
        self
    }

    #[inline(always)]
    fn fill_some(&mut self, bytes: &[u8], end: usize, slots: &mut Slots<'_>) -> Option<()> {
        let word = load(bytes, self.position)?;
        if word >> 62 == 0 {
            let there = end.saturating_sub(self.position) / 2;
            let kept = word.leading_zeros().min(WORD_BITS) as usize / 2;
            return self.repeat(kept.min(there), 2, slots);
        }
        let next = decode(bytes, word, self)?;
        if end < next.position {
            return None;
        }
        let (t, v) = slots.next()?;
        (*t, *v) = (next.t, f64::from_bits(next.v));
        *self = next;
        Some(())
    }
}

impl State {
    /// Decodes up to `run` samples of so many zero bits each, which keep the distance and the value.
    #[inline(always)]
    pub(crate) fn repeat(&mut self, run: usize, bits: usize, slots: &mut Slots<'_>) -> Option<()> {
        let run = run.min(slots.len());
        if run == 0 {
            return None;
        }
        for (t, v) in slots.by_ref().take(run) {
            self.t = self.t.wrapping_add_unsigned(self.delta);
            (*t, *v) = (self.t, f64::from_bits(self.v));
        }
        self.position = self.position.wrapping_add(run.wrapping_mul(bits));
        Some(())
    }

    /// The state so many bits on, behind a sample of which the value is the same.
    #[inline(always)]
    pub(crate) fn passed(&self, used: u32, dod: u64) -> Self {
        let position = self.position.wrapping_add(used as usize);
        let delta = self.delta.wrapping_add(dod);
        let t = self.t.wrapping_add_unsigned(delta);
        Self { position, t, delta, ..*self }
    }

    /// The state behind the value's XOR, which follows `used` bits of the word at the position.
    #[inline(always)]
    pub(crate) fn changed(
        &self,
        bytes: &[u8],
        word: u64,
        used: u32,
        dod: u64,
        window: Window,
    ) -> Option<Self> {
        if 64 <= window.trailing {
            return None;
        }
        let next = self.passed(used, dod);
        let bits = if used.wrapping_add(window.width) <= WORD_BITS {
            word << used
        } else {
            load_whole(bytes, next.position)?
        };
        let xor =
            bits.wrapping_shr(64_u32.wrapping_sub(window.width)).wrapping_shl(window.trailing);
        let position = next.position.wrapping_add(window.width as usize);
        Some(Self { position, v: next.v ^ xor, window, ..next })
    }
}

/// The state behind the sample that `word` begins with.
#[inline(always)]
fn decode(bytes: &[u8], word: u64, state: &State) -> Option<State> {
    let (dod, used) = if word >> 63 == 0 { (0, 1) } else { changed_distance(word)? };
    let control = word << used;
    if control >> 63 == 0 {
        return Some(state.passed(used.wrapping_add(1), dod));
    }
    let used = used.wrapping_add(2);
    if control >> 62 == 0b10 {
        return state.changed(bytes, word, used, dod, state.window);
    }
    let window = new_window(control << 2);
    state.changed(bytes, word, used.wrapping_add(WINDOW_BITS), dod, window)
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
pub(crate) fn load(bytes: &[u8], position: usize) -> Option<u64> {
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
