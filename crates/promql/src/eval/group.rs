//! Which group of an aggregation a series belongs to.

use std::sync::Arc;

use hashbrown::HashMap;
use skopos_core::Labels;

/// Numbers groups in the order in which their first series come.
pub(super) struct Groups<'g> {
    grouping: &'g [Arc<str>],
    without: bool,
    by_labels: HashMap<Labels, usize>,
    labels: Vec<Labels>,
}

impl<'g> Groups<'g> {
    /// Groups by the labels in `grouping`, or by all others; `grouping` is ascending.
    pub(super) fn new(grouping: &'g [Arc<str>], without: bool) -> Self {
        Self { grouping, without, by_labels: HashMap::new(), labels: Vec::new() }
    }

    /// The number of the group of a series.
    pub(super) fn of(&mut self, labels: &Labels) -> usize {
        let key = self.key(labels);
        let next = self.labels.len();
        *self.by_labels.entry(key).or_insert_with_key(|key| {
            self.labels.push(key.clone());
            next
        })
    }

    /// The labels of each group.
    pub(super) fn labels(&self) -> &[Labels] {
        &self.labels
    }

    fn key(&self, labels: &Labels) -> Labels {
        let listed = |name: &str| self.grouping.binary_search_by(|g| (**g).cmp(name)).is_ok();
        if self.without {
            labels.filtered(|name| name != "__name__" && !listed(name))
        } else if self.grouping.is_empty() {
            Labels::empty()
        } else {
            labels.filtered(listed)
        }
    }
}
