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
use crate::token::Kind;

/// What may stand outside of braces.
#[derive(Clone, Copy, Debug, Logos, PartialEq)]
#[logos(skip r"[ \t\n\r]+")]
#[logos(skip(r"#[^\n\r]*", allow_greedy = true))]
pub(super) enum Outside {
    /// A token that needs no further thought.
    #[token("atan2", |_| Kind::Operator(Atan2), ignore(case))]
    #[token("and", |_| Kind::Operator(And), ignore(case))]
    #[token("or", |_| Kind::Operator(Or), ignore(case))]
    #[token("unless", |_| Kind::Operator(Unless), ignore(case))]
    #[token("avg", |_| Kind::Aggregate(Avg), ignore(case))]
    #[token("bottomk", |_| Kind::Aggregate(BottomK), ignore(case))]
    #[token("count", |_| Kind::Aggregate(Count), ignore(case))]
    #[token("count_values", |_| Kind::Aggregate(CountValues), ignore(case))]
    #[token("group", |_| Kind::Aggregate(Group), ignore(case))]
    #[token("limitk", |_| Kind::Aggregate(LimitK), ignore(case))]
    #[token("limit_ratio", |_| Kind::Aggregate(LimitRatio), ignore(case))]
    #[token("max", |_| Kind::Aggregate(Max), ignore(case))]
    #[token("min", |_| Kind::Aggregate(Min), ignore(case))]
    #[token("quantile", |_| Kind::Aggregate(Quantile), ignore(case))]
    #[token("stddev", |_| Kind::Aggregate(Stddev), ignore(case))]
    #[token("stdvar", |_| Kind::Aggregate(Stdvar), ignore(case))]
    #[token("sum", |_| Kind::Aggregate(Sum), ignore(case))]
    #[token("topk", |_| Kind::Aggregate(TopK), ignore(case))]
    #[token("anchored", |_| Kind::Anchored, ignore(case))]
    #[token("bool", |_| Kind::Bool, ignore(case))]
    #[token("by", |_| Kind::By, ignore(case))]
    #[token("group_left", |_| Kind::GroupLeft, ignore(case))]
    #[token("group_right", |_| Kind::GroupRight, ignore(case))]
    #[token("ignoring", |_| Kind::Ignoring, ignore(case))]
    #[token("offset", |_| Kind::Offset, ignore(case))]
    #[token("on", |_| Kind::On, ignore(case))]
    #[token("smoothed", |_| Kind::Smoothed, ignore(case))]
    #[token("without", |_| Kind::Without, ignore(case))]
    #[token("end", |_| Kind::End, ignore(case))]
    #[token("max_of", |_| Kind::MaxOf, ignore(case))]
    #[token("min_of", |_| Kind::MinOf, ignore(case))]
    #[token("range", |_| Kind::Range, ignore(case))]
    #[token("start", |_| Kind::Start, ignore(case))]
    #[token("step", |_| Kind::Step, ignore(case))]
    #[token("inf", |_| Kind::Number, ignore(case))]
    #[token("nan", |_| Kind::Number, ignore(case))]
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
    #[regex("[a-zA-Z_][a-zA-Z0-9_]*", |_| Kind::Identifier)]
    #[regex("([a-zA-Z_][a-zA-Z0-9_]*)?:[a-zA-Z0-9_:]*", |_| Kind::MetricIdentifier)]
    Kind(Kind),
    /// Keywords only before a parenthesis.
    #[token("fill", |_| Kind::Fill, ignore(case))]
    #[token("fill_left", |_| Kind::FillLeft, ignore(case))]
    #[token("fill_right", |_| Kind::FillRight, ignore(case))]
    Fill(Kind),
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
