//! Durations at the times of a query.

use crate::ast::{DurationContext, Expr};
use crate::{ParseOptions, parse};

const TIMES: DurationContext = DurationContext { step: 15_000, range: 3_600_000 };

#[track_caller]
fn check(range: &str, times: DurationContext, expected: Result<i64, &str>) {
    let expr = parse(&format!("x[{range}]"), &ParseOptions::all()).expect("a selector");
    let Expr::Matrix(matrix) = expr else { unreachable!("it has a range") };
    let got = matrix.range.positive_millis(times).map_err(|error| error.to_string());
    assert_eq!(got, expected.map_err(str::to_owned), "{range}");
}

#[test]
fn arithmetic_is_in_seconds_and_cut_to_milliseconds() {
    check("5m", TIMES, Ok(300_000));
    check("0.0019", TIMES, Ok(1));
    check("step() + 1", TIMES, Ok(16_000));
    check("range() / 7", TIMES, Ok(514_285));
    check("2 ^ 3 ^ 2", TIMES, Ok(512_000));
    check("-2 ^ 2 + 10", TIMES, Ok(6_000));
    check("10m % 3m", TIMES, Ok(60_000));
    check("max_of(step(), 5m) * 2 - min_of(1, 2)", TIMES, Ok(599_000));
    check("-(-5m)", TIMES, Ok(300_000));
}

#[test]
fn what_is_no_duration_is_shown_with_its_bytes() {
    let instant = DurationContext::default();
    check("step() * 4", instant, Err("2:12: duration must be greater than 0"));
    check("5m - 10m", TIMES, Err("2:10: duration must be greater than 0"));
    check("1 + 5m / step()", instant, Err("6:17: division by zero"));
    check("5m % range()", instant, Err("2:14: modulo by zero"));
    check("9e9 * 2", TIMES, Err("2:9: duration is out of range"));
    check("(0 - 1) ^ 0.5", TIMES, Err("2:15: duration is NaN or infinite"));
    check("9e9 ^ 99", TIMES, Err("2:10: duration is NaN or infinite"));
    check("max_of((0 - 1) ^ 0.5, 1)", TIMES, Err("2:26: duration is NaN or infinite"));
}

#[test]
fn an_offset_may_be_negative() {
    let expr = parse("x offset (step() - 1m)", &ParseOptions::all()).expect("a selector");
    let Expr::Vector(vector) = expr else { unreachable!("it is a selector") };
    assert_eq!(vector.offset.millis(TIMES), Ok(-45_000));
    assert!(vector.offset.positive_millis(TIMES).is_err());
}
