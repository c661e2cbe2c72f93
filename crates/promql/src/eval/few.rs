//! Values of which there is often one alone, which then takes no memory of its own.
//!
//! An instant query has one step, and a rule asks over and over for columns of one value. A list that
//! allocates them costs more than what is computed.

use std::ops::{Deref, DerefMut};

/// A list of a fixed length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Few<T> {
    One([T; 1]),
    /// Any number but one.
    Many(Vec<T>),
}

impl<T: Clone + Default> Few<T> {
    /// A list of so many values as their type has by default.
    pub(crate) fn new(len: usize) -> Self {
        if len == 1 { Self::One([T::default()]) } else { Self::Many(vec![T::default(); len]) }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(values: Vec<T>) -> Self {
        <[T; 1]>::try_from(values).map_or_else(Self::Many, Self::One)
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return Self::default() };
        let Some(second) = values.next() else { return Self::One([first]) };
        let mut all = Vec::with_capacity(values.size_hint().0.saturating_add(2));
        all.extend([first, second]);
        all.extend(values);
        Self::Many(all)
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }
}

impl<T> DerefMut for Few<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_the_same_whichever_way_it_was_made() {
        for len in [0, 1, 2, 3, 64, 65] {
            let mut zeros = Few::<u64>::new(len);
            assert_eq!(*zeros, vec![0; len], "{len}");
            let values: Vec<u64> = (0..len as u64).collect();
            let collected: Few<u64> = values.iter().copied().collect();
            assert_eq!(collected, Few::from(values.clone()), "{len}");
            assert_eq!(*collected, values, "{len}");
            zeros.copy_from_slice(&values);
            assert_eq!(zeros, collected, "{len}");
            assert_eq!(matches!(zeros, Few::One(_)), len == 1, "{len}");
        }
        assert_eq!(Few::<u64>::default(), Few::new(0));
    }
}
