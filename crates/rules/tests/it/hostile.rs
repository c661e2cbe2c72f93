//! Rule files that ask for too much, and any bytes at all: errors, quickly.

use proptest::prelude::*;
use skopos_rules::{LoadErrorKind, LoadOptions, load};

use crate::doubles::{EXPRESSIONS, TEMPLATES};

fn options() -> LoadOptions<'static> {
    LoadOptions::new(&EXPRESSIONS, &TEMPLATES)
}

#[test]
fn aliases_do_not_multiply_without_bound() {
    let rules = "&r {record: a, expr: b}, ".to_owned() + &"*r, ".repeat(2000);
    let groups = format!("&g {{name: g, rules: [{rules}]}}, ") + &"*g, ".repeat(2000);
    let errors = load(format!("groups: [{groups}]").as_bytes(), "F", &options()).unwrap_err();
    assert_eq!(errors[0].kind(), LoadErrorKind::Limit);
    assert_eq!(errors.len(), 1);
}

#[test]
fn nesting_is_bounded() {
    for text in ["[".repeat(100_000), "- ".repeat(50_000), "{a: ".repeat(100_000)] {
        assert!(load(text.as_bytes(), "F", &options()).is_err());
    }
}

#[test]
fn an_anchor_that_contains_itself_is_an_error() {
    assert!(load(b"groups: &g [*g]\n", "F", &options()).is_err());
    assert!(load(b"groups:\n- &g\n  <<: *g\n  name: a\n", "F", &options()).is_err());
}

#[test]
fn a_key_that_is_nothing_is_no_field() {
    let errors = load(b"~: 1\n", "F", &options()).unwrap_err();
    let expected =
        "F: yaml: unmarshal errors:\n  line 1: field  not found in type rulefmt.RuleGroups";
    assert_eq!(errors[0].to_string(), expected);
}

#[test]
fn complaints_are_bounded() {
    let text = format!("groups:\n- name: g\n  labels:\n{}", "    a: b\n".repeat(2000));
    let errors = load(text.as_bytes(), "F", &options()).unwrap_err();
    assert!(errors.iter().all(|error| error.to_string().lines().count() <= 101));
}

#[test]
fn blocks_know_where_their_mark_stands() {
    let text =
        "groups:\n- name: g\n  rules:\n  - record: a\n    expr: >-  # why | so\n\n      sum(\n";
    let known = crate::doubles::Known(&[("sum(", "wrong"), ("\nsum(", "wrong")]);
    let errors = load(text.as_bytes(), "F", &LoadOptions::new(&known, &TEMPLATES)).unwrap_err();
    assert!(errors[0].to_string().starts_with("F: 5:11: "), "{}", errors[0]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let loaded = load(&bytes, "F", &options());
        prop_assert!(loaded.is_ok() || loaded.is_err());
    }

    #[test]
    fn no_yaml_panics(text in r#"(groups|rules|- |name|: |record|alert|expr|for|labels|\n|  |\{|\}|\[|\]|&a |\*a|<<|5m|\||>|#|"|'|~){0,40}"#) {
        let loaded = load(text.as_bytes(), "F", &options());
        prop_assert!(loaded.is_ok() || loaded.is_err());
    }
}
