use super::*;
use crate::parse::{Flags, parse};

fn node(pattern: &str) -> Node {
    parse(pattern, Flags { dot_newline: true, ..Flags::default() }).expect("valid").node
}

#[track_caller]
fn check_texts(pattern: &str, expected: Option<&[&str]>) {
    let texts = Shapes::of(&node(pattern)).filter(|s| !s.fold).and_then(|s| s.texts());
    let texts: Option<Vec<&str>> =
        texts.as_ref().map(|texts| texts.iter().map(String::as_str).collect());
    assert_eq!(texts.as_deref(), expected, "{pattern}");
}

#[test]
fn finite_patterns_are_sets() {
    check_texts("", Some(&[""]));
    check_texts("b|a|b", Some(&["a", "b"]));
    check_texts("a(b|c)?", Some(&["a", "ab", "ac"]));
    check_texts("^(?:x|y)[12]$", Some(&["x1", "x2", "y1", "y2"]));
    check_texts("(ab){2}", Some(&["abab"]));
    check_texts("a{0,2}", Some(&["", "a", "aa"]));
    check_texts("a{0}", Some(&[""]));
    check_texts("(?i)日本", Some(&["日本"]));
    check_texts("(?i)a", None);
    check_texts("a$b", None);
    check_texts("a|.", None);
    check_texts("[0-9]{3}", None);
}

#[test]
fn large_choices_stay_sets_but_products_are_bounded() {
    let choices = (0..1000).map(|i| format!("value{i}")).collect::<Vec<_>>().join("|");
    let count = |pattern: &str| Shapes::of(&node(pattern)).map(|s| s.choices.len());
    assert_eq!(count(&choices), Some(1000));
    assert_eq!(count(&format!("^({choices})$")), Some(1000));
    assert_eq!(count(&format!("({choices})x")), None);
    assert_eq!(count("(a|b){8}"), Some(256));
    assert_eq!(count("(a|b){9}"), None);
    assert_eq!(count(&"(a|b)?".repeat(500)), None);
}

#[track_caller]
fn check_required(pattern: &str, prefix: &str, suffix: &str, contains: &[&str]) {
    let required = Required::of(&node(pattern));
    assert_eq!((required.prefix.as_str(), required.suffix.as_str()), (prefix, suffix), "{pattern}");
    assert_eq!(required.contains, contains, "{pattern}");
}

#[test]
fn required_literals_are_found_at_both_ends_and_inside() {
    check_required(r"foo\d+bar", "foo", "bar", &[]);
    check_required("(foo|fob).*(xa|ya)", "fo", "a", &[]);
    check_required("a.*b.*c.*d", "a", "d", &["b", "c"]);
    check_required("(?i:a)b.*c(?i:d)", "", "", &["b", "c"]);
    check_required("(?:ab)+", "ab", "ab", &[]);
    check_required("(?:ab)*", "", "", &[]);
    check_required("é.*è", "é", "è", &[]);
    check_required("(é|è)x", "", "x", &[]);
    check_required("[a]b.", "ab", "", &["b"]);
}
