//! Places in a query's text.
//!
//! A span counts bytes; lines and columns are derived when a person needs them.

use std::fmt;

/// A range of bytes of the source, the end excluded.
///
/// ```
/// use skopos_promql::Span;
///
/// assert_eq!(Span::new(4, 7).slice("sum(foo)"), "foo");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a span is its two ends")]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` to before `end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest span that holds both.
    ///
    /// ```
    /// # use skopos_promql::Span;
    /// assert_eq!(Span::new(4, 5).to(Span::new(0, 2)), Span::new(0, 5));
    /// ```
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The text at this place, or `""` where the span does not fit `source`.
    #[must_use]
    pub fn slice(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}
