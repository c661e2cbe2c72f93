//! The index against brute force, and the laws of its cursors.

use proptest::prelude::*;
use skopos_core::{Labels, MatchOp, Matcher, SeriesId};
use skopos_index::{Filter, MemoryIndex, SeriesIds};
use skopos_testkit::conformance;
use skopos_testkit::matching::matches_all;

mod block;

const NAMES: [&str; 4] = ["a", "b", "c", "never"];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[xy]{1,3}", "x-[0-9]{1,2}", Just("x\ny".to_owned())]
}

fn labels() -> impl Strategy<Value = Labels> {
    proptest::collection::vec(value(), 3)
        .prop_map(|values| Labels::from_pairs(NAMES.iter().zip(values)))
}

/// Patterns of every shape that the planner tells apart, and of their combinations.
fn pattern() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        known(),
        proptest::sample::select(vec!["x", "y", "-", "1", "xy", "X"]).prop_map(str::to_owned)
    ];
    pieces.prop_recursive(3, 12, 3, |inner| {
        let several = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several.clone().prop_map(|parts| parts.concat()),
            several.clone().prop_map(|parts| format!("({})", parts.join("|"))),
            several.prop_map(|parts| format!("(?i:{})", parts.concat())),
            (inner, proptest::sample::select(vec!["*", "+", "?", "{2}", "{1,}"]))
                .prop_map(|(part, times)| format!("({part}){times}")),
        ]
    })
}

fn known() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(".*"),
        Just(".+"),
        Just(""),
        Just("x"),
        Just("x|y|xx"),
        Just("x|"),
        Just("x-.*"),
        Just("x-[0-4]?"),
        Just(".*y"),
        Just(".*x.*"),
        Just("(x|y)+"),
        Just("[xy]{2}"),
        Just("(?i)X+"),
        Just("x.y"),
        Just("^x?$"),
        Just("(x-1|x-2).*"),
    ]
    .prop_map(str::to_owned)
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let name = proptest::sample::select(NAMES.to_vec());
    prop_oneof![
        (name.clone(), value(), any::<bool>()).prop_map(|(name, value, negative)| {
            Matcher::new(name, if negative { MatchOp::NotEqual } else { MatchOp::Equal }, value)
        }),
        (name, pattern(), any::<bool>()).prop_map(|(name, value, negative)| {
            Matcher::new(name, if negative { MatchOp::NotRegex } else { MatchOp::Regex }, value)
        }),
    ]
}

/// An index of `all` from which every `gone`-th series was removed, and the rest by id.
fn build(all: &[Labels], gone: usize) -> (MemoryIndex, Vec<(SeriesId, Labels)>) {
    let mut index = MemoryIndex::new();
    let mut series: Vec<(SeriesId, Labels)> =
        all.iter().map(|labels| (insert(&mut index, labels), labels.clone())).collect();
    let mut position = 0;
    series.retain(|(id, labels)| {
        position += 1;
        let keep = position % gone != 0;
        assert!(keep || index.remove(*id, labels));
        keep
    });
    (index, series)
}

fn insert(index: &mut MemoryIndex, labels: &Labels) -> SeriesId {
    index.insert(labels).expect("an index of a few series is not full")
}

