//! Sets of series ids while a selection is evaluated, and their algebra.
//!
//! Ids of a block are multiples of 16 bytes in its file, so they are dense enough for plain bits and
//! come in lists that need no copy to be searched. Which form a set has follows from its size; each
//! operation works on what it gets and sorts or compresses only at the end.

use std::ops::Range;

use roaring::RoaringBitmap;

use crate::ids::SeriesIds;

use super::list::List;

/// A set has bits rather than numbers if it has one id in so many.
const BITS_FROM: usize = 64;

/// Ascending numbers that can be searched.
pub(super) trait Ascending {
    fn count(&self) -> usize;

    /// The number at `index`, which is below the count.
    fn number(&self, index: usize) -> u32;

    /// The index of the first number from `from` on that is not below `target`: in steps that double,
    /// so that near ones are found fast.
    #[inline]
    fn seek(&self, from: usize, target: u32) -> usize {
        let count = self.count();
        let (mut low, mut step) = (from, 1);
        while low + step <= count && self.number(low + step - 1) < target {
            low += step;
            step *= 2;
        }
        let mut high = count.min(low + step);
        while low < high {
            let middle = low.midpoint(high);
            if self.number(middle) < target {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

impl Ascending for [[u8; 4]] {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn number(&self, index: usize) -> u32 {
        u32::from_be_bytes(self[index])
    }
}

impl Ascending for [u32] {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn number(&self, index: usize) -> u32 {
        self[index]
    }
}

/// A set of ids.
#[derive(Clone, Debug)]
pub(super) enum Ids<'a> {
    Bits(Bits),
    /// A list in the file.
    Listed(List<'a>),
    /// Invariant: ascending, distinct, where the file's lists are.
    Sorted(Vec<u32>),
}

impl Ids<'_> {
    pub(super) const EMPTY: Self = Self::Sorted(Vec::new());

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Bits(bits) => bits.is_empty(),
            Self::Listed(list) => list.len() == 0,
            Self::Sorted(ids) => ids.is_empty(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.len(),
            Self::Listed(list) => list.len(),
            Self::Sorted(ids) => ids.len(),
        }
    }

    pub(super) fn for_each(&self, mut visit: impl FnMut(u32)) {
        match self {
            Self::Bits(bits) => bits.iter().for_each(visit),
            Self::Listed(list) => list.iter().for_each(visit),
            Self::Sorted(ids) => ids.iter().for_each(|id| visit(*id)),
        }
    }

    pub(super) fn to_vec(&self) -> Vec<u32> {
        match self {
            Self::Bits(bits) => bits.iter().collect(),
            Self::Listed(list) => list.iter().collect(),
            Self::Sorted(ids) => ids.clone(),
        }
    }

    /// Whether an id of `list` is in the set.
    pub(super) fn meets(&self, list: List<'_>) -> bool {
        match self {
            Self::Bits(bits) => list.iter().any(|id| bits.contains(id)),
            Self::Listed(own) => meet(own.as_slice(), list.as_slice()),
            Self::Sorted(ids) => meet(ids.as_slice(), list.as_slice()),
        }
    }

    /// The set as bits, for many questions.
    pub(super) fn to_bits(&self) -> Bits {
        match self {
            Self::Bits(bits) => bits.clone(),
            Self::Listed(list) => Bits::collect(list.as_slice()),
            Self::Sorted(ids) => Bits::collect(ids.as_slice()),
        }
    }

    /// The ids of `list` that are in the set.
    pub(super) fn intersect_list(&self, list: List<'_>, found: &mut Vec<u32>) {
        match self {
            Self::Bits(bits) => found.extend(list.iter().filter(|id| bits.contains(*id))),
            Self::Listed(own) => intersect(own.as_slice(), list.as_slice(), found),
            Self::Sorted(ids) => intersect(ids.as_slice(), list.as_slice(), found),
        }
    }

    pub(super) fn intersect(self, other: &Ids<'_>) -> Ids<'static> {
        let mut found = Vec::new();
        match (&self, other) {
            (Self::Bits(bits), Ids::Bits(other)) => {
                let mut bits = bits.clone();
                bits.intersect(other);
                return Ids::Bits(bits);
            }
            (_, Ids::Listed(list)) => self.intersect_list(*list, &mut found),
            (Self::Listed(list), _) => other.intersect_list(*list, &mut found),
            (Self::Sorted(ids), Ids::Sorted(others)) => {
                intersect(ids.as_slice(), others.as_slice(), &mut found);
            }
            (Self::Sorted(ids), Ids::Bits(bits)) | (Self::Bits(bits), Ids::Sorted(ids)) => {
                found.extend(ids.iter().filter(|id| bits.contains(**id)));
            }
        }
        Ids::Sorted(found)
    }

    pub(super) fn subtract(self, other: &Ids<'_>) -> Ids<'static> {
        let mut left = Vec::new();
        match (&self, other) {
            (Self::Bits(bits), _) => {
                let mut bits = bits.clone();
                match other {
                    Ids::Bits(other) => bits.subtract(other),
                    _ => other.for_each(|id| bits.remove(id)),
                }
                return Ids::Bits(bits);
            }
            (_, Ids::Bits(bits)) => self.for_each(|id| {
                if !bits.contains(id) {
                    left.push(id);
                }
            }),
            (Self::Listed(list), Ids::Listed(other)) => {
                subtract(list.as_slice(), other.as_slice(), &mut left);
            }
            (Self::Listed(list), Ids::Sorted(other)) => {
                subtract(list.as_slice(), other.as_slice(), &mut left);
            }
            (Self::Sorted(ids), Ids::Listed(other)) => {
                subtract(ids.as_slice(), other.as_slice(), &mut left);
            }
            (Self::Sorted(ids), Ids::Sorted(other)) => {
                subtract(ids.as_slice(), other.as_slice(), &mut left);
            }
        }
        Ids::Sorted(left)
    }

    /// The set as it is given away; `None` if a list in the file does not ascend.
    pub(super) fn finish(&self) -> Option<SeriesIds> {
        let bitmap = match self {
            Self::Bits(bits) => bits.to_bitmap(),
            Self::Listed(list) => compress(list.as_slice())?,
            Self::Sorted(ids) => compress(ids.as_slice())?,
        };
        Some(SeriesIds::from_bitmap(bitmap))
    }
}

/// The ids of several lists together. The lists of one name have no id in common in a sound file.
pub(super) fn unite<'a>(lists: &[List<'a>], space: &Range<u32>) -> Option<Ids<'a>> {
    if let [one] = lists {
        return Some(Ids::Listed(*one));
    }
    let total: usize = lists.iter().map(List::len).sum();
    if total < space.len() / BITS_FROM {
        let mut ids: Vec<u32> = Vec::with_capacity(total);
        lists.iter().for_each(|list| ids.extend(list.iter()));
        return Some(sorted(ids));
    }
    let mut bits = Bits::new(space.clone());
    for list in lists {
        for id in list.iter() {
            if !bits.insert(id) {
                return None;
            }
        }
    }
    Some(Ids::Bits(bits))
}

/// The ids of `within` that are in one of `lists`.
pub(super) fn unite_within(lists: &[List<'_>], within: &Ids<'_>) -> Ids<'static> {
    let mut found = Vec::new();
    if let ([_, _, ..], Ids::Listed(_) | Ids::Sorted(_)) = (lists, within)
        && 16 < lists.len()
    {
        let bits = Ids::Bits(within.to_bits());
        lists.iter().for_each(|list| bits.intersect_list(*list, &mut found));
    } else {
        lists.iter().for_each(|list| within.intersect_list(*list, &mut found));
    }
    if lists.len() == 1 { Ids::Sorted(found) } else { sorted(found) }
}

fn sorted(mut ids: Vec<u32>) -> Ids<'static> {
    ids.sort_unstable();
    ids.dedup();
    Ids::Sorted(ids)
}

