//! The crate's error: what kind of trouble, a sentence, and the place in the page if there is one.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A configuration contradicts itself or the rules of its values.
    Config,
    /// The target did not answer, or not with a page.
    Fetch,
    /// A limit of the job was exceeded.
    Limit,
    /// The page cannot be understood, or has a series that nobody can have.
    Page,
    /// The sink refused the samples.
    Sink,
    /// Valid for Prometheus, but not provided by this version; the message names what.
    Unsupported,
}

/// Why a configuration is refused or a scrape failed.
///
/// ```
/// use skopos_scrape::{ErrorKind, PromDuration};
///
/// let error = "15q".parse::<PromDuration>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert_eq!(error.to_string(), r#"unknown unit "q" in duration "15q""#);
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// The line and the column in the page, both from 1.
    position: Option<(usize, usize)>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), position: None, source: None }
    }

    #[cold]
    pub(crate) fn caused(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { source: Some(Arc::new(source)), ..Self::new(kind, message) }
    }

    #[cold]
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Refuses `what` in the job `job`, by name.
    #[cold]
    pub(crate) fn unsupported(job: &str, what: impl fmt::Display) -> Self {
        let message = format!(
            "{what} is not supported by this version of skopos, in the scrape config with job name {}",
            skopos_core::text::Quoted(job)
        );
        Self::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        self.position = Some((line, column));
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The line of the page, from 1, where the page is to blame.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.position.map(|(line, _)| line)
    }

    /// The column in the line, in bytes from 1, where the page is to blame.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.position.map(|(_, column)| column)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind {
            ErrorKind::Config | ErrorKind::Page => skopos_core::ErrorKind::Invalid,
            ErrorKind::Fetch | ErrorKind::Sink => skopos_core::ErrorKind::Execution,
            ErrorKind::Limit => skopos_core::ErrorKind::Limit,
            ErrorKind::Unsupported => skopos_core::ErrorKind::Unsupported,
        };
        Self::caused(kind, error)
    }
}
