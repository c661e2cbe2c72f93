//! What is wrong with a regular expression, in Go's words.
//!
//! Texts are those of Go's `regexp/syntax`, because Prometheus shows them to its users as they are.

use std::fmt;

/// What kind of mistake an [`Error`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A class whose range runs backwards, or whose name is unknown.
    InvalidCharRange,
    /// A backslash before something that has no meaning after it.
    InvalidEscape,
    /// A group name that is empty, unfinished or has other characters than letters, digits and `_`.
    InvalidNamedCapture,
    /// `(?` with a flag or an operator that the language does not have, such as look-around.
    InvalidPerlOp,
    /// A repetition directly after a repetition, such as `a**`.
    InvalidRepeatOp,
    /// A repetition of more than 1000 times, alone or multiplied with those inside of it.
    InvalidRepeatSize,
    /// A class without its `]`.
    MissingBracket,
    /// A group without its `)`.
    MissingParen,
    /// A repetition of nothing.
    MissingRepeatArgument,
    /// More than 1000 levels of nesting.
    NestingDepth,
    /// The compiled form would exceed the limit of size.
    TooLarge,
    /// A backslash at the very end.
    TrailingBackslash,
    /// A `)` without its group.
    UnexpectedParen,
}

impl ErrorKind {
    /// Go's sentence for the kind.
    fn text(self) -> &'static str {
        match self {
            Self::InvalidCharRange => "invalid character class range",
            Self::InvalidEscape => "invalid escape sequence",
            Self::InvalidNamedCapture => "invalid named capture",
            Self::InvalidPerlOp => "invalid or unsupported Perl syntax",
            Self::InvalidRepeatOp => "invalid nested repetition operator",
            Self::InvalidRepeatSize => "invalid repeat count",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingRepeatArgument => "missing argument to repetition operator",
            Self::NestingDepth => "expression nests too deeply",
            Self::TooLarge => "expression too large",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
        }
    }
}

/// Why a pattern is not a regular expression.
///
/// ```
/// use skopos_regex::{ErrorKind, Regex};
///
/// let error = Regex::new("a**").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidRepeatOp);
/// assert_eq!(error.offset(), Some(1));
/// assert_eq!(error.to_string(), "error parsing regexp: invalid nested repetition operator: `**`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    expression: String,
    offset: Option<usize>,
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, expression: &str, offset: Option<usize>) -> Self {
        Self { kind, expression: expression.into(), offset }
    }

    /// What kind of mistake it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The part of the pattern that the message quotes; the whole one where no part is to blame.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Where the mistake is in the pattern, in bytes from its start; `None` if nowhere in particular.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.kind.text(), self.expression)
    }
}

impl std::error::Error for Error {}
