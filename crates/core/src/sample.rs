//! Points in time and the values observed at them.
//!
//! Times are whole milliseconds since the Unix epoch, as everywhere in Prometheus' formats.

use core::fmt;
use core::ops::{Add, Sub};

/// A point in time: milliseconds since the Unix epoch, negative before it.
///
/// ```
/// use skopos_core::Timestamp;
///
/// let t = Timestamp::from_seconds(1_716_000_000.5);
/// assert_eq!(t.as_millis(), 1_716_000_000_500);
/// assert_eq!((t + 250) - t, 250);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest representable time.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest representable time.
    pub const MAX: Self = Self(i64::MAX);

    /// The time `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The time nearest to `seconds` after the Unix epoch; what does not fit saturates and NaN is
    /// the epoch.
    ///
    /// ```
    /// # use skopos_core::Timestamp;
    /// assert_eq!(Timestamp::from_seconds(-0.0004), Timestamp::from_millis(0));
    /// assert_eq!(Timestamp::from_seconds(f64::INFINITY), Timestamp::MAX);
    /// ```
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Self {
        let millis = seconds * 1000.0;
        // `f64::round` is not in `core`; adding half and truncating rounds half away from zero.
        let rounded = if millis < 0.0 { millis - 0.5 } else { millis + 0.5 };
        Self(rounded as i64)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, as PromQL's `time()` and `timestamp()` see them.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The time `millis` later, held at the ends of the range.
    #[must_use]
    pub const fn saturating_add(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The time `millis` earlier, held at the ends of the range.
    #[must_use]
    pub const fn saturating_sub(self, millis: i64) -> Self {
        Self(self.0.saturating_sub(millis))
    }
}

/// Later by so many milliseconds.
impl Add<i64> for Timestamp {
    type Output = Self;

    fn add(self, millis: i64) -> Self {
        Self(self.0 + millis)
    }
}

/// Earlier by so many milliseconds.
impl Sub<i64> for Timestamp {
    type Output = Self;

    fn sub(self, millis: i64) -> Self {
        Self(self.0 - millis)
    }
}

/// The distance in milliseconds.
impl Sub for Timestamp {
    type Output = i64;

    fn sub(self, other: Self) -> i64 {
        self.0 - other.0
    }
}

/// Milliseconds, as a plain number.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One float observation.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a sample is its time and its value, for good")]
pub struct Sample {
    /// When it was observed.
    pub t: Timestamp,
    /// What was observed.
    pub v: f64,
}

impl Sample {
    /// A sample from milliseconds and a value.
    ///
    /// ```
    /// # use skopos_core::Sample;
    /// assert_eq!(Sample::new(1_000, 0.5).t.as_millis(), 1_000);
    /// ```
    #[must_use]
    pub const fn new(millis: i64, v: f64) -> Self {
        Self { t: Timestamp::from_millis(millis), v }
    }
}

/// Equality of the time and of the value's bits, so that markers and NaN payloads are told apart.
impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        self.t == other.t && self.v.to_bits() == other.v.to_bits()
    }
}

/// The bits of the NaN that marks a series as stale: "no longer there from now on".
///
/// It is a *signalling* NaN: arithmetic quiets it, so carry it as bits and compare bits.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker as a float.
///
/// ```
/// use skopos_core::{is_stale_nan, stale_nan};
///
/// assert!(is_stale_nan(stale_nan()));
/// assert!(!is_stale_nan(f64::NAN));
/// ```
#[must_use]
pub const fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Whether `v` is the staleness marker, bit for bit.
#[must_use]
pub const fn is_stale_nan(v: f64) -> bool {
    v.to_bits() == STALE_NAN_BITS
}
