//! Conditions on one label.
//!
//! A matcher says what is asked; it holds no regular-expression engine, so that every source can
//! answer it in its own way (an index plans it, a remote store forwards it).

use alloc::sync::Arc;
use core::fmt;

use crate::text::{Quoted, is_legacy_label_name};

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "PromQL has these four, and matching on them is the point"
)]
pub enum MatchOp {
    /// `=`: the value equals.
    Equal,
    /// `!=`: the value differs.
    NotEqual,
    /// `=~`: the value matches the regular expression from its first to its last character.
    Regex,
    /// `!~`: the value does not match the regular expression.
    NotRegex,
}

impl MatchOp {
    /// The operator as PromQL writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }

    /// Whether the value is a regular expression.
    #[must_use]
    pub const fn is_regex(self) -> bool {
        matches!(self, Self::Regex | Self::NotRegex)
    }

    /// Whether it asks for what does *not* compare.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::NotEqual | Self::NotRegex)
    }

    /// The operator that asks for the opposite.
    #[must_use]
    pub const fn inverse(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Regex => Self::NotRegex,
            Self::NotRegex => Self::Regex,
        }
    }
}

/// A condition on the value of one label; a missing label has the value `""`.
///
/// ```
/// use skopos_core::{MatchOp, Matcher};
///
/// let m = Matcher::new("status", MatchOp::Regex, "5..");
/// assert_eq!(m.to_string(), r#"status=~"5..""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Matcher {
    name: Arc<str>,
    op: MatchOp,
    value: Arc<str>,
}

impl Matcher {
    /// A condition on the label `name`.
    ///
    /// The value of a regex operator is not checked here: who evaluates the matcher compiles it.
    pub fn new(name: impl Into<Arc<str>>, op: MatchOp, value: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), op, value: value.into() }
    }

    /// The condition `name = value`.
    ///
    /// ```
    /// # use skopos_core::{MatchOp, Matcher};
    /// assert_eq!(Matcher::equal("job", "api"), Matcher::new("job", MatchOp::Equal, "api"));
    /// ```
    pub fn equal(name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        Self::new(name, MatchOp::Equal, value)
    }

    /// The label's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    #[must_use]
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// What it compares with: a value or a regular expression.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The matcher that holds exactly where this one does not.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self { name: Arc::clone(&self.name), op: self.op.inverse(), value: Arc::clone(&self.value) }
    }
}

/// The matcher as PromQL writes it inside braces, the name quoted where it must be.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_legacy_label_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            Quoted(&self.name).fmt(f)?;
        }
        write!(f, "{}{}", self.op.as_str(), Quoted(&self.value))
    }
}
