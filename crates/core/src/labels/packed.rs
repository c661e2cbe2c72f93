//! The layout behind [`Labels`]: one string of length-prefixed names and values.
//!
//! Lengths are written in groups of six bits, least significant first, each in one ASCII character
//! (`0x40` says that another group follows). So the whole is valid UTF-8 and every label is a safe,
//! constant-time slice of it. A length below 64 takes one byte.

use alloc::string::String;
use core::cmp::Ordering;
use core::ops::Range;
use core::{fmt, str};

use super::{Labels, METRIC_NAME};

const PAYLOAD: u8 = 0x3f;
const MORE: u8 = 0x40;

/// Bytes that are packed without an allocation; enough for nearly all sets.
const SHORT: usize = 512;

/// Strings of at most this length are copied with what follows them, without a call.
const FEW: usize = 32;

/// The same of those that are longer than usual.
const MANY: usize = 64;

/// `__name__`, with more than is needed behind it.
const PADDED_METRIC_NAME: &[u8] = b"__name__                        ";

/// What is expected of texts that are packed.
const WHOLE: &str = "labels are UTF-8";

/// A check of whole words is faster than one with some bytes behind the last.
const WORDS: usize = 16;

/// Packs labels that come in name order, set after set in one buffer.
///
/// [`Labels::from_sorted_pairs`] packs one set; whoever makes many, as a parser does, keeps a packer.
/// A finished set costs the one allocation that it owns.
///
/// ```
/// use skopos_core::labels::LabelsPacker;
///
/// let mut packer = LabelsPacker::new();
/// packer.push("a", "1").push("b", "").push("c", "3");
/// assert_eq!(packer.finish().to_string(), r#"{a="1", c="3"}"#);
/// assert!(packer.finish().is_empty());
/// ```
pub struct LabelsPacker {
    short: Short,
    len: usize,
    /// How many labels there are, or were in the last set.
    count: usize,
    /// Takes over when `short` is full.
    long: String,
    /// How much of `short` the last set takes; nothing where it is not there any more.
    last: usize,
    /// Where in it the label stands that was changed last: its name, and its value.
    changed: (usize, usize),
}

/// Invariant: what is packed is UTF-8. Aligned, as a check of words wants it.
#[repr(align(16))]
struct Short([u8; SHORT + WORDS]);

