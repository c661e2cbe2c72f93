//! Sets against the standard library's and against `roaring`'s, through every form of chunk.

use std::collections::BTreeSet;

use proptest::prelude::*;
use roaring::RoaringBitmap;
use skopos_core::SeriesId;

use super::*;

/// Sets of every form: sparse ids, runs, and ids that are too dense for an array.
pub(crate) fn ids() -> impl Strategy<Value = BTreeSet<u32>> {
    let part = prop_oneof![
        proptest::collection::btree_set(0_u32..200_000, 0..50),
        (0_u32..150_000, 0_u32..70_000).prop_map(|(from, len)| (from..from + len).collect()),
        (0_u32..70_000, 2_u32..9, 0_u32..20_000).prop_map(|(from, step, len)| (from..)
            .step_by(step as usize)
            .take(len as usize)
            .collect()),
        (0_u32..70_000, 1_u32..30, 0_u32..400).prop_map(|(from, run, count)| {
            (0..count).flat_map(|i| (0..run).map(move |j| from + i * 2 * run + j)).collect()
        }),
        // Runs of any lengths, and words of any density.
        (0_u32..70_000, proptest::collection::vec((1_u32..20, 1_u32..40), 0..200)).prop_map(
            |(mut from, runs)| {
                let mut ids = BTreeSet::new();
                for (len, gap) in runs {
                    ids.extend(from..from + len);
                    from += len + gap;
                }
                ids
            }
        ),
        Just([65_535, 65_536, u32::MAX >> 1].into_iter().collect()),
    ];
    proptest::collection::vec(part, 0..3).prop_map(|parts| parts.into_iter().flatten().collect())
}

fn set(ids: &BTreeSet<u32>) -> IdSet {
    IdSet::from_sorted(ids.iter().copied())
}

