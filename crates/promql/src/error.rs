//! What can be wrong with a query, and where.

use std::fmt;

use crate::span::Span;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A duration expression has no usable value at the query's times.
    Duration,
    /// The text is not a duration literal.
    Literal,
    /// The text is not a query: its characters, its grammar or its types.
    Parse,
}

/// A failure with its place in the text.
///
/// `Display` gives what Prometheus shows to people.
///
/// ```
/// use skopos_promql::{ParseOptions, Span, parse};
///
/// let error = parse("1 + sum(", &ParseOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "1:9: parse error: unclosed left parenthesis");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    span: Span,
    place: Option<(u32, u32)>,
    message: String,
}

impl Error {
    /// A parse error at a place of `source`.
    #[cold]
    pub(crate) fn parse(source: &str, span: Span, message: impl Into<String>) -> Self {
        let place = if source.is_empty() { None } else { place_of(source, span.start) };
        Self { kind: ErrorKind::Parse, span, place, message: message.into() }
    }

    /// A duration expression that has no value.
    #[cold]
    pub(crate) fn duration(span: Span, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Duration, span, place: None, message: message.into() }
    }

    /// An error without a place.
    #[cold]
    pub(crate) fn plain(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, span: Span::default(), place: None, message: message.into() }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The place in the text, in bytes.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The line, counted from 1, if the error has a place.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.place.map(|(line, _)| line)
    }

    /// The column, counted from 1 in bytes, if the error has a place.
    #[must_use]
    pub fn column(&self) -> Option<u32> {
        self.place.map(|(_, column)| column)
    }

    /// The sentence without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Line and column of a byte, both from 1; `None` beyond the end.
fn place_of(source: &str, at: u32) -> Option<(u32, u32)> {
    let before = source.as_bytes().get(..at as usize)?;
    let mut line = 1;
    let mut start = 0;
    for (i, &b) in before.iter().enumerate() {
        if b == b'\n' {
            line += 1;
            start = i + 1;
        }
    }
    let column = u32::try_from(before.len() - start).ok()?;
    Some((line, column + 1))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.place) {
            (ErrorKind::Parse, Some((line, column))) => {
                write!(f, "{line}:{column}: parse error: {}", self.message)
            }
            (ErrorKind::Parse, None) => {
                write!(f, "unknown position: parse error: {}", self.message)
            }
            (ErrorKind::Duration, _) => {
                write!(f, "{}:{}: {}", self.span.start, self.span.end, self.message)
            }
            (ErrorKind::Literal, _) => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

/// At a seam, a query that is wrong is invalid.
impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        Self::caused(skopos_core::ErrorKind::Invalid, error)
    }
}
