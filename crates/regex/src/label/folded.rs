//! A set of texts that answers without regard to case.
//!
//! Case means Unicode's simple folding, as for Go: `K` and `k` equal Kelvin's sign, so that texts of
//! different lengths can be equal.

use std::collections::HashSet;

use super::set::HASH_FROM;
use crate::unicode;

#[derive(Debug)]
pub(super) struct FoldedSet {
    /// Folded texts.
    texts: Vec<Box<str>>,
    /// The same if they are many.
    hashed: HashSet<Box<str>>,
    /// What the characters outside of ASCII that can occur in a match fold to; ascending.
    folds: Vec<(char, char)>,
}

impl FoldedSet {
    /// A set of folded, distinct texts.
    pub(super) fn new(texts: Vec<String>) -> Self {
        let texts: Vec<Box<str>> = texts.into_iter().map(Into::into).collect();
        let hashed =
            if texts.len() < HASH_FROM { HashSet::new() } else { texts.iter().cloned().collect() };
        Self { folds: folds(&texts), texts, hashed }
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        if self.hashed.is_empty() {
            return self.texts.iter().any(|t| self.equals(t, text));
        }
        let folded: String = text.chars().map(|c| self.fold(c)).collect();
        self.hashed.contains(folded.as_str())
    }

    fn equals(&self, folded: &str, text: &str) -> bool {
        folded.chars().eq(text.chars().map(|c| self.fold(c)))
    }

    fn fold(&self, c: char) -> char {
        if c.is_ascii() {
            return c.to_ascii_uppercase();
        }
        // What is not in the table is in no text of the set, folded or not.
        let at = self.folds.binary_search_by_key(&c, |&(from, _)| from);
        at.map_or(c, |at| self.folds[at].1)
    }
}

fn folds(texts: &[Box<str>]) -> Vec<(char, char)> {
    let members: HashSet<char> = texts.iter().flat_map(|text| text.chars()).collect();
    let mut folds = Vec::new();
    for folded in members {
        let orbit = unicode::orbit(folded);
        let all = orbit.ranges().iter().flat_map(|range| range.start()..=range.end());
        folds.extend(all.filter(|c| !c.is_ascii()).map(|c| (c, folded)));
    }
    folds.sort_unstable();
    folds
}
