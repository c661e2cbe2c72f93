//! Where values were found in the postings offset table, remembered.
//!
//! The same few values (a metric's, a job's) are looked up again and again. What is remembered is a
//! place to look at first: whoever reads it compares the value that stands there, so a slot that two
//! threads wrote at once is no more than a miss.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::DefaultHashBuilder;

/// No more places than these are remembered.
const MOST: usize = 1024;

/// A number of slots that does not change; a new place takes the slot of an old one.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    hasher: DefaultHashBuilder,
    /// As many as a power of two, or none.
    slots: Box<[Slot]>,
}

#[derive(Debug, Default)]
struct Slot {
    /// The hash of the key, xor what was found: halves of two writes do not fit together.
    check: AtomicU64,
    found: AtomicU64,
}

/// The place of an entry in the table, and its number in the order of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: u32,
    pub(super) number: u32,
}

impl Lookups {
    /// Room for some of `entries`.
    pub(super) fn new(entries: u32) -> Self {
        let count = MOST.min((entries as usize).next_power_of_two());
        let slots = std::iter::repeat_with(Slot::default).take(count).collect();
        Self { hasher: DefaultHashBuilder::default(), slots }
    }

    /// The hash by which a value of the name that has this number is remembered.
    pub(super) fn hash(&self, name: u32, value: &[u8]) -> u64 {
        self.hasher.hash_one((name, value))
    }

    pub(super) fn get(&self, hash: u64) -> Option<Found> {
        let slot = self.slot(hash)?;
        let found = slot.found.load(Ordering::Relaxed);
        // No entry is at place 0, so a slot that was never written is none.
        let is_there = slot.check.load(Ordering::Relaxed) ^ found == hash && found != 0;
        let [a, b, c, d, number @ ..] = found.to_be_bytes();
        let place = u32::from_be_bytes([a, b, c, d]);
        is_there.then(|| Found { place, number: u32::from_be_bytes(number) })
    }

    pub(super) fn put(&self, hash: u64, found: Found) {
        if let Some(slot) = self.slot(hash) {
            let found = u64::from(found.place) << 32 | u64::from(found.number);
            slot.found.store(found, Ordering::Relaxed);
            slot.check.store(hash ^ found, Ordering::Relaxed);
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    fn slot(&self, hash: u64) -> Option<&Slot> {
        let mask = self.slots.len().wrapping_sub(1) as u64;
        self.slots.get(usize::try_from(hash & mask).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_found_until_another_takes_its_slot() {
        let lookups = Lookups::new(3);
        assert_eq!(lookups.heap_bytes(), 4 * 16);
        let (one, other) = (0x1234_0000_0000_0001, 0x5678_0000_0000_0001);
        assert_eq!(lookups.get(one), None);
        let found = Found { place: u32::MAX, number: 7 };
        lookups.put(one, found);
        assert_eq!((lookups.get(one), lookups.get(other)), (Some(found), None));
        lookups.put(other, Found { place: 4, number: 0 });
        assert_eq!(lookups.get(one), None);
        assert_eq!(lookups.get(other), Some(Found { place: 4, number: 0 }));
    }

    #[test]
    fn without_entries_nothing_is_remembered() {
        let lookups = Lookups::default();
        lookups.put(5, Found { place: 4, number: 0 });
        assert_eq!(lookups.get(5), None);
    }

    #[test]
    fn values_of_two_names_have_two_hashes() {
        let lookups = Lookups::new(1000);
        assert_ne!(lookups.hash(0, b"a"), lookups.hash(1, b"a"));
        assert_eq!(lookups.hash(1, b"a"), lookups.hash(1, b"a"));
    }
}
