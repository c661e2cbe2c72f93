//! Names and values of a sample's labels as they stand on the page, whatever its format.

#[cfg(feature = "protobuf")]
use core::ops::Range;

use crate::parser::TextPairs;
#[cfg(feature = "protobuf")]
use crate::protobuf::LabelBuffer;

/// Names and values as they stand on a text page, or those of a protobuf page.
pub(super) enum RawPairs<'e, 'a> {
    Text(TextPairs<'e, 'a>),
    #[cfg(feature = "protobuf")]
    Numbered {
        labels: &'e LabelBuffer<'a>,
        numbers: Range<usize>,
    },
}

impl<'e, 'a: 'e> Iterator for RawPairs<'e, 'a> {
    type Item = (&'e str, &'e str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Text(text) => text.next(),
            #[cfg(feature = "protobuf")]
            Self::Numbered { labels, numbers } => labels.other_pair(numbers.next()?),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Text(text) => text.size_hint(),
            #[cfg(feature = "protobuf")]
            Self::Numbered { numbers, .. } => numbers.size_hint(),
        }
    }

    #[inline]
    fn fold<T, F: FnMut(T, Self::Item) -> T>(self, init: T, f: F) -> T {
        match self {
            Self::Text(text) => text.fold(init, f),
            #[cfg(feature = "protobuf")]
            Self::Numbered { labels, numbers } => {
                // A loop of its own, so that the other one is small enough to be inlined.
                fold_apart(numbers.map_while(|number| labels.other_pair(number)), init, f)
            }
        }
    }
}

impl<'e, 'a: 'e> ExactSizeIterator for RawPairs<'e, 'a> {}

#[cfg(feature = "protobuf")]
#[inline(never)]
fn fold_apart<T, I>(pairs: impl Iterator<Item = I>, init: T, f: impl FnMut(T, I) -> T) -> T {
    pairs.fold(init, f)
}
