//! Literals as Go reads them.

use super::{FloatError, Number, go_int, parse_float, unquote};

#[track_caller]
fn check_float(text: &str, expected: Result<f64, FloatError>) {
    assert_eq!(parse_float(text), expected, "{text}");
}

#[test]
fn floats_are_decimal_hexadecimal_or_infinite() {
    check_float("1_000.5e-1", Ok(100.05));
    check_float("+.5", Ok(0.5));
    check_float("0x1.8p1", Ok(3.0));
    check_float("-0x.8p-1", Ok(-0.25));
    check_float("-Infinity", Ok(f64::NEG_INFINITY));
    check_float("1e400", Err(FloatError::Range));
    for wrong in ["", "0x10", "1__0", "_1", "1_", "+nan", "e5", "1e", "0x1.8", "infinit", "1.2.3"] {
        check_float(wrong, Err(FloatError::Syntax));
    }
    assert!(parse_float("NaN").is_ok_and(f64::is_nan));
}

#[track_caller]
fn check_int(text: &str, expected: Option<i64>) {
    assert_eq!(Number::parse(text).ok().and_then(|number| number.int), expected, "{text}");
}

#[test]
fn integers_have_four_notations() {
    check_int("0x1F", Some(31));
    check_int("0b11", Some(3));
    check_int("0o17", Some(15));
    check_int("017", Some(15));
    check_int("-0x_8", Some(-8));
    check_int("1e3", Some(1000));
    check_int("'\\u00e9'", Some(0xe9));
    check_int("9223372036854775808", None);
    check_int("-9223372036854775808", Some(i64::MIN));
    check_int("08", None);
}

#[test]
fn strings_have_escapes() {
    assert_eq!(unquote(r#""a\x41\101\n\u00e9\"""#), Some(b"aAA\n\xc3\xa9\"".to_vec()));
    assert_eq!(unquote("`a\r\\n`"), Some(b"a\\n".to_vec()));
    for wrong in [r#""\q""#, r#""\x4""#, r#""\ud800""#, r#""\'""#, r#""\400""#, "'a'", "\"a"] {
        assert_eq!(unquote(wrong), None, "{wrong}");
    }
}

#[test]
fn what_does_not_fit_an_integer_is_the_smallest() {
    assert_eq!(go_int(1e300), i64::MIN);
    assert_eq!(go_int(f64::NAN), i64::MIN);
    assert_eq!(go_int(-1.9), -1);
}
