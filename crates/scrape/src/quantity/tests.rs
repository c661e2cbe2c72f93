//! Spellings of durations and sizes.

use super::{ByteSize, PromDuration};

#[track_caller]
fn check_duration(text: &str, expected: Result<i64, &str>) {
    let result = text.parse::<PromDuration>();
    let result = result.map(PromDuration::as_millis).map_err(|e| e.to_string());
    assert_eq!(result, expected.map_err(String::from), "{text}");
}

#[test]
fn durations_are_numbers_with_descending_units() {
    check_duration("0", Ok(0));
    check_duration("0s", Ok(0));
    check_duration("15s", Ok(15_000));
    check_duration("1m30s", Ok(90_000));
    check_duration(
        "1y2w3d4h5m6s7ms",
        Ok(((((365 + 14 + 3) * 24 + 4) * 60 + 5) * 60 + 6) * 1_000 + 7),
    );
    check_duration("", Err("empty duration string"));
    check_duration("1", Err(r#"not a valid duration string: "1""#));
    check_duration("-1s", Err(r#"not a valid duration string: "-1s""#));
    check_duration("1s1m", Err(r#"not a valid duration string: "1s1m""#));
    check_duration("1s1s", Err(r#"not a valid duration string: "1s1s""#));
    check_duration("1.5s", Err(r#"unknown unit "." in duration "1.5s""#));
    check_duration("300y", Err("duration out of range"));
    check_duration("99999999999999999y", Err("duration out of range"));
}

#[test]
fn durations_print_as_prometheus_prints_them() {
    for text in
        ["0s", "15s", "1m30s", "1h", "1d", "90d", "1y", "2w", "1d12h", "250ms", "1m30s250ms"]
    {
        let duration: PromDuration = text.parse().unwrap();
        assert_eq!(duration.to_string(), text);
    }
    assert_eq!("8d".parse::<PromDuration>().unwrap().to_string(), "8d");
    assert_eq!("60s".parse::<PromDuration>().unwrap().to_string(), "1m");
}

#[track_caller]
fn check_size(text: &str, expected: Option<u64>) {
    assert_eq!(text.parse::<ByteSize>().ok().map(ByteSize::get), expected, "{text}");
}

#[test]
fn sizes_are_numbers_with_units_of_1024() {
    check_size("0", Some(0));
    check_size("100B", Some(100));
    check_size("1KB", Some(1_024));
    check_size("1KiB", Some(1_024));
    check_size("1.5MB", Some(1_536 * 1_024));
    check_size("1EB", Some(1 << 60));
    check_size("", None);
    check_size("10", None);
    check_size("10XB", None);
    check_size("-1KB", None);
    check_size("1000EB", None);
}