/// Both sides' numbers, found by jumping in the longer one.
fn intersect<A: Ascending + ?Sized, B: Ascending + ?Sized>(a: &A, b: &B, found: &mut Vec<u32>) {
    if b.count() < a.count() {
        return intersect(b, a, found);
    }
    let (Some(last), true) = (a.count().checked_sub(1), 0 < b.count()) else { return };
    // Series are in the order of their labels, so that lists often overlap in a small part alone.
    let start = a.seek(0, b.number(0));
    let end = a.seek(start, b.number(b.count() - 1)).min(last);
    let mut at = 0;
    for index in start..=end {
        let id = a.number(index);
        at = b.seek(at, id);
        if at == b.count() {
            return;
        }
        if b.number(at) == id {
            found.push(id);
        }
    }
}

fn meet<A: Ascending + ?Sized, B: Ascending + ?Sized>(a: &A, b: &B) -> bool {
    if b.count() < a.count() {
        return meet(b, a);
    }
    let mut at = 0;
    (0..a.count()).any(|index| {
        let id = a.number(index);
        at = b.seek(at, id);
        at < b.count() && b.number(at) == id
    })
}

fn subtract<A: Ascending + ?Sized, B: Ascending + ?Sized>(a: &A, b: &B, left: &mut Vec<u32>) {
    let mut at = 0;
    for index in 0..a.count() {
        let id = a.number(index);
        at = b.seek(at, id);
        if at == b.count() || b.number(at) != id {
            left.push(id);
        }
    }
}

