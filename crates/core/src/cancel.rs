//! Telling work that nobody waits for it any more.
//!
//! A flag that is shared, and nothing more: who works looks at it now and then. Deadlines are told by
//! a [`Clock`](crate::Clock).

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// Whether work shall stop; all clones are one.
///
/// Looking costs as much as reading a variable. What was canceled stays so.
///
/// ```
/// use skopos_core::Cancellation;
///
/// let cancellation = Cancellation::new();
/// let seen_by_the_worker = cancellation.clone();
/// assert!(!seen_by_the_worker.is_cancelled());
/// cancellation.cancel();
/// assert!(seen_by_the_worker.is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// A token that is not canceled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work shall stop.
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Two tokens are equal if canceling one cancels the other.
///
/// ```
/// use skopos_core::Cancellation;
///
/// let token = Cancellation::new();
/// assert_eq!(token, token.clone());
/// assert_ne!(token, Cancellation::new());
/// ```
impl PartialEq for Cancellation {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Cancellation {}
