//! Series by their bytes, from page to page.

use std::num::NonZeroU64;

use skopos_core::{Labels, SeriesRef};

use super::{Cache, Cached};

fn series_ref(n: usize) -> SeriesRef {
    SeriesRef(NonZeroU64::new(n as u64 + 1).unwrap())
}

/// Passes a page over the cache; returns which of its series were known, and which became stale.
fn pass(cache: &mut Cache, page: &[&str]) -> (Vec<bool>, Vec<u64>) {
    cache.begin_pass();
    cache.begin_slots();
    let mut known = Vec::new();
    for (slot, bytes) in page.iter().enumerate() {
        match cache.get(bytes.as_bytes(), slot, None) {
            Cached::Kept { id, .. } => {
                known.push(true);
                let (series, labels) = cache.series(id);
                assert_eq!(labels.metric_name(), Some(*bytes));
                cache.touch(id, series, true);
            }
            Cached::Dropped => known.push(true),
            Cached::Unknown => {
                known.push(false);
                // A series' reference is its name's number.
                let number = bytes.trim_start_matches(char::is_alphabetic).parse().unwrap();
                let labels = Labels::from_pairs([("__name__", bytes)]);
                cache.insert(bytes.as_bytes(), slot, series_ref(number), labels, true);
            }
        }
    }
    let mut stale = Vec::new();
    cache.for_each_stale(|series, _| stale.push(series.0.get() - 1));
    cache.end_pass(true);
    stale.sort_unstable();
    (known, stale)
}

#[test]
fn series_are_known_again_in_any_order() {
    let mut cache = Cache::new();
    assert_eq!(pass(&mut cache, &["a1", "b2", "c3"]), (vec![false; 3], vec![]));
    assert_eq!(pass(&mut cache, &["a1", "b2", "c3"]), (vec![true; 3], vec![]));
    assert_eq!(pass(&mut cache, &["c3", "a1", "b2"]), (vec![true; 3], vec![]));
    assert_eq!(pass(&mut cache, &["c3", "d4", "b2"]), (vec![true, false, true], vec![1]));
    assert_eq!(pass(&mut cache, &["a1", "c3"]), (vec![false, true], vec![2, 4]));
    assert_eq!(cache.table.len(), 2);
    assert_eq!(pass(&mut cache, &["e5", "b2"]), (vec![false; 2], vec![1, 3]));
    assert!(cache.entries.len() <= 5, "places are used again");
}

#[test]
fn a_series_that_comes_under_other_bytes_is_not_stale() {
    let mut cache = Cache::new();
    pass(&mut cache, &["a1"]);
    assert_eq!(pass(&mut cache, &["z1"]), (vec![false], vec![]));
}

#[test]
fn a_repeated_series_is_told() {
    let mut cache = Cache::new();
    pass(&mut cache, &["a1"]);
    cache.begin_pass();
    assert!(matches!(cache.get(b"a1", 0, None), Cached::Kept { is_repeated: false, .. }));
    assert!(matches!(cache.get(b"a1", 1, Some(0)), Cached::Kept { is_repeated: true, .. }));
}

#[test]
fn a_slot_leads_to_its_series_until_that_is_forgotten() {
    let mut cache = Cache::new();
    pass(&mut cache, &["a1", "b2"]);
    cache.begin_pass();
    cache.begin_slots();
    assert!(matches!(cache.get(b"b2", 0, Some(1)), Cached::Kept { is_repeated: false, .. }));
    cache.end_pass(false);
    // A pass without a page forgets what is not on it.
    cache.begin_pass();
    cache.end_pass(true);
    cache.begin_pass();
    cache.begin_slots();
    assert!(matches!(cache.get(b"b2", 0, Some(0)), Cached::Unknown));
    assert!(matches!(cache.get(b"c3", 5, Some(7)), Cached::Unknown));
}

#[test]
fn failing_scrapes_do_not_fill_the_memory() {
    let mut cache = Cache::new();
    for scrape in 0..20 {
        cache.begin_pass();
        for i in 0..500 {
            cache.insert_dropped(format!("a{scrape}_{i}").as_bytes(), i);
        }
        cache.end_pass(false);
        assert!(cache.table.len() <= 1_000, "{}", cache.table.len());
    }
}
