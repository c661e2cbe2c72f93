//! Durations and sizes as Prometheus' configuration writes them.
//!
//! Public, so that a program's own configuration can use the same values around scrape configs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de;
use serde::{Deserialize, Deserializer};
use skopos_core::duration;

use crate::error::Error;

#[cfg(test)]
mod tests;

/// A span of time in Prometheus' notation: `1m30s`, `250ms`, `0`.
///
/// ```
/// use skopos_scrape::PromDuration;
///
/// let duration: PromDuration = "1h30m".parse()?;
/// assert_eq!(duration.get().as_secs(), 5_400);
/// assert_eq!(PromDuration::from_millis(90_250).to_string(), "1m30s250ms");
/// # Ok::<(), skopos_scrape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromDuration(Duration);

impl PromDuration {
    /// A duration of so many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The duration.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }

    /// Whether it is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Milliseconds, at most [`i64::MAX`].
    #[must_use]
    pub fn as_millis(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }
}

impl FromStr for PromDuration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let millis = duration::parse(text).map_err(|error| Error::config(error.to_string()))?;
        Ok(Self(Duration::from_millis(millis.unsigned_abs())))
    }
}

/// Years and weeks only where they leave no rest, as Prometheus writes them; whole milliseconds.
impl fmt::Display for PromDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::format(self.as_millis()))
    }
}

impl<'de> Deserialize<'de> for PromDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A number of bytes: `512MB`, `1.5GiB`; thousands are 1,024 in both spellings.
///
/// ```
/// use skopos_scrape::ByteSize;
///
/// assert_eq!("10MB".parse::<ByteSize>()?.get(), 10 * 1_024 * 1_024);
/// # Ok::<(), skopos_scrape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// So many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "0" {
            return Ok(Self(0));
        }
        let invalid = || Error::config(format!("units: invalid {text}"));
        let mut rest = text;
        let mut bytes = 0.0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
            let (number, behind) = rest.split_at(digits);
            let unit_len = behind.bytes().take_while(|b| !b.is_ascii_digit() && *b != b'.').count();
            let (unit, next) = behind.split_at(unit_len);
            let number: f64 = number.parse().map_err(|_| invalid())?;
            bytes += number * scale(unit).ok_or_else(invalid)?;
            rest = next;
        }
        if text.is_empty() || !(0.0..9.2e18).contains(&bytes) {
            return Err(invalid());
        }
        Ok(Self(bytes as u64))
    }
}

/// How many bytes a unit is: `B`, and `KB` or `KiB` to `EB` or `EiB`.
fn scale(unit: &str) -> Option<f64> {
    if unit == "B" {
        return Some(1.0);
    }
    let prefix = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B'))?;
    let power = ["K", "M", "G", "T", "P", "E"].iter().position(|p| *p == prefix)?;
    Some((1..=power).fold(1_024.0, |scale, _| scale * 1_024.0))
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
