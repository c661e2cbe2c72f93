//! What the values of parameters mean: times, durations, limits, booleans.

use jiff::Timestamp as Instant;
use skopos_core::Timestamp;
use skopos_core::text::Quoted;

use super::form::Form;
use super::reply::Failure;

/// The start of time for endpoints whose start is optional, and how clients may write it.
const MIN_TIME: (i64, &str) = (-9_223_309_901_257_974, "-292273086-05-16T16:47:06Z");
/// The end of time for endpoints whose end is optional, and how clients may write it.
const MAX_TIME: (i64, &str) = (9_223_309_901_257_974, "292277025-08-18T07:12:54.999999999Z");

/// A point in time, as exact as clients can write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    nanos: i128,
}

impl Moment {
    /// The earliest time that means anything.
    pub(crate) const MIN: Self = Self { nanos: MIN_TIME.0 as i128 * 1_000_000_000 };
    /// The latest time that means anything.
    pub(crate) const MAX: Self = Self { nanos: MAX_TIME.0 as i128 * 1_000_000_000 + 999_999_999 };

    /// The time to the millisecond, earlier where it lies between two.
    pub(crate) fn millis(self) -> Timestamp {
        let millis = self.nanos.div_euclid(1_000_000);
        Timestamp::from_millis(millis.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }

    /// Nanoseconds from `start` to here.
    pub(crate) fn since(self, start: Self) -> i128 {
        self.nanos - start.nanos
    }
}

impl From<Timestamp> for Moment {
    fn from(t: Timestamp) -> Self {
        Self { nanos: i128::from(t.as_millis()) * 1_000_000 }
    }
}

/// Reads a time: seconds since the epoch, or RFC 3339.
pub(crate) fn time(text: &str) -> Result<Moment, Failure> {
    if let Some(seconds) = float(text) {
        let whole = seconds.trunc();
        let fraction = (seconds.fract() * 1000.0).round() / 1000.0;
        // Float-to-integer conversions saturate.
        let nanos = i128::from(whole as i64) * 1_000_000_000 + (fraction * 1e9) as i128;
        // Beyond, nothing can be stored, and computing with times would overflow.
        return Ok(Moment { nanos }.clamp(Moment::MIN, Moment::MAX));
    }
    if let Some(instant) = rfc3339(text) {
        return Ok(Moment { nanos: instant.as_nanosecond() });
    }
    match text {
        _ if text == MIN_TIME.1 => Ok(Moment::MIN),
        _ if text == MAX_TIME.1 => Ok(Moment::MAX),
        _ => Err(Failure::bad_data(format!("cannot parse {} to a valid timestamp", Quoted(text)))),
    }
}

/// Reads a duration, in seconds or in Prometheus' notation, as nanoseconds.
pub(crate) fn duration(text: &str) -> Result<i64, Failure> {
    if let Some(seconds) = float(text) {
        let nanos = seconds * 1e9;
        // `i64::MAX` as a float is one more than it is.
        if nanos < i64::MIN as f64 || i64::MAX as f64 <= nanos {
            let quoted = Quoted(text);
            return Err(Failure::bad_data(format!(
                "cannot parse {quoted} to a valid duration. It overflows int64"
            )));
        }
        return Ok(nanos as i64);
    }
    skopos_promql::parse_duration(text).map(|millis| millis.saturating_mul(1_000_000)).map_err(
        |_| Failure::bad_data(format!("cannot parse {} to a valid duration", Quoted(text))),
    )
}

/// The parameter `limit`: how many results are wanted, 0 for all.
pub(crate) fn limit(form: &Form) -> Result<usize, Failure> {
    let text = form.value("limit");
    if text.is_empty() {
        return Ok(0);
    }
    let wanted = integer(text).map_err(|failure| failure.of_parameter("limit"))?;
    usize::try_from(wanted)
        .map_err(|_| Failure::bad_data("limit must be non-negative").of_parameter("limit"))
}

/// Reads an integer as Go's `strconv.Atoi` does.
pub(crate) fn integer(text: &str) -> Result<i64, Failure> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let quoted = Quoted(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Failure::bad_data(format!("strconv.Atoi: parsing {quoted}: invalid syntax")));
    }
    text.parse().map_err(|_| {
        Failure::bad_data(format!("strconv.Atoi: parsing {quoted}: value out of range"))
    })
}

/// An optional time, or `default`.
pub(crate) fn optional_time(
    form: &Form,
    name: &'static str,
    default: Moment,
) -> Result<Moment, Failure> {
    match form.value(name) {
        "" => Ok(default),
        text => time(text).map_err(|failure| {
            failure.context(format_args!("invalid time value for '{name}'")).of_parameter(name)
        }),
    }
}

