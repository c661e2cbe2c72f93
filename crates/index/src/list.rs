//! The posting list of one label value.
//!
//! Most values of the labels that make an index large (`pod`, `id`, `instance`) belong to a handful
//! of series. For those a compressed bitmap costs ten times its contents, so short lists are
//! sorted vectors and only longer ones are bitmaps. The rest of the crate need not know which.

use roaring::{MultiOps as _, RoaringBitmap};

/// From this length on a list is a bitmap.
const BITMAP_FROM: usize = 32;

/// Ascending, distinct series ids.
#[derive(Clone, Debug)]
pub(crate) enum PostingList {
    /// Invariant: ascending, distinct, shorter than [`BITMAP_FROM`].
    Few(Vec<u32>),
    /// Of any length: lists that shrank stay bitmaps.
    Many(RoaringBitmap),
}

impl PostingList {
    pub(crate) fn of(id: u32) -> Self {
        // `vec!` allocates for exactly one, where a push would allocate for four.
        Self::Few(vec![id])
    }

    pub(crate) fn insert(&mut self, id: u32) {
        match self {
            Self::Few(ids) => {
                let Err(at) = ids.binary_search(&id) else { return };
                if ids.len() + 1 < BITMAP_FROM {
                    if ids.len() == ids.capacity() {
                        ids.reserve_exact(ids.len());
                    }
                    ids.insert(at, id);
                } else {
                    let mut bitmap: RoaringBitmap = ids.iter().copied().collect();
                    bitmap.insert(id);
                    *self = Self::Many(bitmap);
                }
            }
            Self::Many(bitmap) => {
                bitmap.insert(id);
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
            Self::Many(bitmap) => {
                bitmap.remove(id);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Few(ids) => ids.is_empty(),
            Self::Many(bitmap) => bitmap.is_empty(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Few(ids) => ids.len() as u64,
            Self::Many(bitmap) => bitmap.len(),
        }
    }

    /// Whether some id is in `set` too.
    pub(crate) fn meets(&self, set: &RoaringBitmap) -> bool {
        match self {
            Self::Few(ids) => ids.iter().any(|id| set.contains(*id)),
            Self::Many(bitmap) => !bitmap.is_disjoint(set),
        }
    }

    /// Whether no id is in `set`, where that is cheap to say: `false` for a long list.
    pub(crate) fn surely_misses(&self, set: &RoaringBitmap) -> bool {
        matches!(self, Self::Few(_)) && !self.meets(set)
    }

    /// The heap memory behind the list, estimated.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Few(ids) => ids.capacity() * size_of::<u32>(),
            // What a container costs beside its contents, which the serialized size counts.
            Self::Many(bitmap) => {
                let containers = bitmap.statistics().n_containers;
                bitmap.serialized_size() + 40 * usize::try_from(containers).unwrap_or(0)
            }
        }
    }
}

/// The ids of all `lists` together.
pub(crate) fn union<'a>(lists: impl IntoIterator<Item = &'a PostingList>) -> RoaringBitmap {
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for list in lists {
        match list {
            PostingList::Few(ids) => few.extend_from_slice(ids),
            PostingList::Many(bitmap) => many.push(bitmap),
        }
    }
    let mut union = match many.as_slice() {
        [] => RoaringBitmap::new(),
        [one] => (*one).clone(),
        several => several.iter().copied().union(),
    };
    add(&mut union, few);
    union
}

/// The ids of `set` that are in one of `lists`.
pub(crate) fn union_within<'a>(
    set: &RoaringBitmap,
    lists: impl IntoIterator<Item = &'a PostingList>,
) -> RoaringBitmap {
    let (mut few, mut union) = (Vec::new(), RoaringBitmap::new());
    for list in lists {
        match list {
            PostingList::Few(ids) => few.extend(ids.iter().filter(|id| set.contains(**id))),
            PostingList::Many(bitmap) => union |= bitmap & set,
        }
    }
    add(&mut union, few);
    union
}

fn add(union: &mut RoaringBitmap, mut ids: Vec<u32>) {
    // In order, so that each is an append.
    ids.sort_unstable();
    *union |= ids.into_iter().collect::<RoaringBitmap>();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(list: &PostingList) -> Vec<u32> {
        union([list]).iter().collect()
    }

    #[test]
    fn a_list_grows_into_a_bitmap_and_keeps_its_ids() {
        let mut list = PostingList::of(500);
        let expected: Vec<u32> = (0..100).map(|i| i * 10).collect();
        for id in expected.iter().rev() {
            list.insert(*id);
            list.insert(*id);
        }
        assert!(matches!(list, PostingList::Many(_)));
        assert_eq!(ids(&list), expected);
        assert_eq!(list.len(), 100);
    }

    #[test]
    fn removal_leaves_an_empty_list_of_either_kind() {
        for count in [3, 100] {
            let mut list = PostingList::of(0);
            (1..count).for_each(|id| list.insert(id));
            (0..count).for_each(|id| list.remove(id));
            list.remove(7);
            assert!(list.is_empty(), "{count} ids");
        }
    }

    #[test]
    fn a_single_id_costs_four_bytes_of_heap() {
        assert_eq!(PostingList::of(1).heap_bytes(), 4);
    }

    #[test]
    fn unions_mix_both_kinds_and_can_be_held_within_a_set() {
        let mut many = PostingList::of(0);
        (0..200).for_each(|id| many.insert(id * 2));
        let few = PostingList::of(7);
        let all = union([&many, &few]);
        assert_eq!(all.len(), 201);
        let set: RoaringBitmap = [2, 7, 9].into_iter().collect();
        assert_eq!(union_within(&set, [&many, &few]).iter().collect::<Vec<_>>(), [2, 7]);
        assert!(many.meets(&set) && few.meets(&set));
        assert!(!PostingList::of(9_999).meets(&set));
        assert!(PostingList::of(9_999).surely_misses(&set));
        assert!(!few.surely_misses(&set) && !many.surely_misses(&set));
    }
}
