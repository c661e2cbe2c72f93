//! The one place that reads the system's clocks.
//!
//! Everything below the server is given the time. Wall time comes from [`SystemClock`]; how long
//! something took comes from a [`Stopwatch`], which jumps of the wall clock do not disturb.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use skopos_core::{Clock, Timestamp};

/// The system's wall clock.
///
/// ```
/// use skopos_core::Clock;
/// use skopos_server::SystemClock;
///
/// assert!(1_600_000_000_000 < SystemClock::new().now().as_millis());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The clock.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the seam to the system's clock")]
        let now = SystemTime::now();
        let millis = match now.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |m| -m),
        };
        Timestamp::from_millis(millis)
    }

    fn nanos(&self) -> i64 {
        static FIRST: LazyLock<Stopwatch> = LazyLock::new(Stopwatch::start);
        i64::try_from(FIRST.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    start: Instant,
}

impl Stopwatch {
    /// A stopwatch that runs from now on.
    pub(crate) fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the seam to the system's clock")]
        let start = Instant::now();
        Self { start }
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use skopos_testkit::conformance;

    use super::*;

    #[test]
    fn the_systems_clock_keeps_the_laws_of_clocks() {
        conformance::clock(&SystemClock::new());
    }
}
