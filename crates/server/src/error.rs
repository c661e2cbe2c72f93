//! Why the server does not start, reload or go on.

use std::fmt;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration or a rule file cannot be used.
    Config,
    /// An address cannot be listened on.
    Listen,
    /// An option makes no sense.
    Option,
    /// A part of the running server failed.
    Run,
}

/// A failure of the server, with everything that is wrong.
///
/// A broken configuration is told whole: `Display` gives one problem a line.
///
/// ```
/// use skopos_server::{Config, ErrorKind};
///
/// let error = Config::parse("global:\n  scrape_intervall: 5s\n", "prometheus.yml").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert!(error.problems()[0].starts_with("prometheus.yml:2:3: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// Invariant: not empty.
    problems: Vec<String>,
}

impl Error {
    /// A failure with one problem.
    #[cold]
    pub(crate) fn new(kind: ErrorKind, problem: impl Into<String>) -> Self {
        Self { kind, problems: vec![problem.into()] }
    }

    /// A failure with all of `problems`, if there are any.
    pub(crate) fn check(kind: ErrorKind, problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { kind, problems }) }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Everything that is wrong; at least one sentence, with file, line and column where it has a
    /// place.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for Error {}
