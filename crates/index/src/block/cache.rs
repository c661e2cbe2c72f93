//! Long postings lists as compressed sets, remembered.
//!
//! Decoding a list costs more than most selections do with it, and the same few long lists (a metric's,
//! a job's) are asked for again and again. Those whose ids are taken as they are are remembered in a
//! second form, which is read faster. When the room is used up everything is forgotten: what is in use
//! comes back at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use crate::set::IdSet;

/// Which set, in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// All series, to be read.
    AllIds,
    /// The series of the list with this number, to be read.
    Ids(u32),
    /// The series with the label whose first list has this number, to be read.
    PresentIds(u32),
    /// The series of the list with this number, to be met with others.
    Set(u32),
}

/// Sets by their keys.
#[derive(Debug)]
pub(super) struct SetCache {
    /// How many bytes of heap the sets may take together.
    room: usize,
    sets: Mutex<Sets>,
}

#[derive(Debug, Default)]
struct Sets {
    by_key: HashMap<Key, Arc<IdSet>>,
    /// Invariant: the sum of the sets' sizes, at most the room.
    bytes: usize,
}

impl SetCache {
    pub(super) fn new(room: usize) -> Self {
        Self { room, sets: Mutex::default() }
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<IdSet>> {
        self.sets().by_key.get(&key).map(Arc::clone)
    }

    pub(super) fn put(&self, key: Key, set: &Arc<IdSet>) {
        let size = set.heap_bytes();
        if self.room < size {
            return;
        }
        let mut sets = self.sets();
        if self.room - size < sets.bytes {
            *sets = Sets::default();
        }
        if sets.by_key.insert(key, Arc::clone(set)).is_none() {
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
            cache.put(Key::Set(number), &set(1000));
            cache.put(Key::Set(number), &set(1000));
            assert!(cache.get(Key::Set(number)).is_some_and(|found| *found == *set(1000)));
            assert!(cache.get(Key::Ids(number)).is_none());
            assert!(cache.heap_bytes() <= room);
        }
        cache.put(Key::Set(10), &set(10_000));
        assert!(cache.get(Key::Set(10)).is_none() && cache.get(Key::Set(9)).is_some());
    }
}
