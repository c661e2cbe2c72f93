//! What to do about an error: advice for the commonest mistakes.
//!
//! Advice is ours and stands apart from the error's sentence, which is Prometheus'. It is derived from
//! the words around the error, so that parsing itself knows nothing of it.

use crate::ast::AggregateOp;
use crate::ast::Expr;
use crate::lexer::is_alpha;
use crate::signature::Signature;
use crate::span::Span;
use crate::token::{Kind, Token};
use crate::types::ValueType;

#[cfg(test)]
mod tests;

/// All aggregations by name.
pub(crate) const AGGREGATIONS: [AggregateOp; 14] = [
    AggregateOp::Avg,
    AggregateOp::BottomK,
    AggregateOp::Count,
    AggregateOp::CountValues,
    AggregateOp::Group,
    AggregateOp::LimitK,
    AggregateOp::LimitRatio,
    AggregateOp::Max,
    AggregateOp::Min,
    AggregateOp::Quantile,
    AggregateOp::Stddev,
    AggregateOp::Stdvar,
    AggregateOp::Sum,
    AggregateOp::TopK,
];

/// Longer names are not compared with known ones.
const MAX_NAME: usize = 40;

/// Words that other languages, or older versions, have for a function.
const SYNONYMS: [(&str, &str); 9] = [
    ("average", "avg"),
    ("holt_winters", "double_exponential_smoothing"),
    ("log", "ln"),
    ("mean", "avg"),
    ("median", "quantile"),
    ("now", "time"),
    ("percentile", "quantile"),
    ("pow", "^"),
    ("uniq", "group"),
];

/// Advice about an unknown function.
pub(crate) fn unknown_function(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, known)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == lower) {
        return Some(format!("did you mean `{known}`?"));
    }
    if MAX_NAME < lower.len() {
        return None;
    }
    let functions = Signature::all().iter().map(|function| function.name);
    let names = functions.chain(AGGREGATIONS.iter().map(|op| op.as_str()));
    let near = names.map(|known| (distance(&lower, known), known)).min()?;
    let allowed = if lower.len() < 4 { 1 } else { 2 };
    (near.0 <= allowed).then(|| format!("did you mean `{}`?", near.1))
}

/// How many letters must be changed, added, left out or swapped with their neighbor.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let change = last[j] + usize::from(a[i] != b[j]);
            let mut best = change.min(last[j + 1] + 1).min(row[j] + 1);
            if 0 < i && 0 < j && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// Advice about an expression of another type than its place asks for.
pub(crate) fn wrong_type(want: ValueType, got: ValueType, expr: &Expr) -> Option<String> {
    Some(match (want, got, expr) {
        (ValueType::Matrix, ValueType::Vector, Expr::Vector(_)) => {
            format!("add a range: {expr}[5m]")
        }
        (ValueType::Matrix, ValueType::Vector, _) => {
            "make it a subquery, as in (…)[5m:]".to_owned()
        }
        (ValueType::Vector, ValueType::Matrix, _) => {
            "leave out the range, or apply a function like rate or avg_over_time".to_owned()
        }
        (ValueType::Vector, ValueType::Scalar, _) => format!("make it a vector: vector({expr})"),
        (ValueType::Scalar, ValueType::Vector, _) => {
            "scalar(…) makes a number of a vector of one series".to_owned()
        }
        (ValueType::String, _, _) => "write it in quotes".to_owned(),
        _ => return None,
    })
}

/// Advice about a call with too few or too many arguments.
pub(crate) fn arguments(function: &Signature) -> String {
    format!("its arguments are {function}")
}

/// Advice about a token that cannot stand where it does.
pub(crate) fn unexpected(
    source: &str,
    token: Token,
    place: &str,
    expected: &str,
) -> Option<String> {
    let before = Span::new(0, token.span.start).slice(source);
    let text = token.span.slice(source);
    match (token.kind, place, expected) {
        (_, "grouping opts", "\"(\"") => {
            Some("labels stand in parentheses, as in by (job, instance)".to_owned())
        }
        (Kind::Equal, "label matching", _) => Some("conditions have one `=`".to_owned()),
        (Kind::Identifier, "label matching", "string") => {
            Some(format!("values stand in quotes: \"{text}\""))
        }
        (Kind::Equal, _, _) => Some("to compare write `==`".to_owned()),
        (_, "label matching", _) => None,
        _ if !begins_operand(token.kind) => None,
        (_, "aggregation", _) => Some("what is aggregated stands in parentheses".to_owned()),
        (Kind::Identifier, _, _) if before.ends_with(']') && is_unit(text) => {
            Some("the unit stands inside of the brackets, as in [5m]".to_owned())
        }
        _ => match last_word(before) {
            word if is_callable(word) => Some(format!("{word} needs parentheses: {word}({text})")),
            "" => None,
            _ => Some("an operator is missing between two expressions".to_owned()),
        },
    }
}

