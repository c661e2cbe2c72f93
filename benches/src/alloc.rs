//! An allocator that counts, when told to; otherwise it only asks whether it shall.
//!
//! Timed runs are not counted, counted runs are not timed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

static ON: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

/// The system's allocator with a tally.
#[derive(Debug)]
pub struct Counting;

/// What was allocated while a function ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// How many allocations there were, a growing one counted anew.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How far the bytes in use rose above where they stood.
    pub peak: i64,
    /// How many more bytes are in use afterwards.
    pub kept: i64,
}

/// Runs `f` and tallies what it allocates, in whatever thread. Not to be nested.
///
/// ```
/// let tally = skopos_bench::alloc::tally(|| drop(vec![0u8; 1000]));
/// assert!(1 <= tally.count && 1000 <= tally.bytes && 1000 <= tally.peak);
/// ```
pub fn tally(f: impl FnOnce()) -> Tally {
    for counter in [&COUNT, &BYTES] {
        counter.store(0, Relaxed);
    }
    LIVE.store(0, Relaxed);
    PEAK.store(0, Relaxed);
    ON.store(true, Relaxed);
    f();
    ON.store(false, Relaxed);
    Tally {
        count: COUNT.load(Relaxed),
        bytes: BYTES.load(Relaxed),
        peak: PEAK.load(Relaxed),
        kept: LIVE.load(Relaxed),
    }
}

fn note(taken: usize, freed: usize) {
    if !ON.load(Relaxed) {
        return;
    }
    if 0 < taken {
        COUNT.fetch_add(1, Relaxed);
        BYTES.fetch_add(taken as u64, Relaxed);
    }
    let change = taken as i64 - freed as i64;
    let live = LIVE.fetch_add(change, Relaxed) + change;
    PEAK.fetch_max(live, Relaxed);
}

#[expect(unsafe_code, reason = "an allocator's interface is unsafe; every call is passed on")]
// SAFETY: each method passes its arguments to the system's allocator unchanged and gives back what
// that gave, so its guarantees hold for this one; the counters touch no memory that is handed out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's obligations are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: the pointer came from the system's allocator, through this one.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's obligations are the system allocator's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: the pointer came from the system's allocator, through this one.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
