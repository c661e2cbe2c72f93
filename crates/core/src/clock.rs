//! The time, as it is given to those who must not read it for themselves.

use core::sync::atomic::{AtomicI64, Ordering};

use crate::sample::Timestamp;

/// Tells the time.
///
/// # Laws
///
/// `now` may stand still or jump (system clocks do), but never panics and never blocks.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Nanoseconds since a moment of the clock's choice, to measure how long something takes.
    ///
    /// As fine as [`now`](Self::now) unless overridden; a clock that can should override it with a
    /// monotonic one.
    fn nanos(&self) -> i64 {
        self.now().as_millis().saturating_mul(1_000_000)
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn nanos(&self) -> i64 {
        (**self).nanos()
    }
}

impl<C: Clock + ?Sized> Clock for alloc::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn nanos(&self) -> i64 {
        (**self).nanos()
    }
}

/// A clock that shows what it was set to: for tests, replays and simulations.
///
/// ```
/// use skopos_core::{Clock, ManualClock, Timestamp};
///
/// let clock = ManualClock::new(Timestamp::from_millis(1_000));
/// clock.set(Timestamp::from_millis(2_000));
/// assert_eq!(clock.now().as_millis(), 2_000);
/// ```
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Sets what the clock shows.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}
