//! Where numbers end, and what they are worth.

#[cfg(feature = "engine")]
use super::scan_series_number;
use super::{ScanError, parse_number, scan_number_or_duration};
use crate::token::Kind;

#[track_caller]
fn check_scan(text: &str, expected: Result<(usize, Kind), usize>) {
    assert_eq!(scan_number_or_duration(text.as_bytes()), expected.map_err(ScanError), "{text}");
}

#[test]
fn numbers_end_before_signs() {
    check_scan("12+3", Ok((2, Kind::Number)));
    check_scan("1.5e-3)", Ok((6, Kind::Number)));
    check_scan(".5", Ok((2, Kind::Number)));
    check_scan("0x1F ", Ok((4, Kind::Number)));
    check_scan("1_000", Ok((5, Kind::Number)));
    check_scan("5é", Ok((1, Kind::Number)));
}

#[test]
fn durations_have_units() {
    check_scan("5m]", Ok((2, Kind::Duration)));
    check_scan("1h30m:", Ok((5, Kind::Duration)));
    check_scan("100ms", Ok((5, Kind::Duration)));
    check_scan("1y2w", Ok((4, Kind::Duration)));
}

#[test]
fn what_was_read_of_a_bad_number_is_known() {
    check_scan("1foo", Err(1));
    check_scan("1..2", Err(3));
    check_scan("1__0", Err(3));
    check_scan("1e", Err(2));
    check_scan("5mm", Err(3));
    check_scan("1h30", Err(4));
    check_scan("0b1", Err(1));
    check_scan("0x1.8", Err(4));
    check_scan("0x1ee", Err(5));
}

#[cfg(feature = "engine")]
#[test]
fn a_series_repeats_with_x() {
    assert_eq!(scan_series_number(b"1x5"), Ok(1));
    assert_eq!(scan_series_number(b"0x5"), Ok(1));
    assert_eq!(scan_series_number(b"5m"), Err(ScanError(1)));
}

#[track_caller]
fn check_value(text: &str, expected: f64) {
    let got = parse_number(text).expect("it is a number");
    assert_eq!(got.to_bits(), expected.to_bits(), "{text}: {got}");
}

#[test]
fn values_follow_the_rules_of_go() {
    check_value("0", 0.0);
    check_value("123456789", 123_456_789.0);
    check_value("010", 8.0);
    check_value("08", 8.0);
    check_value("0_7", 7.0);
    check_value("0xFf", 255.0);
    check_value("1_0.5_0", 10.5);
    check_value("9223372036854775807", 9_223_372_036_854_775_807.0);
    check_value("9223372036854775808", 9_223_372_036_854_775_808.0);
    check_value("iNf", f64::INFINITY);
    check_value("NaN", f64::from_bits(0x7ff8_0000_0000_0001));
}

#[test]
fn values_out_of_reach_are_refused_in_words_of_go() {
    let error = |text| parse_number(text).expect_err("it is none");
    let prefix = "error parsing number: strconv.ParseFloat: parsing";
    assert_eq!(error("1e309"), format!("{prefix} \"1e309\": value out of range"));
    assert_eq!(error("0x1e+5"), format!("{prefix} \"0x1e+5\": invalid syntax"));
    assert_eq!(error("1e1.5"), format!("{prefix} \"1e1.5\": invalid syntax"));
}
