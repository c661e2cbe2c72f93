//! The index itself: names, values, posting lists, and how they change.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use skopos_core::{LabelSet, SeriesId};

use crate::cardinality::Ranked;
use crate::dictionary::{Dictionary, Source};
use crate::error::Error;
use crate::explain::Explanation;
use crate::filter::Filter;
use crate::ids::{Selected, SeriesIds};
use crate::names::{Name, Names};
use crate::plan::Plan;
use crate::set::IdSet;
use crate::values::{MAX_ID, Values};

mod equalities;

/// An inverted index over the labels of series, in memory.
///
/// Each series gets a dense id; each label name has the set of series that carry it and a sorted
/// dictionary of its values, each with the set of series that have it. Texts are stored once.
///
/// It is a plain value without locks: share it behind one of your choosing. Everything that reads
/// takes `&self`, and what a selection returns borrows nothing, so that a lock is held only while a
/// selection is evaluated.
///
/// ```
/// use skopos_core::{Labels, Matcher};
/// use skopos_index::{Filter, MemoryIndex};
///
/// let mut index = MemoryIndex::new();
/// let up = Labels::from_pairs([("__name__", "up"), ("job", "api")]);
/// let id = index.insert(&up)?;
/// let api = Filter::new(&[Matcher::equal("job", "api")])?;
/// assert!(index.select(&api).contains(id));
///
/// index.remove(id, &up);
/// assert!(index.select(&api).is_empty());
/// # Ok::<(), skopos_index::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryIndex {
    names: Names,
    all: Arc<IdSet>,
    /// Ids below `next` that are not in use. Invariant: disjoint from `all`.
    vacant: IdSet,
    /// Invariant: greater than every id in use.
    next: u32,
}

impl MemoryIndex {
    /// An index without series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The index of all these series, which get the ids from 0 on, sealed.
    ///
    /// Any order will do. In the order of their label sets, series that share labels become runs of
    /// ids: the index is smallest and fastest then.
    ///
    /// ```
    /// use skopos_core::Matcher;
    /// use skopos_index::{Filter, MemoryIndex};
    ///
    /// let index = MemoryIndex::build([[("job", "api")], [("job", "web")]].iter())?;
    /// assert_eq!(index.select(&Filter::new(&[Matcher::equal("job", "web")])?).len(), 1);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Full`](crate::ErrorKind::Full) for more than 2³¹ series.
    pub fn build<'a, L: LabelSet + ?Sized + 'a>(
        series: impl IntoIterator<Item = &'a L>,
    ) -> Result<Self, Error> {
        let mut index = Self::new();
        for labels in series {
            index.insert(labels)?;
        }
        index.seal();
        Ok(index)
    }

    /// Adds a series and returns its id: the lowest one that is not in use.
    ///
    /// The index does not look for a series with the same labels: its owner knows them already.
    /// Costs a search in an ordered dictionary a label, or a comparison where the series before had
    /// the same value.
    ///
    /// # Errors
    ///
    /// [`Full`](crate::ErrorKind::Full) when all 2³¹ ids are in use.
    pub fn insert(&mut self, labels: &(impl LabelSet + ?Sized)) -> Result<SeriesId, Error> {
        let id = self.take_id()?;
        Arc::make_mut(&mut self.all).insert(id);
        labels.visit(&mut |name, value| {
            if !value.is_empty() {
                let at = self.names.place_of(name);
                self.names.values_mut(at).insert(value, id);
            }
        });
        Ok(SeriesId(id))
    }

    /// Removes the series `id`, which must have been added with these `labels`; returns whether it
    /// was there. Its id will be given to another series.
    pub fn remove(&mut self, id: SeriesId, labels: &(impl LabelSet + ?Sized)) -> bool {
        if !Arc::make_mut(&mut self.all).remove(id.0) {
            return false;
        }
        labels.visit(&mut |name, value| {
            let Some(at) = self.names.find(name) else { return };
            let values = self.names.values_mut(at);
            values.remove(value, id.0);
            if values.is_empty() {
                self.names.remove(at);
            }
        });
        debug_assert!(
            self.names.iter().all(|name| !name.values.shared_presence().contains(id.0)),
            "a series is removed with the labels it was added with"
        );
        self.vacant.insert(id.0);
        true
    }

