//! Durations as Prometheus writes them, in queries and in configurations: `5m`, `1h30m`.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use crate::error::{Error, ErrorKind};
use crate::text::Quoted;

/// Units from the largest, with their milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The longest duration in milliseconds: Prometheus counts nanoseconds in 63 bits.
const LONGEST: i64 = i64::MAX / 1_000_000;

/// The milliseconds of a duration: numbers with the units `y w d h m s ms`, each at most once and
/// from the largest to the smallest, or `0`.
///
/// ```
/// use skopos_core::duration;
///
/// assert_eq!(duration::parse("1h30m").unwrap(), 5_400_000);
/// let error = duration::parse("5").unwrap_err();
/// assert_eq!(error.to_string(), "not a valid duration string: \"5\"");
/// ```
///
/// # Errors
///
/// `Invalid`, with Prometheus' sentence, where the text is none or is longer than 292 years.
pub fn parse(text: &str) -> Result<i64, Error> {
    match text {
        "" => return Err(invalid("empty duration string")),
        "0" => return Ok(0),
        _ => {}
    }
    let malformed = || invalid(format!("not a valid duration string: {}", Quoted(text)));
    let out_of_range = || invalid("duration out of range");
    let (mut rest, mut total, mut allowed) = (text, 0_i64, UNITS.as_slice());
    while !rest.is_empty() {
        let (digits, behind) = split_run(rest, |c| c.is_ascii_digit());
        let (name, next) = split_run(behind, |c| !c.is_ascii_digit());
        let number: u64 = digits.parse().map_err(|_| malformed())?;
        if name.is_empty() {
            return Err(malformed());
        }
        if !UNITS.iter().any(|(unit, _)| *unit == name) {
            let (name, text) = (Quoted(name), Quoted(text));
            return Err(invalid(format!("unknown unit {name} in duration {text}")));
        }
        // From large to small, each once.
        let at = allowed.iter().position(|(unit, _)| *unit == name).ok_or_else(malformed)?;
        let part = number.checked_mul(allowed[at].1).and_then(|part| i64::try_from(part).ok());
        allowed = &allowed[at + 1..];
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= LONGEST)
            .ok_or_else(out_of_range)?;
        rest = next;
    }
    Ok(total)
}

/// As [`parse`], with a minus sign in front allowed.
///
/// ```
/// assert_eq!(skopos_core::duration::parse_signed("-5m").unwrap(), -300_000);
/// ```
///
/// # Errors
///
/// Those of [`parse`].
pub fn parse_signed(text: &str) -> Result<i64, Error> {
    match text.strip_prefix('-') {
        Some(positive) => parse(positive).map(|millis| -millis),
        None => parse(text),
    }
}

/// The text of so many milliseconds.
///
/// ```
/// use skopos_core::duration;
///
/// assert_eq!(duration::format(5_400_000), "1h30m");
/// assert_eq!(duration::format(8 * 86_400_000), "8d");
/// assert_eq!(duration::format(0), "0s");
/// ```
#[must_use]
pub fn format(millis: i64) -> String {
    let mut out = String::new();
    write(&mut out, millis);
    out
}

/// Appends what [`format()`] returns.
pub fn write(out: &mut String, millis: i64) {
    if millis == 0 {
        return out.push_str("0s");
    }
    if millis < 0 {
        out.push('-');
    }
    let mut rest = millis.unsigned_abs();
    for (name, unit) in UNITS {
        // Years and weeks are used only where they fit exactly, since nobody reads `1w3d`.
        let exact = matches!(name, "y" | "w");
        if rest < unit || (exact && !rest.is_multiple_of(unit)) {
            continue;
        }
        // Writing into a `String` cannot fail.
        let _ = core::write!(out, "{}{name}", rest / unit);
        rest %= unit;
    }
}

fn split_run(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

#[cold]
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<i64, &str>) {
        assert_eq!(parse(text).map_err(|e| e.to_string()), expected.map_err(ToString::to_string));
    }

    #[test]
    fn units_descend_and_come_once() {
        check("0", Ok(0));
        check("1y2w3d4h5m6s7ms", Ok(33_019_506_007));
        check("292y", Ok(292 * 365 * 86_400_000));
        check("", Err("empty duration string"));
        check("5m1h", Err("not a valid duration string: \"5m1h\""));
        check("5m5m", Err("not a valid duration string: \"5m5m\""));
        check("m", Err("not a valid duration string: \"m\""));
        check("1.5h", Err("unknown unit \".\" in duration \"1.5h\""));
        check("5y1hs", Err("unknown unit \"hs\" in duration \"5y1hs\""));
        check("293y", Err("duration out of range"));
        check("9223372036854775807y", Err("duration out of range"));
        check(
            "99999999999999999999s",
            Err("not a valid duration string: \"99999999999999999999s\""),
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        for millis in [1, 999, 1000, 61_001, 86_400_000, 8 * 86_400_000, LONGEST] {
            assert_eq!(parse(&format(millis)).map_err(|e| e.kind()), Ok(millis));
            assert_eq!(parse_signed(&format(-millis)).map_err(|e| e.kind()), Ok(-millis));
        }
    }
}
