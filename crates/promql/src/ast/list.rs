//! Lists that seldom have more than one item.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Items in their order. The first is held in place, so that a list of one has no allocation: most
/// calls have one argument, most selectors one condition, most groupings one label.
///
/// It reads as a slice; a `Vec` turns into it and back by `into`.
///
/// ```
/// use skopos_promql::ast::List;
///
/// let mut list = List::from_iter(["b"]);
/// list.push("c");
/// list.insert(0, "a");
/// assert_eq!(list[..], ["a", "b", "c"]);
/// list.retain(|item| *item != "b");
/// assert_eq!(Vec::from(list), ["a", "c"]);
/// ```
#[derive(Clone)]
pub struct List<T>(Items<T>);

#[derive(Clone)]
enum Items<T> {
    One([T; 1]),
    Many(Vec<T>),
}

impl<T> List<T> {
    /// A list without items.
    #[must_use]
    pub const fn new() -> Self {
        Self(Items::Many(Vec::new()))
    }

    /// A list of one item.
    #[must_use]
    pub const fn one(item: T) -> Self {
        Self(Items::One([item]))
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        match &mut self.0 {
            Items::Many(items) if items.capacity() == 0 => *self = Self::one(item),
            Items::Many(items) => items.push(item),
            Items::One(_) => self.many(4).push(item),
        }
    }

    /// Takes the last item out.
    pub fn pop(&mut self) -> Option<T> {
        match std::mem::take(self).0 {
            Items::One([item]) => Some(item),
            Items::Many(mut items) => {
                let item = items.pop();
                self.0 = Items::Many(items);
                item
            }
        }
    }

    /// Adds an item before the one at `at`.
    ///
    /// # Panics
    ///
    /// Where `at` is greater than the number of items.
    pub fn insert(&mut self, at: usize, item: T) {
        self.many(4).insert(at, item);
    }

    /// Keeps the items for which `keep` holds.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.many(1).retain(keep);
    }

    /// The items as a `Vec` in place, with space for so many in all.
    fn many(&mut self, capacity: usize) -> &mut Vec<T> {
        if let Items::One(_) = self.0 {
            let one = std::mem::replace(&mut self.0, Items::Many(Vec::with_capacity(capacity)));
            if let (Items::One(one), Items::Many(items)) = (one, &mut self.0) {
                items.extend(one);
            }
        }
        match &mut self.0 {
            Items::Many(items) => items,
            Items::One(_) => unreachable!("it was replaced above"),
        }
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Items::One(one) => one,
            Items::Many(items) => items,
        }
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Items::One(one) => one,
            Items::Many(items) => items,
        }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// As a slice.
impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self(Items::Many(items))
    }
}

impl<T> From<List<T>> for Vec<T> {
    fn from(list: List<T>) -> Self {
        match list.0 {
            Items::One(one) => one.into(),
            Items::Many(items) => items,
        }
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Self::new();
        list.extend(items);
        list
    }
}

impl<T> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        Vec::from(self).into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut List<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
