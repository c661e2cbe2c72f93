//! Values and timestamps on a page: where they end, and what they are.
#![deny(clippy::indexing_slicing)]

use super::work;
use crate::number;

/// Where a value of usual length ends: before a space or a line feed.
#[inline]
pub(super) fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?;
    let Some(chunk) = rest.first_chunk::<32>() else {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b' '))?;
        return Some(start + end);
    };
    let words = chunk.as_chunks::<8>().0;
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ repeat(b'\n')) | zeros(word ^ repeat(b' '));
        if found != 0 {
            return Some(start + 8 * number + (found.trailing_zeros() / 8) as usize);
        }
    }
    None
}

/// A value that is all of a piece of the page.
#[inline]
pub(super) fn indexed_value(bytes: &[u8], start: usize, end: usize) -> Option<f64> {
    match number::read_token(bytes, start, end) {
        Some(value) => Some(value),
        None => number::parse_value(bytes.get(start..end)?).ok(),
    }
}

/// A finite timestamp in seconds that is all of a piece of the page, as milliseconds.
#[inline]
pub(super) fn indexed_seconds(bytes: &[u8], start: usize, end: usize) -> Option<i64> {
    let seconds = indexed_value(bytes, start, end)?;
    seconds.is_finite().then(|| number::millis_from_seconds(seconds))
}

/// A value and where it ends: before a blank, a line feed or the page's end.
#[inline]
pub(super) fn fast_value(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    if let Some((value, end)) = number::read_digits(bytes, at)
        && matches!(bytes.get(end), Some(b' ' | b'\t' | b'\n'))
    {
        return Some((value, end));
    }
    if let Some(end) = value_end(bytes, at)
        && let Some(value) = number::read_token(bytes, at, end)
    {
        return Some((value, end));
    }
    let rest = bytes.get(at..)?;
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'{' | 0))
        .unwrap_or(rest.len());
    work::add(2 * end);
    let value = number::parse_value(rest.get(..end)?).ok()?;
    Some((value, at + end))
}

/// A finite timestamp in seconds, as milliseconds.
#[inline]
pub(super) fn fast_seconds(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let (seconds, end) = fast_value(bytes, at)?;
    seconds.is_finite().then(|| (number::millis_from_seconds(seconds), end))
}

pub(super) const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bit of each byte that is zero; above the first such byte there may be false ones.
pub(super) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(repeat(0x01)) & !word & repeat(0x80)
}