/// A time that must be there.
pub(crate) fn required_time(form: &Form, name: &'static str) -> Result<Moment, Failure> {
    time(form.value(name)).map_err(|failure| failure.of_parameter(name))
}

/// An optional duration in milliseconds.
pub(crate) fn optional_millis(form: &Form, name: &'static str) -> Result<Option<i64>, Failure> {
    match form.value(name) {
        "" => Ok(None),
        text => match duration(text) {
            Ok(nanos) => Ok(Some(nanos / 1_000_000)),
            Err(failure) => Err(failure.of_parameter(name)),
        },
    }
}

/// Reads a boolean as Go's `strconv.ParseBool` does.
pub(crate) fn boolean(text: &str) -> Result<bool, Failure> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Failure::bad_data(format!(
            "strconv.ParseBool: parsing {}: invalid syntax",
            Quoted(text)
        ))),
    }
}

/// Reads a float; digits that lie beyond all floats are refused, infinity by name is not.
fn float(text: &str) -> Option<f64> {
    let v: f64 = text.parse().ok()?;
    let named = text.bytes().any(|b| matches!(b, b'i' | b'I'));
    (v.is_finite() || v.is_nan() || named).then_some(v)
}

fn rfc3339(text: &str) -> Option<Instant> {
    // The library's parser takes more than RFC 3339; the separators settle it.
    let bytes = text.as_bytes();
    let shape = bytes.get(4) == Some(&b'-') && bytes.get(10) == Some(&b'T');
    let zone = bytes.last() == Some(&b'Z')
        || bytes
            .len()
            .checked_sub(6)
            .and_then(|at| bytes.get(at))
            .is_some_and(|b| b"+-".contains(b));
    let plain = bytes.iter().all(|b| b.is_ascii_digit() || b"-:.+TZ".contains(b));
    (shape && zone && plain).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{Form, Moment, boolean, duration, integer, limit, time};

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1435781430.781", Some(1_435_781_430_781)),
            ("-1.5", Some(-1_500)),
            ("1.0006", Some(1_001)),
            ("2015-07-01T20:10:30.781Z", Some(1_435_781_430_781)),
            ("2015-07-01T22:10:30.7819+02:00", Some(1_435_781_430_781)),
            ("1969-12-31T23:59:59.9999Z", Some(-1)),
            ("", None),
            ("yesterday", None),
            ("2015-07-01", None),
            ("2015-07-01 20:10:30Z", None),
            ("1e400", None),
            ("1e300", Some(Moment::MAX.millis().as_millis())),
            ("-Inf", Some(Moment::MIN.millis().as_millis())),
            ("-292273086-05-16T16:47:06Z", Some(Moment::MIN.millis().as_millis())),
            ("292277025-08-18T07:12:54.999999999Z", Some(Moment::MAX.millis().as_millis())),
        ] {
            assert_eq!(time(text).ok().map(|t| t.millis().as_millis()), expected, "{text}");
        }
        assert_eq!(time("foo").unwrap_err().message(), "cannot parse \"foo\" to a valid timestamp");
    }

    #[test]
    fn durations_are_seconds_or_units() {
        assert_eq!(duration("1.5").ok(), Some(1_500_000_000));
        assert_eq!(duration("1m").ok(), Some(60_000_000_000));
        assert_eq!(duration("-1").ok(), Some(-1_000_000_000));
        assert_eq!(
            duration("-1m").unwrap_err().message(),
            "cannot parse \"-1m\" to a valid duration"
        );
        assert_eq!(
            duration("1e10").unwrap_err().message(),
            "cannot parse \"1e10\" to a valid duration. It overflows int64"
        );
    }

    #[test]
    fn limits_are_not_negative() {
        assert_eq!(limit(&Form::from_query("limit=3")).ok(), Some(3));
        assert_eq!(limit(&Form::from_query("")).ok(), Some(0));
        let failure = limit(&Form::from_query("limit=-1")).unwrap_err();
        assert_eq!(failure.message(), "invalid parameter \"limit\": limit must be non-negative");
        let failure = limit(&Form::from_query("limit=a")).unwrap_err();
        assert_eq!(
            failure.message(),
            "invalid parameter \"limit\": strconv.Atoi: parsing \"a\": invalid syntax"
        );
    }

    #[test]
    fn integers_and_booleans_are_gos() {
        assert_eq!(integer("+7").ok(), Some(7));
        assert!(
            integer("99999999999999999999").unwrap_err().message().ends_with("value out of range")
        );
        assert_eq!(boolean("T").ok(), Some(true));
        assert!(boolean("yes").is_err());
    }
}
