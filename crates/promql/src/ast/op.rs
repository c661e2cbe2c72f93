//! Operators by name.

use std::fmt;

/// How an aggregation folds a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an evaluator must know every operator")]
#[expect(missing_docs, reason = "each is named as PromQL names it")]
pub enum AggregateOp {
    Avg,
    BottomK,
    Count,
    CountValues,
    Group,
    LimitK,
    LimitRatio,
    Max,
    Min,
    Quantile,
    Stddev,
    Stdvar,
    Sum,
    TopK,
}

impl AggregateOp {
    /// The operator as PromQL writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::BottomK => "bottomk",
            Self::Count => "count",
            Self::CountValues => "count_values",
            Self::Group => "group",
            Self::LimitK => "limitk",
            Self::LimitRatio => "limit_ratio",
            Self::Max => "max",
            Self::Min => "min",
            Self::Quantile => "quantile",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Sum => "sum",
            Self::TopK => "topk",
        }
    }

    /// Whether it takes a parameter before the vector.
    #[must_use]
    pub const fn has_param(self) -> bool {
        matches!(
            self,
            Self::BottomK
                | Self::CountValues
                | Self::LimitK
                | Self::LimitRatio
                | Self::Quantile
                | Self::TopK
        )
    }

    /// Whether it must be enabled.
    #[must_use]
    pub const fn is_experimental(self) -> bool {
        matches!(self, Self::LimitK | Self::LimitRatio)
    }
}

impl fmt::Display for AggregateOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an evaluator must know every operator")]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `and`
    And,
    /// `atan2`
    Atan2,
    /// `/`
    Div,
    /// `==`
    Eq,
    /// `>=`
    Gte,
    /// `>`
    Gtr,
    /// `<`
    Lss,
    /// `<=`
    Lte,
    /// `%`
    Mod,
    /// `*`
    Mul,
    /// `!=`
    Neq,
    /// `or`
    Or,
    /// `^`
    Pow,
    /// `-`
    Sub,
    /// `>/`: trims observations below.
    TrimLower,
    /// `</`: trims observations above.
    TrimUpper,
    /// `unless`
    Unless,
}

impl BinaryOp {
    /// The operator as PromQL writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::And => "and",
            Self::Atan2 => "atan2",
            Self::Div => "/",
            Self::Eq => "==",
            Self::Gte => ">=",
            Self::Gtr => ">",
            Self::Lss => "<",
            Self::Lte => "<=",
            Self::Mod => "%",
            Self::Mul => "*",
            Self::Neq => "!=",
            Self::Or => "or",
            Self::Pow => "^",
            Self::Sub => "-",
            Self::TrimLower => ">/",
            Self::TrimUpper => "</",
            Self::Unless => "unless",
        }
    }

    /// Whether it compares and so filters, or takes `bool`.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Gte | Self::Gtr | Self::Lss | Self::Lte | Self::Neq)
    }

    /// Whether it is `and`, `or` or `unless`.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A sign before an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum UnaryOp {
    /// `+`
    Plus,
    /// `-`
    Minus,
}

impl UnaryOp {
    /// The sign as PromQL writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
        }
    }
}

impl fmt::Display for UnaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
