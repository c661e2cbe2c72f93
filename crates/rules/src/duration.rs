//! Durations as Prometheus writes them in configurations: `1h30m`, in milliseconds.

use skopos_core::text::Quoted;

/// Units from the largest to the smallest, in milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The longest duration that Go can hold in nanoseconds.
const LONGEST: i64 = i64::MAX / 1_000_000;

/// Reads a duration; the error is the sentence that Prometheus shows.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("not a valid duration string: {}", Quoted(text));
    let out_of_range = || "duration out of range".to_owned();
    match text {
        "0" => return Ok(0),
        "" => return Err("empty duration string".to_owned()),
        _ => {}
    }
    let (mut rest, mut millis, mut allowed) = (text, 0_i64, UNITS.as_slice());
    while !rest.is_empty() {
        let (digits, after) = split_run(rest, |c| c.is_ascii_digit());
        let (name, after) = split_run(after, |c| !c.is_ascii_digit());
        let count: u64 = digits.parse().map_err(|_| invalid())?;
        if name.is_empty() {
            return Err(invalid());
        }
        if !UNITS.iter().any(|(unit, _)| *unit == name) {
            return Err(format!("unknown unit {} in duration {}", Quoted(name), Quoted(text)));
        }
        // Units come in order, each once.
        let at = allowed.iter().position(|(unit, _)| *unit == name).ok_or_else(invalid)?;
        let unit = allowed[at].1;
        allowed = &allowed[at + 1..];
        let count = i64::try_from(count).map_err(|_| out_of_range())?;
        let part = count.checked_mul(unit).ok_or_else(out_of_range)?;
        millis = millis.checked_add(part).filter(|n| *n <= LONGEST).ok_or_else(out_of_range)?;
        rest = after;
    }
    Ok(millis)
}

fn split_run(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}
