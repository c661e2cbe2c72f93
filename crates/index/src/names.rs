//! Label names with their values: found by hash, walked in order.
//!
//! A name stays where it was put as long as it has values, so that neither the order nor the table of
//! hashes moves more than a few bytes for a new one.

use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::values::Values;

/// One for all indexes, so that a filter knows the hashes of its names whichever index it meets.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// By which a name is found.
pub(crate) fn hash_of(name: &str) -> u64 {
    HASHER.hash_one(name)
}

/// Label names, each with its values.
#[derive(Clone, Default)]
pub(crate) struct Names {
    entries: Vec<Name>,
    /// Places of entries, ascending by name. Invariant: none of these names is without values when a
    /// change is over.
    order: Vec<u32>,
    table: HashTable<u32>,
    /// Places of entries that are not in use.
    vacant: Vec<u32>,
}

/// A label name and its values.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: Box<str>,
    pub(crate) values: Values,
}

/// Where a name is, until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameAt(u32);

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Names {
    pub(crate) fn find(&self, name: &str) -> Option<NameAt> {
        self.find_by(hash_of(name), name)
    }

    fn find_by(&self, hash: u64, name: &str) -> Option<NameAt> {
        let is_it = |at: &u32| *self.entries[*at as usize].text == *name;
        self.table.find(hash, is_it).copied().map(NameAt)
    }

    /// The values of a name, if it has some.
    pub(crate) fn values(&self, name: &str) -> Option<&Values> {
        self.values_by(hash_of(name), name)
    }

    /// The same for who has the hash at hand.
    pub(crate) fn values_by(&self, hash: u64, name: &str) -> Option<&Values> {
        self.find_by(hash, name).map(|at| &self.entries[at.0 as usize].values)
    }

    pub(crate) fn values_mut(&mut self, NameAt(at): NameAt) -> &mut Values {
        &mut self.entries[at as usize].values
    }

    /// Where the name is, which is added if it is new.
    pub(crate) fn place_of(&mut self, name: &str) -> NameAt {
        self.find(name).unwrap_or_else(|| self.add(name))
    }

    fn add(&mut self, name: &str) -> NameAt {
        let entry = Name { text: name.into(), values: Values::default() };
        let at = match self.vacant.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                self.entries.push(entry);
                // Each name is held by a series, of which there are fewer than 2³¹.
                (self.entries.len() - 1) as u32
            }
        };
        let Self { entries, order, table, .. } = self;
        let position = order.partition_point(|other| *entries[*other as usize].text < *name);
        order.insert(position, at);
        table.insert_unique(hash_of(name), at, |at| hash_of(&entries[*at as usize].text));
        NameAt(at)
    }

    /// Drops a name without values.
    pub(crate) fn remove(&mut self, NameAt(at): NameAt) {
        debug_assert!(self.entries[at as usize].values.is_empty(), "nothing is lost with the name");
        let text = std::mem::take(&mut self.entries[at as usize].text);
        if let Ok(entry) = self.table.find_entry(hash_of(&text), |other| *other == at) {
            entry.remove();
        }
        self.order.retain(|other| *other != at);
        self.entries[at as usize].values = Values::default();
        self.vacant.push(at);
        if self.order.is_empty() {
            *self = Self::default();
        }
    }

    /// Ascending by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Name> {
        self.order.iter().map(|at| &self.entries[*at as usize])
    }

    /// The names that start with `prefix`, ascending.
    pub(crate) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = &Name> {
        let text = |at: &u32| &*self.entries[*at as usize].text;
        // Comparing with nothing is a call all the same, and on some machines a slow one.
        let is_any = prefix.is_empty();
        let from = if is_any { 0 } else { self.order.partition_point(|at| text(at) < prefix) };
        let names = self.order[from..].iter().map(|at| &self.entries[*at as usize]);
        names.take_while(move |name| is_any || name.text.starts_with(prefix))
    }

    pub(crate) fn for_each_values(&mut self, mut change: impl FnMut(&mut Values)) {
        self.entries.iter_mut().for_each(|name| change(&mut name.values));
    }

    /// The heap memory behind the names, without that behind their values.
    pub(crate) fn heap_bytes(&self) -> usize {
        let places = self.order.capacity() + self.vacant.capacity();
        let texts: usize = self.iter().map(|name| name.text.len()).sum();
        let table = self.table.allocation_size();
        self.entries.capacity() * size_of::<Name>() + texts + places * size_of::<u32>() + table
    }
}
