//! Sets of series ids, and the cursor over them.
//!
//! A set stands apart from the index that made it: it is a snapshot and borrows nothing.

use core::fmt;
use std::sync::Arc;

use roaring::bitmap::Iter;
use skopos_core::{Postings, SeriesId};

use crate::set::IdSet;

/// A set of series ids, ascending and compressed.
///
/// ```
/// use skopos_core::{Postings, SeriesId};
/// use skopos_index::SeriesIds;
///
/// let ids: SeriesIds = [3, 1, 70_000].map(SeriesId).into_iter().collect();
/// assert_eq!(ids.len(), 3);
/// let mut cursor = ids.cursor();
/// cursor.seek(SeriesId(2));
/// assert_eq!(cursor.current(), Some(SeriesId(3)));
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct SeriesIds {
    set: Arc<IdSet>,
}

impl SeriesIds {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.set.len()).unwrap_or(usize::MAX)
    }

    /// Whether there is no id.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Whether `id` is in the set.
    #[must_use]
    pub fn contains(&self, id: SeriesId) -> bool {
        self.set.contains(id.0)
    }

    /// The ids in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = SeriesId> {
        self.set.0.iter().map(SeriesId)
    }

    /// A cursor on the first id; it skips over whole ranges of ids when it seeks.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'_> {
        let mut ids = self.set.0.iter();
        let current = ids.next();
        Cursor { ids, current }
    }

    pub(crate) fn from_set(set: Arc<IdSet>) -> Self {
        Self { set }
    }
}

impl fmt::Debug for SeriesIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.set.0.iter()).finish()
    }
}

impl FromIterator<SeriesId> for SeriesIds {
    fn from_iter<I: IntoIterator<Item = SeriesId>>(ids: I) -> Self {
        Self { set: Arc::new(IdSet(ids.into_iter().map(|id| id.0).collect())) }
    }
}

/// A cursor over [`SeriesIds`].
#[derive(Clone)]
pub struct Cursor<'a> {
    /// Invariant: stands behind `current`.
    ids: Iter<'a>,
    current: Option<u32>,
}

impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("current", &self.current).finish_non_exhaustive()
    }
}

impl Postings for Cursor<'_> {
    fn current(&self) -> Option<SeriesId> {
        self.current.map(SeriesId)
    }

    fn advance(&mut self) {
        self.current = self.ids.next();
    }

    fn seek(&mut self, target: SeriesId) {
        if self.current.is_some_and(|id| id < target.0) {
            self.ids.advance_to(target.0);
            self.current = self.ids.next();
        }
    }
}
