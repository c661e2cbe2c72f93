//! Sets of series ids, and the cursor over them.
//!
//! A set stands apart from the index that made it: it is a snapshot and borrows nothing.

use core::fmt;
use core::ops::{BitAnd, BitOr, Sub};
use std::sync::Arc;

use skopos_core::{Postings, SeriesId};

use crate::set::{IdSet, Ids};

/// So many ids are handed out at once: enough that a call for them is cheap, few enough that they
/// stay near.
const BATCH: usize = 1024;
/// So many ids need no allocation.
const BRIEF: usize = 14;

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
#[derive(Clone, Default)]
pub struct SeriesIds {
    selected: Selected,
}

/// A selection, whichever way it was found.
#[derive(Clone)]
pub(crate) enum Selected {
    /// Ascending, distinct ids, so few that they are kept in place.
    Brief(Brief),
    /// Ascending, distinct ids: what is small is copied.
    List(Vec<SeriesId>),
    /// Shared with the index, or with other selections.
    Set(Arc<IdSet>),
}

/// A list that needs no allocation. With it, a selection takes a line of the processor's cache.
#[derive(Clone, Copy, Default)]
pub(crate) struct Brief {
    count: u8,
    ids: [SeriesId; BRIEF],
}

/// Ids that are collected in ascending order, in place as long as they are few.
#[derive(Default)]
pub(crate) struct Collected {
    brief: Brief,
    /// All of them, once they are more.
    list: Vec<SeriesId>,
}

/// A selection, to be read.
enum Form<'a> {
    Ids(&'a [SeriesId]),
    Set(&'a Arc<IdSet>),
}

impl Brief {
    fn ids(&self) -> &[SeriesId] {
        &self.ids[..usize::from(self.count)]
    }
}

impl Collected {
    /// Adds an id that is above all others.
    pub(crate) fn push(&mut self, id: u32) {
        self.extend(std::iter::once(SeriesId(id)));
    }

    /// Adds ascending ids that are above all others.
    pub(crate) fn extend(&mut self, ids: impl ExactSizeIterator<Item = SeriesId>) {
        let Self { brief, list } = self;
        let room = brief.ids.get_mut(usize::from(brief.count)..).unwrap_or_default();
        if list.is_empty() && ids.len() <= room.len() {
            brief.count += ids.len() as u8;
            room.iter_mut().zip(ids).for_each(|(slot, id)| *slot = id);
            return;
        }
        if list.is_empty() {
            list.extend_from_slice(brief.ids());
        }
        list.extend(ids);
    }

    pub(crate) fn finish(self) -> Selected {
        if self.list.is_empty() { Selected::Brief(self.brief) } else { Selected::List(self.list) }
    }
}

impl Default for Selected {
    fn default() -> Self {
        Self::Brief(Brief::default())
    }
}

impl Selected {
    /// Ascending, distinct numbers.
    pub(crate) fn of(ids: Vec<u32>) -> Self {
        // Their memory is used again, so that nothing is copied.
        Self::List(ids.into_iter().map(SeriesId).collect())
    }

    fn form(&self) -> Form<'_> {
        match self {
            Self::Brief(brief) => Form::Ids(brief.ids()),
            Self::List(ids) => Form::Ids(ids),
            Self::Set(set) => Form::Set(set),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match self.form() {
            Form::Ids(ids) => ids.len() as u64,
            Form::Set(set) => set.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self.form() {
            Form::Ids(ids) => ids.is_empty(),
            Form::Set(set) => set.is_empty(),
        }
    }

    fn contains(&self, id: u32) -> bool {
        match self.form() {
            Form::Ids(ids) => ids.binary_search(&SeriesId(id)).is_ok(),
            Form::Set(set) => set.contains(id),
        }
    }

    fn ids(&self) -> Ids<'_> {
        match self.form() {
            Form::Ids(ids) => Ids::of_list(ids),
            Form::Set(set) => set.ids(),
        }
    }

    pub(crate) fn to_set(&self) -> Arc<IdSet> {
        match self.form() {
            Form::Ids(ids) => {
                let ids: Vec<u32> = ids.iter().map(|id| id.0).collect();
                Arc::new(IdSet::from_ascending(&ids))
            }
            Form::Set(set) => Arc::clone(set),
        }
    }
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
        usize::try_from(self.selected.len()).unwrap_or(usize::MAX)
    }

    /// Whether there is no id.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.selected.is_empty()
    }

    /// Whether `id` is in the set.
    #[must_use]
    pub fn contains(&self, id: SeriesId) -> bool {
        self.selected.contains(id.0)
    }

    /// The ids in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = SeriesId> {
        Iter { ids: self.selected.ids(), left: self.len() }
    }

    /// Calls `take` with the ids, ascending, in batches of no particular size; no batch is empty.
    ///
    /// The fastest way to take them all: what is a list already is handed out as it is.
    ///
    /// ```
    /// use skopos_core::SeriesId;
    /// use skopos_index::SeriesIds;
    ///
    /// let ids: SeriesIds = (0..10_000).map(SeriesId).collect();
    /// let mut taken = Vec::new();
    /// ids.for_each_batch(|batch| taken.extend_from_slice(batch));
    /// assert!(ids.iter().eq(taken));
    /// ```
    pub fn for_each_batch(&self, mut take: impl FnMut(&[SeriesId])) {
        match self.selected.form() {
            Form::Ids([]) => {}
            Form::Ids(ids) => take(ids),
            Form::Set(set) => {
                let (mut ids, mut batch) = (set.ids(), [SeriesId(0); BATCH]);
                loop {
                    match ids.read_batch(&mut batch) {
                        0 => return,
                        count => take(&batch[..count]),
                    }
                }
            }
        }
    }

    /// A cursor on the first id; it skips over whole ranges of ids when it seeks, and reads many at
    /// once.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'_> {
        let mut ids = self.selected.ids();
        let current = ids.next();
        Cursor { ids, current }
    }

    #[cfg(feature = "roaring")]
    pub(crate) fn to_set(&self) -> Arc<IdSet> {
        self.selected.to_set()
    }

    pub(crate) fn from_set(set: Arc<IdSet>) -> Self {
        Self { selected: Selected::Set(set) }
    }

    pub(crate) fn from_selected(selected: Selected) -> Self {
        Self { selected }
    }
}

