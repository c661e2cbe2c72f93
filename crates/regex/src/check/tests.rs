//! What is said without compiling agrees with what compiling says.

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
