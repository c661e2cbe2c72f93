//! The canonical forms of `le` and `quantile`: a page has few of them, again and again.
#![deny(clippy::indexing_slicing)]

use alloc::string::String;
use alloc::vec::Vec;

use super::order::prefix;
use crate::number::{canonical_label_float, wants_point};

/// How many floats are remembered; one that falls on the place of another takes it.
const PLACES: usize = 32;

/// The longest one.
const LONGEST: usize = 24;

/// Floats that were looked at before.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    places: Vec<Bound>,
}

/// A float as it stands on a page, and its canonical form; that is empty for what has it, or is no float.
#[derive(Clone, Debug, Default)]
struct Bound {
    text: String,
    canonical: String,
}

impl Bounds {
    /// Appends the canonical form of a float, if it stands there in another one; says whether it did.
    #[inline]
    pub(super) fn write(&mut self, text: &str, out: &mut String) -> bool {
        let first = prefix(text.as_bytes());
        match wants_point(first.swap_bytes(), text.len()) {
            Some(wants_point) => {
                if wants_point {
                    out.push_str(text);
                    out.push_str(".0");
                }
                wants_point
            }
            None => self.write_unusual(first, text, out),
        }
    }

    #[inline(never)]
    fn write_unusual(&mut self, first: u64, text: &str, out: &mut String) -> bool {
        if LONGEST < text.len() {
            return canonical_label_float(text, out);
        }
        if self.places.is_empty() {
            self.places.resize(PLACES, Bound::default());
        }
        // Multiplication by an odd number without a pattern mixes all bytes into the highest bits.
        let mixed = (first ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let Some(bound) = self.places.get_mut((mixed >> 59) as usize) else { return false };
        if bound.text != text {
            bound.canonical.clear();
            canonical_label_float(text, &mut bound.canonical);
            bound.text.clear();
            bound.text.push_str(text);
        }
        out.push_str(&bound.canonical);
        !bound.canonical.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_remembered_is_what_is_written(
            texts in proptest::collection::vec("[-+]?[0-9]{0,9}(\\.[0-9]{0,9})?(e[+-]?[0-9]{1,2})?|\\+Inf|NaN|x", 1..80),
        ) {
            let mut bounds = Bounds::default();
            for text in texts.iter().chain(&texts) {
                let (mut found, mut right) = (String::from("-"), String::from("-"));
                let is_written = bounds.write(text, &mut found);
                prop_assert_eq!(is_written, canonical_label_float(text, &mut right));
                prop_assert_eq!(found, right);
            }
        }
    }
}
