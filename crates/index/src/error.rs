//! The error of this crate.

use std::error;
use std::fmt;

use skopos_core::Matcher;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Every series id is in use.
    Full,
    /// A matcher's regular expression cannot be compiled.
    Regex,
}

/// A matcher that cannot be evaluated or a series that cannot be added.
///
/// ```
/// use skopos_core::{MatchOp, Matcher};
/// use skopos_index::{ErrorKind, Filter};
///
/// let error = Filter::new(&[Matcher::new("job", MatchOp::Regex, "a(")]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Regex);
/// assert!(error.to_string().starts_with(r#"matcher job=~"a(": "#));
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    repr: Repr,
}

#[derive(Clone, Debug)]
enum Repr {
    Full,
    Regex { matcher: Matcher, source: skopos_regex::Error },
}

impl Error {
    #[cold]
    pub(crate) fn full() -> Self {
        Self { repr: Repr::Full }
    }

    #[cold]
    pub(crate) fn regex(matcher: &Matcher, source: skopos_regex::Error) -> Self {
        Self { repr: Repr::Regex { matcher: matcher.clone(), source } }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.repr {
            Repr::Full => ErrorKind::Full,
            Repr::Regex { .. } => ErrorKind::Regex,
        }
    }

    /// The matcher that cannot be evaluated.
    #[must_use]
    pub fn matcher(&self) -> Option<&Matcher> {
        match &self.repr {
            Repr::Full => None,
            Repr::Regex { matcher, .. } => Some(matcher),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repr {
            Repr::Full => write!(f, "the index is full: it holds {} series", u32::MAX),
            Repr::Regex { matcher, source } => write!(f, "matcher {matcher}: {source}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.repr {
            Repr::Full => None,
            Repr::Regex { source, .. } => Some(source),
        }
    }
}

impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Full => skopos_core::ErrorKind::Limit,
            ErrorKind::Regex => skopos_core::ErrorKind::Invalid,
        };
        Self::caused(kind, error)
    }
}
