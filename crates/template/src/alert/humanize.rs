//! Numbers for people: `humanize` and its kin, and what they take for a number.

use skopos_core::duration;
use skopos_core::text::Quoted;

use crate::function::CallError;
use crate::literal::{FloatError, go_int, parse_float};
use crate::print::float;
use crate::time::Time;
use crate::value::{IntType, Value};

/// What counts as a number: floats, integers, durations, and texts that read as a float.
pub(super) fn to_float(value: &Value) -> Result<f64, CallError> {
    match value {
        Value::Float(float) => Ok(*float),
        Value::Int(int, IntType::Int | IntType::Int64) => Ok(*int as f64),
        Value::Int(nanos, IntType::Duration) => {
            Ok((nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9)
        }
        Value::Text(text) if !text.is_safe_html() => {
            let text = text.to_str();
            parse_float(&text).map_err(|error| {
                let why = match error {
                    FloatError::Syntax => "invalid syntax",
                    FloatError::Range => "value out of range",
                };
                CallError::new(format!("strconv.ParseFloat: parsing {}: {why}", Quoted(&text)))
            })
        }
        other => Err(CallError::new(format!("can't convert {} to float", other.type_name()))),
    }
}

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// Scales a number until it is handy.
fn scaled<'p>(
    mut value: f64,
    prefixes: &[&'p str; 8],
    factor: f64,
    is_handy: impl Fn(f64) -> bool,
) -> (f64, &'p str) {
    let mut chosen = "";
    for prefix in prefixes {
        if is_handy(value.abs()) {
            break;
        }
        chosen = prefix;
        value = if factor < 1.0 { value * 1000.0 } else { value / factor };
    }
    (value, chosen)
}

fn small(value: f64) -> String {
    let (value, prefix) = scaled(value, &SMALL, 0.001, |magnitude| magnitude >= 1.0);
    format!("{}{prefix}", float("%.4g", value))
}

pub(super) fn decimal(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return float("%.4g", value);
    }
    if value.abs() < 1.0 {
        return small(value);
    }
    let (value, prefix) = scaled(value, &LARGE, 1000.0, |magnitude| magnitude < 1000.0);
    format!("{}{prefix}", float("%.4g", value))
}

pub(super) fn binary(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return float("%.4g", value);
    }
    let (value, prefix) = scaled(value, &LARGE_BINARY, 1024.0, |magnitude| magnitude < 1024.0);
    format!("{}{prefix}", float("%.4g", value))
}

pub(super) fn percentage(value: f64) -> String {
    float("%.4g%%", value * 100.0)
}

pub(super) fn duration(value: f64) -> String {
    if !value.is_finite() {
        return float("%.4g", value);
    }
    if value == 0.0 {
        return float("%.4gs", value);
    }
    if value.abs() < 1.0 {
        return format!("{}s", small(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    let total = go_int(value);
    let (days, hours) = (total / 86_400, total / 3600 % 24);
    let (minutes, seconds) = (total / 60 % 60, total % 60);
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}", float("%.4gs", value))
    }
}

pub(super) fn timestamp(value: f64) -> Result<String, CallError> {
    if !value.is_finite() {
        return Ok(float("%.4g", value));
    }
    Ok(to_time(value)?.into_value().to_text())
}

/// Seconds since the Unix epoch as a time of whole milliseconds.
pub(super) fn to_time(value: f64) -> Result<Time, CallError> {
    if !value.is_finite() {
        return Err(CallError::new("value is NaN or Inf"));
    }
    let nanos = value * 1e9;
    if !(-9_223_372_036_854_775_808.0..=9_223_372_036_854_775_808.0).contains(&nanos) {
        return Err(CallError::new(format!(
            "{} cannot be represented as a nanoseconds timestamp since it overflows int64",
            float("%v", value)
        )));
    }
    Ok(Time::from_millis(go_int(nanos) / 1_000_000))
}

/// A duration of Prometheus (`1h30m`, also negative) in seconds.
pub(super) fn parse_duration(text: &str) -> Result<f64, CallError> {
    let millis = duration::parse_signed(text).map_err(|error| CallError::new(error.to_string()))?;
    Ok(millis as f64 / 1000.0)
}
