//! Postings lists as they stand in an index file: big-endian ids, searched in place.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use skopos_core::{Postings, SeriesId};

use crate::block::ids::Ascending;
use crate::block::scan::{Frame, Scan};
use crate::error::{Error, Section};
use crate::set::IdSet;

/// So many ids are compared with one at once.
const BLOCK: usize = 16;

/// The ids of one list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct List<'a> {
    ids: &'a [[u8; 4]],
}

impl<'a> List<'a> {
    /// The list at `offset`; its checksum is proven if `prove` says so.
    pub(super) fn read(bytes: &'a [u8], offset: u64, prove: bool) -> Result<Self, Error> {
        let corrupt = |message: String| Error::corrupt(Section::Postings, offset, message);
        let frame = Frame::at(bytes, offset).ok_or_else(|| corrupt("invalid size".to_owned()))?;
        if prove && !frame.is_sound() {
            return Err(corrupt("invalid checksum".to_owned()));
        }
        let mut scan = Scan::new(frame.contents);
        let count = scan.be32().ok_or_else(|| corrupt("invalid size".to_owned()))?;
        let left = scan.left();
        let (ids, rest) = scan.take(left).unwrap_or_default().as_chunks();
        if ids.len() as u64 != u64::from(count) || !rest.is_empty() {
            let should = u64::from(count).saturating_mul(4);
            return Err(corrupt(format!(
                "unexpected postings length, should be {should} bytes for {count} postings, got \
                 {left} bytes"
            )));
        }
        Ok(Self { ids })
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn to_set(self) -> IdSet {
        IdSet::from_big_endian(self.ids)
    }

    /// Those that are not below the first and not above the last id of `other`.
    pub(super) fn within(self, other: Self) -> Self {
        let (Some(first), Some(last)) = (other.first(), other.last()) else {
            return Self::default();
        };
        self.between(first, last)
    }

    /// Those from `first` to `last`.
    pub(super) fn between(self, first: u32, last: u32) -> Self {
        let from = self.ids.partition_point(|id| u32::from_be_bytes(*id) < first);
        let ids = self.ids.get(from..).unwrap_or_default();
        let count = ids.partition_point(|id| u32::from_be_bytes(*id) <= last);
        Self { ids: ids.get(..count).unwrap_or_default() }
    }

    /// Those of the ascending `ids` that the list has.
    pub(super) fn common(&self, ids: &[u32]) -> Vec<u32> {
        let mut from = 0;
        let is_here = |id: &u32| {
            from = self.ids.seek(from, *id);
            self.ids.get(from).is_some_and(|found| u32::from_be_bytes(*found) == *id)
        };
        ids.iter().copied().filter(is_here).collect()
    }

    pub(super) fn first(&self) -> Option<u32> {
        self.ids.first().map(|id| u32::from_be_bytes(*id))
    }

    pub(super) fn last(&self) -> Option<u32> {
        self.ids.last().map(|id| u32::from_be_bytes(*id))
    }

    /// Takes the ids off the front that are below `bound`, and one in any case.
    pub(super) fn take_below(&mut self, bound: u32) -> Self {
        // A block is counted through without a branch: many stretches end in it.
        let below = |block: &[[u8; 4]; BLOCK]| {
            block.iter().map(|id| usize::from(u32::from_be_bytes(*id) < bound)).sum::<usize>()
        };
        let count = match self.ids.first_chunk() {
            Some(block) if below(block) < BLOCK => below(block).max(1),
            Some(_) => self.ids.seek(BLOCK, bound),
            None => self.ids.seek(1.min(self.ids.len()), bound),
        };
        let (ids, rest) = self.ids.split_at_checked(count).unwrap_or_default();
        self.ids = rest;
        Self { ids }
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        self.ids.iter().map(|id| u32::from_be_bytes(*id))
    }

    #[cfg(test)]
    pub(super) fn of(ids: &'a [[u8; 4]]) -> Self {
        Self { ids }
    }
}

/// A cursor over a postings list in the file: nothing is copied.
///
/// ```
/// use skopos_core::{Postings, SeriesId};
/// use skopos_index::{BlockIndex, BlockIndexWriter};
///
/// let mut writer = BlockIndexWriter::new(Vec::new(), ["a", "job"])?;
/// let id = writer.add_series(&[("job", "a")], &[])?;
/// let index = BlockIndex::new(writer.finish()?)?;
/// let postings = index.postings("job", "a")?;
/// assert_eq!((postings.len(), postings.current()), (1, Some(id)));
/// assert!(index.postings("job", "b")?.is_empty());
/// # Ok::<(), skopos_index::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BlockPostings<'a> {
    ids: &'a [[u8; 4]],
}

impl<'a> BlockPostings<'a> {
    pub(super) fn new(list: List<'a>) -> Self {
        Self { ids: list.ids }
    }

    /// How many ids are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether no id is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids that are left, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = SeriesId> + use<'a> {
        self.ids.iter().map(|id| SeriesId(u32::from_be_bytes(*id)))
    }
}

impl Postings for BlockPostings<'_> {
    fn current(&self) -> Option<SeriesId> {
        self.ids.first().map(|id| SeriesId(u32::from_be_bytes(*id)))
    }

    fn advance(&mut self) {
        self.ids = self.ids.get(1..).unwrap_or_default();
    }

    fn seek(&mut self, target: SeriesId) {
        let skip = self.ids.seek(0, target.0);
        self.ids = self.ids.get(skip..).unwrap_or_default();
    }
}
