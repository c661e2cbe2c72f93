//! The error that crosses between crates.
//!
//! Leaf crates have error types of their own, with positions and details. At a seam they become
//! this one: a kind that a caller can act on, a sentence, and the original as the source.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// What kind of failure an [`Error`] is, for callers that act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller gave up.
    Canceled,
    /// Stored data contradicts itself.
    Corrupt,
    /// The sample's series has another value at the same time.
    Duplicate,
    /// The operation is right but could not be carried out on this data.
    Execution,
    /// A fault of ours or of a resource that we need.
    Internal,
    /// What the caller gave is not valid: a query, a matcher, a time.
    Invalid,
    /// A limit would be exceeded; the message names it.
    Limit,
    /// What was asked for is not there.
    NotFound,
    /// The sample lies outside of the times that are accepted.
    OutOfBounds,
    /// The sample is older than the newest of its series.
    OutOfOrder,
    /// Time ran out.
    Timeout,
    /// Not now: starting or shutting down.
    Unavailable,
    /// Valid, but not provided here; the message names what.
    Unsupported,
}

/// A failure at a seam between crates.
///
/// ```
/// use skopos_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Limit, "query exceeds 11000 points a series");
/// assert_eq!(error.kind(), ErrorKind::Limit);
/// assert_eq!(error.to_string(), "query exceeds 11000 points a series");
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Arc<dyn core::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a sentence, lower case and without a full stop.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An error that another one caused; its sentence becomes this one's, and it stays the source.
    ///
    /// ```
    /// use skopos_core::{Error, ErrorKind};
    ///
    /// let cause = "x".parse::<i32>().unwrap_err();
    /// let error = Error::caused(ErrorKind::Invalid, cause);
    /// assert_eq!(error.to_string(), "invalid digit found in string");
    /// assert!(core::error::Error::source(&error).is_some());
    /// ```
    #[cold]
    pub fn caused(
        kind: ErrorKind,
        source: impl core::error::Error + Send + Sync + 'static,
    ) -> Self {
        let message = alloc::format!("{source}");
        Self { kind, message, source: Some(Arc::new(source)) }
    }

    /// The same error with `context` and a colon before its sentence.
    #[must_use]
    #[cold]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = alloc::format!("{context}: {}", self.message);
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The original error, if it is of type `E`: for positions and other details.
    #[must_use]
    pub fn downcast_source<E: core::error::Error + 'static>(&self) -> Option<&E> {
        self.source.as_deref()?.downcast_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}
