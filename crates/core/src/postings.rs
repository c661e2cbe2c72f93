//! Sorted series ids, walked one by one.

use alloc::boxed::Box;

/// The dense identity of a series within one index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
#[expect(clippy::exhaustive_structs, reason = "an id is its number")]
pub struct SeriesId(pub u32);

/// A cursor over ascending, distinct series ids.
///
/// # Laws
///
/// * A fresh cursor stands on the first id; `current` is `None` once the ids are used up, for good.
/// * After `advance`, `current` is greater than before.
/// * `seek(id)` leaves the cursor on the first id that is not below `id`, and never moves back.
///
/// ```
/// use skopos_core::{Postings, SeriesId};
///
/// let ids = [SeriesId(1), SeriesId(5), SeriesId(9)];
/// let mut postings: &[SeriesId] = &ids;
/// postings.seek(SeriesId(4));
/// assert_eq!(postings.current(), Some(SeriesId(5)));
/// ```
pub trait Postings {
    /// The id that the cursor stands on.
    fn current(&self) -> Option<SeriesId>;

    /// Moves to the next id.
    fn advance(&mut self);

    /// Moves forward to the first id not below `target`. Override it where ids can be skipped.
    fn seek(&mut self, target: SeriesId) {
        while self.current().is_some_and(|id| id < target) {
            self.advance();
        }
    }
}

impl<P: Postings + ?Sized> Postings for &mut P {
    fn current(&self) -> Option<SeriesId> {
        (**self).current()
    }

    fn advance(&mut self) {
        (**self).advance();
    }

    fn seek(&mut self, target: SeriesId) {
        (**self).seek(target);
    }
}

impl<P: Postings + ?Sized> Postings for Box<P> {
    fn current(&self) -> Option<SeriesId> {
        (**self).current()
    }

    fn advance(&mut self) {
        (**self).advance();
    }

    fn seek(&mut self, target: SeriesId) {
        (**self).seek(target);
    }
}

/// A slice is a cursor over itself; it must be ascending and without duplicates.
impl Postings for &[SeriesId] {
    fn current(&self) -> Option<SeriesId> {
        self.first().copied()
    }

    fn advance(&mut self) {
        *self = self.get(1..).unwrap_or_default();
    }

    fn seek(&mut self, target: SeriesId) {
        let skip = self.partition_point(|id| *id < target);
        *self = self.get(skip..).unwrap_or_default();
    }
}
