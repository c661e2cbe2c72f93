//! A run of values in order: one string, where each ends, and where its series are.

use std::cmp::Ordering;
use std::ops::Range;

use super::Slot;
use crate::dictionary::Sweep;

/// The most values of a leaf.
const MAX_VALUES: usize = 256;
/// The most bytes of a leaf, unless a single value is longer.
const MAX_TEXT: usize = 8 << 10;

/// What a value is found by: made once for a value that is looked up in many places or often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(super) head: u64,
    pub(super) tag: u8,
}

impl Key {
    pub(crate) fn of(value: &str) -> Self {
        Self { head: head(value.as_bytes()), tag: tag(value) }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Leaf {
    text: String,
    /// Behind each value's last byte. Invariant: as many as `slots`.
    ends: Vec<u32>,
    /// A byte made of each value, by which most of the others are passed over. Invariant: as many as
    /// `slots`.
    tags: Vec<u8>,
    slots: Vec<Slot>,
}

impl Leaf {
    pub(super) fn of(value: &str, slot: Slot) -> Self {
        let mut leaf = Self::default();
        leaf.insert(0, value, slot);
        leaf
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The value at a position that there is.
    fn value(&self, at: usize) -> &str {
        &self.text[self.start(at)..self.ends[at] as usize]
    }

    /// The same without a look at where its characters end.
    fn bytes(&self, at: usize) -> &[u8] {
        &self.text.as_bytes()[self.start(at)..self.ends[at] as usize]
    }

    pub(super) fn get(&self, at: usize) -> Option<&str> {
        (at < self.len()).then(|| self.value(at))
    }

    /// Whether the first value is not above this one.
    pub(super) fn starts_by(&self, value: &str) -> bool {
        self.ends
            .first()
            .is_none_or(|end| &self.text.as_bytes()[..*end as usize] <= value.as_bytes())
    }

    /// The first value; leaves in use have one.
    pub(super) fn first(&self) -> &str {
        self.get(0).unwrap_or_default()
    }

    pub(super) fn slot(&self, at: usize) -> Slot {
        self.slots[at]
    }

    pub(super) fn set_slot(&mut self, at: usize, slot: Slot) {
        self.slots[at] = slot;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Slot)> {
        let mut start = 0;
        self.ends.iter().zip(&self.slots).map(move |(end, slot)| {
            let value = &self.text[start..*end as usize];
            start = *end as usize;
            (value, *slot)
        })
    }

    /// How many values there are before the first for which `is_before` does not hold.
    pub(super) fn partition_point(&self, is_before: impl Fn(&str) -> bool) -> usize {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            if is_before(self.value(middle)) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }

    /// The position of a value.
    pub(super) fn position(&self, tag: u8, value: &str) -> Option<usize> {
        let mut same_tag = memchr::memchr_iter(tag, &self.tags);
        same_tag.find(|at| self.bytes(*at) == value.as_bytes())
    }

    /// The position of a value, or where it would have to be inserted.
    pub(super) fn find(&self, value: &str) -> Result<usize, usize> {
        if let Some(at) = self.position(tag(value), value) {
            return Ok(at);
        }
        let (first, last) = (self.first().as_bytes(), self.get(self.len().saturating_sub(1)));
        let shared = shared_len(first, last.unwrap_or_default().as_bytes());
        let value = value.as_bytes();
        match value.get(..shared).unwrap_or(value).cmp(&first[..shared]) {
            Ordering::Less => return Err(0),
            Ordering::Greater => return Err(self.len()),
            Ordering::Equal => {}
        }
        // All values begin alike, so what differs is in the bytes that follow.
        let (text, wanted) = (self.text.as_bytes(), head(&value[shared..]));
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            let other = &text[self.start(middle) + shared..self.ends[middle] as usize];
            match head(other).cmp(&wanted).then_with(|| other.cmp(&value[shared..])) {
                Ordering::Less => from = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => to = middle,
            }
        }
        Err(from)
    }

    pub(super) fn has_room(&self, value: &str) -> bool {
        self.len() < MAX_VALUES && self.text.len() + value.len() <= MAX_TEXT
    }

    pub(super) fn insert(&mut self, at: usize, value: &str, slot: Slot) {
        let start = self.start(at);
        self.text.insert_str(start, value);
        // A label value is held in memory several times over before its length overflows.
        let grown = value.len() as u32;
        self.ends.insert(at, start as u32);
        self.ends[at..].iter_mut().for_each(|end| *end += grown);
        self.tags.insert(at, tag(value));
        self.slots.insert(at, slot);
    }

    pub(super) fn remove(&mut self, at: usize) {
        let range = self.start(at)..self.ends[at] as usize;
        let shrunk = range.len() as u32;
        self.text.replace_range(range, "");
        self.ends.remove(at);
        self.ends[at..].iter_mut().for_each(|end| *end -= shrunk);
        self.tags.remove(at);
        self.slots.remove(at);
    }

    /// Splits the upper half off.
    pub(super) fn split(&mut self) -> Self {
        let at = self.len() / 2;
        let start = self.start(at);
        let mut rest = Self {
            text: self.text.split_off(start),
            ends: self.ends.split_off(at),
            tags: self.tags.split_off(at),
            slots: self.slots.split_off(at),
        };
        rest.ends.iter_mut().for_each(|end| *end -= start as u32);
        self.shrink();
        rest
    }

    /// Whether both together leave room.
    pub(super) fn can_join(&self, next: &Self) -> bool {
        self.len() + next.len() <= MAX_VALUES / 2
            && self.text.len() + next.text.len() <= MAX_TEXT / 2
    }

    pub(super) fn append(&mut self, next: &mut Self) {
        let start = self.text.len() as u32;
        self.text.push_str(&next.text);
        self.ends.extend(next.ends.iter().map(|end| end + start));
        self.tags.append(&mut next.tags);
        self.slots.append(&mut next.slots);
    }

    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.tags.shrink_to_fit();
        self.slots.shrink_to_fit();
    }

    pub(super) fn text_bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<u32>() + self.tags.capacity()
    }

