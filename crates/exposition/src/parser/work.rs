//! A count of the bytes that are looked at, for the tests that want it to be linear in the page.
//!
//! Outside of tests there is no count.

#[cfg(not(test))]
#[inline]
pub(super) fn add(_: usize) {}

#[cfg(test)]
pub(super) use self::counted::{add, take};

#[cfg(test)]
mod counted {
    extern crate std;

    use core::cell::Cell;

    std::thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
    }

    pub(in super::super) fn add(bytes: usize) {
        COUNT.set(COUNT.get() + bytes);
    }

    /// The count since the last call.
    pub(in super::super) fn take() -> usize {
        COUNT.replace(0)
    }
}
