//! Series with values, as test scripts write them: `up{job="api"} 0+1x3 _ stale {{sum:1 count:2}}`.
//!
//! A metric is read like a selector with `=` only; what follows it has rules of its own, in which a
//! space separates and is a token.

mod describe;
mod histogram;
mod lexer;

use std::sync::Arc;

use skopos_core::{Columns, FloatHistogram, Labels, LabelsBuilder, stale_nan};

use crate::ast::BinaryOp;
use crate::error::Error;
use crate::lexer::number::parse_number;
use crate::options::ParseOptions;
use crate::parser::selector::METRIC_NAME;
use crate::parser::{Context, Parser};
use crate::series_desc::lexer::SeriesLexer;
use crate::span::Span;
use crate::token::{Kind, Token};

pub use self::describe::describe_histogram;

/// The most values of one description: a repetition is short to write and long to hold.
pub const MAX_VALUES: usize = 4_000_000;

const VALUES: Context = Context::new("series values", "");
const VALUE: Context = Context::new("series values", "number or \"stale\"");
const ITEM: Context = Context::new("label set", "identifier or \"}\"");
const NEXT: Context = Context::new("label set", "\",\" or \"}\"");
const EQUAL: Context = Context::new("label set", "\"=\"");
const STRING: Context = Context::new("label set", "string");

/// A series and its values at consecutive times.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SeriesDescription {
    /// The series' labels.
    pub labels: Labels,
    /// The values, one a time.
    pub values: Vec<SeriesValue>,
}

impl SeriesDescription {
    /// Appends the values to `columns`, the first at `start` and one every `step` milliseconds.
    ///
    /// ```
    /// use skopos_promql::Table;
    /// use skopos_promql::series_desc::parse_series_description;
    ///
    /// let mut table = Table::new();
    /// let series = parse_series_description(r#"up{job="api"} 1 _ 0"#)?;
    /// series.push_to(table.columns_mut(&series.labels), 60_000, 15_000);
    /// assert_eq!(table.columns_mut(&series.labels).timestamps, [60_000, 90_000]);
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn push_to(&self, columns: &mut Columns, start: i64, step: i64) {
        for (i, value) in (0..).zip(&self.values) {
            let t = start.saturating_add(step.saturating_mul(i));
            match value {
                SeriesValue::Omitted => {}
                SeriesValue::Float(v) => columns.push(t, *v),
                SeriesValue::Histogram { histogram, .. } => {
                    columns.push_histogram(t, FloatHistogram::clone(histogram));
                }
            }
        }
    }
}

/// What a described series has at one time.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the notation has these three")]
pub enum SeriesValue {
    /// `_`: no sample.
    Omitted,
    /// A float; `stale` is the staleness marker.
    Float(f64),
    /// A native histogram.
    Histogram {
        /// The value.
        histogram: Arc<FloatHistogram>,
        /// Whether `counter_reset_hint` was written, so that a comparison shall look at it.
        hint_set: bool,
    },
}

/// Floats are equal if their bits are, so that staleness markers are told from other NaNs.
impl PartialEq for SeriesValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Omitted, Self::Omitted) => true,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (
                Self::Histogram { histogram: a, hint_set: a_set },
                Self::Histogram { histogram: b, hint_set: b_set },
            ) => a == b && a_set == b_set,
            _ => false,
        }
    }
}

/// The labels of a metric: a name, labels in braces, or both.
///
/// Of a label that is given twice, the last counts; one with an empty value is left out.
///
/// ```
/// use skopos_promql::parse_metric;
///
/// let labels = parse_metric(r#"up{job="api"}"#)?;
/// assert_eq!(labels.to_string(), r#"{__name__="up", job="api"}"#);
/// # Ok::<(), skopos_promql::Error>(())
/// ```
///
/// # Errors
///
/// `Parse`.
pub fn parse_metric(source: &str) -> Result<Labels, Error> {
    let mut parser = Parser::new(source, &ParseOptions::default())?;
    let mut labels = LabelsBuilder::new();
    let first = parser.peek()?;
    let name = if first.kind.is_metric_name() { Some(parser.next()?) } else { None };
    if parser.peek()?.kind == Kind::LeftBrace {
        label_set(&mut parser, &mut labels)?;
    }
    parser.end()?;
    if let Some(name) = name {
        labels.set(METRIC_NAME, parser.text(name));
    }
    Ok(labels.finish())
}

