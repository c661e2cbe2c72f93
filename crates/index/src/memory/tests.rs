//! Tests of the index: selections by table, changes, and the order of plans.

use skopos_core::MatchOp::{Equal, NotEqual, NotRegex, Regex};
use skopos_core::{LabelSet, Labels, MatchOp, Matcher};

use super::*;

fn filter(matchers: &[(&str, MatchOp, &str)]) -> Filter {
    let matchers: Vec<Matcher> =
        matchers.iter().map(|(name, op, value)| Matcher::new(*name, *op, *value)).collect();
    Filter::new(&matchers).unwrap()
}

/// Series 0 to 5 of `n`/`i` combinations; 5 has no `i`.
fn index() -> MemoryIndex {
    let mut index = MemoryIndex::new();
    let series: [&[(&str, &str)]; 6] = [
        &[("i", "a"), ("n", "1")],
        &[("i", "b"), ("n", "1")],
        &[("i", "\n"), ("n", "1")],
        &[("i", "a"), ("n", "2")],
        &[("i", "b"), ("n", "2.5")],
        &[("n", "1")],
    ];
    for labels in series {
        index.insert(labels).unwrap();
    }
    index
}

#[track_caller]
fn check(matchers: &[(&str, MatchOp, &str)], expected: &[u32]) {
    let selected: Vec<u32> = index().select(&filter(matchers)).iter().map(|id| id.0).collect();
    assert_eq!(selected, expected, "{matchers:?}");
}

#[test]
fn equality_and_its_opposite() {
    check(&[], &[0, 1, 2, 3, 4, 5]);
    check(&[("", Equal, "")], &[0, 1, 2, 3, 4, 5]);
    check(&[("n", Equal, "1")], &[0, 1, 2, 5]);
    check(&[("n", Equal, "1"), ("i", Equal, "a")], &[0]);
    check(&[("n", Equal, "1"), ("i", Equal, "missing")], &[]);
    check(&[("missing", Equal, "")], &[0, 1, 2, 3, 4, 5]);
    check(&[("missing", Equal, "x")], &[]);
    check(&[("n", NotEqual, "1")], &[3, 4]);
    check(&[("i", NotEqual, "")], &[0, 1, 2, 3, 4]);
    check(&[("missing", NotEqual, "")], &[]);
    check(&[("missing", NotEqual, "x")], &[0, 1, 2, 3, 4, 5]);
    check(&[("i", Equal, "")], &[5]);
    check(&[("i", NotEqual, "a")], &[1, 2, 4, 5]);
    check(&[("i", NotEqual, "a"), ("i", NotEqual, "")], &[1, 2, 4]);
}

#[test]
fn regular_expressions_and_their_opposites() {
    check(&[("n", Regex, "^1$")], &[0, 1, 2, 5]);
    check(&[("n", Equal, "1"), ("i", Regex, "^a?$")], &[0, 5]);
    check(&[("i", Regex, "")], &[5]);
    check(&[("i", Regex, ".*")], &[0, 1, 2, 3, 4, 5]);
    check(&[("i", Regex, ".+")], &[0, 1, 2, 3, 4]);
    check(&[("i", Regex, "a|b")], &[0, 1, 3, 4]);
    check(&[("i", Regex, "(a|b|)")], &[0, 1, 3, 4, 5]);
    check(&[("i", NotRegex, "(a|b|)")], &[2]);
    check(&[("i", NotRegex, "a|b")], &[2, 5]);
    check(&[("i", NotRegex, "")], &[0, 1, 2, 3, 4]);
    check(&[("i", NotRegex, ".*")], &[]);
    check(&[("i", NotRegex, ".+")], &[5]);
    check(&[("n", Regex, "2.*")], &[3, 4]);
    check(&[("n", NotRegex, "2.*"), ("i", NotRegex, ".*a.*")], &[1, 2, 5]);
    check(&[("missing", Regex, "a.*")], &[]);
    check(&[("missing", NotRegex, "a.*")], &[0, 1, 2, 3, 4, 5]);
    check(&[("missing", Regex, "(a.*)?")], &[0, 1, 2, 3, 4, 5]);
    check(&[("missing", NotRegex, "(a.*)?")], &[]);
}

#[test]
fn names_and_values_follow_the_filter() {
    let index = index();
    assert_eq!(index.label_names(&filter(&[]), 0), ["i", "n"]);
    assert_eq!(index.label_names(&filter(&[]), 1), ["i"]);
    assert_eq!(index.label_names(&filter(&[("i", Equal, "")]), 0), ["n"]);
    assert_eq!(index.label_values("n", &filter(&[]), 0), ["1", "2", "2.5"]);
    assert_eq!(index.label_values("n", &filter(&[]), 2), ["1", "2"]);
    assert_eq!(index.label_values("n", &filter(&[("n", Regex, "2.*")]), 1), ["2"]);
    assert_eq!(index.label_values("n", &filter(&[("i", Equal, "b")]), 0), ["1", "2.5"]);
    assert_eq!(index.label_values("i", &filter(&[("i", Equal, "")]), 0), [""; 0]);
    assert_eq!(index.label_values("n", &filter(&[("n", Equal, "9")]), 0), [""; 0]);
    assert_eq!(index.label_values("missing", &filter(&[]), 0), [""; 0]);
}