proptest! {
    #[test]
    fn the_index_equals_brute_force(
        all in proptest::collection::vec(labels(), 0..120),
        gone in 2..9_usize,
        matchers in proptest::collection::vec(matcher(), 0..4),
        limit in 0..4_usize,
    ) {
        let (index, mut series) = build(&all, gone);
        let filter = Filter::new(&matchers).unwrap();
        series.retain(|(_, labels)| matches_all(&matchers, labels).unwrap());

        let expected: Vec<SeriesId> = series.iter().map(|(id, _)| *id).collect();
        let selected: Vec<SeriesId> = index.select(&filter).iter().collect();
        let explanation = index.explain(&filter);
        prop_assert_eq!(&selected, &expected, "{}", explanation);
        prop_assert_eq!(explanation.series(), expected.len() as u64);
        let left = explanation.steps().last().map_or(index.len() as u64, |step| step.series_left);
        prop_assert_eq!(left, expected.len() as u64, "{}", explanation);
        for step in explanation.steps() {
            prop_assert!(step.values_matched <= step.values_looked_at, "{}", explanation);
        }

        let mut sealed = index.clone();
        sealed.seal();
        prop_assert!(sealed.select(&filter).iter().eq(expected.iter().copied()));

        let at_most = if limit == 0 { usize::MAX } else { limit };
        let mut names: Vec<String> = series
            .iter()
            .flat_map(|(_, labels)| labels.iter().map(|(name, _)| name.to_owned()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names.truncate(at_most);
        prop_assert_eq!(index.label_names(&filter, limit), names);
        for name in NAMES {
            let mut values: Vec<String> =
                series.iter().filter_map(|(_, l)| l.get(name).map(str::to_owned)).collect();
            values.sort_unstable();
            values.dedup();
            values.truncate(at_most);
            prop_assert_eq!(index.label_values(name, &filter, limit), values);

            let mut counts = std::collections::BTreeMap::<&str, u64>::new();
            for value in series.iter().filter_map(|(_, labels)| labels.get(name)) {
                if value.starts_with('x') {
                    *counts.entry(value).or_default() += 1;
                }
            }
            let found = index.count_values(name, "x", &filter, limit);
            let found = found.iter().map(|row| (row.name.as_str(), row.count));
            prop_assert!(found.eq(counts.into_iter().take(at_most)));
        }
    }

    #[test]
    fn filters_equal_brute_force(
        labels in labels(),
        matchers in proptest::collection::vec(matcher(), 0..4),
    ) {
        let filter = Filter::new(&matchers).unwrap();
        prop_assert_eq!(filter.matches(&labels), matches_all(&matchers, &labels).unwrap());
    }
}

#[test]
fn cursors_keep_the_laws_of_postings() {
    let sets: [Vec<u32>; 4] = [
        vec![],
        vec![0],
        vec![1, 5, 9, 70_000, 70_001, u32::MAX],
        (0..300).map(|i| i * 701).collect(),
    ];
    for ids in sets {
        let ids: Vec<SeriesId> = ids.into_iter().map(SeriesId).collect();
        let set: SeriesIds = ids.iter().copied().collect();
        conformance::postings(|| set.cursor(), &ids);
        assert_eq!(set.iter().collect::<Vec<_>>(), ids);
    }
}

#[test]
fn a_dictionary_of_many_leaves_equals_brute_force() {
    // Values that arrive in no order, share beginnings, and go again.
    let value =
        |i: u64| format!("node-{:04x}-{}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52, i % 7);
    let labels = |i: u64| Labels::from_pairs([("id", value(i)), ("even", (i % 2).to_string())]);
    let mut index = MemoryIndex::new();
    let mut series: Vec<(SeriesId, Labels)> =
        (0..5_000).map(|i| (insert(&mut index, &labels(i)), labels(i))).collect();
    for round in 0..3 {
        for (pattern, op) in [
            ("node-0[0-7].*", MatchOp::Regex),
            (".*-0f.*", MatchOp::Regex),
            (".*a-3", MatchOp::Regex),
            ("(?i:NODE-A).*", MatchOp::NotRegex),
            ("(node-1|node-2f|node-33).*-(1|2)", MatchOp::Regex),
            ("node-.+", MatchOp::Regex),
        ] {
            let matchers = [Matcher::new("id", op, pattern), Matcher::equal("even", "1")];
            let selected = index.select(&Filter::new(&matchers).unwrap());
            let regex = skopos_regex::Regex::anchored(pattern).unwrap();
            let expected = series.iter().filter(|(_, labels)| {
                let is_in = regex.is_match(labels.get("id").unwrap()) != op.is_negative();
                is_in && labels.get("even") == Some("1")
            });
            assert!(selected.iter().eq(expected.map(|(id, _)| *id)), "{pattern} in round {round}");
        }
        series.retain(|(id, labels)| id.0 % 5 != round || !index.remove(*id, labels));
    }
    assert_eq!(index.label_values("id", &Filter::default(), 0).len(), {
        let mut values: Vec<&str> = series.iter().filter_map(|(_, l)| l.get("id")).collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    });
    series.iter().for_each(|(id, labels)| assert!(index.remove(*id, labels)));
    assert_eq!(index.heap_bytes(), 0);
}
