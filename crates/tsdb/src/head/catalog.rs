//! The series with committed samples: their label index, and the way from ids to series.

use std::collections::HashMap;
use std::sync::Arc;

use skopos_core::{Error, Metadata, SeriesId};
use skopos_index::{Filter, MemoryIndex};

use super::series::MemSeries;

#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) index: MemoryIndex,
    /// By id. Invariant: `Some` exactly where the index has the id.
    series: Vec<Option<Arc<MemSeries>>>,
    /// What was last said of a metric, by its name.
    pub(super) metadata: HashMap<String, Metadata>,
    /// Rises when a series is added.
    pub(super) generation: u64,
    /// Rises when a series is added or removed.
    changes: u64,
    /// The changes there had been when they were last looked at.
    seen: u64,
    /// The changes there had been when the index was last sealed.
    sealed: u64,
}

impl Catalog {
    /// Adds a series, if it is not there.
    pub(super) fn add(&mut self, series: &Arc<MemSeries>) -> Result<(), Error> {
        let mut state = series.lock();
        if state.id.is_some() {
            return Ok(());
        }
        let id = self.index.insert(&series.labels)?;
        let at = id.0 as usize;
        if self.series.len() <= at {
            self.series.resize(at + 1, None);
        }
        self.series[at] = Some(Arc::clone(series));
        self.generation += 1;
        self.changes += 1;
        state.id = Some(id);
        Ok(())
    }

    /// Removes a series, if it is there.
    pub(super) fn remove(&mut self, series: &MemSeries) {
        let Some(id) = series.lock().id.take() else { return };
        self.index.remove(id, &series.labels);
        self.changes += 1;
        if let Some(slot) = self.series.get_mut(id.0 as usize) {
            *slot = None;
        }
        while self.series.last().is_some_and(Option::is_none) {
            self.series.pop();
        }
    }

    /// Returns memory that is no longer used, and forgets metadata of metrics that are gone.
    pub(super) fn shrink(&mut self) {
        if self.series.len() < self.series.capacity() / 4 {
            self.series.shrink_to_fit();
        }
        let index = &self.index;
        self.metadata.retain(|metric, _| index.has_value(skopos_core::labels::METRIC_NAME, metric));
    }

    /// Whether the index has not changed since this was last asked, but since it was sealed.
    pub(super) fn has_settled(&mut self) -> bool {
        let before = std::mem::replace(&mut self.seen, self.changes);
        before == self.changes && self.sealed != self.changes
    }

    /// Gives what the index holds for growth back: its lists and its dictionaries take their smallest form.
    pub(super) fn seal(&mut self) {
        self.index.seal();
        self.series.shrink_to_fit();
        self.sealed = self.changes;
    }

    pub(super) fn select(&self, filter: &Filter) -> Vec<Arc<MemSeries>> {
        let ids = self.index.select(filter);
        let mut selected = Vec::with_capacity(ids.len());
        ids.for_each_batch(|batch| {
            let of_id = |id: &SeriesId| self.series.get(id.0 as usize)?.clone();
            selected.extend(batch.iter().filter_map(of_id));
        });
        selected
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.index.heap_bytes() + self.series.capacity() * size_of::<Option<Arc<MemSeries>>>()
    }
}
