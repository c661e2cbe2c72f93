//! Long postings lists as compressed sets, remembered.
//!
//! Decoding a list costs more than most selections do with it, and the same few long lists (a metric's,
//! a job's) are asked for again and again. When the room is used up everything is forgotten: what is in
//! use comes back at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use crate::set::IdSet;

/// Sets by the number of their list.
#[derive(Debug)]
pub(super) struct SetCache {
    /// How many bytes of heap the sets may take together.
    room: usize,
    sets: Mutex<Sets>,
}

#[derive(Debug, Default)]
struct Sets {
    by_number: HashMap<u32, Arc<IdSet>>,
    /// Invariant: the sum of the sets' sizes, at most the room.
    bytes: usize,
}

impl SetCache {
    pub(super) fn new(room: usize) -> Self {
        Self { room, sets: Mutex::default() }
    }

    pub(super) fn get(&self, number: u32) -> Option<Arc<IdSet>> {
        self.sets().by_number.get(&number).map(Arc::clone)
    }

    pub(super) fn put(&self, number: u32, set: &Arc<IdSet>) {
        let size = set.heap_bytes();
        if self.room < size {
            return;
        }
        let mut sets = self.sets();
        if self.room - size < sets.bytes {
            *sets = Sets::default();
        }
        if sets.by_number.insert(number, Arc::clone(set)).is_none() {
            sets.bytes += size;
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.sets().bytes
    }

    fn sets(&self) -> MutexGuard<'_, Sets> {
        // A panic elsewhere leaves at worst a set that is not counted.
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let set = |count| Arc::new(IdSet::from_sorted((0..count).map(|id| id * 7)));
        let room = set(1000).heap_bytes() * 5 / 2;
        let cache = SetCache::new(room);
        for number in 0..10 {
            cache.put(number, &set(1000));
            cache.put(number, &set(1000));
            assert!(cache.get(number).is_some_and(|found| *found == *set(1000)));
            assert!(cache.heap_bytes() <= room);
        }
        cache.put(10, &set(10_000));
        assert!(cache.get(10).is_none() && cache.get(9).is_some());
    }
}
