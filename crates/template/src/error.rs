//! The error of this crate, with the position in the template's text.

use std::fmt;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The template's HTML cannot be escaped by context.
    Escape,
    /// The template does not parse.
    Syntax,
    /// The template parses but failed while it was executed.
    Execution,
    /// A limit of this crate was exceeded: depth, work or size.
    Limit,
}

/// A failure to parse or to execute a template, in the words of Go's `text/template`.
///
/// ```
/// use skopos_template::{ErrorKind, Limits, NoFunctions, Template};
///
/// let error = Template::parse("t", "one\n{{ nope }}", &NoFunctions, &Limits::default()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Syntax);
/// assert_eq!(error.line(), 2);
/// assert_eq!(error.to_string(), "template: t:2: function \"nope\" not defined");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    line: usize,
    column: Option<usize>,
    message: String,
}

impl Error {
    #[cold]
    pub(crate) fn syntax(line: usize, message: String) -> Self {
        Self { kind: ErrorKind::Syntax, line, column: None, message }
    }

    #[cold]
    pub(crate) fn at(kind: ErrorKind, line: usize, column: usize, message: String) -> Self {
        Self { kind, line, column: Some(column), message }
    }

    #[cold]
    pub(crate) fn escape(
        kind: ErrorKind,
        line: usize,
        column: Option<usize>,
        message: String,
    ) -> Self {
        Self { kind, line, column, message }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The line in the template's text, from 1; also 1 where it is not known, as at HTML that ends
    /// too early.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The byte in the line, from 0, where it is known: not for syntax errors.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.column
    }

    /// The same error with `context` and a colon before its sentence.
    #[must_use]
    pub(crate) fn context(mut self, context: &str) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Errors of syntax and of escaping are `Invalid`, failures while executing `Execution`, exceeded limits `Limit`.
impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind {
            ErrorKind::Escape | ErrorKind::Syntax => skopos_core::ErrorKind::Invalid,
            ErrorKind::Execution => skopos_core::ErrorKind::Execution,
            ErrorKind::Limit => skopos_core::ErrorKind::Limit,
        };
        Self::caused(kind, error)
    }
}
