//! Which group of an aggregation a series belongs to.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use skopos_core::Labels;

/// Numbers groups in the order in which their first series come.
pub(super) struct Groups<'g> {
    grouping: &'g [Arc<str>],
    without: bool,
    hasher: DefaultHashBuilder,
    by_labels: HashTable<usize>,
    labels: Vec<Labels>,
}

impl<'g> Groups<'g> {
    /// Groups by the labels in `grouping`, or by all others; `grouping` is ascending.
    pub(super) fn new(grouping: &'g [Arc<str>], without: bool) -> Self {
        let hasher = DefaultHashBuilder::default();
        Self { grouping, without, hasher, by_labels: HashTable::new(), labels: Vec::new() }
    }

    /// The number of the group of a series.
    pub(super) fn of(&mut self, labels: &Labels) -> usize {
        if self.grouping.is_empty() && !self.without {
            if self.labels.is_empty() {
                self.labels.push(Labels::empty());
            }
            return 0;
        }
        // Most series belong to a group that is there; its labels are compared, and none are made.
        let (grouping, without) = (self.grouping, self.without);
        let is_key = |name: &str| is_key(grouping, without, name);
        let hash = |labels: &Labels| {
            let mut hasher = self.hasher.build_hasher();
            labels.iter().filter(|(name, _)| is_key(name)).for_each(|l| l.hash(&mut hasher));
            hasher.finish()
        };
        let of_series = hash(labels);
        let same =
            |at: &usize| self.labels[*at].iter().eq(labels.iter().filter(|(name, _)| is_key(name)));
        if let Some(at) = self.by_labels.find(of_series, same) {
            return *at;
        }
        let next = self.labels.len();
        let all = &self.labels;
        self.by_labels.insert_unique(of_series, next, |at| hash(&all[*at]));
        self.labels.push(labels.filtered(is_key));
        next
    }

    /// The labels of each group.
    pub(super) fn labels(&self) -> &[Labels] {
        &self.labels
    }
}

/// Whether groups are told apart by the label of this name.
fn is_key(grouping: &[Arc<str>], without: bool, name: &str) -> bool {
    let listed = grouping.binary_search_by(|g| (**g).cmp(name)).is_ok();
    if without { name != "__name__" && !listed } else { listed }
}