    pub(super) fn slot_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    /// Visits those of the values at `range`, which is not empty, that the sweep asks for.
    pub(super) fn sweep(
        &self,
        range: Range<usize>,
        sweep: &Sweep<'_>,
        mut visit: impl FnMut(&str, Slot),
    ) {
        let Some(needle) = sweep.needle() else {
            let mut start = self.start(range.start);
            for at in range {
                let value = &self.text[start..self.ends[at] as usize];
                start = self.ends[at] as usize;
                if sweep.ends(value) {
                    visit(value, self.slots[at]);
                }
            }
            return;
        };
        let text = &self.text.as_bytes()[..self.ends[range.end - 1] as usize];
        let (mut at, mut from) = (range.start, self.start(range.start));
        while let Some(found) = needle.find(&text[from..]) {
            let found = from + found;
            at += self.ends[at..range.end].partition_point(|end| *end as usize <= found);
            let end = self.ends[at] as usize;
            if end < found + needle.needle().len() {
                // It reaches into the next value.
                from = found + 1;
                continue;
            }
            let value = self.value(at);
            if sweep.ends(value) {
                visit(value, self.slots[at]);
            }
            (at, from) = (at + 1, end);
            if at == range.end {
                break;
            }
        }
    }

    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }
}

/// The first eight bytes as a number that orders as they do; shorter texts end in zeros.
pub(super) fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_be_bytes(*eight),
        None => {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(eight)
        }
    }
}

/// A byte that differs for most different values.
fn tag(value: &str) -> u8 {
    let mut mixed = value.len() as u64;
    let mut rest = value.as_bytes();
    while let Some((eight, behind)) = rest.split_first_chunk() {
        mixed = mix(mixed ^ u64::from_le_bytes(*eight));
        rest = behind;
    }
    (mix(mixed ^ head(rest)) >> 56) as u8
}

fn mix(number: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    (number ^ number >> 32).wrapping_mul(ODD)
}

fn shared_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
