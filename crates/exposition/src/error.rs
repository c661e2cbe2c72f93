//! The crate's error: what is wrong, and where on the page.
//!
//! The sentences are those of Prometheus' parsers, since users search for them. Building one is
//! cold and may allocate; nothing else in the parser does.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The page does not follow its format's grammar.
    Syntax,
    /// A name, a label value or a help text is not UTF-8.
    Encoding,
    /// A number cannot be read or does not fit.
    Number,
    /// A family that cannot be written in the format, such as one without a name.
    Family,
    /// The source of a page could not be read.
    Io,
    /// An entry that is longer than the reader's buffer may grow.
    Limit,
    /// A message that ends before it is complete; protobuf only.
    Truncated,
    /// Known, but not provided here; the message names what.
    Unsupported,
}

/// A failure to read or write an exposition page.
///
/// ```
/// use skopos_exposition::{Parser, ParserOptions, TextFormat};
///
/// let mut parser = Parser::new(TextFormat::Prometheus, b"up 1\nup one\n", ParserOptions::default());
/// assert!(parser.next()?.is_some());
/// let error = parser.next().unwrap_err();
/// assert_eq!((error.line(), error.column(), error.offset()), (2, 4, 8));
/// assert_eq!((error.expected(), error.near()), ("float", "up one"));
/// assert_eq!(
///     error.to_string(),
///     r#"strconv.ParseFloat: parsing "one": invalid syntax while parsing: "up one""#,
/// );
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    offset: usize,
    line: usize,
    column: usize,
    expected: &'static str,
    near: String,
    #[cfg(feature = "std")]
    source: Option<std::sync::Arc<std::io::Error>>,
}

impl Inner {
    fn new(kind: ErrorKind, message: String, offset: usize, line: usize, column: usize) -> Self {
        Self {
            kind,
            message,
            offset,
            line,
            column,
            expected: "",
            near: String::new(),
            #[cfg(feature = "std")]
            source: None,
        }
    }
}

/// Equality of what is said, whatever the source.
impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        let key =
            |inner: &Self| (inner.kind, inner.offset, inner.line, inner.column, inner.expected);
        key(self) == key(other) && self.message == other.message && self.near == other.near
    }
}

impl Eq for Inner {}

impl Error {
    /// An error that has no place on a page.
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: String) -> Self {
        Self(Box::new(Inner::new(kind, message, 0, 0, 0)))
    }

    /// An error at a byte of a page.
    #[cold]
    pub(crate) fn at(kind: ErrorKind, message: String, page: &[u8], offset: usize) -> Self {
        Self::at_counted(kind, message, page, offset, &mut Counted::default())
    }

    /// An error at a byte of a page whose lines are `counted` up to some place.
    #[cold]
    pub(crate) fn at_counted(
        kind: ErrorKind,
        message: String,
        page: &[u8],
        offset: usize,
        counted: &mut Counted,
    ) -> Self {
        let offset = offset.min(page.len());
        let line = counted.line_at(page, offset);
        let before = page.get(..offset).unwrap_or_default();
        let column = offset - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1) + 1;
        let near = near(page, offset, column - 1);
        Self(Box::new(Inner { near, ..Inner::new(kind, message, offset, line, column) }))
    }

    /// The same error, with what should have stood there.
    #[cold]
    pub(crate) fn with_expected(mut self, expected: &'static str) -> Self {
        self.0.expected = expected;
        self
    }

    /// An error at a byte of a page that has no lines.
    #[cfg(feature = "protobuf")]
    #[cold]
    pub(crate) fn in_bytes(kind: ErrorKind, message: String, offset: usize) -> Self {
        Self(Box::new(Inner::new(kind, message, offset, 0, 0)))
    }

    /// An error of a page's source, after so many bytes.
    #[cfg(feature = "std")]
    #[cold]
    pub(crate) fn io(source: std::io::Error, offset: usize) -> Self {
        let message = alloc::format!("cannot read the page: {source}");
        let mut inner = Inner::new(ErrorKind::Io, message, offset, 0, 0);
        inner.source = Some(std::sync::Arc::new(source));
        Self(Box::new(inner))
    }

    /// The same error of a piece of a page, which begins so many bytes and lines later.
    #[cfg(feature = "std")]
    #[cold]
    pub(crate) fn moved(mut self, bytes: usize, lines: usize) -> Self {
        self.0.offset = self.0.offset.wrapping_add(bytes);
        if self.0.line != 0 {
            self.0.line = self.0.line.wrapping_add(lines);
        }
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The byte of the page at which the token begins that could not be used; 0 where there is no
    /// page.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The line of [`offset`](Self::offset), from 1; 0 where there is no page
    /// of text.
    #[must_use]
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// What should have stood at [`offset`](Self::offset) of a page of text, in a few words: `label
    /// name`, `float`. Empty where that cannot be said: of pages that are protobuf, sources that fail,
    /// and lines that are right, but not together with others.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        self.0.expected
    }

    /// The text of the line around [`offset`](Self::offset), at most thirty bytes before and behind
    /// it; bytes that are not UTF-8 are replaced. Empty where there is no page.
    #[must_use]
    pub fn near(&self) -> &str {
        &self.0.near
    }

    /// The byte within the line, from 1; 0 where there is no page
    /// of text.
    #[must_use]
    pub fn column(&self) -> usize {
        self.0.column
    }
}

/// How far the lines of a page were counted, so that many errors do not count them anew.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    offset: usize,
    feeds: usize,
}

impl Counted {
    /// The line of a byte, from 1.
    fn line_at(&mut self, page: &[u8], offset: usize) -> usize {
        if offset < self.offset {
            *self = Self::default();
        }
        let new = page.get(self.offset..offset).unwrap_or_default();
        let feeds = self.feeds + memchr::memchr_iter(b'\n', new).count();
        *self = Self { offset, feeds };
        feeds + 1
    }
}

/// How many bytes of a line are shown before and behind the place of an error.
const NEAR: usize = 30;

/// The line around a byte, of which `before` bytes come before it.
fn near(page: &[u8], offset: usize, before: usize) -> String {
    let start = offset - before.min(NEAR);
    let rest = page.get(offset..).unwrap_or_default();
    let rest = rest.get(..NEAR).unwrap_or(rest);
    let end = offset + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    String::from_utf8_lossy(page.get(start..end).unwrap_or_default()).into_owned()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl core::error::Error for Error {
    #[cfg(feature = "std")]
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Unsupported => skopos_core::ErrorKind::Unsupported,
            _ => skopos_core::ErrorKind::Invalid,
        };
        Self::caused(kind, error)
    }
}
