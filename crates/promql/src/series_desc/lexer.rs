//! Tokens of the values of a series.

use crate::ast::BinaryOp::{Add, Sub};
use crate::error::Error;
use crate::lexer::number::{ScanError, is_digit, scan_series_number};
use crate::lexer::{is_alpha, span, word_at};
use crate::text::{Quoted, QuotedChar};
use crate::token::{HistogramWord, Kind, Token};

/// How the next token is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Inside the brackets of a histogram.
    Buckets,
    /// Inside double braces.
    Histogram,
    /// Outside of histograms.
    Values,
}

/// A reader of the tokens after the metric.
pub(super) struct SeriesLexer<'s> {
    source: &'s str,
    /// Invariant: at a character boundary, at most `source.len()`.
    at: usize,
    mode: Mode,
    /// Whether the last token was a minus sign in brackets: a number must follow at once.
    after_minus: bool,
}

type Lexed = Result<Token, Error>;

impl<'s> SeriesLexer<'s> {
    pub(super) fn new(source: &'s str, at: usize) -> Self {
        Self { source, at, mode: Mode::Values, after_minus: false }
    }

    /// The next token; [`Kind::Eof`] at the end.
    pub(super) fn token(&mut self) -> Lexed {
        if std::mem::take(&mut self.after_minus) {
            return self.number();
        }
        match self.mode {
            Mode::Buckets => self.buckets(),
            Mode::Histogram => self.histogram(),
            Mode::Values => self.values(),
        }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.source.as_bytes().get(self.at + ahead).copied()
    }

    fn values(&mut self) -> Lexed {
        let Some(first) = self.byte(0) else { return Ok(self.take(Kind::Eof, 0)) };
        let second = self.byte(1);
        match first {
            b'{' if second == Some(b'{') => {
                self.mode = Mode::Histogram;
                Ok(self.take(Kind::OpenHistogram, 2))
            }
            b' ' | b'\t' | b'\n' | b'\r' => Ok(self.space()),
            b'+' => Ok(self.take(Kind::Operator(Add), 1)),
            b'-' => Ok(self.take(Kind::Operator(Sub), 1)),
            b'x' => Ok(self.take(Kind::Times, 1)),
            b'_' => Ok(self.take(Kind::Blank, 1)),
            b'.' if second.is_some_and(is_digit) => self.number(),
            _ if is_digit(first) => self.number(),
            _ if is_alpha(first) => {
                let (kind, len) = word_at(&self.source[self.at..]);
                Ok(self.take(kind, len))
            }
            _ => Err(self.bad_character("unexpected character in series sequence")),
        }
    }

    fn histogram(&mut self) -> Lexed {
        match self.byte(0) {
            Some(b' ' | b'\t' | b'\n' | b'\r') => Ok(self.space()),
            Some(b':') => Ok(self.take(Kind::Colon, 1)),
            Some(b'-') => Ok(self.take(Kind::Operator(Sub), 1)),
            Some(b'[') => {
                self.mode = Mode::Buckets;
                Ok(self.take(Kind::LeftBracket, 1))
            }
            Some(b'}') if self.byte(1) == Some(b'}') => {
                self.mode = Mode::Values;
                Ok(self.take(Kind::CloseHistogram, 2))
            }
            Some(first) if is_digit(first) => self.number(),
            Some(first) if is_alpha(first) => self.histogram_word(),
            _ => Err(self.bad_character("histogram description incomplete unexpected")),
        }
    }

    fn histogram_word(&mut self) -> Lexed {
        let len = self.source[self.at..].bytes().take_while(|&b| is_alpha(b)).count();
        let word = &self.source[self.at..self.at + len];
        match HistogramWord::find(word) {
            Some(key) if key.is_key() && self.byte(len) != Some(b':') => {
                Err(self.error("missing `:` for histogram descriptor"))
            }
            Some(key) => Ok(self.take(Kind::HistogramWord(key), len)),
            None if is_named_number(word) => Ok(self.take(Kind::Number, len)),
            None => Err(self.error(&format!("bad histogram descriptor found: {}", Quoted(word)))),
        }
    }

    fn buckets(&mut self) -> Lexed {
        match self.byte(0) {
            Some(b' ' | b'\t' | b'\n' | b'\r') => Ok(self.space()),
            Some(b'-') => {
                self.after_minus = true;
                Ok(self.take(Kind::Operator(Sub), 1))
            }
            Some(b']') => {
                self.mode = Mode::Histogram;
                Ok(self.take(Kind::RightBracket, 1))
            }
            Some(first) if is_digit(first) => self.number(),
            Some(_) if self.source[self.at..].get(..3).is_some_and(is_named_number) => {
                Ok(self.take(Kind::Number, 3))
            }
            _ => Err(self.bad_character("invalid character in buckets description")),
        }
    }

    fn number(&mut self) -> Lexed {
        match scan_series_number(&self.source.as_bytes()[self.at..]) {
            Ok(len) => Ok(self.take(Kind::Number, len)),
            Err(ScanError(len)) => {
                let seen = Quoted(&self.source[self.at..self.at + len]);
                Err(self.error(&format!("bad number syntax: {seen}")))
            }
        }
    }

    /// A run of spaces, as a token of the first one.
    fn space(&mut self) -> Token {
        let token = self.take(Kind::Space, 1);
        let rest = &self.source[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        token
    }

    fn take(&mut self, kind: Kind, len: usize) -> Token {
        let start = self.at;
        self.at += len;
        Token { kind, span: span(start, self.at) }
    }

    #[cold]
    fn bad_character(&self, what: &str) -> Error {
        let c = QuotedChar(self.source[self.at..].chars().next());
        self.error(&format!("{what}: {c}"))
    }

    #[cold]
    fn error(&self, message: &str) -> Error {
        Error::parse(self.source, span(self.at, self.source.len()), message)
    }
}

fn is_named_number(word: &str) -> bool {
    word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan")
}
