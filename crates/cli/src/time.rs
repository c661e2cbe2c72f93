//! Times and durations on the command line and in tables.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::TimeZone;
use skopos_core::{Clock, Timestamp};

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the program is where the time comes from")]
        let now = SystemTime::now();
        let millis = |since: Duration| i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Timestamp::from_millis(millis(since)),
            Err(before) => Timestamp::from_millis(-millis(before.duration())),
        }
    }

    fn nanos(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the program is where the time comes from")]
        static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
        i64::try_from(FIRST.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Parses a time: seconds since the Unix epoch, with a fraction if need be, or RFC 3339.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        // Beyond, milliseconds do not fit in 64 bits.
        if seconds.is_finite() && seconds.abs() < 9e15 {
            return Ok(Timestamp::from_seconds(seconds));
        }
        return Err(format!("{text:?} is too far away from now"));
    }
    text.parse::<jiff::Timestamp>()
        .map(|time| Timestamp::from_millis(time.as_millisecond()))
        .map_err(|_| format!("{text:?} is neither a Unix time in seconds nor RFC 3339"))
}

/// Parses a duration as Prometheus writes them, such as `1h30m`; the result is in milliseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    skopos_promql::parse_duration(text).map_err(|error| error.to_string())
}

/// Parses a step: a duration, or a number of seconds; the result is in milliseconds.
pub(crate) fn parse_step(text: &str) -> Result<i64, String> {
    let millis = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds < 9e15 => {
            Timestamp::from_seconds(seconds).as_millis()
        }
        Ok(_) => return Err("the step is out of range".into()),
        Err(_) => parse_duration(text)?,
    };
    if millis < 1 {
        return Err("the step must be at least a millisecond".into());
    }
    Ok(millis)
}

/// The time for people: RFC 3339 in UTC, milliseconds only where there are some.
pub(crate) fn show(t: Timestamp) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(t.as_millis()) else {
        return t.as_seconds().to_string();
    };
    let time = time.to_zoned(TimeZone::UTC);
    if t.as_millis().rem_euclid(1000) == 0 {
        time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    } else {
        time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}

/// The time of day alone, for the ends of an axis.
pub(crate) fn show_short(t: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(t.as_millis())
        .map(|time| time.to_zoned(TimeZone::UTC).strftime("%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_unix_seconds_or_rfc_3339() {
        for (text, millis) in [
            ("0", 0),
            ("1.5", 1_500),
            ("-1", -1_000),
            ("1970-01-01T00:00:01Z", 1_000),
            ("1970-01-01T01:00:00.25+01:00", 250),
        ] {
            assert_eq!(parse_time(text), Ok(Timestamp::from_millis(millis)), "{text}");
        }
        for text in ["", "yesterday", "1e300", "NaN", "2024-13-01T00:00:00Z"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn steps_are_durations_or_seconds() {
        assert_eq!(parse_step("1m30s"), Ok(90_000));
        assert_eq!(parse_step("0.5"), Ok(500));
        for text in ["0", "-1", "0s", "x", "inf", "1e300"] {
            assert!(parse_step(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_shown_as_short_as_they_are() {
        assert_eq!(show(Timestamp::from_millis(0)), "1970-01-01T00:00:00Z");
        assert_eq!(show(Timestamp::from_millis(1_250)), "1970-01-01T00:00:01.250Z");
        assert_eq!(show(Timestamp::MAX), "9223372036854776");
    }
}
