//! What is said without compiling agrees with what compiling says.

use super::{is_empty, parse_label, plain_matches_empty};
use crate::{LabelRegex, check, matches_empty};

#[track_caller]
fn agrees(pattern: &str) {
    let compiled = LabelRegex::new(pattern);
    assert_eq!(check(pattern).err(), compiled.as_ref().err().cloned(), "{pattern}");
    assert_eq!(matches_empty(pattern), compiled.map(|regex| regex.is_match("")), "{pattern}");
}

#[test]
fn compiled_or_not_is_the_same() {
    for pattern in [
        "",
        "a",
        "a*",
        "a?b?",
        "(a|)",
        "a|b",
        "^$",
        "^",
        "$",
        "(?m)^$",
        r"\b",
        r"\B",
        r"\A\z",
        r"a\b|\B",
        "(?i:x)*",
        "x{0}",
        "x{0,2}y{0}",
        "x{1,2}",
        "(|){2}",
        ".*",
        ".+",
        "(?-s).*",
        "[^a]",
        r"\pL*",
        "(",
        "a**",
        "x{1001}",
        "(?<n",
        "[z-a]",
        r"\",
        "a)|(b",
    ] {
        agrees(pattern);
    }
    agrees(&format!("{}a{}", "(".repeat(999), ")".repeat(999)));
    agrees(&format!("{}a{}", "(".repeat(1001), ")".repeat(1001)));
}

/// All texts of up to five characters that the short way may take, and some that it may not.
#[test]
fn plain_patterns_are_seen_as_the_parser_sees_them() {
    let alphabet = ["a", ".", "*", "+", "?", "|", "-", "("];
    let mut patterns = vec![String::new()];
    let mut start = 0;
    for _ in 0..5 {
        let end = patterns.len();
        for at in start..end {
            patterns.extend(alphabet.map(|c| format!("{}{c}", patterns[at])));
        }
        start = end;
    }
    let mut plain = 0;
    for pattern in &patterns {
        if let Some(empty) = plain_matches_empty(pattern) {
            let parsed = parse_label(pattern).expect("a plain pattern is one");
            assert_eq!(is_empty(&parsed.node), empty, "{pattern}");
            plain += 1;
        }
    }
    assert!(1000 < plain, "{plain} of {}", patterns.len());
}
