//! Sets of names, borrowed from a tree.

/// Names without duplicates, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names<'a>(Vec<&'a str>);

impl<'a> FromIterator<&'a str> for Names<'a> {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Self(names)
    }
}

impl<'a> Names<'a> {
    pub(super) fn as_slice(&self) -> &[&'a str] {
        &self.0
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.binary_search(&name).is_ok()
    }

    pub(super) fn insert(&mut self, name: &'a str) {
        if let Err(at) = self.0.binary_search(&name) {
            self.0.insert(at, name);
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Ok(at) = self.0.binary_search(&name) {
            self.0.remove(at);
        }
    }

    pub(super) fn union(mut self, other: &Self) -> Self {
        if !other.0.is_empty() {
            self.0.extend(&other.0);
            self.0.sort_unstable();
            self.0.dedup();
        }
        self
    }

    pub(super) fn intersection(self, other: &Self) -> Self {
        self.keep(|name| other.contains(name))
    }

    pub(super) fn difference(self, other: &Self) -> Self {
        self.keep(|name| !other.contains(name))
    }

    pub(super) fn keep(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|name| keep(name));
        self
    }
}
