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
    /// What is wrong one by one, where that is not the message at the first of the positions.
    mistakes: Vec<Mistake>,
    about: Option<About>,
}

/// Whose place is still to be found: a field of a group or of a rule, or an entry of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) group: usize,
    pub(crate) rule: Option<usize>,
    pub(crate) field: &'static str,
    pub(crate) entry: Option<String>,
}

/// One thing that is wrong in a file, and where; see [`LoadError::mistakes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    position: Option<Position>,
    key: String,
    message: String,
}

impl Mistake {
    pub(crate) fn new(position: Option<Position>, message: impl Into<String>) -> Self {
        Self { position, key: String::new(), message: message.into() }
    }

    pub(crate) fn with_key(self, key: String) -> Self {
        Self { key, ..self }
    }

    /// Where it is, if it is anywhere: of a value that is wrong the value, of a key the key.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// The key with all keys above it, counted from 0, such as `groups[0].rules[2].labels.team`; empty
    /// for what is wrong with the file as a whole. In Kubernetes objects it begins below `spec`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong, in a sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
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
        Self(Box::new(Details {
            kind,
            file,
            positions,
            rule: None,
            message,
            mistakes: Vec::new(),
            about: None,
        }))
    }

    pub(crate) fn at(mut self, positions: impl IntoIterator<Item = Position>) -> Self {
        self.0.positions.extend(positions);
        self
    }

    /// The same, of several mistakes.
    pub(crate) fn of(mut self, mistakes: Vec<Mistake>) -> Self {
        self.0.mistakes = mistakes;
        self
    }

    /// The same with a place that the message does not tell.
    pub(crate) fn near(mut self, position: Position) -> Self {
        self.0.mistakes = vec![Mistake::new(Some(position), self.0.message.clone())];
        self
    }

    /// The same, about a field of a group or of a rule, or about an entry of it.
    pub(crate) fn about(mut self, field: &'static str, entry: Option<&str>) -> Self {
        let entry = entry.map(str::to_owned);
        self.0.about = Some(About { group: 0, rule: None, field, entry });
        self
    }

    /// Tells where the group and the rule stand that the error is about.
    pub(crate) fn within(mut self, group: usize, rule: Option<usize>) -> Self {
        if let Some(about) = &mut self.0.about {
            (about.group, about.rule) = (group, rule);
        }
        self
    }

    /// What the error is about, if its place is still to be found.
    pub(crate) fn take_about(&mut self) -> Option<About> {
        self.0.about.take()
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

    /// Where in the file, as far as that is known: of several mistakes, where the first is.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let told = self.0.positions.first().copied().filter(|at| at.line != 0);
        told.or_else(|| self.0.mistakes.first().and_then(Mistake::position))
    }

    /// What is wrong one by one, each with its place and its key. Prometheus tells of all fields of a file
    /// that are unknown in one message; here each stands for itself.
    ///
    /// ```
    /// # use skopos_core::{Error, Expander, Expansion, QueryEngine, QueryOutput, QueryRequest};
    /// # struct Anything;
    /// # impl QueryEngine for Anything {
    /// #     fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> { unreachable!() }
    /// #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
    /// #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.into()) }
    /// # }
    /// # impl Expander for Anything {
    /// #     fn check(&self, _: &str, _: &str) -> Result<(), Error> { Ok(()) }
    /// #     fn expand(&self, text: &str, _: &Expansion<'_>) -> Result<String, Error> { Ok(text.into()) }
    /// # }
    /// # let (engine, expander) = (Anything, Anything);
    /// use skopos_rules::{LoadOptions, load};
    ///
    /// let text = b"groups:\n- name: g\n  rules:\n  - record: a:b\n    exprr: sum(a)\n";
    /// let errors = load(text, "a.yml", &LoadOptions::new(&engine, &expander)).unwrap_err();
    /// let mistakes = errors[0].mistakes();
    /// assert_eq!(mistakes[0].key(), "groups[0].rules[0].exprr");
    /// assert_eq!(mistakes[0].position().unwrap().to_string(), "5:5");
    /// assert_eq!(
    ///     format!("{:#}", errors[0]),
    ///     "a.yml:5:5: groups[0].rules[0].exprr: field exprr not found in type rulefmt.Rule"
    /// );
    /// ```
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.0.mistakes
    }

    pub(crate) fn mistakes_mut(&mut self) -> &mut Vec<Mistake> {
        &mut self.0.mistakes
    }

    /// The name of the rule that is meant, if one is.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.0.rule.as_ref().map(|rule| rule.name.as_str())
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

/// In Prometheus' words; with `{:#}` each [mistake](LoadError::mistakes) on a line of its own, with its place
/// and its key.
impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() && !self.0.mistakes.is_empty() {
            return self.fmt_mistakes(f);
        }
        write!(f, "{}: ", self.0.file)?;
        for position in &self.0.positions {
            write!(f, "{position}: ")?;
        }
        self.fmt_rule(f)?;
        f.write_str(&self.0.message)
    }
}

impl LoadError {
    fn fmt_rule(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.rule {
            Some(RuleName { group, number, name }) => {
                write!(f, "group {}, rule {number}, {}: ", Quoted(group), Quoted(name))
            }
            None => Ok(()),
        }
    }

    fn fmt_mistakes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.mistakes.iter().enumerate() {
            if 0 < i {
                f.write_str("\n")?;
            }
            f.write_str(&self.0.file)?;
            if let Some(position) = mistake.position {
                write!(f, ":{position}")?;
            }
            f.write_str(": ")?;
            if !mistake.key.is_empty() {
                write!(f, "{}: ", mistake.key)?;
            }
            self.fmt_rule(f)?;
            f.write_str(&mistake.message)?;
        }
        Ok(())
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