/// A series with its values.
///
/// Values are separated by spaces: a number, `stale`, `_` for none, or a native histogram in double
/// braces; `v xN` (without the space) repeats one N times more, `v+dxN` adds d each time.
///
/// ```
/// use skopos_promql::series_desc::{SeriesValue, parse_series_description};
///
/// let series = parse_series_description(r#"up{job="api"} 0+10x2 _ 5"#)?;
/// assert_eq!(series.labels.get("job"), Some("api"));
/// let values: Vec<Option<f64>> = series
///     .values
///     .iter()
///     .map(|value| match value {
///         SeriesValue::Float(v) => Some(*v),
///         _ => None,
///     })
///     .collect();
/// assert_eq!(values, [Some(0.0), Some(10.0), Some(20.0), None, Some(5.0)]);
/// # Ok::<(), skopos_promql::Error>(())
/// ```
///
/// # Errors
///
/// `Parse`, in Prometheus' words; also where the values would be more than [`MAX_VALUES`].
pub fn parse_series_description(source: &str) -> Result<SeriesDescription, Error> {
    let mut parser = Parser::new(source, &ParseOptions::default())?;
    let mut labels = LabelsBuilder::new();
    let first = parser.next()?;
    let name = match first.kind {
        Kind::Eof => return Ok(SeriesDescription { labels: labels.finish(), values: Vec::new() }),
        Kind::LeftBrace => None,
        kind if kind.is_metric_name() => Some(parser.text(first)),
        _ => return Err(parser.unexpected_in(first, VALUES)),
    };
    if name.is_none() {
        label_list(&mut parser, &mut labels)?;
    } else if source[parser.position()..].starts_with('{') {
        label_set(&mut parser, &mut labels)?;
    }
    if let Some(name) = name {
        labels.set(METRIC_NAME, name);
    }
    let lexer = SeriesLexer::new(source, parser.position());
    let values = Series { parser, lexer, ahead: None, values: Vec::new() }.all()?;
    Ok(SeriesDescription { labels: labels.finish(), values })
}

/// Labels in braces.
fn label_set(parser: &mut Parser<'_>, labels: &mut LabelsBuilder) -> Result<(), Error> {
    parser.expect(Kind::LeftBrace)?;
    label_list(parser, labels)
}

/// Labels after the opening brace, and the closing one.
fn label_list(parser: &mut Parser<'_>, labels: &mut LabelsBuilder) -> Result<(), Error> {
    loop {
        let name = parser.next()?;
        match name.kind {
            Kind::RightBrace => return Ok(()),
            Kind::Identifier => {
                parser.expect_in(Kind::Equal, EQUAL)?;
                let value = parser.expect_in(Kind::String, STRING)?;
                labels.set(parser.text(name), &parser.unquote(value)?);
            }
            Kind::String => {
                let text = parser.unquote(name)?;
                if parser.accept(Kind::Equal)?.is_some() {
                    let value = parser.expect_in(Kind::String, STRING)?;
                    labels.set(&text, &parser.unquote(value)?);
                } else {
                    labels.set(METRIC_NAME, &text);
                }
            }
            _ => return Err(parser.unexpected_in(name, ITEM)),
        }
        let token = parser.next()?;
        match token.kind {
            Kind::RightBrace => return Ok(()),
            Kind::Comma => {}
            _ => return Err(parser.unexpected_in(token, NEXT)),
        }
    }
}

/// The state of reading values.
struct Series<'s> {
    /// For texts and errors; the metric is read.
    parser: Parser<'s>,
    lexer: SeriesLexer<'s>,
    ahead: Option<Token>,
    values: Vec<SeriesValue>,
}

