//! The syntax tree: what a query says, each node with its place in the text.
//!
//! Node and field names are those of Prometheus' own parser. A tree from [`parse`](crate::parse) is
//! type-checked and at most [`MAX_DEPTH`](crate::MAX_DEPTH) deep, so that it can be walked by
//! recursion. What an evaluator derives (effective offsets, step invariance) is not kept here.

mod duration;
mod list;
mod op;
mod walk;

use std::sync::Arc;

use skopos_core::Matcher;

pub use self::duration::{DurationArg, DurationContext, DurationExpr, DurationKind, DurationOp};
pub use self::list::List;
pub use self::op::{AggregateOp, BinaryOp, UnaryOp};
pub use self::walk::Children;
use crate::signature::Signature;
use crate::span::Span;
use crate::types::ValueType;

/// An expression: a kind and a pointer, so that it is cheap to hand about.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "an evaluator must know every kind of expression")]
pub enum Expr {
    /// `sum by (job) (x)`.
    Aggregate(Box<AggregateExpr>),
    /// `a + b`.
    Binary(Box<BinaryExpr>),
    /// `rate(x[5m])`.
    Call(Box<Call>),
    /// `x[5m]`.
    Matrix(Box<MatrixSelector>),
    /// `1.5`, `5m`.
    Number(Box<NumberLiteral>),
    /// `(x)`.
    Paren(Box<ParenExpr>),
    /// `"text"`.
    String(Box<StringLiteral>),
    /// `x[1h:5m]`.
    Subquery(Box<SubqueryExpr>),
    /// `-x`.
    Unary(Box<UnaryExpr>),
    /// `x{job="api"}`.
    Vector(Box<VectorSelector>),
}

/// An aggregation over the series of an instant vector.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AggregateExpr {
    /// How the series of a group become one value.
    pub op: AggregateOp,
    /// The vector.
    pub expr: Expr,
    /// The parameter; there exactly where [`AggregateOp::has_param`] holds.
    pub param: Option<Expr>,
    /// The labels of `by` or `without`, as written.
    pub grouping: List<Arc<str>>,
    /// Whether `grouping` names what is dropped and not what is kept.
    pub without: bool,
    /// Where it stands.
    pub span: Span,
}

/// An operator between two expressions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BinaryExpr {
    /// The operator.
    pub op: BinaryOp,
    /// The left operand.
    pub lhs: Expr,
    /// The right operand.
    pub rhs: Expr,
    /// Whether a comparison gives 0 and 1 instead of filtering.
    pub return_bool: bool,
    /// How series find each other; there exactly where both operands are vectors.
    pub matching: Option<VectorMatching>,
    /// Where it stands.
    pub span: Span,
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VectorMatching {
    /// How many series may meet how many.
    pub card: VectorMatchCardinality,
    /// The labels of `on` or `ignoring`.
    pub matching_labels: List<Arc<str>>,
    /// Whether `matching_labels` names what must be equal and not what is ignored.
    pub on: bool,
    /// The labels that `group_left` or `group_right` takes from the side of the one.
    pub include: List<Arc<str>>,
    /// The value for series that are missing on the left.
    pub fill_left: Option<f64>,
    /// The value for series that are missing on the right.
    pub fill_right: Option<f64>,
}

/// How many series of one side may meet how many of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum VectorMatchCardinality {
    /// One meets one.
    OneToOne,
    /// `group_left`: many on the left meet one on the right.
    ManyToOne,
    /// `group_right`: one on the left meets many on the right.
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// A function call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// The function.
    pub func: &'static Signature,
    /// The arguments: as many and of such types as `func` says.
    pub args: List<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// A selector with a range.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MatrixSelector {
    /// The series; offset, `@`, `anchored` and `smoothed` are kept here, wherever they stood.
    pub selector: VectorSelector,
    /// How far it looks back; positive.
    pub range: DurationArg,
    /// Where it stands, with modifiers.
    pub span: Span,
}

/// A number.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NumberLiteral {
    /// The value; of a duration, seconds.
    pub value: f64,
    /// Whether it was written as a duration, and shall be printed as one.
    pub is_duration: bool,
    /// Where it stands.
    pub span: Span,
}

