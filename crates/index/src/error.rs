//! The error of this crate.

use std::error;
use std::fmt;
use std::io;
use std::sync::Arc;

use skopos_core::Matcher;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An index file contradicts itself or its checksums; [`Error::section`] and [`Error::offset`]
    /// say where.
    Corrupt,
    /// Every series id is in use.
    Full,
    /// The sink that an index file is written to failed.
    Io,
    /// The index file would become larger than its format can express.
    Limit,
    /// What an index file shall hold was given in the wrong order or does not fit together.
    Refused,
    /// A matcher's regular expression cannot be compiled.
    Regex,
    /// The bytes are too few for an index file.
    Truncated,
    /// An index file of a version that is not read.
    Unsupported,
}

/// A part of an index file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Section {
    /// The magic number and the version.
    Header,
    /// A list of series.
    Postings,
    /// Where the list of each label name and value is.
    PostingsTable,
    /// The series with their chunks.
    Series,
    /// The texts of all label names and values.
    Symbols,
    /// The table of contents.
    Toc,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "index header",
            Self::Postings => "postings",
            Self::PostingsTable => "postings table",
            Self::Series => "series",
            Self::Symbols => "symbols",
            Self::Toc => "TOC",
        })
    }
}

/// A matcher that cannot be evaluated, a series that cannot be added, or an index file that cannot be
/// read or written.
///
/// ```
/// use skopos_core::{MatchOp, Matcher};
/// use skopos_index::{BlockIndex, ErrorKind, Filter, Section};
///
/// let error = Filter::new(&[Matcher::new("job", MatchOp::Regex, "a(")]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Regex);
/// assert!(error.to_string().starts_with(r#"matcher job=~"a(": "#));
///
/// let error = BlockIndex::new([0xba, 0xaa, 0xd7, 0x00, 2]).unwrap_err();
/// assert_eq!((error.kind(), error.section()), (ErrorKind::Truncated, Some(Section::Toc)));
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    repr: Repr,
}

#[derive(Clone, Debug)]
enum Repr {
    File { kind: ErrorKind, section: Section, offset: u64, message: Box<str> },
    Full,
    Io(Arc<io::Error>),
    Regex { matcher: Matcher, source: skopos_regex::Error },
    Write { kind: ErrorKind, message: Box<str> },
}

impl Error {
    #[cold]
    pub(crate) fn corrupt(section: Section, offset: u64, message: String) -> Self {
        let (kind, message) = (ErrorKind::Corrupt, message.into());
        Self { repr: Repr::File { kind, section, offset, message } }
    }

    #[cold]
    pub(crate) fn truncated(section: Section, offset: u64) -> Self {
        let (kind, message) = (ErrorKind::Truncated, "invalid size".into());
        Self { repr: Repr::File { kind, section, offset, message } }
    }

    #[cold]
    pub(crate) fn unsupported_version(version: u8) -> Self {
        let message = format!("unknown index file version {version}").into();
        let (kind, section) = (ErrorKind::Unsupported, Section::Header);
        Self { repr: Repr::File { kind, section, offset: 4, message } }
    }

    #[cold]
    pub(crate) fn full() -> Self {
        Self { repr: Repr::Full }
    }

    #[cold]
    pub(crate) fn io(source: io::Error) -> Self {
        Self { repr: Repr::Io(Arc::new(source)) }
    }

    #[cold]
    pub(crate) fn limit(message: String) -> Self {
        Self { repr: Repr::Write { kind: ErrorKind::Limit, message: message.into() } }
    }

    #[cold]
    pub(crate) fn refused(message: String) -> Self {
        Self { repr: Repr::Write { kind: ErrorKind::Refused, message: message.into() } }
    }

    #[cold]
    pub(crate) fn regex(matcher: &Matcher, source: skopos_regex::Error) -> Self {
        Self { repr: Repr::Regex { matcher: matcher.clone(), source } }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.repr {
            Repr::File { kind, .. } | Repr::Write { kind, .. } => kind,
            Repr::Full => ErrorKind::Full,
            Repr::Io(_) => ErrorKind::Io,
            Repr::Regex { .. } => ErrorKind::Regex,
        }
    }

    /// The matcher that cannot be evaluated.
    #[must_use]
    pub fn matcher(&self) -> Option<&Matcher> {
        match &self.repr {
            Repr::Regex { matcher, .. } => Some(matcher),
            _ => None,
        }
    }

    /// The part of an index file that cannot be read.
    #[must_use]
    pub fn section(&self) -> Option<Section> {
        match &self.repr {
            Repr::File { section, .. } => Some(*section),
            _ => None,
        }
    }

    /// Where in an index file the structure begins that cannot be read, in bytes from its start.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match &self.repr {
            Repr::File { offset, .. } => Some(*offset),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repr {
            Repr::File { section: Section::Header, message, .. } => f.write_str(message),
            Repr::File { section, offset, message, .. } => {
                write!(f, "read {section}: {message} (at offset {offset})")
            }
            Repr::Full => write!(f, "the index is full: it holds {} series", crate::values::MAX_ID),
            Repr::Io(source) => write!(f, "cannot write the index: {source}"),
            Repr::Regex { matcher, source } => write!(f, "matcher {matcher}: {source}"),
            Repr::Write { message, .. } => f.write_str(message),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.repr {
            Repr::Io(source) => Some(&**source),
            Repr::Regex { source, .. } => Some(source),
            Repr::File { .. } | Repr::Full | Repr::Write { .. } => None,
        }
    }
}

impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Truncated => skopos_core::ErrorKind::Corrupt,
            ErrorKind::Full | ErrorKind::Limit => skopos_core::ErrorKind::Limit,
            ErrorKind::Io => skopos_core::ErrorKind::Internal,
            ErrorKind::Refused | ErrorKind::Regex => skopos_core::ErrorKind::Invalid,
            ErrorKind::Unsupported => skopos_core::ErrorKind::Unsupported,
        };
        Self::caused(kind, error)
    }
}
