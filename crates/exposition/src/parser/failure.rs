//! What is wrong with an entry, as the careful parser notes it, and the [`Error`] that tells of it.
//!
//! A note is a few words of memory. The error, with Prometheus' sentence and the place on the page, is
//! made of it only for whoever wants it: a page may be wrong on every line.
#![deny(clippy::indexing_slicing)]

use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

use super::lex::Token;
use super::{Parser, Span};
use crate::number::NumberError;
use crate::quote::QuotedBytes;
use crate::{Error, ErrorKind, TextFormat};

/// That an entry is wrong; [`Parser::failure`] says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

/// Why an entry is wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failure {
    pub(super) problem: Problem,
    /// Where the entry begins.
    pub(super) start: usize,
    /// The token at which it was found.
    pub(super) token: Span,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Problem {
    /// No `# EOF`.
    #[default]
    Unfinished,
    BehindEof,
    /// Another token than the one that was expected.
    Unexpected(&'static str, Token),
    /// No value behind a metric or exemplar labels.
    NoValue(&'static str, Token),
    /// No metric name, or no text, in the metadata line of the keyword.
    NoMetadataName(Token, Token),
    NoText(Token, Token),
    MetricType(Span),
    Unit {
        unit: Span,
        name: Span,
    },
    NoName,
    TwoNames,
    /// Bytes that are not UTF-8, and how many of them are.
    Encoding(&'static str, Span, usize),
    Help(Span, usize),
    Number(&'static str, Span, NumberError),
    /// A timestamp that is not finite.
    Infinite(&'static str, f64),
}

impl Problem {
    /// What should have stood at the place.
    fn expected(self) -> &'static str {
        match self {
            Self::Unfinished => "# EOF",
            Self::BehindEof => "end of the page",
            Self::Unexpected(sentence, _) => {
                let behind = sentence.strip_prefix("expected ");
                let before = || sentence.split_once(" expected").map(|(before, _)| before);
                behind.or_else(before).unwrap_or(sentence)
            }
            Self::NoValue(..) => "value",
            Self::NoMetadataName(..) | Self::NoName => "metric name",
            Self::NoText(..) => "text",
            Self::MetricType(_) => "metric type",
            Self::Unit { .. } => "unit that the metric's name ends with",
            Self::TwoNames => "label name with a value",
            Self::Encoding(..) | Self::Help(..) => "UTF-8",
            Self::Number("ParseInt", _, NumberError::Range) => "integer of 64 bits",
            Self::Number("ParseInt", ..) => "integer",
            Self::Number(_, _, NumberError::Range) => "float of 64 bits",
            Self::Number(..) => "float",
            Self::Infinite(..) => "finite timestamp",
        }
    }
}

impl Parser<'_> {
    /// The error for the last failure.
    #[cold]
    #[inline(never)]
    pub(super) fn error(&self) -> Error {
        let Failure { problem, start, token } = self.failure;
        let (kind, offset) = match problem {
            Problem::Encoding(_, span, valid) | Problem::Help(span, valid) => {
                (ErrorKind::Encoding, span.start + valid)
            }
            Problem::Number(..) => {
                let skip = usize::from(self.page.get(token).first() == Some(&b' '));
                (ErrorKind::Number, token.start + skip)
            }
            _ => (ErrorKind::Syntax, token.start),
        };
        let message = self.message(problem, start, token);
        let mut counted = self.counted.get();
        let error = Error::at_counted(kind, message, self.page.bytes, offset, &mut counted);
        self.counted.set(counted);
        error.with_expected(problem.expected())
    }

    /// Prometheus' sentence.
    fn message(&self, problem: Problem, start: usize, token: Span) -> String {
        let seen = || self.quoted(Span::new(start, token.end));
        let shown = |span| QuotedBytes(self.page.get(span));
        let unexpected = |expected: &str, after: &str, found: Token| {
            let end = (token.end + 1).min(self.read_len());
            let got = self.quoted(Span::new(token.start, end)).to_string();
            let name = found.name();
            let message = format!("{expected}{after}, got {got} (\"{name}\") while parsing: ");
            message + &self.quoted_to(Span::new(start, end), token.start, got)
        };
        match problem {
            Problem::Unfinished => "data does not end with # EOF".into(),
            Problem::BehindEof => "unexpected data after # EOF".into(),
            Problem::Unexpected(expected, found) => unexpected(expected, "", found),
            Problem::NoValue(after, found) => unexpected("expected value after ", after, found),
            Problem::NoMetadataName(keyword, found) => {
                unexpected("expected metric name after ", keyword.name(), found)
            }
            Problem::NoText(keyword, found) => {
                let keyword = keyword.name();
                match self.format {
                    TextFormat::Prometheus => {
                        format!("expected text in {keyword}, got {}", found.name())
                    }
                    TextFormat::OpenMetrics => format!("expected text in {keyword}"),
                }
            }
            Problem::MetricType(text) => format!("invalid metric type {}", shown(text)),
            Problem::Unit { unit, name } => {
                format!("unit {} not a suffix of metric {}", shown(unit), shown(name))
            }
            Problem::NoName => format!("metric name not set while parsing: {}", seen()),
            Problem::TwoNames => format!("metric name already set while parsing: {}", seen()),
            Problem::Encoding(what, span, _) => format!("invalid UTF-8 {what}: {}", shown(span)),
            Problem::Help(span, _) => {
                format!("help text {} is not a valid utf8 string", shown(span))
            }
            Problem::Number(_, _, NumberError::Unsupported) => {
                format!("unsupported character in float while parsing: {}", seen())
            }
            Problem::Number(function, span, error) => {
                let problem = match error {
                    NumberError::Range => "value out of range",
                    _ => "invalid syntax",
                };
                let number = shown(span);
                format!("strconv.{function}: parsing {number}: {problem} while parsing: {}", seen())
            }
            Problem::Infinite(what, seconds) => {
                let shown = match seconds {
                    _ if seconds.is_nan() => "NaN",
                    _ if seconds < 0.0 => "-Inf",
                    _ => "+Inf",
                };
                format!("{what} {shown}")
            }
        }
    }

    /// How many bytes there are, with the line feed that is thought to follow.
    fn read_len(&self) -> usize {
        self.page.bytes.len() + usize::from(self.format == TextFormat::Prometheus)
    }

    /// A piece of the input in quotes, of which that from `at` on is known: it may be most of a page.
    fn quoted_to(&self, piece: Span, at: usize, end: String) -> String {
        let begins_anew = |byte: &u8| !matches!(byte, 0x80..=0xbf);
        if at <= piece.start {
            return end;
        }
        if !self.page.bytes.get(at).is_some_and(begins_anew) {
            return self.quoted(piece).to_string();
        }
        let mut text = QuotedBytes(self.page.get(Span::new(piece.start, at))).to_string();
        text.pop();
        text.push_str(end.get(1..).unwrap_or_default());
        text
    }

    /// A piece of the input in quotes; beyond the page there is a line feed at most.
    fn quoted(&self, piece: Span) -> impl fmt::Display {
        let feed = self.page.bytes.len() < piece.end.min(self.read_len());
        Piece { bytes: self.page.get(piece), feed }
    }
}

/// Bytes in quotes, and perhaps a line feed behind them.
struct Piece<'a> {
    bytes: &'a [u8],
    feed: bool,
}

impl fmt::Display for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.feed {
            return QuotedBytes(self.bytes).fmt(f);
        }
        QuotedBytes(&[self.bytes, b"\n"].concat()).fmt(f)
    }
}