#[test]
fn removal_leaves_nothing_behind_and_ids_are_used_again() {
    let mut index = MemoryIndex::new();
    let labels: Vec<Labels> = (0..100)
        .map(|i| Labels::from_pairs([("i", i.to_string()), ("m", (i % 7).to_string())]))
        .collect();
    for labels in &labels {
        index.insert(labels).unwrap();
    }
    assert!(index.remove(SeriesId(40), &labels[40]));
    assert!(!index.remove(SeriesId(40), &labels[40]), "twice is once");
    assert_eq!(index.label_values("i", &filter(&[("i", Regex, "4.")]), 0).len(), 9);
    assert_eq!(index.insert(&labels[40]).unwrap(), SeriesId(40), "the lowest free id");
    assert_eq!(index.insert(&labels[40]).unwrap(), SeriesId(100));
    index.remove(SeriesId(100), &labels[40]);
    for (id, labels) in (0..).zip(&labels) {
        assert!(index.remove(SeriesId(id), labels));
    }
    assert!(index.is_empty());
    assert_eq!(index.label_names(&filter(&[]), 0), [""; 0]);
    assert_eq!(index.heap_bytes(), 0);
}

#[test]
fn empty_values_are_no_labels_and_no_labels_are_a_series() {
    let mut index = MemoryIndex::new();
    let id = index.insert(&Labels::empty()).unwrap();
    struct Odd;
    impl LabelSet for Odd {
        fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a str)) {
            visitor("a", "");
        }
    }
    index.insert(&Odd).unwrap();
    assert_eq!(index.label_names(&filter(&[]), 0), [""; 0]);
    assert!(index.select(&filter(&[("a", Equal, "")])).contains(id));
    assert_eq!(index.len(), 2);
}

#[test]
fn plans_put_lookups_before_scans_and_differences_last() {
    let index = index();
    let filter = filter(&[
        ("i", NotEqual, "a"),
        ("i", Regex, ".*b"),
        ("n", Regex, "2.*"),
        ("i", Regex, "a|"),
        ("i", NotRegex, ".*"),
        ("n", Equal, "1"),
    ]);
    let expected = "\
intersect n=\"1\": lookup, 1 of 1 value, at most 4 series, 4 left
intersect i=~\".*b\": scan \"b\", 1 of 3 values, at most 5 series, 1 left
intersect n=~\"2.*\": ranges \"2\", 0 of 2 values, at most 6 series, 0 left
";
    assert_eq!(index.explain(&filter).to_string(), expected);
}

#[test]
fn plans_put_what_is_made_of_little_first() {
    let mut index = MemoryIndex::new();
    for metric in ["m0-a", "m0-b", "m1-a", "m1-b"] {
        for i in 0..1_000 {
            let job = if i % 2 == 0 { "even" } else { "odd" };
            index.insert(&[("__name__", metric), ("job", job)]).unwrap();
        }
    }
    let filter = filter(&[("job", Equal, "even"), ("__name__", Regex, "m0.+")]);
    let expected = "\
intersect __name__=~\"m0.+\": ranges \"m0\", 2 of 2 values, at most 2000 series, 2000 left
intersect job=\"even\": lookup, 1 of 1 value, at most 2000 series, 1000 left
";
    assert_eq!(index.explain(&filter).to_string(), expected);
    let selected = index.select(&filter);
    assert!(selected.iter().map(|id| id.0).eq((0..2_000).step_by(2)));
}

#[test]
fn the_series_of_a_metric_and_a_machine_are_found_however_many_there_are() {
    const MACHINES: u32 = 300;
    let mut index = MemoryIndex::new();
    for id in 0..100 * MACHINES {
        let (metric, machine) = (id / MACHINES, id % MACHINES);
        let labels = [
            ("__name__", format!("m{metric}")),
            ("group", format!("{}", machine / 10)),
            ("machine", format!("{machine}")),
            ("rack", format!("{}", machine % 7)),
        ];
        index.insert(&Labels::from_pairs(labels)).unwrap();
    }
    for is_sealed in [false, true] {
        let find = |name: &str, value: &str| {
            let found = index.select(&filter(&[("__name__", Equal, "m50"), (name, Equal, value)]));
            let mut batches = Vec::new();
            found.for_each_batch(|batch| batches.extend_from_slice(batch));
            assert!(found.iter().eq(batches.iter().copied()) && found.len() == batches.len());
            assert!(batches.iter().all(|id| found.contains(*id)));
            found.iter().map(|id| id.0 - 50 * MACHINES).collect::<Vec<u32>>()
        };
        assert_eq!(find("machine", "299"), [299], "sealed: {is_sealed}");
        assert_eq!(find("group", "0"), (0..10).collect::<Vec<u32>>());
        assert_eq!(find("rack", "6"), (6..300).step_by(7).collect::<Vec<u32>>());
        index.seal();
    }
}