fn begins_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Identifier | Kind::MetricIdentifier | Kind::Number | Kind::Duration | Kind::String
    )
}

fn is_callable(word: &str) -> bool {
    let is_aggregation = |op: &AggregateOp| op.as_str().eq_ignore_ascii_case(word);
    Signature::find(word).is_some() || AGGREGATIONS.iter().any(is_aggregation)
}

fn is_unit(text: &str) -> bool {
    matches!(text, "ms" | "s" | "m" | "h" | "d" | "w" | "y")
}

/// The word that a text ends with, spaces aside.
fn last_word(text: &str) -> &str {
    let text = text.trim_end();
    let is_word = |b: &u8| is_alpha(*b) || b.is_ascii_digit() || *b == b':';
    let len = text.bytes().rev().take_while(is_word).count();
    &text[text.len() - len..]
}

/// Advice that the sentence and the place of an error suffice for.
pub(crate) fn of_message(source: &str, span: Span, message: &str) -> Option<&'static str> {
    let at = source.get(span.start as usize..).unwrap_or_default();
    let before = Span::new(0, span.start).slice(source).trim_end();
    Some(match message {
        "comparisons between scalars must use BOOL modifier" => {
            "write `bool` after the operator, as in 1 < bool 2"
        }
        "vector selector must contain at least one non-empty matcher" => {
            "name a metric, or add a condition that is not met by the empty text, as {job=~\".+\"}"
        }
        "unclosed left parenthesis" => "a `)` is missing",
        "unclosed left bracket" => "a `]` is missing",
        "unterminated quoted string" | "unterminated raw string" => "the closing quote is missing",
        "unexpected end of input inside braces" => "a `}` is missing",
        "no offset modifiers allowed before range" => "write the range first: foo[5m] offset 1h",
        "no @ modifiers allowed before range" => "write the range first: foo[5m] @ 1700000000",
        "ranges only allowed for vector selectors" => {
            "a range of an expression is a subquery: write a colon, as in [1h:] or [1h:5m]"
        }
        "unexpected character after '=': '~'" => {
            "regular expressions stand in braces, as in {job=~\"api.*\"}"
        }
        "bool modifier can only be used on comparison operators" => "leave out `bool`",
        "trailing commas not allowed in function call args" => "leave out the last comma",
        _ if message.starts_with("set operator ") => "vector(1) makes a vector of a number",
        _ if message.starts_with("bad number or duration syntax") => {
            "the units of durations are ms, s, m, h, d, w and y, the longest first, as in 1h30m"
        }
        _ if message.ends_with(", expected ':'")
            && before.ends_with(|c: char| c.is_ascii_digit()) =>
        {
            "a number and its unit are one word, as in [5m]"
        }
        _ if message.starts_with("unexpected character inside braces") => match at.chars().next() {
            Some('0'..='9' | '.') => "values stand in quotes, as in {code=\"200\"}",
            Some('“' | '”' | '‘' | '’') => "write straight quotes: \"",
            Some(')' | '[' | ']') => "a `}` is missing",
            _ => return None,
        },
        _ if message.starts_with("unexpected character: ") => match at.chars().next() {
            Some('&') => "write `and`",
            Some('|') => "write `or`",
            Some('“' | '”' | '‘' | '’') => "write straight quotes: \"",
            Some(';') => "a query is one expression, without a semicolon",
            Some('$') => "variables must be replaced before",
            _ => return None,
        },
        _ if message.contains(" is not enabled") || message.contains("experimental") => {
            "Prometheus has it behind --enable-feature; see `ParseOptions`"
        }
        _ => return None,
    })
}
