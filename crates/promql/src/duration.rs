//! Duration literals: `5m`, `1h30m`.

use std::fmt::Write as _;

use crate::error::{Error, ErrorKind};
use crate::text::Quoted;

/// Units from the largest, with their milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 60 * 60 * 1000),
    ("w", 7 * 24 * 60 * 60 * 1000),
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// Upstream counts nanoseconds in 64 bits: what does not fit is out of range.
const MAX_MILLIS: u64 = 9_223_372_036_854;

/// The milliseconds of a duration literal: numbers with the units `y w d h m s ms`, each at most
/// once and from the largest to the smallest, or `0`.
///
/// ```
/// use skopos_promql::parse_duration;
///
/// assert_eq!(parse_duration("1h30m"), Ok(5_400_000));
/// assert_eq!(parse_duration("5").unwrap_err().to_string(), "not a valid duration string: \"5\"");
/// ```
///
/// # Errors
///
/// `Literal`, with Prometheus' sentence, where the text is none or is longer than 292 years.
pub fn parse_duration(text: &str) -> Result<i64, Error> {
    parse(text).map_err(|message| Error::plain(ErrorKind::Literal, message))
}

/// [`parse_duration`] that also takes a minus sign in front.
///
/// ```
/// assert_eq!(skopos_promql::parse_signed_duration("-5m"), Ok(-300_000));
/// ```
///
/// # Errors
///
/// Those of [`parse_duration`].
pub fn parse_signed_duration(text: &str) -> Result<i64, Error> {
    match text.strip_prefix('-') {
        Some(positive) => parse_duration(positive).map(|millis| -millis),
        None => parse_duration(text),
    }
}

pub(crate) fn parse(text: &str) -> Result<i64, String> {
    match text {
        "" => return Err("empty duration string".into()),
        "0" => return Ok(0),
        _ => {}
    }
    let invalid = || format!("not a valid duration string: {}", Quoted(text));
    let out_of_range = || "duration out of range".to_owned();
    let mut rest = text;
    let mut total = 0;
    let mut units = 0..UNITS.len();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let value: u64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let len = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        if len == 0 {
            return Err(invalid());
        }
        let unit = &rest[..len];
        rest = &rest[len..];
        let Some(place) = UNITS.iter().position(|&(name, _)| name == unit) else {
            return Err(format!("unknown unit {} in duration {}", Quoted(unit), Quoted(text)));
        };
        if !units.contains(&place) {
            return Err(invalid());
        }
        units.start = place + 1;
        let millis = value.checked_mul(UNITS[place].1).ok_or_else(out_of_range)?;
        total += millis.min(MAX_MILLIS + 1);
        if MAX_MILLIS < total {
            return Err(out_of_range());
        }
    }
    i64::try_from(total).map_err(|_| out_of_range())
}

/// The duration literal of so many milliseconds.
///
/// ```
/// use skopos_promql::format_duration;
///
/// assert_eq!(format_duration(5_400_000), "1h30m");
/// assert_eq!(format_duration(8 * 86_400_000), "8d");
/// assert_eq!(format_duration(0), "0s");
/// ```
#[must_use]
pub fn format_duration(millis: i64) -> String {
    let mut out = String::new();
    write_duration(&mut out, millis);
    out
}

/// Appends what [`format_duration`] returns.
pub(crate) fn write_duration(out: &mut String, millis: i64) {
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
        let _ = write!(out, "{}{name}", rest / unit);
        rest %= unit;
    }
}
