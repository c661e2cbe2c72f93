//! Tests of filters: which predicate a pattern becomes, and what it accepts.

use skopos_core::{MatchOp, Matcher};

use super::*;

#[track_caller]
fn check(pattern: &str, expected: &str) {
    let filter = Filter::new(&[Matcher::new("a", MatchOp::Regex, pattern)]).unwrap();
    assert_eq!(format!("{:?}", filter.conditions()[0].predicate()), expected);
}

#[test]
fn patterns_become_the_cheapest_predicate() {
    check(".*", "any value");
    check(".+", "any value but the empty one");
    check("b|a|b", r#"one of ["a", "b"]"#);
    check("", r#"one of [""]"#);
    check("api-.*", "a match of api-.*");
    check(".*api", "a match of .*api");
}

#[test]
fn a_missing_label_is_an_empty_value() {
    let holds = |op, value: &str| {
        Filter::new(&[Matcher::new("a", op, value)]).unwrap().matches(&[("b", "1")])
    };
    assert!(holds(MatchOp::Equal, ""));
    assert!(!holds(MatchOp::NotEqual, ""));
    assert!(holds(MatchOp::NotEqual, "x"));
    assert!(holds(MatchOp::Regex, "x|"));
    assert!(holds(MatchOp::Regex, ".*"));
    assert!(!holds(MatchOp::Regex, ".+"));
    assert!(!holds(MatchOp::NotRegex, ".*"));
    assert!(holds(MatchOp::NotRegex, ".+"));
}

#[test]
fn the_cache_forgets_what_was_not_used_for_longest() {
    let cache = FilterCache::new(2);
    let ask = |pattern: &str| {
        let matcher = Matcher::new("a", MatchOp::Regex, pattern);
        assert!(cache.filter(&[matcher]).unwrap().matches(&[("a", "xyz")]));
    };
    ask("x.*");
    ask("xy.*");
    ask("x.*");
    ask("xyz.*");
    let entries = cache.entries();
    let mut kept: Vec<&str> = entries.by_pattern.keys().map(|pattern| &**pattern).collect();
    kept.sort_unstable();
    assert_eq!(kept, ["x.*", "xyz.*"]);
}

#[test]
fn a_cache_of_nothing_works() {
    let cache = FilterCache::new(0);
    assert!(cache.filter(&[Matcher::new("a", MatchOp::Regex, "x.*")]).is_ok());
    assert!(cache.is_empty());
}

#[test]
fn errors_name_the_matcher_and_are_not_cached() {
    let cache = FilterCache::new(2);
    let matcher = Matcher::new("a", MatchOp::NotRegex, "(");
    let error = cache.filter(std::slice::from_ref(&matcher)).unwrap_err();
    assert_eq!(error.matcher(), Some(&matcher));
    assert!(cache.is_empty());
    let error = skopos_core::Error::from(error);
    assert_eq!(error.kind(), skopos_core::ErrorKind::Invalid);
    assert!(error.to_string().starts_with(r#"matcher a!~"(": "#), "{error}");
}
