//! What is wrong with a rule, in Prometheus' words.

use std::error;
use std::fmt;

/// What kind of mistake an [`Error`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name of an action that does not exist.
    InvalidAction,
    /// The regular expression cannot be compiled; the source is a `skopos_regex::Error`.
    InvalidRegex,
    /// The replacement of a `labelmap` cannot become the name of a label.
    InvalidReplacement,
    /// The target label's name is not valid under the scheme of names.
    InvalidTargetLabel,
    /// There is no action.
    MissingAction,
    /// `hashmod` without a modulus.
    MissingModulus,
    /// The action needs a target label.
    MissingTargetLabel,
    /// A field is set that the action does not use.
    UnexpectedField,
}

/// Why a rule is refused.
///
/// ```
/// use skopos_relabel::{Action, ErrorKind, NameScheme, RuleConfig};
///
/// let error = RuleConfig::new(Action::Replace).build(NameScheme::Utf8).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::MissingTargetLabel);
/// assert_eq!(
///     error.to_string(),
///     "relabel configuration for replace action requires 'target_label' value",
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<skopos_regex::Error>,
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: String) -> Self {
        Self { kind, message, source: None }
    }

    #[cold]
    pub(crate) fn regex(source: skopos_regex::Error) -> Self {
        Self { kind: ErrorKind::InvalidRegex, message: source.to_string(), source: Some(source) }
    }

    /// What kind of mistake it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// Invalid, with the error as the source.
impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        Self::caused(skopos_core::ErrorKind::Invalid, error)
    }
}