fn compress<A: Ascending + ?Sized>(ids: &A) -> Option<RoaringBitmap> {
    let count = ids.count();
    if 0 < count {
        let (first, last) = (ids.number(0), ids.number(count - 1));
        if first <= last && ((last - first) as usize) < count.saturating_mul(BITS_FROM) {
            let mut bits = Bits::new(first..last.saturating_add(1));
            let all_in = (0..count).all(|index| bits.insert(ids.number(index)));
            return all_in.then(|| bits.to_bitmap());
        }
    }
    RoaringBitmap::from_sorted_iter((0..count).map(|index| ids.number(index))).ok()
}

/// A set of ids from a range, one bit each.
#[derive(Clone, Debug)]
pub(super) struct Bits {
    /// Invariant: a multiple of 65,536, as compressed sets are cut.
    base: u32,
    /// The least significant bit of the first byte stands for `base`.
    bytes: Vec<u8>,
}

impl Bits {
    pub(super) fn new(range: Range<u32>) -> Self {
        let base = range.start & !0xffff;
        let length = (range.end.max(base) - base).div_ceil(8) as usize;
        Self { base, bytes: vec![0; length.next_multiple_of(8)] }
    }

    fn collect<A: Ascending + ?Sized>(ids: &A) -> Self {
        let count = ids.count();
        if count == 0 {
            return Self::new(0..0);
        }
        let mut bits = Self::new(ids.number(0)..ids.number(count - 1).saturating_add(1));
        for index in 0..count {
            bits.insert(ids.number(index));
        }
        bits
    }

    /// Adds an id; `false` if it is not in the range.
    #[inline]
    pub(super) fn insert(&mut self, id: u32) -> bool {
        let at = id.wrapping_sub(self.base);
        match self.bytes.get_mut((at >> 3) as usize) {
            Some(byte) => *byte |= 1 << (at & 7),
            None => return false,
        }
        true
    }

    fn remove(&mut self, id: u32) {
        let at = id.wrapping_sub(self.base);
        if let Some(byte) = self.bytes.get_mut((at >> 3) as usize) {
            *byte &= !(1 << (at & 7));
        }
    }

