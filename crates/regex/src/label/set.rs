//! A set of texts that answers whether it has one.

use std::collections::HashSet;

/// From how many texts on hashing is faster than comparing.
pub(super) const HASH_FROM: usize = 16;

#[derive(Debug)]
pub(super) struct Set {
    /// Ascending, without duplicates.
    texts: Vec<String>,
    lengths: Lengths,
    /// The texts again if they are many.
    hashed: HashSet<Box<str>>,
}

impl Set {
    /// A set of texts that are ascending and distinct.
    pub(super) fn new(texts: Vec<String>) -> Self {
        let hashed = if texts.len() < HASH_FROM {
            HashSet::new()
        } else {
            texts.iter().map(|text| text.as_str().into()).collect()
        };
        Self { lengths: Lengths::of(&texts), texts, hashed }
    }

    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        if !self.lengths.may_have(text.len()) {
            return false;
        }
        if self.hashed.is_empty() {
            self.texts.iter().any(|t| t == text)
        } else {
            self.hashed.contains(text)
        }
    }
}

/// Which lengths there are; all from 63 on share a bit.
#[derive(Clone, Copy, Debug)]
struct Lengths(u64);

impl Lengths {
    fn of(texts: &[String]) -> Self {
        Self(texts.iter().fold(0, |bits, text| bits | Self::bit(text.len())))
    }

    fn may_have(self, len: usize) -> bool {
        self.0 & Self::bit(len) != 0
    }

    fn bit(len: usize) -> u64 {
        1 << len.min(63)
    }
}
