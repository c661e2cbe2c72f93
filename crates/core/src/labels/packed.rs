//! The layout behind [`Labels`]: one string of length-prefixed names and values.
//!
//! Lengths are written in groups of six bits, least significant first, each in one ASCII character
//! (`0x40` says that another group follows). So the whole is valid UTF-8 and every label is a safe,
//! constant-time slice of it. A length below 64 takes one byte.

use alloc::string::String;
use alloc::sync::Arc;
use core::cmp::Ordering;
use core::str;

use super::Labels;

const PAYLOAD: u8 = 0x3f;
const MORE: u8 = 0x40;

/// Bytes that are packed without an allocation; enough for nearly all sets.
const SHORT: usize = 512;

/// Strings of at most this length are copied without a call.
const FEW: usize = 16;

/// Writes labels, given in ascending order of names.
#[derive(Debug)]
pub(super) struct Packer {
    /// Invariant: `short[..len]` is UTF-8.
    short: [u8; SHORT],
    len: usize,
    /// Takes over when `short` is full.
    long: String,
}

impl Packer {
    #[inline]
    pub(super) fn new() -> Self {
        Self { short: [0; SHORT], len: 0, long: String::new() }
    }

    /// Appends a label; one with an empty value is left out.
    #[inline]
    pub(super) fn push(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        self.push_str(name);
        self.push_str(value);
    }

    #[inline]
    pub(super) fn finish(&self) -> Labels {
        let packed = if self.long.is_empty() { self.short() } else { &self.long };
        let labels = Labels { packed: Arc::from(packed) };
        debug_assert!(
            labels.iter().zip(labels.iter().skip(1)).all(|((a, _), (b, _))| a < b),
            "label names must be ascending and distinct: {labels}"
        );
        labels
    }

    fn short(&self) -> &str {
        str::from_utf8(&self.short[..self.len]).expect("whole strings and ASCII between them")
    }

    #[inline]
    fn push_str(&mut self, text: &str) {
        let fits = text.len() <= usize::from(PAYLOAD) && self.long.is_empty();
        if fits && let Some(out) = self.short.get_mut(self.len..self.len + 1 + text.len().max(FEW))
        {
            let (len, out) = out.split_at_mut(1);
            len[0] = text.len() as u8;
            copy(text.as_bytes(), out);
            self.len += 1 + text.len();
        } else {
            self.push_long(text);
        }
    }

    #[cold]
    fn push_long(&mut self, text: &str) {
        if self.long.is_empty() {
            self.long = self.short().into();
        }
        let mut rest = text.len();
        loop {
            let group = (rest & usize::from(PAYLOAD)) as u8;
            rest >>= 6;
            if rest == 0 {
                self.long.push(char::from(group));
                break;
            }
            self.long.push(char::from(group | MORE));
        }
        self.long.push_str(text);
    }
}

/// Copies `text` to the front of `out`, which has room for it and for [`FEW`] bytes.
#[inline]
fn copy(text: &[u8], out: &mut [u8]) {
    let copied = match text.len() {
        33.. => None,
        17.. => copy_ends::<16>(text, out),
        8.. => copy_ends::<8>(text, out),
        4.. => copy_ends::<4>(text, out),
        2.. => copy_ends::<2>(text, out),
        _ => copy_ends::<1>(text, out),
    };
    if copied.is_none() {
        out[..text.len()].copy_from_slice(text);
    }
}

/// Copies a text of `N` to twice as many bytes: its beginning and its end, which may overlap.
#[inline]
fn copy_ends<const N: usize>(text: &[u8], out: &mut [u8]) -> Option<()> {
    let (first, last) = (text.first_chunk::<N>()?, text.last_chunk::<N>()?);
    *out.first_chunk_mut()? = *first;
    *out.get_mut(..text.len())?.last_chunk_mut()? = *last;
    Some(())
}

/// The labels of a [`Labels`], in name order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a str,
}

impl<'a> Iter<'a> {
    pub(super) fn new(packed: &'a str) -> Self {
        Self { rest: packed }
    }

    #[inline]
    fn take_str(&mut self) -> Option<&'a str> {
        let (len, at) = length(self.rest.as_bytes(), 0)?;
        let (text, rest) = self.rest.get(at..)?.split_at_checked(len)?;
        self.rest = rest;
        Some(text)
    }
}

/// The length that is written at a byte, and where the text begins that has it.
#[inline]
fn length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let &group = bytes.get(at)?;
    if group & MORE == 0 { Some((usize::from(group), at + 1)) } else { long_length(bytes, at) }
}

fn long_length(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let (mut len, mut shift) = (0, 0);
    loop {
        let &group = bytes.get(at)?;
        at += 1;
        len |= usize::from(group & PAYLOAD) << shift;
        shift += 6;
        if group & MORE == 0 {
            return Some((len, at));
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let name = self.take_str()?;
        let value = self.take_str()?;
        Some((name, value))
    }

    /// Looks at the lengths alone.
    fn count(self) -> usize {
        let (bytes, mut at, mut texts) = (self.rest.as_bytes(), 0, 0);
        while let Some((len, start)) = length(bytes, at) {
            at = start + len;
            texts += 1;
        }
        texts / 2
    }
}

impl core::iter::FusedIterator for Iter<'_> {}

/// Orders two sets pair by pair, names before values; a prefix comes first.
///
/// Up to the first byte that differs the sets are the same, so that only the text around it is looked
/// at: if it is as long in both sets, that byte decides.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let Some(differs) = mismatch(a.as_bytes(), b.as_bytes()) else { return a.len().cmp(&b.len()) };
    let (mut left, mut right) = (Iter::new(a), Iter::new(b));
    loop {
        // The texts begin at the same place in both, as long as they are the same.
        let end = a.len() - left.rest.len();
        debug_assert!(end <= differs, "the difference was passed");
        match (left.take_str(), right.take_str()) {
            (Some(x), Some(y)) if x.len() != y.len() => return x.cmp(y),
            (Some(_), Some(_)) if differs < a.len() - left.rest.len() => {
                return a.as_bytes()[differs].cmp(&b.as_bytes()[differs]);
            }
            (Some(_), Some(_)) => {}
            // Not reached: a set that ends is a prefix of the other.
            (x, y) => return x.cmp(&y),
        }
    }
}

/// The first place where two texts differ before one of them ends.
fn mismatch(a: &[u8], b: &[u8]) -> Option<usize> {
    const BLOCK: usize = 32;
    let same = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)).take_while(|(x, y)| x == y);
    let skipped = same.count() * BLOCK;
    let rest = a[skipped..].iter().zip(&b[skipped..]);
    rest.enumerate().find(|(_, (x, y))| x != y).map(|(i, _)| skipped + i)
}
