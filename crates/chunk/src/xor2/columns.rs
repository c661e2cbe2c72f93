//! Decoding many samples of an XOR2 chunk at once, for columns: as for [XOR](crate::xor::columns),
//! with or without the field of the start timestamp behind each sample.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use core::iter::Zip;
use core::slice::IterMut;

use skopos_core::STALE_NAN_BITS;

use crate::varbit::short_int;
use crate::xor::columns::{Fill, Slots, State, WINDOW_BITS, WORD_BITS, load};
use crate::xor::decode::new_window;
use crate::xor2::DOD_WIDTHS;

/// The bits of the longest field of a start timestamp that is decoded here.
const FIELD_BITS: u32 = 32;

/// The state behind a sample without a field of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    /// Values are told against the last one that was no staleness marker.
    pub(super) state: State,
    /// The last value's bits.
    pub(super) v: u64,
}

/// The state behind a sample with a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started {
    pub(super) plain: Plain,
    /// The time of the sample before the last one, less the last one's start.
    pub(super) lag: i64,
}

/// Places for a time, a value and a start each.
pub(super) type StartedSlots<'a> = Zip<Slots<'a>, IterMut<'a, i64>>;

impl Fill<Slots<'_>> for Plain {
    #[inline(always)]
    fn state(&mut self) -> &mut State {
        &mut self.state
    }

    #[inline(always)]
    fn fill_some(&mut self, bytes: &[u8], end: usize, slots: &mut Slots<'_>) -> Option<()> {
        let word = load(bytes, self.state.position)?;
        if word >> 63 == 0 {
            let there = end.saturating_sub(self.state.position);
            let kept = word.leading_zeros().min(WORD_BITS) as usize;
            self.state.repeat(kept.min(there), 1, slots)?;
            self.v = self.state.v;
            return Some(());
        }
        let next = decode(bytes, word, &self.state)?;
        if end < next.state.position {
            return None;
        }
        let (t, v) = slots.next()?;
        (*t, *v) = (next.state.t, f64::from_bits(next.v));
        *self = next;
        Some(())
    }
}

impl Fill<StartedSlots<'_>> for Started {
    #[inline(always)]
    fn state(&mut self) -> &mut State {
        &mut self.plain.state
    }

    #[inline(always)]
    fn fill_some(&mut self, bytes: &[u8], end: usize, slots: &mut StartedSlots<'_>) -> Option<()> {
        let State { position, t: before, .. } = self.plain.state;
        let word = load(bytes, position)?;
        if word >> 62 == 0 {
            return self.repeat(word, end, slots);
        }
        let mut plain = if word >> 63 == 0 {
            kept(&self.plain.state, 1, 0)
        } else {
            decode(bytes, word, &self.plain.state)?
        };
        let used = plain.state.position.wrapping_sub(position);
        let field = if used <= (WORD_BITS - FIELD_BITS) as usize {
            word << used
        } else {
            load(bytes, plain.state.position)?
        };
        // That nothing changed is worth a branch: what follows need not wait for the bits then.
        let (more, used) = if field >> 63 == 0 { (0, 1) } else { short_int(field)? };
        plain.state.position = plain.state.position.wrapping_add(used as usize);
        if end < plain.state.position {
            return None;
        }
        let lag = self.lag.wrapping_add(more);
        let ((t, v), start) = slots.next()?;
        (*t, *v) = (plain.state.t, f64::from_bits(plain.v));
        *start = before.wrapping_sub(lag);
        *self = Self { plain, lag };
        Some(())
    }
}

impl Started {
    /// Decodes samples that keep the distances and the value: two zero bits each, many of which are
    /// seen at once.
    #[inline(always)]
    fn repeat(&mut self, word: u64, end: usize, slots: &mut StartedSlots<'_>) -> Option<()> {
        let Plain { mut state, .. } = self.plain;
        let there = end.saturating_sub(state.position) / 2;
        let kept = word.leading_zeros().min(WORD_BITS) as usize / 2;
        let run = kept.min(there).min(slots.len());
        if run == 0 {
            return None;
        }
        for ((t, v), start) in slots.by_ref().take(run) {
            *start = state.t.wrapping_sub(self.lag);
            state.t = state.t.wrapping_add_unsigned(state.delta);
            (*t, *v) = (state.t, f64::from_bits(state.v));
        }
        state.position = state.position.wrapping_add(run.wrapping_mul(2));
        self.plain = Plain { state, v: state.v };
        Some(())
    }
}

/// The state behind the sample that `word` begins with, which is not a lone zero bit; `None` for a
/// delta of deltas of 64 bits.
#[inline(always)]
fn decode(bytes: &[u8], word: u64, state: &State) -> Option<Plain> {
    if word >> 62 == 0b10 {
        let is_new = word >> 61 == 0b101;
        return changed(bytes, word, state, 3, 0, is_new);
    }
    let [a, b] = DOD_WIDTHS;
    let (dod, used) = match word >> 59 {
        0b11000..=0b11011 => distance(word, 3, a),
        0b11100 | 0b11101 => distance(word, 4, b),
        0b11111 => return Some(stale(state, 5, 0)),
        _ => return None,
    };
    match (word << used) >> 61 {
        0b000..=0b011 => Some(kept(state, used.wrapping_add(1), dod)),
        0b100 | 0b101 => changed(bytes, word, state, used.wrapping_add(2), dod, false),
        0b110 => changed(bytes, word, state, used.wrapping_add(3), dod, true),
        _ => Some(stale(state, used.wrapping_add(3), dod)),
    }
}

/// A delta of deltas in two's complement behind its prefix, and the bits of both.
#[inline(always)]
fn distance(word: u64, prefix: u32, width: u32) -> (u64, u32) {
    let dod = (word << prefix).cast_signed().wrapping_shr(64_u32.wrapping_sub(width));
    (dod.cast_unsigned(), prefix.wrapping_add(width))
}

#[inline(always)]
fn kept(state: &State, used: u32, dod: u64) -> Plain {
    let state = state.passed(used, dod);
    Plain { state, v: state.v }
}

#[inline(always)]
fn stale(state: &State, used: u32, dod: u64) -> Plain {
    Plain { state: state.passed(used, dod), v: STALE_NAN_BITS }
}

/// The state behind a value that differs, in the last window or a new one.
#[inline(always)]
fn changed(
    bytes: &[u8],
    word: u64,
    state: &State,
    used: u32,
    dod: u64,
    is_new: bool,
) -> Option<Plain> {
    let state = if is_new {
        let window = new_window(word << used);
        state.changed(bytes, word, used.wrapping_add(WINDOW_BITS), dod, window)?
    } else {
        state.changed(bytes, word, used, dod, state.window)?
    };
    Some(Plain { state, v: state.v })
}
