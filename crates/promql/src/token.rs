//! Tokens and how error messages name them.

use std::fmt;

use crate::ast::{AggregateOp, BinaryOp};
use crate::span::Span;
use crate::text::{Quoted, quoted_prefix};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "engine"),
    expect(dead_code, reason = "descriptions of series have these")
)]
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
    /// No token: the text cannot be read here.
    Failed,
    Equal,
    EqualRegex,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    HistogramWord(HistogramWord),
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

/// A word that has a meaning inside a histogram description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistogramWord {
    Buckets,
    Count,
    CustomValues,
    Gauge,
    NegativeBuckets,
    NegativeOffset,
    NotReset,
    Offset,
    Reset,
    ResetHint,
    Schema,
    Sum,
    Unknown,
    ZeroBucket,
    ZeroBucketWidth,
}

#[cfg_attr(
    not(feature = "engine"),
    expect(dead_code, reason = "descriptions of series have these")
)]
impl HistogramWord {
    /// All words, in the order of upstream's tokens: the keys, then the hints.
    const ALL: [(Self, &'static str); 15] = [
        (Self::Sum, "sum"),
        (Self::Count, "count"),
        (Self::Schema, "schema"),
        (Self::Offset, "offset"),
        (Self::NegativeOffset, "n_offset"),
        (Self::Buckets, "buckets"),
        (Self::NegativeBuckets, "n_buckets"),
        (Self::ZeroBucket, "z_bucket"),
        (Self::ZeroBucketWidth, "z_bucket_w"),
        (Self::CustomValues, "custom_values"),
        (Self::ResetHint, "counter_reset_hint"),
        (Self::Unknown, "unknown"),
        (Self::Reset, "reset"),
        (Self::NotReset, "not_reset"),
        (Self::Gauge, "gauge"),
    ];
    const KEYS: u16 = 11;

    /// The word of this text, in any case.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|&(word, _)| word)
    }

    fn place(self) -> (u16, &'static str) {
        let mut places = (0..).zip(Self::ALL);
        let found = places.find(|(_, (word, _))| *word == self);
        found.map_or((0, ""), |(place, (_, name))| (place, name))
    }

    /// Whether a value follows it, and not whether it is one.
    pub(crate) fn is_key(self) -> bool {
        self.place().0 < Self::KEYS
    }

    pub(crate) fn as_str(self) -> &'static str {
        self.place().1
    }

    /// A bit of its own.
    pub(crate) fn bit(self) -> u16 {
        1 << self.place().0
    }

    /// The number of upstream's token, which its error messages show for want of a name.
    fn number(self) -> u16 {
        match self.place().0 {
            key if key < Self::KEYS => 57370 + key,
            hint => 57445 + hint - Self::KEYS,
        }
    }
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

    /// Whether it says how an operator works.
    pub(crate) fn may_follow_operator(self) -> bool {
        matches!(
            self,
            Self::Bool | Self::Fill | Self::FillLeft | Self::FillRight | Self::Ignoring | Self::On
        )
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
            Kind::HistogramWord(word) => write!(f, "\"<Item {}>\" ", word.number())?,
            Kind::Aggregate(_) => return write!(f, "<aggr:{text}>"),
            kind if kind.is_keyword() => return write!(f, "<{text}>"),
            kind if kind.is_operator() => return write!(f, "<op:{text}>"),
            _ => {}
        }
        quoted_prefix(f, text, 10)
    }
}
