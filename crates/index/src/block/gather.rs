//! The ids of several lists in one order.
//!
//! Series are in the order of their labels, so that the lists of a label's values often take turns in
//! long stretches: those are copied whole. Where they take turns all the time, ids are sorted by way of
//! a bitmap.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use crate::block::list::List;

/// The most lists whose first ids are compared one with the other.
const MOST_MERGED: usize = 16;
/// So many stretches are copied before it is asked how long they are.
const TRIED: usize = 64;
/// Stretches are copied if they are so long.
const LONG_STRETCH: usize = 8;
/// A bitmap is made if it has no more words than so many for each id.
const WORDS_AN_ID: usize = 8;

/// The ids of all `lists`, ascending and distinct, whatever the lists are.
pub(super) fn gather(lists: &[List<'_>]) -> Vec<u32> {
    let total = lists.iter().map(List::len).sum();
    if let [one] = lists {
        return ascending(one.iter().collect()).unwrap_or_else(sorted);
    }
    merged(lists, total).or_else(|| marked(lists, total)).unwrap_or_else(|| {
        let mut ids = Vec::with_capacity(total);
        lists.iter().for_each(|list| ids.extend(list.iter()));
        sorted(ids)
    })
}

/// By stretches; `None` if they are short.
fn merged(lists: &[List<'_>], total: usize) -> Option<Vec<u32>> {
    if MOST_MERGED < lists.len() {
        return None;
    }
    let mut ids = Vec::with_capacity(total);
    let mut left: Vec<List<'_>> = lists.iter().copied().filter(|list| list.len() != 0).collect();
    let mut stretches = 0_usize;
    while 1 < left.len() {
        let (mut lowest, mut least, mut next) = (0, u32::MAX, u32::MAX);
        for (at, list) in left.iter().enumerate() {
            let first = list.first().unwrap_or(u32::MAX);
            if first < least {
                (lowest, least, next) = (at, first, least);
            } else {
                next = next.min(first);
            }
        }
        let list = left.get_mut(lowest)?;
        ids.extend(list.take_below(next).iter());
        if list.len() == 0 {
            left.swap_remove(lowest);
        }
        stretches = stretches.saturating_add(1);
        if TRIED < stretches && ids.len() < LONG_STRETCH.saturating_mul(stretches) {
            return None;
        }
    }
    left.iter().for_each(|list| ids.extend(list.iter()));
    ascending(ids).ok()
}

/// By a bitmap; `None` if they are too far apart for one, or a list does not ascend.
fn marked(lists: &[List<'_>], total: usize) -> Option<Vec<u32>> {
    let base = lists.iter().filter_map(List::first).min()?;
    let last = lists.iter().filter_map(List::last).max()?;
    let count = (last.checked_sub(base)? as usize >> 6).saturating_add(1);
    if total.saturating_mul(WORDS_AN_ID) < count {
        return None;
    }
    let mut words = vec![0_u64; count];
    for list in lists {
        for id in list.iter() {
            let at = id.wrapping_sub(base);
            *words.get_mut(at as usize >> 6)? |= 1 << (at & 63);
        }
    }
    let mut ids = Vec::with_capacity(total);
    for (word, at) in words.iter().zip((base..=last).step_by(64)) {
        let mut word = *word;
        while word != 0 {
            // The bit was made from an id that is as large.
            ids.push(at.wrapping_add(word.trailing_zeros()));
            word &= word.wrapping_sub(1);
        }
    }
    Some(ids)
}

fn sorted(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The ids, if they ascend and are distinct.
fn ascending(ids: Vec<u32>) -> Result<Vec<u32>, Vec<u32>> {
    if ids.is_sorted_by(|one, next| one < next) { Ok(ids) } else { Err(ids) }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(lists: &[Vec<u32>]) {
        let bytes: Vec<Vec<[u8; 4]>> =
            lists.iter().map(|ids| ids.iter().map(|id| id.to_be_bytes()).collect()).collect();
        let listed: Vec<List<'_>> = bytes.iter().map(|ids| List::of(ids)).collect();
        assert_eq!(gather(&listed), sorted(lists.concat()));
    }

    #[test]
    fn ids_are_in_order_however_lists_take_turns() {
        check(&[]);
        check(&[vec![], vec![]]);
        check(&[vec![5, 9, u32::MAX]]);
        check(&[vec![5, 9], vec![u32::MAX], vec![0, u32::MAX - 1]]);
        check(&[(0..100).collect(), (100..300).collect(), (300..301).collect()]);
        let every_third = |first: u32| (0..1000).map(|i| first + 3 * i).collect();
        check(&[every_third(7), every_third(8), every_third(9)]);
        let far: Vec<u32> = (0..300).map(|i| i * 10_000_000).collect();
        check(&[far.clone(), far.iter().map(|id| id + 1).collect()]);
        let many: Vec<Vec<u32>> = (0..40).map(|i| vec![i, i + 50, i + 100]).collect();
        check(&many);
    }

    #[test]
    fn lists_that_do_not_ascend_or_share_ids_are_put_in_order() {
        check(&[vec![9, 5, 5]]);
        check(&[vec![u32::MAX, u32::MAX], vec![u32::MAX]]);
        check(&[vec![1, 2, 3], vec![2, 3, 4]]);
        check(&[vec![5, 900_000, 7], vec![6, 1, 8]]);
        check(&[(0..500).collect(), (0..500).rev().collect()]);
    }

    proptest! {
        #[test]
        fn gathering_is_sorting(lists in vec(vec(0_u32..2000, 0..60), 0..20), is_ordered: bool) {
            let mut lists = lists;
            if is_ordered {
                lists.iter_mut().for_each(|list| *list = sorted(std::mem::take(list)));
            }
            check(&lists);
        }
    }
}
