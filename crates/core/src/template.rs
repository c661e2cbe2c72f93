//! Expanding the templates in labels and annotations, for those who do not know the language.

use alloc::string::String;

use crate::error::Error;
use crate::labels::Labels;
use crate::query::{QueryEngine, SampleValue};
use crate::sample::Timestamp;

/// What a template sees while it is expanded.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "Prometheus' templates see exactly these")]
pub struct Expansion<'a> {
    /// The template's name, for error messages: `__alert_NAME`.
    pub name: &'a str,
    /// `$labels`: the labels of the sample.
    pub labels: &'a Labels,
    /// `$externalLabels`.
    pub external_labels: &'a Labels,
    /// `$externalURL`.
    pub external_url: &'a str,
    /// `$value`: the sample's value.
    pub value: &'a SampleValue,
    /// The time of the evaluation: at which `query` asks, and which `now` gives.
    pub t: Timestamp,
    /// Who answers `query`.
    pub engine: &'a dyn QueryEngine,
}

/// Something that checks and expands templates.
///
/// # Laws
///
/// A text that `check` refuses cannot be expanded; a text without `{{` expands to itself.
pub trait Expander: Send + Sync {
    /// Checks a template's syntax under the given name.
    ///
    /// # Errors
    ///
    /// `Invalid` with the position in the text.
    fn check(&self, name: &str, text: &str) -> Result<(), Error>;

    /// Expands `text`.
    ///
    /// # Errors
    ///
    /// `Invalid` for a syntax error, `Execution` for a failure while expanding.
    fn expand(&self, text: &str, expansion: &Expansion<'_>) -> Result<String, Error>;
}

impl<E: Expander + ?Sized> Expander for &E {
    fn check(&self, name: &str, text: &str) -> Result<(), Error> {
        (**self).check(name, text)
    }

    fn expand(&self, text: &str, expansion: &Expansion<'_>) -> Result<String, Error> {
        (**self).expand(text, expansion)
    }
}

impl<E: Expander + ?Sized> Expander for alloc::sync::Arc<E> {
    fn check(&self, name: &str, text: &str) -> Result<(), Error> {
        (**self).check(name, text)
    }

    fn expand(&self, text: &str, expansion: &Expansion<'_>) -> Result<String, Error> {
        (**self).expand(text, expansion)
    }
}