    #[inline]
    pub(super) fn contains(&self, id: u32) -> bool {
        let at = id.wrapping_sub(self.base);
        self.bytes.get((at >> 3) as usize).is_some_and(|byte| byte >> (at & 7) & 1 == 1)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    fn is_empty(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == 0)
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        // The length is a multiple of eight.
        self.bytes.as_chunks().0.iter().map(|eight| u64::from_le_bytes(*eight))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let words = (self.base..).step_by(64).zip(self.words());
        words.flat_map(|(first, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros();
                word &= word.wrapping_sub(1);
                (bit < 64).then(|| first + bit)
            })
        })
    }

    fn intersect(&mut self, other: &Self) {
        self.combine(other, |own, other| own & other, 0);
    }

    fn subtract(&mut self, other: &Self) {
        self.combine(other, |own, other| own & !other, 0);
    }

    /// Combines byte by byte; where `other` has none, it counts as `absent`.
    fn combine(&mut self, other: &Self, with: impl Fn(u8, u8) -> u8, absent: u8) {
        // Bases are multiples of 65,536, so that bytes stand for the same ids or for none.
        let skip = (other.base.saturating_sub(self.base) / 8) as usize;
        let ahead = (self.base.saturating_sub(other.base) / 8) as usize;
        let split = skip.min(self.bytes.len());
        let (front, back) = self.bytes.split_at_mut(split);
        let others = other.bytes.get(ahead..).unwrap_or_default();
        let common = back.len().min(others.len());
        let (back, tail) = back.split_at_mut(common);
        front.iter_mut().chain(tail).for_each(|byte| *byte = with(*byte, absent));
        back.iter_mut().zip(others).for_each(|(byte, other)| *byte = with(*byte, *other));
    }

    fn to_bitmap(&self) -> RoaringBitmap {
        RoaringBitmap::from_lsb0_bytes(self.base, &self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = BTreeSet<u32>> {
        let near = proptest::collection::btree_set(100_000_u32..100_200, 0..60);
        let wide = proptest::collection::btree_set(0_u32..400_000, 0..40);
        prop_oneof![near, wide]
    }

    fn forms(ids: &BTreeSet<u32>) -> [Ids<'static>; 2] {
        let ids: Vec<u32> = ids.iter().copied().collect();
        [Ids::Bits(Bits::collect(ids.as_slice())), Ids::Sorted(ids)]
    }

    proptest! {
        #[test]
        fn every_form_is_the_same_set(a in numbers(), b in numbers()) {
            let encoded: Vec<[u8; 4]> = b.iter().map(|id| id.to_be_bytes()).collect();
            let list = List::of(&encoded);
            let others = forms(&b).into_iter().chain([Ids::Listed(list)]);
            for other in others {
                for own in forms(&a) {
                    prop_assert_eq!(own.len(), a.len());
                    prop_assert_eq!(own.meets(list), !a.is_disjoint(&b));
                    let both: Vec<u32> = a.intersection(&b).copied().collect();
                    prop_assert_eq!(own.clone().intersect(&other).to_vec(), &*both);
                    prop_assert_eq!(unite_within(&[list, List::default()], &own).to_vec(), &*both);
                    let left: Vec<u32> = a.difference(&b).copied().collect();
                    prop_assert_eq!(own.clone().subtract(&other).to_vec(), left);
                    let left: Vec<u32> = b.difference(&a).copied().collect();
                    prop_assert_eq!(other.clone().subtract(&own).to_vec(), left);
                    let finished: Vec<u32> =
                        own.finish().unwrap().iter().map(|id| id.0).collect();
                    prop_assert_eq!(finished, a.iter().copied().collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn a_list_that_does_not_ascend_is_no_set_or_a_set_of_its_ids() {
        let ids = [7_u32, 3].map(u32::to_be_bytes);
        assert!(Ids::Listed(List::of(&ids)).finish().is_none());
    }
}
