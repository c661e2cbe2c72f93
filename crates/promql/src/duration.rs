//! Duration literals: `5m`, `1h30m`.

use skopos_core::duration;

use crate::error::{Error, ErrorKind};

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
    duration::parse(text).map_err(|error| Error::plain(ErrorKind::Literal, error.to_string()))
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
    duration::parse_signed(text)
        .map_err(|error| Error::plain(ErrorKind::Literal, error.to_string()))
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
    duration::format(millis)
}
