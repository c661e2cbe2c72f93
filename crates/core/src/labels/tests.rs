use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(pairs: &[(&str, &str)], expected: &str) {
    assert_eq!(Labels::from_pairs(pairs.iter().copied()).to_string(), expected);
}

#[test]
fn labels_are_sorted_unique_and_never_empty() {
    check(&[], "{}");
    check(&[("b", "2"), ("a", "1")], r#"{a="1", b="2"}"#);
    check(&[("a", "1"), ("a", "2")], r#"{a="2"}"#);
    check(&[("a", "1"), ("a", "")], "{}");
}

#[test]
fn odd_names_are_quoted_and_values_escaped() {
    check(&[("service.name", "a\"b\\c\n")], r#"{"service.name"="a\"b\\c\n"}"#);
    check(&[("라벨", "값")], r#"{"라벨"="값"}"#);
    check(&[("a", "\u{1}\u{ad}\u{2028}e\u{301}")], "{a=\"\\x01\\u00ad\\u2028e\u{301}\"}");
}

#[test]
fn long_values_survive() {
    for len in [1, 63, 64, 65, 4095, 4096, 4097, 300_000] {
        let value = "é".repeat(len);
        let labels = Labels::from_pairs([("a", value.as_str()), ("b", "x")]);
        assert_eq!(labels.get("a"), Some(value.as_str()));
        assert_eq!(labels.get("b"), Some("x"));
        assert_eq!(labels.len(), 2);
    }
}

#[test]
fn texts_of_every_length_are_packed_whole() {
    let text: String = ('a'..='z').cycle().take(80).collect();
    for len in 1..=text.len() {
        let (name, value) = (&text[..len], &text[text.len() - len..]);
        let labels = Labels::from_sorted_pairs([(name, value), ("zz", value)]);
        let pairs: Vec<_> = labels.iter().collect();
        assert_eq!(pairs, [(name, value), ("zz", value)]);
        assert_eq!(labels.len(), pairs.len());
    }
}

#[test]
fn order_is_by_pairs_and_a_prefix_comes_first() {
    let sets = [
        vec![],
        vec![("a", "1")],
        vec![("a", "1"), ("b", "1")],
        vec![("a", "1"), ("c", "0")],
        vec![("a", "10")],
        vec![("a", "2")],
        vec![("aa", "0")],
    ];
    let labels: Vec<Labels> = sets.iter().map(|s| Labels::from_pairs(s.iter().copied())).collect();
    assert!(labels.is_sorted());
    assert!(labels.windows(2).all(|w| w[0] != w[1]));
}

#[test]
fn a_view_of_any_layout_gives_the_same_labels() {
    let pairs = [("a", "1"), ("b", ""), ("c", "3")];
    let labels = pairs.to_labels();
    assert_eq!(labels, Labels::from_pairs(pairs));
    assert_eq!(labels.to_builder().to_labels(), labels);
    assert_eq!(LabelSet::value(&pairs, "c"), Some("3"));
    assert_eq!(LabelSet::value(&pairs, "b"), None);
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(map in proptest::collection::btree_map(".{0,80}", ".{1,80}", 0..8)) {
        let labels = Labels::from_pairs(map.iter());
        let out: Vec<(String, String)> =
            labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        prop_assert_eq!(out, map.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn equality_agrees_with_order(
        a in proptest::collection::btree_map("[ab]{0,2}|a{62,66}", "[ab]{1,2}|a{62,66}b?", 0..4),
        b in proptest::collection::btree_map("[ab]{0,2}|a{62,66}", "[ab]{1,2}|a{62,66}b?", 0..4),
    ) {
        let (x, y) = (Labels::from_pairs(a.iter()), Labels::from_pairs(b.iter()));
        prop_assert_eq!(x == y, x.cmp(&y).is_eq());
        prop_assert_eq!(x.cmp(&y), a.iter().cmp(b.iter()));
    }
}