#[track_caller]
fn check(set: &IdSet, expected: &BTreeSet<u32>) {
    assert_eq!(set.len(), expected.len() as u64);
    assert_eq!(set.is_empty(), expected.is_empty());
    assert!(set.ids().eq(expected.iter().copied()), "one by one");
    let folded = set.ids().fold(Vec::new(), |mut ids, id| {
        ids.push(id);
        ids
    });
    assert!(folded.iter().eq(expected), "at once");
    let (mut ids, mut read) = (set.ids(), Vec::new());
    let mut buffer = [0_u32; 100];
    loop {
        match ids.read(&mut buffer) {
            0 => break,
            count => read.extend_from_slice(&buffer[..count]),
        }
    }
    assert!(read.iter().eq(expected), "in batches");
    let (mut ids, mut read) = (set.ids(), Vec::new());
    let mut buffer = [0_u32; 300];
    loop {
        match ids.read_batch(&mut buffer) {
            0 => break,
            count => read.extend_from_slice(&buffer[..count]),
        }
    }
    assert!(read.iter().eq(expected), "in batches that are not filled");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn operations_equal_the_standard_library(a in ids(), b in ids(), sealed in any::<bool>()) {
        let (mut x, mut y) = (set(&a), set(&b));
        if sealed {
            x.seal();
            y.seal();
        }
        check(&x, &a);
        check(&x.and(&y), &a.intersection(&b).copied().collect());
        check(&x.and_not(&y), &a.difference(&b).copied().collect());
        check(&IdSet::union([&x, &y]), &a.union(&b).copied().collect());
        check(&x.unpacked(), &a);
        check(&x.packed(), &a);
        prop_assert_eq!(x.max(), a.last().copied());
        prop_assert_eq!(x.is_disjoint(&y), a.is_disjoint(&b));
        prop_assert_eq!(x.min(), a.first().copied());
        prop_assert_eq!(x == y, a == b);
    }

    #[test]
    fn bitmaps_tell_what_is_within_them(a in ids(), b in ids()) {
        let (x, y) = (set(&a).packed(), set(&b).packed());
        prop_assert!(!x.is_surely_within(&y) || a.is_subset(&b));
        let keys: BTreeSet<u32> = a.iter().map(|id| id & !0xffff).collect();
        let every_third = keys.into_iter().flat_map(|key| (key..=key | 0xffff).step_by(3));
        let more = a.iter().copied().chain(every_third).collect();
        prop_assert!(x.is_surely_within(&set(&more).packed()));
    }

    #[test]
    fn what_is_in_one_of_several_sets_equals_the_standard_library(
        within in ids(),
        all in proptest::collection::vec(ids(), 0..5),
        sealed in any::<bool>(),
    ) {
        let mut set_within = set(&within);
        let mut sets: Vec<IdSet> = all.iter().map(set).collect();
        if sealed {
            set_within.seal();
            sets.iter_mut().for_each(IdSet::seal);
        }
        let sets: Vec<Arc<IdSet>> = sets.into_iter().map(Arc::new).collect();
        let any: BTreeSet<u32> = all.into_iter().flatten().collect();
        check(&set_within.and_any(&sets), &within.intersection(&any).copied().collect());
    }

    #[test]
    fn what_several_sets_have_in_common_equals_the_standard_library(
        all in proptest::collection::vec(ids(), 1..=MOST),
        shared in ids(),
        sealed in any::<bool>(),
    ) {
        // Without something in common, most intersections would be empty.
        let all: Vec<BTreeSet<u32>> = all.iter().map(|ids| ids | &shared).collect();
        let mut sets: Vec<IdSet> = all.iter().map(set).collect();
        if sealed {
            sets.iter_mut().for_each(IdSet::seal);
        }
        let sets: Vec<&IdSet> = sets.iter().collect();
        let mut expected = all[0].clone();
        expected.retain(|id| all.iter().all(|ids| ids.contains(id)));
        let met = IdSet::meet(&sets);
        prop_assert!(met.iter().map(|id| &id.0).eq(&expected));
        prop_assert!(met.len() as u64 <= IdSet::most_in_common(&sets));
        let mut retained: Vec<SeriesId> = shared.iter().copied().map(SeriesId).collect();
        retained.extend((0..2_000).map(|i| SeriesId(u32::MAX / 2 + i)));
        let kept = retained.iter().copied().filter(|id| all[0].contains(&id.0));
        let kept: Vec<SeriesId> = kept.collect();
        prop_assert_eq!(
            sets[0].span(),
            all[0].first().copied().zip(all[0].last().copied())
        );
        sets[0].retain_in(&mut retained);
        prop_assert_eq!(retained, kept);
    }

    #[test]
    fn what_a_run_cuts_out_of_a_set_is_what_they_have_in_common(
        ids in ids(),
        first in 0_u32..200_000,
        len in 1_u32..100_000,
        sealed in any::<bool>(),
    ) {
        let run: BTreeSet<u32> = (first..first + len).collect();
        let (long, mut other) = (IdSet::from_sorted(run.iter().copied()), set(&ids));
        if sealed {
            other.seal();
        }
        for (one, other) in [(&long, &other), (&other, &long)] {
            let mut met = Vec::new();
            let is_cut = one.cut(other, |cut| match cut {
                Cut::Lows(base, lows) => met.extend(lows.iter().map(|low| base | u32::from(*low))),
                Cut::Run(first, count) => met.extend(first..first + count),
            });
            prop_assert!(!is_cut || met.iter().eq(ids.intersection(&run)));
        }
    }

    #[test]
    fn operations_equal_roaring_bitmaps(a in ids(), b in ids(), sealed in any::<bool>()) {
        let (mut x, mut y) = (set(&a), set(&b));
        if sealed {
            x.seal();
            y.seal();
        }
        let bitmap = |ids: &BTreeSet<u32>| ids.iter().copied().collect::<RoaringBitmap>();
        let (a, b) = (bitmap(&a), bitmap(&b));
        let same = |ours: &IdSet, theirs: &RoaringBitmap| {
            ours.len() == theirs.len() && ours.ids().eq(theirs.iter())
        };
        prop_assert!(same(&x.and(&y), &(&a & &b)));
        prop_assert!(same(&x.and_not(&y), &(&a - &b)));
        prop_assert!(same(&IdSet::union([&x, &y]), &(&a | &b)));
        prop_assert_eq!(x.is_disjoint(&y), a.is_disjoint(&b));
        let mut ids = b.iter();
        prop_assert_eq!(IdSet::from_ranges(std::iter::from_fn(|| ids.next_range())), y);
    }

    #[test]
    fn changes_equal_the_standard_library(
        mut ids in ids(),
        changes in proptest::collection::vec((any::<bool>(), 0_u32..140_000), 0..300),
        runs in proptest::collection::vec((any::<bool>(), 0_u32..70_000, 1_u32..9_000), 0..3),
    ) {
        let mut set = set(&ids);
        let runs = runs.into_iter().flat_map(|(add, from, len)| {
            (from..from + len).map(move |id| (add, id))
        });
        for (add, id) in changes.into_iter().chain(runs) {
            if add {
                prop_assert_eq!(set.insert(id), ids.insert(id));
            } else {
                prop_assert_eq!(set.remove(id), ids.remove(&id));
            }
            prop_assert_eq!(set.contains(id), add);
        }
        check(&set, &ids);
        set.seal();
        check(&set, &ids);
    }

    #[test]
    fn big_endian_ids_make_the_same_set(ids in ids(), swapped in any::<bool>()) {
        let mut bytes: Vec<[u8; 4]> = ids.iter().map(|id| id.to_be_bytes()).collect();
        if swapped {
            bytes.reverse();
            bytes.extend_from_within(..bytes.len() / 2);
        }
        check(&IdSet::from_big_endian(&bytes), &ids);
    }

    #[test]
    fn any_order_will_do_and_seeks_find_their_place(ids in ids(), targets in proptest::collection::vec(0_u32..200_000, 1..6)) {
        let mut mixed: Vec<u32> = ids.iter().copied().collect();
        mixed.reverse();
        mixed.extend(ids.iter().step_by(3));
        let set = IdSet::from_unsorted(mixed);
        check(&set, &ids);
        let mut targets = targets;
        targets.sort_unstable();
        let mut cursor = set.ids();
        for target in targets {
            cursor.seek(target);
            prop_assert_eq!(cursor.clone().next(), ids.range(target..).next().copied());
        }
    }
}

#[test]
fn forms_are_chosen_by_size() {
    let bytes = |ids: &mut dyn Iterator<Item = u32>| IdSet::from_sorted(ids).heap_bytes();
    let chunk = size_of::<Chunk>();
    assert_eq!(bytes(&mut (0..65_536)), chunk + 4, "a run");
    assert_eq!(bytes(&mut (0..40_000).step_by(40)), chunk + 2 * 1_000, "an array");
    assert_eq!(bytes(&mut (0..2_000).step_by(2)), chunk + 2_000_usize.div_ceil(64) * 8, "a bitmap");
    assert_eq!(
        bytes(&mut (40_000..42_000).step_by(2)),
        chunk + 2_000_usize.div_ceil(64) * 8,
        "a bitmap of what is behind"
    );
    assert_eq!(bytes(&mut (0..65_536).step_by(2)), chunk + 8_192, "a bitmap");
    assert_eq!(bytes(&mut (0..600_000)), 10 * (chunk + 4), "runs");
}
