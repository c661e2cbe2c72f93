//! Tokens and how error messages name them.

use std::fmt;

use crate::ast::{AggregateOp, BinaryOp};
use crate::span::Span;
use crate::text::{Quoted, quoted_prefix};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Aggregate(AggregateOp),
    Anchored,
    At,
    /// `_` in a series description.
    Blank,
    Bool,
    By,
    CloseHistogram,
    Colon,
    Comma,
    Duration,
    End,
    Eof,
    Equal,
    EqualRegex,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    /// A key or word inside a histogram description.
    HistogramWord,
    Identifier,
    Ignoring,
    LeftBrace,
    LeftBracket,
    LeftParen,
    MaxOf,
    MetricIdentifier,
    MinOf,
    NotEqualRegex,
    Number,
    Offset,
    On,
    OpenHistogram,
    Operator(BinaryOp),
    Range,
    RightBrace,
    RightBracket,
    RightParen,
    Smoothed,
    Space,
    Start,
    Step,
    String,
    /// `x` in a series description.
    Times,
    Without,
}

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

impl Kind {
    /// Whether a metric may have this name.
    pub(crate) fn is_metric_name(self) -> bool {
        match self {
            Self::Operator(op) => op.is_set(),
            Self::Aggregate(_)
            | Self::Anchored
            | Self::By
            | Self::End
            | Self::Fill
            | Self::FillLeft
            | Self::FillRight
            | Self::Identifier
            | Self::MaxOf
            | Self::MetricIdentifier
            | Self::MinOf
            | Self::Offset
            | Self::Range
            | Self::Smoothed
            | Self::Start
            | Self::Step
            | Self::Without => true,
            _ => false,
        }
    }

    /// Whether a label in a grouping may have this name.
    pub(crate) fn is_label_name(self) -> bool {
        match self {
            Self::Operator(op) => op.is_set() || op == BinaryOp::Atan2,
            Self::Bool | Self::GroupLeft | Self::GroupRight | Self::Ignoring | Self::On => true,
            kind => kind.is_metric_name(),
        }
    }

    /// Whether a call may begin with it.
    pub(crate) fn is_function_name(self) -> bool {
        matches!(
            self,
            Self::End
                | Self::Identifier
                | Self::MaxOf
                | Self::MinOf
                | Self::Range
                | Self::Start
                | Self::Step
        )
    }

    /// Whether it may follow `group_left` without labels: it begins an operand or is `fill`.
    pub(crate) fn may_follow_group_modifier(self) -> bool {
        use BinaryOp::{Add, Sub};
        let begins = matches!(
            self,
            Self::Duration
                | Self::LeftBrace
                | Self::Number
                | Self::Operator(Add | Sub)
                | Self::String
        );
        begins || self.is_metric_name()
    }

    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Anchored
                | Self::Bool
                | Self::By
                | Self::Fill
                | Self::FillLeft
                | Self::FillRight
                | Self::GroupLeft
                | Self::GroupRight
                | Self::Ignoring
                | Self::Offset
                | Self::On
                | Self::Smoothed
                | Self::Without
        )
    }

    fn is_operator(self) -> bool {
        matches!(self, Self::At | Self::EqualRegex | Self::NotEqualRegex | Self::Operator(_))
    }
}

/// A token as an error message shows it.
pub(crate) struct Described<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text;
        match self.kind {
            Kind::Eof => return f.write_str("end of input"),
            Kind::Identifier => return write!(f, "identifier {}", Quoted(text)),
            Kind::MetricIdentifier => return write!(f, "metric identifier {}", Quoted(text)),
            Kind::String => f.write_str("string ")?,
            Kind::Number => f.write_str("number ")?,
            Kind::Duration => f.write_str("duration ")?,
            Kind::Aggregate(_) => return write!(f, "<aggr:{text}>"),
            kind if kind.is_keyword() => return write!(f, "<{text}>"),
            kind if kind.is_operator() => return write!(f, "<op:{text}>"),
            _ => {}
        }
        quoted_prefix(f, text, 10)
    }
}