/// The ids that are in both sets.
///
/// ```
/// use skopos_core::SeriesId;
/// use skopos_index::SeriesIds;
///
/// let ids = |range: std::ops::Range<u32>| range.map(SeriesId).collect::<SeriesIds>();
/// assert_eq!(&ids(0..5) & &ids(3..9), ids(3..5));
/// assert_eq!(&ids(0..5) | &ids(3..9), ids(0..9));
/// assert_eq!(&ids(0..5) - &ids(3..9), ids(0..3));
/// ```
impl BitAnd for &SeriesIds {
    type Output = SeriesIds;

    fn bitand(self, other: Self) -> SeriesIds {
        SeriesIds::from_set(IdSet::and_shared(&self.selected.to_set(), &other.selected.to_set()))
    }
}

/// The ids that are in one of the sets or in both.
impl BitOr for &SeriesIds {
    type Output = SeriesIds;

    fn bitor(self, other: Self) -> SeriesIds {
        SeriesIds::from_set(Arc::new(IdSet::union([
            &*self.selected.to_set(),
            &*other.selected.to_set(),
        ])))
    }
}

/// The ids that are in the first set only.
impl Sub for &SeriesIds {
    type Output = SeriesIds;

    fn sub(self, other: Self) -> SeriesIds {
        SeriesIds::from_set(Arc::new(self.selected.to_set().and_not(&other.selected.to_set())))
    }
}

impl PartialEq for SeriesIds {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.selected.ids().eq(other.selected.ids())
    }
}

impl fmt::Debug for SeriesIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.selected.ids()).finish()
    }
}

impl FromIterator<SeriesId> for SeriesIds {
    fn from_iter<I: IntoIterator<Item = SeriesId>>(ids: I) -> Self {
        Self::from_set(Arc::new(ids.into_iter().map(|id| id.0).collect()))
    }
}

/// Knows how many are left, and folds chunk by chunk.
struct Iter<'a> {
    ids: Ids<'a>,
    left: usize,
}

impl Iterator for Iter<'_> {
    type Item = SeriesId;

    fn next(&mut self) -> Option<SeriesId> {
        self.left = self.left.saturating_sub(1);
        self.ids.next().map(SeriesId)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }

    fn fold<B, F: FnMut(B, SeriesId) -> B>(self, init: B, mut f: F) -> B {
        self.ids.fold(init, |folded, id| f(folded, SeriesId(id)))
    }
}

/// A cursor over [`SeriesIds`].
#[derive(Clone)]
pub struct Cursor<'a> {
    /// Invariant: stands behind `current`.
    ids: Ids<'a>,
    current: Option<u32>,
}

impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("current", &self.current).finish_non_exhaustive()
    }
}

impl Cursor<'_> {
    /// Writes the ids from the current one on to the start of `out`, as many as there are and fit,
    /// and moves behind them; returns how many, which is 0 at the end only. What `out` holds behind
    /// them afterwards is not defined.
    ///
    /// The way to take many ids: several in a nanosecond where one at a time would take as long each.
    ///
    /// ```
    /// use skopos_core::{Postings, SeriesId};
    /// use skopos_index::SeriesIds;
    ///
    /// let ids: SeriesIds = (0..100).map(SeriesId).collect();
    /// let mut cursor = ids.cursor();
    /// let mut batch = [SeriesId(0); 64];
    /// assert_eq!(cursor.read(&mut batch), 64);
    /// assert_eq!(batch[63], SeriesId(63));
    /// assert_eq!(cursor.current(), Some(SeriesId(64)));
    /// assert_eq!(cursor.read(&mut batch), 36);
    /// assert_eq!(cursor.read(&mut batch), 0);
    /// ```
    pub fn read(&mut self, out: &mut [SeriesId]) -> usize {
        let ([first, rest @ ..], Some(current)) = (out, self.current) else { return 0 };
        *first = SeriesId(current);
        let count = self.ids.read(rest);
        self.current = self.ids.next();
        1 + count
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
            self.ids.seek(target.0);
            self.current = self.ids.next();
        }
    }
}