    /// Gives every list its smallest form and returns the memory that was held for growth.
    ///
    /// Worth its while when many series were added or removed and few will be. Visits every list.
    pub fn seal(&mut self) {
        Arc::make_mut(&mut self.all).seal();
        self.vacant.seal();
        self.names.for_each_values(Values::seal);
    }

    /// The series for which all matchers of the filter hold.
    ///
    /// # Complexity
    ///
    /// Equality and sets of literals are lookups, and a single one copies nothing. A regular expression
    /// visits the values with one of its prefixes, or those that contain a text that all its matches
    /// contain, which is a sweep over packed text, or all values of its label. Smaller results come
    /// first, and a value of few series is tested only if one of them is still in the running.
    #[must_use]
    pub fn select(&self, filter: &Filter) -> SeriesIds {
        SeriesIds::from_selected(self.selected(filter))
    }

    /// Selects, and tells how [`select`](Self::select) does it.
    #[must_use]
    pub fn explain(&self, filter: &Filter) -> Explanation {
        let Ok(explanation) = Plan::new(&self, filter).and_then(|plan| plan.explain());
        explanation
    }

    /// The ids of all series.
    #[must_use]
    pub fn all(&self) -> SeriesIds {
        SeriesIds::from_set(Arc::clone(&self.all))
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.all.len()).unwrap_or(usize::MAX)
    }

    /// Whether there is no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The names of the labels that the selected series carry, ascending; at most `limit` of them,
    /// or all for 0.
    ///
    /// ```
    /// use skopos_index::{Filter, MemoryIndex};
    ///
    /// let mut index = MemoryIndex::new();
    /// index.insert(&[("job", "api"), ("zone", "a")])?;
    /// assert_eq!(index.label_names(&Filter::default(), 0), ["job", "zone"]);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    #[must_use]
    pub fn label_names(&self, filter: &Filter, limit: usize) -> Vec<String> {
        let names = self.names.iter();
        let text = |name: &Name| String::from(&*name.text);
        if filter.is_empty() {
            return names.take(at_most(limit)).map(text).collect();
        }
        let series = self.run(filter);
        let met = names.filter(|name| !name.values.shared_presence().is_disjoint(&series));
        met.take(at_most(limit)).map(text).collect()
    }

    /// The values of the label `name` over the selected series, ascending; at most `limit` of them,
    /// or all for 0.
    ///
    /// ```
    /// use skopos_core::Matcher;
    /// use skopos_index::{Filter, MemoryIndex};
    ///
    /// let mut index = MemoryIndex::new();
    /// index.insert(&[("job", "api"), ("zone", "a")])?;
    /// index.insert(&[("job", "web"), ("zone", "b")])?;
    /// assert_eq!(index.label_values("zone", &Filter::default(), 0), ["a", "b"]);
    /// let web = Filter::new(&[Matcher::equal("job", "web")])?;
    /// assert_eq!(index.label_values("zone", &web, 0), ["b"]);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    #[must_use]
    pub fn label_values(&self, name: &str, filter: &Filter, limit: usize) -> Vec<String> {
        let mut found = Vec::new();
        self.visit_values(name, filter, &mut |value| {
            found.push(String::from(value));
            if found.len() == at_most(limit) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        found
    }

    /// The values of the label `name` that start with `prefix`, over the selected series: each with
    /// the number of its selected series, ascending by value, at most `limit` of them, or all for 0.
    ///
    /// ```
    /// use skopos_index::{Filter, MemoryIndex, Ranked};
    ///
    /// let mut index = MemoryIndex::new();
    /// for zone in ["eu-1", "eu-1", "eu-2", "us-1"] {
    ///     index.insert(&[("zone", zone)])?;
    /// }
    /// let found = index.count_values("zone", "eu-", &Filter::default(), 0);
    /// let row = |name: &str, count| Ranked { name: name.into(), count };
    /// assert_eq!(found, [row("eu-1", 2), row("eu-2", 1)]);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    #[must_use]
    pub fn count_values(
        &self,
        name: &str,
        prefix: &str,
        filter: &Filter,
        limit: usize,
    ) -> Vec<Ranked> {
        let Some(values) = self.names.values(name) else { return Vec::new() };
        let series = (!filter.is_empty()).then(|| self.run(filter));
        let count = |slot| match &series {
            None => values.series_of(slot),
            Some(series) => values.count_in(slot, series),
        };
        let rows = values.with_prefix(prefix).map(|(value, slot)| (value, count(slot)));
        let rows = rows.filter(|(_, count)| *count != 0).take(at_most(limit));
        rows.map(|(value, count)| Ranked { name: value.into(), count }).collect()
    }

    /// The label names that start with `prefix`, ascending, each with the number of its series; at
    /// most `limit` of them, or all for 0.
    ///
    /// ```
    /// use skopos_index::{MemoryIndex, Ranked};
    ///
    /// let mut index = MemoryIndex::new();
    /// index.insert(&[("job", "api"), ("zone", "a")])?;
    /// index.insert(&[("job", "web")])?;
    /// assert_eq!(index.count_names("j", 0), [Ranked { name: "job".into(), count: 2 }]);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    #[must_use]
    pub fn count_names(&self, prefix: &str, limit: usize) -> Vec<Ranked> {
        let row = |name: &Name| Ranked {
            name: name.text.as_ref().into(),
            count: name.values.shared_presence().len(),
        };
        self.names.with_prefix(prefix).take(at_most(limit)).map(row).collect()
    }

    /// Whether some series has the label `name` with this value. Two lookups.
    ///
    /// ```
    /// use skopos_index::MemoryIndex;
    ///
    /// let mut index = MemoryIndex::new();
    /// index.insert(&[("job", "api")])?;
    /// assert!(index.has_value("job", "api") && !index.has_value("job", "web"));
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    #[must_use]
    pub fn has_value(&self, name: &str, value: &str) -> bool {
        self.names.values(name).is_some_and(|values| values.has(value))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &Values)> {
        self.names.iter().map(|name| (&*name.text, &name.values))
    }

    pub(crate) fn all_set(&self) -> &IdSet {
        &self.all
    }

    /// The heap memory behind the names, without that behind their values.
    pub(crate) fn name_bytes(&self) -> usize {
        self.names.heap_bytes()
    }

    /// Visits the values of a label over the selected series, ascending.
    fn visit_values(
        &self,
        name: &str,
        filter: &Filter,
        visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) {
        let Some(values) = self.names.values(name) else { return };
        let (own, others): (Vec<_>, Vec<_>) =
            filter.conditions().iter().partition(|condition| condition.name() == name);
        // Every value has a series, so where there is no other condition the values alone decide.
        let series = (!others.is_empty()).then(|| self.run(filter));
        if series.as_ref().is_some_and(|series| series.is_empty()) {
            return;
        }
        let mut is_over = false;
        let mut offer = |value: &str, slot| {
            let is_in = !is_over
                && match &series {
                    None => own.iter().all(|condition| condition.holds(value)),
                    // It was selected with the conditions on the label itself.
                    Some(series) => values.meets(slot, series),
                };
            is_over |= is_in && visit(value).is_break();
            is_over
        };
        // A condition on the label itself may know which of its values to look at.
        if let Some(scans) = own.iter().find_map(|condition| condition.scans()) {
            for scan in scans {
                let Ok(_) = (&values).scan(&scan, |value, slot| {
                    offer(value, slot);
                });
            }
        } else if let Some(texts) = own.iter().find_map(|condition| condition.texts()) {
            let found = texts.iter().filter_map(|text| Some((&**text, values.slot(text)?)));
            let _ = found.into_iter().any(|(value, slot)| offer(value, slot));
        } else {
            let _ = values.iter().any(|(value, slot)| offer(value, slot));
        }
    }

    fn run(&self, filter: &Filter) -> Arc<IdSet> {
        self.selected(filter).to_set()
    }

    fn selected(&self, filter: &Filter) -> Selected {
        if let Some(selected) = equalities::select(&self.names, filter.conditions()) {
            return selected;
        }
        let Ok(selected) = Plan::new(&self, filter).and_then(|plan| plan.run());
        Selected::Set(selected)
    }

    fn take_id(&mut self) -> Result<u32, Error> {
        if let Some(id) = self.vacant.min() {
            self.vacant.remove(id);
            return Ok(id);
        }
        if self.next == MAX_ID {
            return Err(Error::full());
        }
        self.next += 1;
        Ok(self.next - 1)
    }
}

impl<'a> Source for &'a MemoryIndex {
    type Error = Infallible;
    type Dictionary = &'a Values;

    fn all(&self) -> Result<Arc<IdSet>, Infallible> {
        Ok(Arc::clone(&self.all))
    }

    fn dictionary(&self, name: &str) -> Result<Option<&'a Values>, Infallible> {
        Ok(self.names.values(name))
    }
}

fn at_most(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

#[cfg(test)]
mod tests;
