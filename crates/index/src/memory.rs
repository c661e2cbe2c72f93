//! The index itself: names, values, posting lists, and how they change.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Bound;
use std::sync::Arc;

use roaring::RoaringBitmap;
use skopos_core::{LabelSet, SeriesId};

use crate::dictionary::{Dictionary, Scan, Source};
use crate::error::Error;
use crate::explain::Explanation;
use crate::filter::Filter;
use crate::ids::SeriesIds;
use crate::list::{self, PostingList};
use crate::plan::Plan;
use crate::set::IdSet;

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
    names: BTreeMap<Box<str>, NameIndex>,
    all: RoaringBitmap,
    /// Ids below `next` that are not in use. Invariant: disjoint from `all`.
    vacant: RoaringBitmap,
    /// Invariant: greater than every id in use.
    next: u32,
}

/// What is known of one label name.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameIndex {
    /// Invariant: the union of the lists in `values`.
    pub(crate) presence: RoaringBitmap,
    /// Invariant: no value and no list is empty.
    pub(crate) values: BTreeMap<Box<str>, PostingList>,
}

impl MemoryIndex {
    /// An index without series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series and returns its id: the lowest one that is not in use.
    ///
    /// The index does not look for a series with the same labels: its owner knows them already.
    /// Costs a lookup in two ordered maps a label.
    ///
    /// # Errors
    ///
    /// [`Full`](crate::ErrorKind::Full) when all 2³² − 1 ids are in use.
    pub fn insert(&mut self, labels: &(impl LabelSet + ?Sized)) -> Result<SeriesId, Error> {
        let id = self.take_id()?;
        self.all.insert(id);
        labels.visit(&mut |name, value| {
            if value.is_empty() {
                return;
            }
            match self.names.get_mut(name) {
                Some(entry) => entry.insert(value, id),
                None => {
                    let mut entry = NameIndex::default();
                    entry.insert(value, id);
                    self.names.insert(name.into(), entry);
                }
            }
        });
        Ok(SeriesId(id))
    }

    /// Removes the series `id`, which must have been added with these `labels`; returns whether it
    /// was there. Its id will be given to another series.
    pub fn remove(&mut self, id: SeriesId, labels: &(impl LabelSet + ?Sized)) -> bool {
        if !self.all.remove(id.0) {
            return false;
        }
        labels.visit(&mut |name, value| {
            let Some(entry) = self.names.get_mut(name) else { return };
            entry.remove(value, id.0);
            if entry.values.is_empty() {
                self.names.remove(name);
            }
        });
        debug_assert!(
            self.names.values().all(|entry| !entry.presence.contains(id.0)),
            "a series is removed with the labels it was added with"
        );
        self.vacant.insert(id.0);
        true
    }

    /// The series for which all matchers of the filter hold.
    ///
    /// # Complexity
    ///
    /// Equality and sets of literals are lookups, a regular expression with a literal prefix visits
    /// the values with that prefix, others visit all values of their label; smaller results come
    /// first, and a value of few series is tested only if one of them is still in the running.
    #[must_use]
    pub fn select(&self, filter: &Filter) -> SeriesIds {
        SeriesIds::from_set(self.run(filter))
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
        SeriesIds::from_set(Arc::new(IdSet(self.all.clone())))
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
        let count = at_most(limit);
        if filter.is_empty() {
            return self.names.keys().take(count).map(|name| String::from(&**name)).collect();
        }
        let series = &self.run(filter).0;
        let met = self.names.iter().filter(|(_, entry)| !entry.presence.is_disjoint(series));
        met.take(count).map(|(name, _)| String::from(&**name)).collect()
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
        let Some(entry) = self.names.get(name) else { return Vec::new() };
        let conditions = filter.conditions();
        let values = entry.values.iter();
        if conditions.iter().all(|condition| condition.name() == name) {
            // Every value has a series, so the values alone decide.
            let holding = values.filter(|(value, _)| conditions.iter().all(|c| c.holds(value)));
            return collect(holding, limit);
        }
        let series = &self.run(filter).0;
        if series.is_empty() {
            return Vec::new();
        }
        collect(values.filter(|(_, list)| list.meets(series)), limit)
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
        self.names.get(name).is_some_and(|entry| entry.values.contains_key(value))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &NameIndex)> {
        self.names.iter().map(|(name, entry)| (&**name, entry))
    }

