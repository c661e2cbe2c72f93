//! What lints of rules need to know of expressions, from somebody who can read them.

use crate::model::RuleKind;

/// Something that reads expressions.
///
/// A function from an expression and the kind of its rule is one.
pub trait ExpressionAdvisor {
    /// What can be said of an expression; nothing of one that it cannot read.
    fn examine(&self, expr: &str, kind: RuleKind) -> Option<Examined>;
}

impl<F: Fn(&str, RuleKind) -> Option<Examined>> ExpressionAdvisor for F {
    fn examine(&self, expr: &str, kind: RuleKind) -> Option<Examined> {
        self(expr, kind)
    }
}

/// What an [`ExpressionAdvisor`] says of an expression; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Examined {
    /// What it advises against in the expression by itself.
    pub advice: Vec<ExpressionAdvice>,
    /// The labels of the result.
    pub labels: KnownLabels,
    /// The names of the metrics that are selected.
    pub metrics: Vec<String>,
    /// Whether it compares what single scrapes saw.
    pub is_instantaneous: bool,
}

/// Advice about an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpressionAdvice {
    /// The code.
    pub code: &'static str,
    /// The byte of the expression where the place starts.
    pub offset: usize,
    /// Why it is advised against.
    pub reason: String,
    /// What to do instead.
    pub remedy: &'static str,
}

impl ExpressionAdvice {
    /// Advice of these parts.
    #[must_use]
    pub fn new(code: &'static str, offset: usize, reason: String, remedy: &'static str) -> Self {
        Self { code, offset, reason, remedy }
    }
}

/// Which labels the series of a result can have; by default any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownLabels {
    only: Option<Vec<String>>,
    never: Vec<String>,
}

impl KnownLabels {
    /// Those of `only`, where that is known, and none of `never`.
    #[must_use]
    pub fn new(only: Option<Vec<String>>, never: Vec<String>) -> Self {
        Self { only, never }
    }

    /// Whether surely no series has this label.
    #[must_use]
    pub fn lacks(&self, name: &str) -> bool {
        let names = |list: &[String]| list.iter().any(|known| known == name);
        names(&self.never) || self.only.as_deref().is_some_and(|only| !names(only))
    }
}
