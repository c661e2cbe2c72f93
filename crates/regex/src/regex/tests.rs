use super::*;

#[track_caller]
fn check_replace(pattern: &str, text: &str, template: &str, expected: &str) {
    let regex = Regex::new(pattern).expect("a valid pattern");
    assert_eq!(regex.replace_all(text, template), expected, "{pattern:?} in {text:?}");
}

#[test]
fn replacing_expands_the_template() {
    for (template, expected) in [
        ("$1", "[b]"),
        ("${1}x", "[bx]"),
        ("$1x", "[]"),
        ("$n-$m", "[b-c]"),
        ("${n}${m}", "[bc]"),
        ("$0", "[bc]"),
        ("$9", "[]"),
        ("$01", "[]"),
        ("$$1", "[$1]"),
        ("$", "[$]"),
        ("${", "[${]"),
        ("${1", "[${1]"),
        ("${}", "[${}]"),
        ("$-", "[$-]"),
        ("$é", "[]"),
        ("$99999999999999999999", "[]"),
    ] {
        check_replace("(?P<n>b)(?P<m>c)", "[bc]", template, expected);
    }
}

#[track_caller]
fn check_whole(pattern: &str, matching: &[&str], others: &[&str]) {
    let regex = Regex::anchored(pattern).expect("a valid pattern");
    for (texts, expected) in [(matching, true), (others, false)] {
        for text in texts {
            assert_eq!(regex.is_match(text), expected, "{pattern:?} on {text:?}");
        }
    }
}

#[test]
fn classes_are_those_of_ascii() {
    check_whole(r"\d", &["0", "9"], &["a", "٣", "²"]);
    check_whole(r"\w", &["a", "Z", "0", "_"], &["é", "-", "日"]);
    check_whole(r"\s", &[" ", "\t", "\n", "\u{c}", "\r"], &["\u{b}", "\u{a0}", "\u{2003}"]);
    check_whole(r"[[:space:]]", &["\u{b}"], &["\u{a0}"]);
    check_whole(r".*a\bé.*", &["aé"], &["ab"]);
    check_whole(r"[^\D]\W\S", &["5éé"], &["xéé", "5aé", "5é "]);
    check_whole(r"\pL\p{Greek}", &["éα"], &["1α", "éa"]);
}

#[test]
fn escapes_are_gos() {
    check_whole(r"\Qa.*[\E+", &["a.*[", "a.*[["], &["axx["]);
    check_whole(r"\Qa|b", &["a|b"], &["a", "b"]);
    check_whole(r"\101\x41\x{1F600}\012", &["AA😀\n"], &["AA"]);
    check_whole(r"[\101-\x43]\a\f\t\v", &["B\u{7}\u{c}\t\u{b}"], &["D"]);
    check_whole("{a}{,2}", &["{a}{,2}"], &["a"]);
}

#[test]
fn empty_matches_are_replaced_between_characters() {
    check_replace("", "aé", "-", "-a-é-");
    check_replace("a*", "baac", "-", "-b-c-");
    check_replace("a*", "", "-", "-");
    check_replace(r"\B", "é", "-", "-é-");
    check_replace("(?m)^", "a\nb", "> ", "> a\n> b");
    check_replace("^", "aa", "-", "-aa");
}

#[test]
fn no_match_lies_inside_of_a_character() {
    for (pattern, text, expected) in [
        (r"\p{Greek}|\B", "aΑb", true),
        (r"x|\B", "aΑb", false),
        (r"\B", "éa", true),
        (r"\B", "aéa", false),
    ] {
        let regex = Regex::new(pattern).expect("a valid pattern");
        assert_eq!(regex.is_match(text), expected, "{pattern:?} in {text:?}");
        assert_eq!(regex.captures(text).is_some(), expected, "{pattern:?} in {text:?}");
    }
}

#[test]
fn groups_of_one_name_are_all_reachable() {
    let regex = Regex::new("(?P<n>a)|(?<n>b)").expect("Go allows it here");
    let captures = regex.captures("b").expect("a match");
    assert_eq!((captures.get(1), captures.get(2)), (None, Some("b")));
    assert_eq!(captures.name("n"), Some("b"));
    assert_eq!(captures.name("other"), None);
}

#[test]
fn groups_that_repeat_zero_times_stay_numbered() {
    let regex = Regex::new("(a){0}(b)").expect("a valid pattern");
    let captures = regex.captures("b").expect("a match");
    assert_eq!((captures.get(1), captures.get(2)), (None, Some("b")));
}

#[test]
fn choices_are_tried_from_left_to_right() {
    let regex = Regex::new("(a|ab)(c|bcd)?(d*)").expect("a valid pattern");
    let captures = regex.captures("abcd").expect("a match");
    assert_eq!(captures.get(0), Some("abcd"));
    assert_eq!(captures.get(1), Some("a"));
    assert_eq!(captures.get(2), Some("bcd"));
}

/// Patterns at the limit of nesting are compiled and run on an ordinary thread's stack.
#[test]
fn deep_patterns_do_not_exhaust_the_stack() {
    let nest = |open: &str, close: &str| format!("{}a{}", open.repeat(900), close.repeat(900));
    for pattern in [nest("(", ")"), nest("(?:", "b)*"), nest("(", "|b)"), nest("(?:c", ")?")] {
        match Regex::new(&pattern) {
            Ok(regex) => assert!(regex.is_match("cab")),
            Err(error) => assert_eq!(error.kind(), crate::ErrorKind::NestingDepth, "{pattern}"),
        }
        if let Ok(regex) = crate::LabelRegex::new(&pattern) {
            assert_eq!(
                regex.is_match("a"),
                Regex::anchored(&pattern).is_ok_and(|r| r.is_match("a"))
            );
        }
    }
}

#[test]
fn what_would_take_too_much_memory_is_refused() {
    for pattern in
        [r"(?:\pL{1000}){1}\pL{1000}\pL{1000}\pL{1000}", r"(?i:\w{1000}\pL{900}){1}\PL{1000}"]
    {
        let error = Regex::new(pattern).expect_err("too large");
        assert_eq!(error.kind(), crate::ErrorKind::TooLarge);
        assert_eq!(
            error.to_string(),
            format!("error parsing regexp: expression too large: `{pattern}`")
        );
    }
    assert!(Regex::new(r"\pL{100}").is_ok());
}
