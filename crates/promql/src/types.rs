//! The types of values.

use std::fmt;

/// What an expression evaluates to.
///
/// `Display` gives the words that people read; [`name`](Self::name) those of the HTTP API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "PromQL has these four types")]
pub enum ValueType {
    /// A range vector: series with samples over time.
    Matrix,
    /// A number.
    Scalar,
    /// A text.
    String,
    /// An instant vector: series with one sample each.
    Vector,
}

impl ValueType {
    /// The name as the HTTP API writes it.
    ///
    /// ```
    /// # use skopos_promql::ValueType;
    /// assert_eq!(ValueType::Vector.name(), "vector");
    /// assert_eq!(ValueType::Vector.to_string(), "instant vector");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matrix => "matrix",
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "vector",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matrix => "range vector",
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "instant vector",
        })
    }
}