    pub(crate) fn all_bitmap(&self) -> &RoaringBitmap {
        &self.all
    }

    fn run(&self, filter: &Filter) -> Arc<IdSet> {
        let Ok(selected) = Plan::new(&self, filter).and_then(|plan| plan.run());
        selected
    }

    fn take_id(&mut self) -> Result<u32, Error> {
        if let Some(id) = self.vacant.min() {
            self.vacant.remove(id);
            return Ok(id);
        }
        let id = self.next;
        self.next = id.checked_add(1).ok_or_else(Error::full)?;
        Ok(id)
    }
}

impl<'a> Source for &'a MemoryIndex {
    type Error = Infallible;
    type Dictionary = &'a NameIndex;

    fn all(&self) -> Result<Arc<IdSet>, Infallible> {
        Ok(Arc::new(IdSet(self.all.clone())))
    }

    fn dictionary(&self, name: &str) -> Result<Option<&'a NameIndex>, Infallible> {
        Ok(self.names.get(name))
    }
}

impl<'a> Dictionary for &'a NameIndex {
    type Error = Infallible;
    type List = &'a PostingList;

    fn value_count(&self) -> usize {
        self.values.len()
    }

    fn series_count(&self) -> u64 {
        self.presence.len()
    }

    fn presence(&self) -> Result<Arc<IdSet>, Infallible> {
        Ok(Arc::new(IdSet(self.presence.clone())))
    }

    fn get(&self, value: &str) -> Result<Option<&'a PostingList>, Infallible> {
        Ok(self.values.get(value))
    }

    fn scan(
        &self,
        scan: &Scan<'_>,
        mut visit: impl FnMut(&str, &'a PostingList),
    ) -> Result<usize, Infallible> {
        let from = (Bound::Included(scan.prefix), Bound::Unbounded);
        let values = self.values.range::<str, _>(from);
        let mut looked_at = 0;
        for (value, list) in values.take_while(|(value, _)| value.starts_with(scan.prefix)) {
            looked_at += 1;
            if scan.wants(value) {
                visit(value, list);
            }
        }
        Ok(looked_at)
    }

    fn list_len(&self, list: &PostingList) -> Result<u64, Infallible> {
        Ok(list.len())
    }

    fn surely_misses(&self, list: &PostingList, within: &IdSet) -> bool {
        list.surely_misses(&within.0)
    }

    fn union(
        &self,
        lists: &[&PostingList],
        within: Option<&IdSet>,
    ) -> Result<Arc<IdSet>, Infallible> {
        let lists = lists.iter().copied();
        Ok(Arc::new(IdSet(match within {
            None => list::union(lists),
            Some(within) => list::union_within(&within.0, lists),
        })))
    }
}

impl NameIndex {
    fn insert(&mut self, value: &str, id: u32) {
        self.presence.insert(id);
        match self.values.get_mut(value) {
            Some(list) => list.insert(id),
            None => drop(self.values.insert(value.into(), PostingList::of(id))),
        }
    }

    fn remove(&mut self, value: &str, id: u32) {
        let Some(list) = self.values.get_mut(value) else { return };
        list.remove(id);
        if list.is_empty() {
            self.values.remove(value);
        }
        self.presence.remove(id);
    }
}

fn at_most(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

fn collect<'a>(
    values: impl Iterator<Item = (&'a Box<str>, &'a PostingList)>,
    limit: usize,
) -> Vec<String> {
    values.take(at_most(limit)).map(|(value, _)| String::from(&**value)).collect()
}

#[cfg(test)]
mod tests;
