//! What can be wrong with a query, and where.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::hint;
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
/// `Display` gives what Prometheus shows to people; [`render`](Self::render) points into the text.
///
/// ```
/// use skopos_promql::{ParseOptions, Span, parse};
///
/// let error = parse("1 + sum(", &ParseOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "1:9: parse error: unclosed left parenthesis");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Inner>);

/// Behind a pointer, since results are passed about far more often than they are errors.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    span: Span,
    /// Line and column, if the error has a place.
    place: Option<(u32, u32)>,
    message: String,
    hint: Option<Cow<'static, str>>,
}

impl Error {
    /// A parse error at a place of `source`.
    #[cold]
    pub(crate) fn parse(source: &str, span: Span, message: impl Into<String>) -> Self {
        let place = if source.is_empty() { None } else { place_of(source, span.start) };
        let message = message.into();
        let hint = hint::of_message(source, span, &message).map(Cow::Borrowed);
        Self(Box::new(Inner { kind: ErrorKind::Parse, span, place, message, hint }))
    }

    /// A duration expression that has no value.
    #[cold]
    pub(crate) fn duration(span: Span, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner { kind: ErrorKind::Duration, span, place: None, message, hint: None }))
    }

    /// An error without a place.
    #[cold]
    pub(crate) fn plain(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner { kind, span: Span::default(), place: None, message, hint: None }))
    }

    /// The same with advice, if there is any.
    #[cold]
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
        if let Some(hint) = hint {
            self.0.hint = Some(hint.into());
        }
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The place in the text, in bytes.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// The line, counted from 1, if the error has a place.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.0.place.map(|(line, _)| line)
    }

    /// The column, counted from 1 in bytes, if the error has a place.
    #[must_use]
    pub fn column(&self) -> Option<u32> {
        self.0.place.map(|(_, column)| column)
    }

    /// The sentence without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it, for the commonest mistakes; in our own words, which may change.
    ///
    /// ```
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let hint = |text| {
    ///     let error = parse(text, &ParseOptions::default()).unwrap_err();
    ///     error.hint().unwrap_or_default().to_owned()
    /// };
    /// assert_eq!(hint("rate(foo)"), "add a range: foo[5m]");
    /// assert_eq!(hint("rte(foo[5m])"), "did you mean `rate`?");
    /// assert_eq!(hint("sum foo"), "sum needs parentheses: sum(foo)");
    /// ```
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl Error {
    /// The sentence, the line of the text that it is about, a mark below its place, and the
    /// [`hint`](Self::hint), if there is one.
    ///
    /// `source` must be the text that was parsed.
    ///
    /// ```
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let source = "sum by (job) (\n  rate(errors)\n)";
    /// let error = parse(source, &ParseOptions::default()).unwrap_err();
    /// let rendered = "\
    /// 2:8: parse error: expected type range vector in call to function \"rate\", got instant vector
    ///   |
    /// 2 |   rate(errors)
    ///   |        ^^^^^^
    ///   = add a range: errors[5m]
    /// ";
    /// assert_eq!(error.render(source), rendered);
    /// ```
    #[must_use]
    pub fn render(&self, source: &str) -> String {
        let mut out = format!("{self}\n");
        let (start, end) = (self.0.span.start as usize, self.0.span.end as usize);
        let (Some(before), Some(after)) = (source.get(..start), source.get(start..)) else {
            return out;
        };
        if self.0.kind == ErrorKind::Literal {
            return out;
        }
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = source[line_start..].lines().next().unwrap_or_default();
        let number = (before.matches('\n').count() + 1).to_string();
        let margin = " ".repeat(number.len());
        // Tabs stay tabs, so that the mark stands below its place however wide they are shown.
        let indent: String =
            before[line_start..].chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let rest_of_line = after.lines().next().unwrap_or_default();
        let len = end.saturating_sub(start).min(rest_of_line.len());
        let marked = rest_of_line.get(..len).unwrap_or(rest_of_line).chars().count().max(1);
        let mark = "^".repeat(marked);
        // Writing into a `String` cannot fail.
        let _ = write!(out, "{margin} |\n{number} | {line}\n{margin} | {indent}{mark}\n");
        if let Some(hint) = &self.0.hint {
            let _ = writeln!(out, "{margin} = {hint}");
        }
        out
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
        let Inner { kind, span, place, message, .. } = &*self.0;
        match (kind, place) {
            (ErrorKind::Parse, Some((line, column))) => {
                write!(f, "{line}:{column}: parse error: {message}")
            }
            (ErrorKind::Parse, None) => {
                write!(f, "unknown position: parse error: {message}")
            }
            (ErrorKind::Duration, _) => {
                write!(f, "{}:{}: {message}", span.start, span.end)
            }
            (ErrorKind::Literal, _) => f.write_str(message),
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