/// NaN equals NaN here, since a tree equals its clone.
impl PartialEq for NumberLiteral {
    fn eq(&self, other: &Self) -> bool {
        let same = self.value == other.value || (self.value.is_nan() && other.value.is_nan());
        same && self.is_duration == other.is_duration && self.span == other.span
    }
}

/// An expression in parentheses.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParenExpr {
    /// What stands inside.
    pub expr: Expr,
    /// Where it stands, with the parentheses.
    pub span: Span,
}

/// A string.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StringLiteral {
    /// The value, unquoted.
    pub value: Arc<str>,
    /// Where it stands, with the quotes.
    pub span: Span,
}

/// An expression evaluated at many times.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SubqueryExpr {
    /// What is evaluated: an instant vector.
    pub expr: Expr,
    /// How far it looks back; positive.
    pub range: DurationArg,
    /// The time between evaluations; `None` where the engine's default is asked for.
    pub step: Option<DurationArg>,
    /// How far all times are shifted back.
    pub offset: DurationArg,
    /// The fixed time, if any.
    pub at: Option<At>,
    /// Where it stands, with modifiers.
    pub span: Span,
}

/// `+` or `-` before an expression.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnaryExpr {
    /// The sign.
    pub op: UnaryOp,
    /// The operand.
    pub expr: Expr,
    /// Where it stands.
    pub span: Span,
}

/// A choice of series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VectorSelector {
    /// The metric name, where the selector has one by itself and not by a `__name__` matcher.
    pub name: Option<Arc<str>>,
    /// All conditions, the one for `name` included.
    pub matchers: List<Matcher>,
    /// How far all times are shifted back.
    pub offset: DurationArg,
    /// The fixed time, if any.
    pub at: Option<At>,
    /// Whether the `anchored` modifier is set.
    pub anchored: bool,
    /// Whether the `smoothed` modifier is set.
    pub smoothed: bool,
    /// Whether a selector without a condition is allowed: the second argument of `info`.
    pub bypass_empty_matcher_check: bool,
    /// Where it stands, with modifiers.
    pub span: Span,
}

/// The fixed time of a selector or subquery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum At {
    /// `@ 1609746000`: milliseconds since the epoch.
    Timestamp(i64),
    /// `@ start()`: the start of the query.
    Start,
    /// `@ end()`: the end of the query.
    End,
}

impl Expr {
    /// Where it stands in the text.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Aggregate(e) => e.span,
            Self::Binary(e) => e.span,
            Self::Call(e) => e.span,
            Self::Matrix(e) => e.span,
            Self::Number(e) => e.span,
            Self::Paren(e) => e.span,
            Self::String(e) => e.span,
            Self::Subquery(e) => e.span,
            Self::Unary(e) => e.span,
            Self::Vector(e) => e.span,
        }
    }

    /// What it evaluates to.
    ///
    /// ```
    /// use skopos_promql::{ParseOptions, ValueType, parse};
    ///
    /// let expr = parse("foo[5m]", &ParseOptions::default())?;
    /// assert_eq!(expr.value_type(), ValueType::Matrix);
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Aggregate(_) | Self::Vector(_) => ValueType::Vector,
            Self::Binary(e) => match (e.lhs.value_type(), e.rhs.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            Self::Call(e) => e.func.return_type,
            Self::Matrix(_) | Self::Subquery(_) => ValueType::Matrix,
            Self::Number(_) => ValueType::Scalar,
            Self::Paren(e) => e.expr.value_type(),
            Self::String(_) => ValueType::String,
            Self::Unary(e) => e.expr.value_type(),
        }
    }

    /// The expression inside all parentheses around it.
    ///
    /// ```
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let expr = parse("((foo))", &ParseOptions::default())?;
    /// assert_eq!(expr.unparen().to_string(), "foo");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    #[must_use]
    pub fn unparen(&self) -> &Self {
        let mut expr = self;
        while let Self::Paren(inner) = expr {
            expr = &inner.expr;
        }
        expr
    }
}