impl Series<'_> {
    fn peek(&mut self) -> Result<Token, Error> {
        if let Some(token) = self.ahead {
            return Ok(token);
        }
        let token = self.lexer.token()?;
        self.ahead = Some(token);
        Ok(token)
    }

    fn next(&mut self) -> Result<Token, Error> {
        match self.ahead.take() {
            Some(token) => Ok(token),
            None => self.lexer.token(),
        }
    }

    fn accept(&mut self, kind: Kind) -> Result<bool, Error> {
        let found = self.peek()?.kind == kind;
        if found {
            self.ahead = None;
        }
        Ok(found)
    }

    fn expect(&mut self, kind: Kind) -> Result<Token, Error> {
        let token = self.next()?;
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(token)) }
    }

    #[cold]
    fn unexpected(&self, token: Token) -> Error {
        self.parser.unexpected_in(token, VALUES)
    }

    fn all(mut self) -> Result<Vec<SeriesValue>, Error> {
        let first = self.peek()?;
        if !matches!(first.kind, Kind::Space | Kind::Eof) {
            return Err(self.unexpected(first));
        }
        loop {
            let token = self.next()?;
            match token.kind {
                Kind::Eof => return Ok(self.values),
                Kind::Space => self.item()?,
                _ => return Err(self.parser.unexpected_in(token, Context::NONE)),
            }
        }
    }

    /// One item, if there is one.
    fn item(&mut self) -> Result<(), Error> {
        let token = self.peek()?;
        match token.kind {
            Kind::Blank => {
                self.ahead = None;
                let n = if self.accept(Kind::Times)? { self.count()?.0 } else { 1 };
                self.repeat(n, &SeriesValue::Omitted)
            }
            Kind::Identifier | Kind::Number | Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => {
                self.float()
            }
            Kind::OpenHistogram => self.histograms(),
            Kind::Eof => Ok(()),
            _ => Err(self.parser.unexpected_in(token, Context::NONE)),
        }
    }

    fn float(&mut self) -> Result<(), Error> {
        let mut v = self.float_value()?;
        let token = self.peek()?;
        let step = match token.kind {
            Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => Some(self.signed_number()?),
            Kind::Times => None,
            _ => return self.repeat(1, &SeriesValue::Float(v)),
        };
        self.expect(Kind::Times)?;
        let n = self.count()?.0;
        let Some(step) = step else { return self.repeat_once_more(n, &SeriesValue::Float(v)) };
        self.reserve(n.saturating_add(1))?;
        for _ in 0..=n {
            self.values.push(SeriesValue::Float(v));
            v += step;
        }
        Ok(())
    }

    fn float_value(&mut self) -> Result<f64, Error> {
        let token = self.peek()?;
        if token.kind != Kind::Identifier {
            return self.signed_number();
        }
        self.ahead = None;
        match self.parser.text(token) {
            "stale" => Ok(stale_nan()),
            _ => Err(self.parser.unexpected_in(token, VALUE)),
        }
    }

    /// A number with at most one sign before it.
    fn signed_number(&mut self) -> Result<f64, Error> {
        let negative = self.accept(Kind::Operator(BinaryOp::Sub))?;
        if !negative {
            self.accept(Kind::Operator(BinaryOp::Add))?;
        }
        let v = self.number()?;
        Ok(if negative { -v } else { v })
    }

    fn number(&mut self) -> Result<f64, Error> {
        let token = self.expect(Kind::Number)?;
        parse_number(self.parser.text(token))
            .map_err(|message| self.parser.error(token.span, message))
    }

    /// A count, and where it stands.
    fn count(&mut self) -> Result<(u64, Span), Error> {
        let token = self.expect(Kind::Number)?;
        let text = self.parser.text(token);
        let is_number = text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(n) if is_number => Ok((n, token.span)),
            _ => {
                let what = if is_number { "value out of range" } else { "invalid syntax" };
                let message = format!(
                    "invalid repetition in series values: strconv.ParseUint: \
                     parsing \"{text}\": {what}"
                );
                Err(self.parser.error(token.span, message))
            }
        }
    }

    /// Makes sure that `n` more values are allowed.
    fn reserve(&mut self, n: u64) -> Result<(), Error> {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        if MAX_VALUES < self.values.len().saturating_add(n) {
            let message = format!("series has more than {MAX_VALUES} values");
            return Err(self.parser.error(Span::default(), message));
        }
        self.values.reserve(n);
        Ok(())
    }

    fn repeat(&mut self, n: u64, value: &SeriesValue) -> Result<(), Error> {
        self.reserve(n)?;
        self.values.extend((0..n).map(|_| value.clone()));
        Ok(())
    }

    /// A repetition counts from 0, so that there is one value more.
    fn repeat_once_more(&mut self, n: u64, value: &SeriesValue) -> Result<(), Error> {
        self.repeat(n.saturating_add(1), value)
    }
}
