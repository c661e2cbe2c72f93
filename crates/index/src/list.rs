//! The posting list of one label value.
//!
//! Most values of the labels that make an index large (`pod`, `id`, `instance`) belong to a handful
//! of series, which may lie far apart. A set would cost ten times its contents for those, so short
//! lists are sorted vectors; a list of one is not even that, it lies where the value is (see
//! [`values`](crate::values)).

use std::sync::Arc;

use crate::set::IdSet;

/// No shorter list becomes a set.
const SET_FROM: usize = 64;
/// No longer list stays a vector.
const SET_AT: usize = 2048;
/// A list becomes a set where its ids are so many in a chunk, on average.
const PER_CHUNK: usize = 32;

/// Ascending, distinct series ids.
#[derive(Clone, Debug)]
pub(crate) enum List {
    /// Invariant: ascending, distinct.
    Few(Vec<u32>),
    /// Of any length: lists that shrank stay sets.
    Many(Arc<IdSet>),
}

impl List {
    pub(crate) fn of_two(a: u32, b: u32) -> Self {
        Self::Few(vec![a.min(b), a.max(b)])
    }

    pub(crate) fn insert(&mut self, id: u32) {
        match self {
            Self::Few(ids) => {
                let at = match ids.last() {
                    Some(last) if *last < id => ids.len(),
                    _ => match ids.binary_search(&id) {
                        Ok(_) => return,
                        Err(at) => at,
                    },
                };
                if ids.len() == ids.capacity() {
                    ids.reserve_exact(1 + ids.len() / 2);
                }
                ids.insert(at, id);
                if SET_FROM <= ids.len() && ids.len().is_power_of_two() && is_dense(ids) {
                    *self = Self::Many(Arc::new(ids.iter().copied().collect()));
                }
            }
            Self::Many(set) => {
                Arc::make_mut(set).insert(id);
            }
        }
    }

    pub(crate) fn remove(&mut self, id: u32) {
        match self {
            Self::Few(ids) => {
                if let Ok(at) = ids.binary_search(&id) {
                    ids.remove(at);
                }
            }
            Self::Many(set) => {
                Arc::make_mut(set).remove(id);
            }
        }
    }

    /// The only id, if it is one.
    pub(crate) fn single(&self) -> Option<u32> {
        match self {
            Self::Few(ids) => {
                if let [id] = ids.as_slice() {
                    Some(*id)
                } else {
                    None
                }
            }
            Self::Many(set) => set.min().filter(|_| set.len() == 1),
        }
    }

    /// Gives the list its smallest form.
    pub(crate) fn seal(&mut self) {
        match self {
            Self::Few(ids) if SET_FROM <= ids.len() && is_dense(ids) => {
                *self = Self::Many(Arc::new(IdSet::from_sorted(ids.iter().copied())));
            }
            Self::Few(ids) => ids.shrink_to_fit(),
            Self::Many(set) => Arc::make_mut(set).seal(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Few(ids) => ids.len() as u64,
            Self::Many(set) => set.len(),
        }
    }

    /// The heap memory behind the list.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Few(ids) => ids.capacity() * size_of::<u32>(),
            // The counters of the reference stand before the set.
            Self::Many(set) => 2 * size_of::<usize>() + size_of::<IdSet>() + set.heap_bytes(),
        }
    }
}

fn is_dense(ids: &[u32]) -> bool {
    let ([first, ..], [.., last]) = (ids, ids) else { return false };
    let chunks = (last >> 16) - (first >> 16) + 1;
    SET_AT <= ids.len() || PER_CHUNK * chunks as usize <= ids.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(list: &List) -> Vec<u32> {
        match list {
            List::Few(ids) => ids.clone(),
            List::Many(set) => set.ids().collect(),
        }
    }

    #[test]
    fn a_dense_list_grows_into_a_set_and_keeps_its_ids() {
        let mut list = List::of_two(990, 980);
        let expected: Vec<u32> = (0..100).map(|i| i * 10).collect();
        for id in expected.iter().rev() {
            list.insert(*id);
            list.insert(*id);
        }
        assert!(matches!(list, List::Many(_)));
        assert_eq!(ids(&list), expected);
        assert_eq!(list.len(), 100);
    }

    #[test]
    fn a_scattered_list_stays_a_vector() {
        let mut list = List::of_two(0, 1);
        (1..1_000).for_each(|i| list.insert(i * 65_536));
        list.seal();
        assert!(matches!(list, List::Few(_)));
        assert_eq!(list.heap_bytes(), 4 * 1_001);
    }

    #[test]
    fn removal_leaves_one_and_then_none_of_either_kind() {
        for count in [3, 100] {
            let mut list = List::of_two(0, 1);
            (1..count).for_each(|id| list.insert(id));
            (1..count).for_each(|id| list.remove(id));
            list.remove(7);
            assert_eq!(list.single(), Some(0), "{count} ids");
            list.remove(0);
            assert_eq!((list.single(), list.len()), (None, 0), "{count} ids");
        }
    }

    #[test]
    fn a_shared_list_is_copied_when_it_changes() {
        let mut list = List::of_two(0, 1);
        (0..100).for_each(|id| list.insert(id));
        let List::Many(before) = list.clone() else { panic!("it is dense") };
        list.insert(100);
        assert_eq!((before.len(), list.len()), (100, 101));
    }
}
