use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use core::mem;
use std::panic::catch_unwind;

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
fn a_packer_leaves_nothing_of_one_set_in_the_next() {
    let text: String = ('α'..='ω').cycle().take(300).chain(['x'; 40]).collect();
    let mut packer = LabelsPacker::new();
    for total in (0..text.len()).rev().chain(0..text.len()) {
        let Some(value) = text.get(..total) else { continue };
        // Pieces of values that fill the packer up to each of its last bytes.
        let names: Vec<String> = (0..32).map(|at| format!("a{at:02}")).collect();
        let mut expected = Vec::new();
        let mut start = 0;
        for (at, name) in names.iter().enumerate() {
            let mut end = (start + 7 + at % 40).min(total);
            while !value.is_char_boundary(end) {
                end += 1;
            }
            if start < end {
                packer.push_prefixes([[(value.as_bytes(), end), (&value.as_bytes()[start..], 0)]]);
                packer.push_prefixes([[
                    (name.as_bytes(), name.len()),
                    (&value.as_bytes()[start..], end - start),
                ]]);
                expected.push((name.as_str(), &value[start..end]));
            }
            start = end;
        }
        let (last, end) = ("zzz=the value of the last label", total.clamp(4, 31));
        packer.push_prefixes([[(last.as_bytes(), 3), (&last.as_bytes()[4..], end - 4)]]);
        expected.push(("zzz", &last[4..end]));
        assert_eq!(packer.finish(), Labels::from_pairs(expected), "{total}");
    }
    assert!(packer.finish().is_empty());
}

#[test]
fn a_set_is_packed_again_with_another_value() {
    let mut packer = LabelsPacker::new();
    let mut pairs = vec![("a", "1"), ("name", "value"), ("nameless", "x"), ("zone", "b")];
    let full = "é".repeat(200);
    assert_eq!(packer.finish_again("a", "2"), None);
    for long in [None, Some(full.as_str()), None] {
        pairs.truncate(4);
        pairs.extend(long.map(|value| ("zz", value)));
        for (name, value) in &pairs {
            packer.push(name, value);
        }
        packer.finish();
        for (at, value) in [(3, "é"), (1, "a longer value"), (1, "x"), (0, "0"), (3, ""), (2, "y")]
        {
            let again = packer.finish_again(pairs[at].0, value);
            if long.is_some() || value.is_empty() || 63 < value.len() {
                assert_eq!(again, None);
                continue;
            }
            pairs[at].1 = value;
            assert_eq!(again, Some(Labels::from_pairs(pairs.iter().copied())));
            assert_eq!(packer.finish_again("am", "1"), None);
        }
    }
    packer.push("a", "1");
    assert_eq!(packer.finish_again("a", "2"), None);
    assert_eq!(packer.finish(), Labels::from_pairs([("a", "1")]));
}

#[test]
fn a_set_grows_up_to_the_packers_end() {
    let mut packer = LabelsPacker::new();
    let texts: Vec<String> = (0..12).map(|at| format!("{at:032}")).collect();
    for text in &texts {
        packer.push(text, "1");
    }
    let mut pairs: Vec<_> = texts.iter().map(|text| (text.as_str(), "1")).collect();
    packer.finish();
    let mut grown = 0;
    for at in 0..texts.len() {
        let before = mem::replace(&mut pairs[at].1, &texts[at]);
        match packer.finish_again(&texts[at], &texts[at]) {
            Some(labels) => {
                assert_eq!(labels, Labels::from_pairs(pairs.iter().copied()));
                grown += 1;
            }
            None => pairs[at].1 = before,
        }
    }
    assert!(0 < grown && grown < texts.len(), "{grown}");
}

#[test]
fn a_packer_takes_no_piece_of_a_character() {
    let text = "a=\u{e9}, and more of it".as_bytes();
    let packed =
        catch_unwind(|| LabelsPacker::new().push_prefixes([[(text, 1), (&text[2..], 1)]]).finish());
    let refusal = packed.expect_err("no piece of a character is a value");
    let message = refusal.downcast_ref::<String>().expect("a text");
    assert!(message.starts_with("labels are UTF-8"), "{message}");
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