impl LabelsPacker {
    /// A packer with an empty set.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self {
            short: Short([0; SHORT + WORDS]),
            len: 0,
            count: 0,
            long: String::new(),
            last: 0,
            changed: (0, 0),
        }
    }

    /// Adds a label whose name comes behind those of the others; one with an empty value is left out.
    ///
    /// A label out of order makes a set that is not equal to the right one; builds with debug
    /// assertions panic at its end then.
    #[inline]
    pub fn push(&mut self, name: &str, value: &str) -> &mut Self {
        if !value.is_empty() {
            let at = self.begin();
            self.count += 1;
            let at = self.push_str(at, name);
            self.len = self.push_str(at, value);
        }
        self
    }

    /// The same for labels whose name and value are the first so many bytes of longer texts, as they
    /// are of a page: takes less time, since a copy may look beyond their ends.
    ///
    /// ```
    /// # use skopos_core::labels::LabelsPacker;
    /// let mut packer = LabelsPacker::new();
    /// let text = "path=/,zone=north".as_bytes();
    /// let labels = [[(text, 4), (&text[5..], 1)], [(&text[7..], 4), (&text[12..], 5)]];
    /// assert_eq!(packer.push_prefixes(labels).finish().to_string(), r#"{path="/", zone="north"}"#);
    /// ```
    ///
    /// # Panics
    ///
    /// Where a name or value is not UTF-8 or longer than its text; not necessarily before
    /// [`finish`](Self::finish).
    #[inline]
    pub fn push_prefixes<'t>(
        &mut self,
        labels: impl IntoIterator<Item = [(&'t [u8], usize); 2]>,
    ) -> &mut Self {
        let mut at = self.begin();
        for texts in labels {
            if texts[1].1 == 0 {
                continue;
            }
            self.count += 1;
            for (text, len) in texts {
                at = self.put_prefix(at, text, len);
            }
        }
        self.len = at;
        self
    }

    /// Adds a metric's name and labels that come behind `__name__`, which all stand in one text, as they
    /// do on a page; each is told by its place. Takes less time still.
    ///
    /// ```
    /// # use skopos_core::labels::LabelsPacker;
    /// let mut packer = LabelsPacker::new();
    /// let text = b"hits{path=/,zone=north}";
    /// packer.push_series(text, 0..4, [[5..9, 10..11], [12..16, 17..22]]);
    /// assert_eq!(packer.finish().to_string(), r#"{__name__="hits", path="/", zone="north"}"#);
    /// ```
    ///
    /// # Panics
    ///
    /// Where a place is none of the text, or what stands there is not UTF-8; not necessarily before
    /// [`finish`](Self::finish).
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "places go from where they are told to copies")]
    pub fn push_series(
        &mut self,
        text: &[u8],
        metric_name: Range<usize>,
        labels: impl IntoIterator<Item = [Range<usize>; 2]>,
    ) -> &mut Self {
        let (mut at, mut count) = (self.begin(), self.count);
        if !metric_name.is_empty() {
            count += 1;
            at = self.put_prefix(at, PADDED_METRIC_NAME, METRIC_NAME.len());
            at = match self.short.put_place::<MANY>(at, text, metric_name.clone()) {
                Some(at) => at,
                None => self.put_place(at, text, metric_name),
            };
        }
        for [name, value] in labels {
            if value.is_empty() {
                continue;
            }
            count += 1;
            for place in [name, value] {
                at = match self.short.put_place::<FEW>(at, text, place.clone()) {
                    Some(at) => at,
                    None => self.put_place(at, text, place),
                };
            }
        }
        (self.len, self.count) = (at, count);
        self
    }

    /// Forgets what was added since the last set.
    ///
    /// ```
    /// # use skopos_core::labels::LabelsPacker;
    /// let mut packer = LabelsPacker::new();
    /// packer.push("a", "1").clear();
    /// assert!(packer.finish().is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.long.clear();
        (self.len, self.last, self.count) = (0, 0, 0);
    }

    /// The set of what was added since the last one.
    #[inline]
    pub fn finish(&mut self) -> Labels {
        self.begin();
        let labels = if self.long.is_empty() {
            (self.last, self.changed) = (self.len, (0, 0));
            Labels::new(self.short.packed(self.len), self.count)
        } else {
            let labels = Labels::new(&self.long, self.count);
            self.long.clear();
            self.count = 0;
            labels
        };
        self.len = 0;
        debug_assert!(
            labels.iter().zip(labels.iter().skip(1)).all(|((a, _), (b, _))| a < b),
            "label names must be ascending and distinct: {labels}"
        );
        labels
    }

    /// The set that was finished last, but with another value for the label `name`.
    ///
    /// Takes less time than to pack all of it. Nothing where there is no such label, where the packer
    /// does not have the set any more (something was added since, or it was a very long one), or where
    /// the value is empty or long; the set is packed anew then.
    ///
    /// ```
    /// # use skopos_core::labels::LabelsPacker;
    /// let mut packer = LabelsPacker::new();
    /// packer.push("le", "0.5").push("zone", "north").finish();
    /// let next = packer.finish_again("le", "10.0").unwrap();
    /// assert_eq!(next.to_string(), r#"{le="10.0", zone="north"}"#);
    /// assert_eq!(packer.finish_again("job", "api"), None);
    /// ```
    #[inline]
    pub fn finish_again(&mut self, name: &str, value: &str) -> Option<Labels> {
        if self.last == 0 {
            return None;
        }
        let (name_at, value_at) = self.changed;
        if self.short.0.get(name_at + 1..value_at) != Some(name.as_bytes()) {
            self.changed = self.short.find(self.last, name)?;
        }
        self.last = self.short.replace(self.changed.1, self.last, value.as_bytes())?;
        Some(Labels::new(self.short.packed(self.last), self.count))
    }

    /// Forgets the last set, if this is the first label of another one; gives where it goes.
    #[inline]
    fn begin(&mut self) -> usize {
        if self.last != 0 {
            (self.last, self.count) = (0, 0);
        }
        // Of what went on elsewhere, nothing goes here.
        if self.long.is_empty() { self.len } else { SHORT }
    }

    #[inline]
    fn push_str(&mut self, at: usize, text: &str) -> usize {
        match self.short.put_exact(at, text.as_bytes()) {
            Some(at) => at,
            None => self.put_other(at, text.as_bytes()),
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a loop over labels keeps its place in a register")]
    fn put_prefix(&mut self, at: usize, text: &[u8], len: usize) -> usize {
        match self.short.put_place::<FEW>(at, text, 0..len) {
            Some(at) => at,
            None => self.put_place(at, text, 0..len),
        }
    }

    /// Appends a piece of a text that is longer than usual, or at its end; gives where the next one
    /// goes.
    #[inline(never)]
    fn put_place(&mut self, at: usize, text: &[u8], place: Range<usize>) -> usize {
        match self.short.put_place::<MANY>(at, text, place.clone()) {
            Some(at) => at,
            None => self.put_other(at, &text[place]),
        }
    }

    /// Appends a text without a look beyond its end; gives where the next one goes.
    #[inline(never)]
    fn put_other(&mut self, at: usize, text: &[u8]) -> usize {
        if let Some(at) = self.short.put_exact(at, text) {
            return at;
        }
        if self.long.is_empty() {
            self.long = self.short.packed(at).into();
        }
        self.push_long(str::from_utf8(text).expect(WHOLE));
        SHORT
    }

    #[cold]
    fn push_long(&mut self, text: &str) {
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

impl Short {
    /// Appends a piece of a text behind its length, if it is not longer than `N`, and so many bytes can
    /// be read and written; gives where the next one goes.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a loop over labels keeps its place in a register")]
    fn put_place<const N: usize>(
        &mut self,
        at: usize,
        text: &[u8],
        Range { start, end }: Range<usize>,
    ) -> Option<usize> {
        let len = end.wrapping_sub(start);
        if N.min(usize::from(PAYLOAD)) < len {
            return None;
        }
        let from: &[u8; N] = text.get(start..start.checked_add(N)?)?.first_chunk()?;
        let (written, to) = self.room().get_mut(at..at + 1 + N)?.split_first_mut()?;
        *to.first_chunk_mut()? = *from;
        *written = len as u8;
        Some(at + 1 + len)
    }

    #[inline]
    fn room(&mut self) -> &mut [u8; SHORT] {
        let (room, _) = self.0.split_first_chunk_mut().expect("there is more");
        room
    }

    /// Appends a text behind its length, if it fits; gives where the next one goes.
    #[inline]
    fn put_exact(&mut self, at: usize, text: &[u8]) -> Option<usize> {
        if usize::from(PAYLOAD) < text.len() {
            return None;
        }
        let end = at + 1 + text.len();
        let (written, to) = self.room().get_mut(at..end)?.split_first_mut()?;
        *written = text.len() as u8;
        copy(text, to);
        Some(end)
    }

    /// Where a label's name and its value are, each with its length before it.
    #[inline(never)]
    fn find(&self, len: usize, name: &str) -> Option<(usize, usize)> {
        let packed = self.0.get(..len)?;
        let mut at = 0;
        loop {
            let name_at = at;
            let (name_len, start) = length(packed, name_at)?;
            let value_at = start + name_len;
            if packed.get(start..value_at) == Some(name.as_bytes()) {
                return Some((name_at, value_at));
            }
            let (value_len, start) = length(packed, value_at)?;
            at = start + value_len;
        }
    }

    /// Puts another value at the place of one; gives the new length of all, if it fits.
    #[inline]
    fn replace(&mut self, at: usize, len: usize, value: &[u8]) -> Option<usize> {
        let old = usize::from(*self.0.get(at)?);
        let (old_end, end) = (at + 1 + old, at + 1 + value.len());
        let new_len = (len + value.len()).checked_sub(old)?;
        if value.is_empty() || usize::from(PAYLOAD) < value.len() || SHORT < new_len {
            return None;
        }
        if end != old_end && old_end != len {
            self.0.copy_within(old_end..len, end);
        }
        self.put_exact(at, value)?;
        Some(new_len)
    }

    /// What is packed.
    #[inline]
    fn packed(&mut self, len: usize) -> &str {
        // NULs behind it, as far as words go.
        let behind = self.0.get_mut(len..).and_then(<[u8]>::first_chunk_mut::<WORDS>);
        *behind.expect("a set is not longer than its room") = [0; WORDS];
        let text = self.0.get(..len.next_multiple_of(WORDS)).map(str::from_utf8);
        text.and_then(Result::ok).and_then(|text| text.get(..len)).expect(WHOLE)
    }
}

impl Default for LabelsPacker {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LabelsPacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabelsPacker").finish_non_exhaustive()
    }
}

/// Copies a text to a place of its length, of a usual length without a call.
#[inline]
fn copy(text: &[u8], out: &mut [u8]) {
    let copied = match text.len() {
        33.. => copy_ends::<32>(text, out),
        17.. => copy_ends::<16>(text, out),
        8.. => copy_ends::<8>(text, out),
        4.. => copy_ends::<4>(text, out),
        2.. => copy_ends::<2>(text, out),
        _ => copy_ends::<1>(text, out),
    };
    if copied.is_none() {
        out.copy_from_slice(text);
    }
}

/// Copies a text of `N` to twice as many bytes: its beginning and its end, which may overlap.
#[inline]
fn copy_ends<const N: usize>(text: &[u8], out: &mut [u8]) -> Option<()> {
    let (first, last) = (text.first_chunk::<N>()?, text.last_chunk::<N>()?);
    *out.first_chunk_mut()? = *first;
    *out.last_chunk_mut()? = *last;
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
