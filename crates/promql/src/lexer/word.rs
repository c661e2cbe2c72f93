//! Words and signs, recognized by automata that logos generates.

use logos::Logos;

use crate::ast::AggregateOp::{
    Avg, BottomK, Count, CountValues, Group, LimitK, LimitRatio, Max, Min, Quantile, Stddev,
    Stdvar, Sum, TopK,
};
use crate::ast::BinaryOp::{
    Add, And, Atan2, Div, Eq, Gte, Gtr, Lss, Lte, Mod, Mul, Neq, Or, Pow, Sub, TrimLower,
    TrimUpper, Unless,
};
use crate::names::NameTable;
use crate::token::Kind;

/// What may stand outside of braces.
#[derive(Clone, Copy, Debug, Logos, PartialEq)]
#[logos(skip r"[ \t\n\r]+")]
#[logos(skip(r"#[^\n\r]*", allow_greedy = true))]
pub(super) enum Outside {
    /// A token that needs no further thought.
    #[token("%", |_| Kind::Operator(Mod))]
    #[token("*", |_| Kind::Operator(Mul))]
    #[token("+", |_| Kind::Operator(Add))]
    #[token("-", |_| Kind::Operator(Sub))]
    #[token("/", |_| Kind::Operator(Div))]
    #[token("^", |_| Kind::Operator(Pow))]
    #[token("==", |_| Kind::Operator(Eq))]
    #[token("!=", |_| Kind::Operator(Neq))]
    #[token("<", |_| Kind::Operator(Lss))]
    #[token("<=", |_| Kind::Operator(Lte))]
    #[token("</", |_| Kind::Operator(TrimUpper))]
    #[token(">", |_| Kind::Operator(Gtr))]
    #[token(">=", |_| Kind::Operator(Gte))]
    #[token(">/", |_| Kind::Operator(TrimLower))]
    #[token("=", |_| Kind::Equal)]
    #[token("@", |_| Kind::At)]
    #[token(",", |_| Kind::Comma)]
    #[regex("([a-zA-Z_][a-zA-Z0-9_]*)?:[a-zA-Z0-9_:]*", |_| Kind::MetricIdentifier)]
    Kind(Kind),
    /// A keyword or an identifier: see [`keyword`].
    #[regex("[a-zA-Z_][a-zA-Z0-9_]*")]
    Word,
    #[regex(r"\.?[0-9]")]
    Digit,
    #[regex("[\"'`]")]
    Quote,
    #[token("{")]
    LeftBrace,
    #[token("[")]
    LeftBracket,
    #[token("(")]
    LeftParen,
    #[token("]")]
    RightBracket,
    #[token(")")]
    RightParen,
    #[token("=~")]
    WrongRegex,
}

/// What may stand inside of braces.
#[derive(Clone, Copy, Debug, Logos, PartialEq)]
#[logos(skip r"[ \t\n\r]+")]
#[logos(skip(r"#[^\n\r]*", allow_greedy = true))]
pub(super) enum InBraces {
    /// A token that needs no further thought.
    #[token("=", |_| Kind::Equal)]
    #[token("=~", |_| Kind::EqualRegex)]
    #[token("!=", |_| Kind::Operator(Neq))]
    #[token("!~", |_| Kind::NotEqualRegex)]
    #[token(",", |_| Kind::Comma)]
    #[token("}", |_| Kind::RightBrace)]
    #[regex("[a-zA-Z_][a-zA-Z0-9_]*", |_| Kind::Identifier)]
    Kind(Kind),
    #[regex("[\"'`]")]
    Quote,
}

/// What a word of letters, digits and underscores is, in any case.
pub(super) fn keyword(word: &str) -> Kind {
    let found = BY_WORD.find(word, |at| KEYWORDS[at].0.eq_ignore_ascii_case(word));
    found.map_or(Kind::Identifier, |at| KEYWORDS[at].1)
}

/// Where a word stands in [`KEYWORDS`].
static BY_WORD: NameTable<128> = NameTable::new(&{
    let mut words = [""; KEYWORDS.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = KEYWORDS[at].0;
        at += 1;
    }
    words
});

/// The words that have a meaning of their own, in small letters.
#[rustfmt::skip]
const KEYWORDS: [(&str, Kind); 39] = [
    ("atan2", Kind::Operator(Atan2)),
    ("and", Kind::Operator(And)),
    ("or", Kind::Operator(Or)),
    ("unless", Kind::Operator(Unless)),
    ("avg", Kind::Aggregate(Avg)),
    ("bottomk", Kind::Aggregate(BottomK)),
    ("count", Kind::Aggregate(Count)),
    ("count_values", Kind::Aggregate(CountValues)),
    ("group", Kind::Aggregate(Group)),
    ("limitk", Kind::Aggregate(LimitK)),
    ("limit_ratio", Kind::Aggregate(LimitRatio)),
    ("max", Kind::Aggregate(Max)),
    ("min", Kind::Aggregate(Min)),
    ("quantile", Kind::Aggregate(Quantile)),
    ("stddev", Kind::Aggregate(Stddev)),
    ("stdvar", Kind::Aggregate(Stdvar)),
    ("sum", Kind::Aggregate(Sum)),
    ("topk", Kind::Aggregate(TopK)),
    ("anchored", Kind::Anchored),
    ("bool", Kind::Bool),
    ("by", Kind::By),
    ("group_left", Kind::GroupLeft),
    ("group_right", Kind::GroupRight),
    ("ignoring", Kind::Ignoring),
    ("offset", Kind::Offset),
    ("on", Kind::On),
    ("smoothed", Kind::Smoothed),
    ("without", Kind::Without),
    ("end", Kind::End),
    ("max_of", Kind::MaxOf),
    ("min_of", Kind::MinOf),
    ("range", Kind::Range),
    ("start", Kind::Start),
    ("step", Kind::Step),
    ("inf", Kind::Number),
    ("nan", Kind::Number),
    ("fill", Kind::Fill),
    ("fill_left", Kind::FillLeft),
    ("fill_right", Kind::FillRight),
];
