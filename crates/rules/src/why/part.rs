//! What a reader of expressions tells of them: their parts, each with its place and its text.
//!
//! This crate does not know PromQL's syntax; it knows what the parts mean for series that are missing.

use std::ops::Range;

use skopos_core::{Matcher, Timestamp};

/// Something that takes expressions apart.
///
/// A function from an expression to its parts is one.
pub trait ExpressionReader {
    /// The parts of an expression; nothing of one that it cannot read.
    fn read(&self, expr: &str) -> Option<Part>;
}

impl<F: Fn(&str) -> Option<Part>> ExpressionReader for F {
    fn read(&self, expr: &str) -> Option<Part> {
        self(expr)
    }
}

/// A part of an expression, or all of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// The bytes of the expression where it stands.
    pub span: Range<usize>,
    /// A text by which it can be asked for alone.
    pub text: String,
    /// What it is.
    pub kind: PartKind,
}

impl Part {
    /// A part of an expression.
    #[must_use]
    pub fn new(span: Range<usize>, text: impl Into<String>, kind: PartKind) -> Self {
        Self { span, text: text.into(), kind }
    }
}

/// The kinds of parts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PartKind {
    /// `sum by (job) (x)`.
    Aggregation(Aggregation),
    /// `a + b`.
    Binary(Binary),
    /// `rate(x[5m])`.
    Call {
        /// The function.
        function: String,
        /// The arguments.
        arguments: Vec<Part>,
    },
    /// A number.
    Number(f64),
    /// Something else, with its operands.
    Other(Vec<Part>),
    /// `x{job="api"}`, also with a range.
    Selector(Selector),
    /// `x[1h:5m]`, with what is evaluated.
    Subquery(Box<Part>),
    /// A string.
    Text(String),
    /// Parentheses or a sign: the series are those of what stands inside.
    Transparent(Box<Part>),
}

/// An aggregation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Aggregation {
    /// The operator, such as `sum`.
    pub operator: String,
    /// The vector.
    pub operand: Box<Part>,
    /// The parameter, such as the number of `topk`.
    pub parameter: Option<Box<Part>>,
    /// The labels of `by` or `without`.
    pub grouping: Vec<String>,
    /// Whether `grouping` names what is dropped and not what is kept.
    pub without: bool,
}

impl Aggregation {
    /// An aggregation of all series into one.
    #[must_use]
    pub fn new(operator: impl Into<String>, operand: Part) -> Self {
        Self {
            operator: operator.into(),
            operand: Box::new(operand),
            parameter: None,
            grouping: Vec::new(),
            without: false,
        }
    }

    /// Whether it chooses among series and leaves their labels alone.
    fn chooses(&self) -> bool {
        matches!(&*self.operator, "bottomk" | "limit_ratio" | "limitk" | "topk")
    }

    /// Whether a label of the operand's series is one of the result's.
    pub(super) fn keeps(&self, label: &str) -> bool {
        self.chooses() || self.grouping.iter().any(|name| name == label) != self.without
    }

    /// The label that it makes itself.
    pub(super) fn made_label(&self) -> Option<&str> {
        match self.parameter.as_deref() {
            Some(Part { kind: PartKind::Text(name), .. }) => Some(name),
            _ => None,
        }
    }
}

/// An operator between two expressions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Binary {
    /// The operator, such as `>` or `and`.
    pub operator: String,
    /// The left operand.
    pub left: Box<Part>,
    /// The right operand.
    pub right: Box<Part>,
    /// Whether a comparison gives 0 and 1 instead of filtering.
    pub is_bool: bool,
    /// How series find each other, where both operands are vectors.
    pub matching: Option<Matching>,
}

impl Binary {
    /// An operator without modifiers.
    #[must_use]
    pub fn new(operator: impl Into<String>, left: Part, right: Part) -> Self {
        Self {
            operator: operator.into(),
            left: Box::new(left),
            right: Box::new(right),
            is_bool: false,
            matching: None,
        }
    }

    /// Whether it drops what does not compare.
    pub(super) fn filters(&self) -> bool {
        !self.is_bool && matches!(&*self.operator, "==" | "!=" | "<" | "<=" | ">" | ">=")
    }

    /// Whether it is `and`, `or` or `unless`.
    pub(super) fn is_set(&self) -> bool {
        matches!(&*self.operator, "and" | "or" | "unless")
    }
}

/// How the series of two vectors find each other; by default by all labels, one meets one.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Matching {
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// Whether `labels` names what must be equal and not what is ignored.
    pub on: bool,
    /// The side of which many may meet one of the other.
    pub many: Option<Side>,
    /// The labels that are taken from the side of the one.
    pub include: Vec<String>,
    /// The value for series that are missing on the left.
    pub fill_left: Option<f64>,
    /// The value for series that are missing on the right.
    pub fill_right: Option<f64>,
}

impl Matching {
    /// Whether series must agree in this label to meet.
    pub(super) fn compares(&self, label: &str) -> bool {
        let is_metric_name = label == skopos_core::labels::METRIC_NAME;
        let is_named = self.labels.iter().any(|name| name == label);
        is_named == self.on && (self.on || !is_metric_name)
    }

    /// Whether a label of the result is that of the series on this side.
    pub(super) fn takes(&self, label: &str, side: Side) -> bool {
        let included = self.include.iter().any(|name| name == label);
        match self.many {
            Some(many) if many == side => !included,
            Some(_) => included || self.compares(label),
            None => self.compares(label),
        }
    }
}

/// A side of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two sides")]
pub enum Side {
    /// Before the operator.
    Left,
    /// Behind the operator.
    Right,
}

/// A choice of series; by default of all, now.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Selector {
    /// All conditions, that for the metric's name included.
    pub matchers: Vec<Matcher>,
    /// How many milliseconds it looks back, where it has a range.
    pub range: Option<i64>,
    /// How many milliseconds it is shifted back.
    pub offset: i64,
    /// The fixed time, if any.
    pub at: Option<Timestamp>,
}
