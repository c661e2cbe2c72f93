//! Who runs pieces of work that do not depend on each other.

#[cfg(feature = "parallel")]
use std::sync::atomic::{AtomicUsize, Ordering};
#[cfg(feature = "parallel")]
use std::thread;

/// Runs pieces of work that do not depend on each other: one after the other, or on threads.
///
/// ```
/// use skopos_rules::Executor;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// struct InOrder;
///
/// impl Executor for InOrder {
///     fn for_each(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
///         (0..count).for_each(work);
///     }
/// }
///
/// let sum = AtomicUsize::new(0);
/// InOrder.for_each(4, &|i| { sum.fetch_add(i, Ordering::Relaxed); });
/// assert_eq!(sum.into_inner(), 6);
/// ```
pub trait Executor: Sync {
    /// Calls `work` once with each number below `count`, and returns when all calls have. Numbers
    /// should be begun in ascending order.
    fn for_each(&self, count: usize, work: &(dyn Fn(usize) + Sync));
}

/// Runs work on the calling thread and on as many more as are free, which are shared by all who use
/// the same value or a reference to it: Prometheus' bound of concurrent evaluations.
///
/// Threads are started for each call and end with it.
///
/// ```
/// use skopos_rules::{Executor, Threads};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let sum = AtomicUsize::new(0);
/// Threads::new(3).for_each(100, &|i| { sum.fetch_add(i, Ordering::Relaxed); });
/// assert_eq!(sum.into_inner(), 4950);
/// ```
#[cfg(feature = "parallel")]
#[derive(Debug)]
pub struct Threads {
    free: AtomicUsize,
}

#[cfg(feature = "parallel")]
impl Threads {
    /// At most `max` threads besides those that call.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { free: AtomicUsize::new(max) }
    }

    /// Takes up to `wanted` threads.
    fn take(&self, wanted: usize) -> Taken<'_> {
        let take = |free: usize| Some(free - free.min(wanted));
        let before = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        Taken { count: before.unwrap_or_default().min(wanted), from: self }
    }
}

/// Threads that are given back when this is dropped.
#[cfg(feature = "parallel")]
struct Taken<'t> {
    count: usize,
    from: &'t Threads,
}

#[cfg(feature = "parallel")]
impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.from.free.fetch_add(self.count, Ordering::Relaxed);
    }
}

#[cfg(feature = "parallel")]
impl Executor for Threads {
    fn for_each(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        let taken = self.take(count.saturating_sub(1));
        let next = AtomicUsize::new(0);
        let run = || {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if count <= i {
                    return;
                }
                work(i);
            }
        };
        thread::scope(|scope| {
            for _ in 0..taken.count {
                // Where no thread can be had, the others do its work.
                let _ = thread::Builder::new().name("rules".into()).spawn_scoped(scope, run);
            }
            run();
        });
    }
}
