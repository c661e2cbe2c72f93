//! Strings and their escapes.

use super::{scan, unquote};

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(scan(&format!("{text} + 1")), Ok(text.len()), "{text}");
    assert_eq!(unquote(text).as_deref(), Ok(expected), "{text}");
}

#[test]
fn escapes_stand_for_characters() {
    check(r#""a b""#, "a b");
    check(r#""\a\b\f\n\r\t\v\\\"""#, "\x07\x08\x0c\n\r\t\x0b\\\"");
    check(r"'\'\101\x41\u00e9\U0001F600'", "'AAé😀");
    check(r#""\xc3\xa9""#, "é");
    check("`raw \\n\n\"'`", "raw \\n\n\"'");
    check("\"é\"", "é");
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(scan(text).expect_err("it is none"), expected, "{text}");
}

#[test]
fn what_is_wrong_is_said_in_words_of_go() {
    check_error("\"a", "unterminated quoted string");
    check_error("'a\n'", "unterminated quoted string");
    check_error("`a", "unterminated raw string");
    check_error("\"\u{fffd}\"", "invalid UTF-8 rune");
    check_error("`\u{fffd}", "invalid UTF-8 rune");
    check_error(r#""\'""#, "unknown escape sequence U+0027 '''");
    check_error("\"\\\n\"", "unknown escape sequence U+000A");
    check_error(r#""\x4"#, "escape sequence not terminated");
    check_error(r#""\"#, "escape sequence not terminated");
    check_error(r#""\xé""#, "illegal character U+00E9 'é' in escape sequence");
    check_error(r#""\400""#, "escape sequence is an invalid Unicode code point");
    check_error(r#""\ud800""#, "escape sequence is an invalid Unicode code point");
    check_error(r#""\UFFFFFFFF""#, "escape sequence is an invalid Unicode code point");
}

#[test]
fn bytes_that_are_no_text_are_given_back() {
    assert_eq!(unquote(r#""a\xff""#), Err(vec![b'a', 0xff]));
}
