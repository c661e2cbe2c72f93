//! Why a rule file cannot be used, in the words of Prometheus and with the place in the file.

use std::fmt;

use skopos_core::text::Quoted;

use crate::model::Position;

/// What kind of failure a [`LoadError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The file is not YAML.
    Syntax,
    /// The YAML has another shape: an unknown field, a repeated key, a list for a text.
    Shape,
    /// A group or a rule contradicts itself or names something wrong.
    Invalid,
    /// An expression does not parse.
    Expression,
    /// A template does not parse.
    Template,
    /// The file is larger than anybody needs.
    Limit,
}

/// One reason why a rule file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError(Box<Details>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    kind: LoadErrorKind,
    file: String,
    positions: Vec<Position>,
    rule: Option<RuleName>,
    message: String,
}

/// Which rule is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RuleName {
    group: String,
    /// From 1.
    number: usize,
    name: String,
}

impl LoadError {
    #[cold]
    pub(crate) fn new(kind: LoadErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        let (file, positions) = (String::new(), Vec::new());
        Self(Box::new(Details { kind, file, positions, rule: None, message }))
    }

    pub(crate) fn at(mut self, positions: impl IntoIterator<Item = Position>) -> Self {
        self.0.positions.extend(positions);
        self
    }

    pub(crate) fn in_rule(mut self, group: &str, index: usize, name: &str) -> Self {
        let (group, name) = (group.to_owned(), name.to_owned());
        self.0.rule = Some(RuleName { group, number: index + 1, name });
        self
    }

    pub(crate) fn in_file(mut self, file: &str) -> Self {
        file.clone_into(&mut self.0.file);
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        self.0.kind
    }

    /// The file, as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// Where in the file, as far as that is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.positions.first().copied()
    }

    /// The name of the group of the rule that is meant, if one is.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.0.rule.as_ref().map(|rule| rule.group.as_str())
    }

    /// The sentence without file, place and rule.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.0.file)?;
        for position in &self.0.positions {
            write!(f, "{position}: ")?;
        }
        if let Some(RuleName { group, number, name }) = &self.0.rule {
            write!(f, "group {}, rule {number}, {}: ", Quoted(group), Quoted(name))?;
        }
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for LoadError {}

/// `Limit` for what is too large, `Invalid` for everything else.
impl From<LoadError> for skopos_core::Error {
    fn from(error: LoadError) -> Self {
        let kind = match error.0.kind {
            LoadErrorKind::Limit => skopos_core::ErrorKind::Limit,
            _ => skopos_core::ErrorKind::Invalid,
        };
        Self::caused(kind, error)
    }
}
