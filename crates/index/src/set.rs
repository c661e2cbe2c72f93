//! Sets of series ids: what posting lists and selections are made of.

use std::sync::Arc;

use roaring::RoaringBitmap;

/// A compressed set of ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct IdSet(pub(crate) RoaringBitmap);

impl IdSet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The set of ascending, distinct ids.
    pub(crate) fn from_sorted(ids: impl IntoIterator<Item = u32>) -> Self {
        Self(ids.into_iter().collect())
    }

    /// The set of ids in any order.
    pub(crate) fn from_unsorted(mut ids: Vec<u32>) -> Self {
        ids.sort_unstable();
        Self(ids.into_iter().collect())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.serialized_size()
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.0.contains(id)
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        self.0.is_disjoint(&other.0)
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(&self.0 & &other.0)
    }

    pub(crate) fn and_not(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    /// The intersection, which is one of both where one holds the other.
    pub(crate) fn and_shared(this: &Arc<Self>, other: &Arc<Self>) -> Arc<Self> {
        if Arc::ptr_eq(this, other) { Arc::clone(this) } else { Arc::new(this.and(other)) }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter()
    }
}
