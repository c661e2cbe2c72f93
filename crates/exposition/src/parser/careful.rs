//! The careful parser: one entry from the lexer's tokens, with Prometheus' error texts.
//!
//! It says what is right and what is wrong; the fast path only agrees with it where it dares to.
#![deny(clippy::indexing_slicing)]

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str;

use skopos_core::MetricType;

use super::lex::{Lexer, Token};
use super::{Meta, Parser, RawExemplar, RawLabel, Span, Step};
use crate::number::{self, NORMAL_NAN, NumberError};
use crate::quote::QuotedBytes;
use crate::{Error, ErrorKind, TextFormat};

/// One entry's parse.
struct Careful<'p, 'a> {
    parser: &'p mut Parser<'a>,
    lexer: Lexer<'a>,
    /// Where the entry begins.
    start: usize,
}

impl<'a> Parser<'a> {
    /// Reads the next entry, whatever it is.
    #[cold]
    #[inline(never)]
    pub(super) fn careful_step(&mut self) -> Result<Step, Error> {
        let lexer = Lexer::new(self.page.bytes, self.format, self.pos, self.state);
        let mut careful = Careful { start: self.pos, lexer, parser: self };
        let step = careful.entry();
        let (pos, state, start) = (careful.lexer.pos, careful.lexer.state, careful.start);
        self.pos = pos;
        self.state = state;
        self.start = start;
        step
    }
}

impl Careful<'_, '_> {
    fn entry(&mut self) -> Result<Step, Error> {
        loop {
            self.start = self.lexer.pos;
            let token = self.lexer.token();
            return match (token, self.parser.format) {
                (Token::Linebreak, TextFormat::Prometheus) => continue,
                (Token::Eof, TextFormat::Prometheus) => Ok(Step::End),
                (Token::Eof, TextFormat::OpenMetrics) => Err(self.unfinished()),
                (Token::EofWord, _) => match self.lexer.token() {
                    Token::Eof => Ok(Step::End),
                    _ => Err(self.error("unexpected data after # EOF".into())),
                },
                (Token::Help | Token::Type | Token::Unit, _) => self.metadata(token),
                (Token::Comment, TextFormat::Prometheus) => self.comment(),
                (Token::BraceOpen | Token::MetricName, _) => self.series(token),
                _ => Err(self.unexpected("expected a valid start token", token)),
            };
        }
    }

    fn metadata(&mut self, keyword: Token) -> Result<Step, Error> {
        let token = self.lexer.token();
        if token != Token::MetricName {
            let expected = format!("expected metric name after {}", keyword.name());
            return Err(self.unexpected(&expected, token));
        }
        let name = self.unquoted(self.lexer.span());
        self.parser.family_name_len = name.len();
        let token = self.lexer.token();
        if token != Token::Text {
            let got = match self.parser.format {
                TextFormat::Prometheus => format!(", got {}", token.name()),
                TextFormat::OpenMetrics => String::new(),
            };
            return Err(self.error(format!("expected text in {}{got}", keyword.name())));
        }
        let text = self.text_of(self.lexer.span());
        let step = self.metadata_step(keyword, name, text)?;
        self.parser.meta = Meta { name, text };
        if self.parser.format == TextFormat::Prometheus {
            let token = self.lexer.token();
            if token != Token::Linebreak {
                return Err(self.unexpected("linebreak expected after metadata", token));
            }
        }
        self.check_utf8(name, "metric name")?;
        Ok(step)
    }

    /// The text proper: without the byte that separates it, and without the line feed.
    fn text_of(&self, token: Span) -> Span {
        if token.len() <= 1 {
            return Span::new(token.end, token.end);
        }
        let feed = usize::from(self.parser.format == TextFormat::OpenMetrics);
        Span::new(token.start + 1, token.end - feed)
    }

    fn metadata_step(&mut self, keyword: Token, name: Span, text: Span) -> Result<Step, Error> {
        let (name_bytes, bytes) = (self.parser.page.get(name), self.parser.page.get(text));
        match keyword {
            Token::Type => {
                let Some(metric_type) = self.parser.format.metric_type(bytes) else {
                    let message = format!("invalid metric type {}", QuotedBytes(bytes));
                    return Err(self.error(message));
                };
                self.parser.metric_type = metric_type;
                Ok(Step::Type)
            }
            Token::Unit => {
                if !is_unit_suffix(name_bytes, bytes) {
                    let (unit, name) = (QuotedBytes(bytes), QuotedBytes(name_bytes));
                    return Err(self.error(format!("unit {unit} not a suffix of metric {name}")));
                }
                self.check_utf8(text, "unit")?;
                self.parser.unit = text;
                Ok(Step::Unit)
            }
            _ => {
                if let Err(error) = str::from_utf8(bytes) {
                    let shown = QuotedBytes(bytes);
                    let message = format!("help text {shown} is not a valid utf8 string");
                    return Err(self.encoding_error(message, text, error));
                }
                Ok(Step::Help)
            }
        }
    }

    fn comment(&mut self) -> Result<Step, Error> {
        self.parser.meta.text = self.lexer.span();
        match self.lexer.token() {
            Token::Linebreak => Ok(Step::Comment),
            token => Err(self.unexpected("linebreak expected after comment", token)),
        }
    }

    fn series(&mut self, first: Token) -> Result<Step, Error> {
        let mut labels = core::mem::take(&mut self.parser.line.labels);
        labels.clear();
        self.parser.line.label_marks = (0, 0);
        self.parser.line.exemplar_marks = (0, 0);
        let result = self.series_with(first, &mut labels);
        self.parser.line.labels = labels;
        result
    }

    fn series_with(&mut self, first: Token, labels: &mut Vec<RawLabel>) -> Result<Step, Error> {
        let mut name = None;
        let mut token = first;
        if first == Token::MetricName {
            // Blanks before a name become part of it, as in Prometheus.
            name = Some(Span::new(self.start, self.lexer.pos));
            self.parser.line.series = Span::new(self.start, self.lexer.pos);
            token = self.lexer.token();
        }
        if token == Token::BraceOpen {
            self.labels(labels, &mut name, false)?;
            self.parser.line.series = Span::new(self.start, self.lexer.pos);
            token = self.lexer.token();
        }
        let Some(name) = name else {
            let message = format!("metric name not set while parsing: {}", self.seen());
            return Err(self.error(message));
        };
        self.check_utf8(name, "metric name")?;
        self.parser.line.name = name;
        self.parser.line.exemplar = None;
        match self.parser.format {
            TextFormat::Prometheus => self.prometheus_end(token)?,
            TextFormat::OpenMetrics => self.openmetrics_end(token)?,
        }
        Ok(Step::Series)
    }

    /// What stands between braces, up to the closing one.
    fn labels(
        &mut self,
        labels: &mut Vec<RawLabel>,
        metric_name: &mut Option<Span>,
        exemplar: bool,
    ) -> Result<(), Error> {
        let mut token = self.lexer.token();
        loop {
            let written = self.lexer.span();
            let quoted = token == Token::Quoted;
            match token {
                Token::BraceClose => return Ok(()),
                Token::LabelName | Token::Quoted => {}
                _ => return Err(self.unexpected("expected label name", token)),
            }
            token = self.lexer.token();
            // A quoted name without a value is the metric's.
            if quoted && matches!(token, Token::Comma | Token::BraceClose) {
                if exemplar {
                    return Err(self.unexpected("expected label name", token));
                }
                self.take_metric_name(written, metric_name)?;
                if token == Token::BraceClose {
                    return Ok(());
                }
                token = self.lexer.token();
                continue;
            }
            if token != Token::Equal {
                return Err(self.unexpected("expected equal", token));
            }
            labels.push(self.label_value(self.unquoted(written))?);
            token = self.after_label()?;
        }
    }

    fn take_metric_name(&self, written: Span, name: &mut Option<Span>) -> Result<(), Error> {
        if name.is_some() {
            let message = format!("metric name already set while parsing: {}", self.seen());
            return Err(self.error(message));
        }
        *name = Some(self.unquoted(written));
        Ok(())
    }

    fn label_value(&mut self, name: Span) -> Result<RawLabel, Error> {
        let token = self.lexer.token();
        if token != Token::LabelValue {
            return Err(self.unexpected("expected label value", token));
        }
        let quoted = self.lexer.span();
        let bytes = self.parser.page.get(quoted);
        if let Err(error) = str::from_utf8(bytes) {
            let message = format!("invalid UTF-8 label value: {}", QuotedBytes(bytes));
            return Err(self.encoding_error(message, quoted, error));
        }
        self.check_utf8(name, "label name")?;
        let value = self.unquoted(quoted);
        let escaped = [name, value]
            .iter()
            .any(|&span| memchr::memchr(b'\\', self.parser.page.get(span)).is_some());
        Ok(RawLabel { name, value, escaped })
    }

    /// The token after a label and the comma that follows it.
    fn after_label(&mut self) -> Result<Token, Error> {
        match self.lexer.token() {
            Token::Comma => Ok(self.lexer.token()),
            Token::BraceClose => Ok(Token::BraceClose),
            token if self.parser.format == TextFormat::Prometheus => Ok(token),
            token => Err(self.unexpected("expected comma or brace close", token)),
        }
    }

    /// The rest of a line of Prometheus text: the value and perhaps a timestamp.
    fn prometheus_end(&mut self, token: Token) -> Result<(), Error> {
        self.parser.line.value = self.value(token, "metric", 0)?;
        self.parser.line.timestamp = None;
        match self.lexer.token() {
            Token::Linebreak => Ok(()),
            Token::Timestamp => {
                let digits = self.parser.page.get(self.lexer.span());
                let millis = number::parse_millis(digits)
                    .map_err(|error| self.number_error("ParseInt", digits, error))?;
                self.parser.line.timestamp = Some(millis);
                match self.lexer.token() {
                    Token::Linebreak => Ok(()),
                    token => Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            token => Err(self.unexpected("expected timestamp or new record", token)),
        }
    }

    /// The rest of a line of OpenMetrics: value, timestamp, exemplar.
    fn openmetrics_end(&mut self, token: Token) -> Result<(), Error> {
        self.parser.line.value = self.value(token, "metric", 1)?;
        self.parser.line.timestamp = None;
        match self.lexer.token() {
            Token::Eof => Err(self.unfinished()),
            Token::Comment => self.exemplar(),
            Token::Timestamp => {
                self.parser.line.timestamp = Some(self.seconds("invalid timestamp")?);
                match self.lexer.token() {
                    Token::Linebreak => Ok(()),
                    Token::Comment => self.exemplar(),
                    token => Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            // What cannot follow is left for the next entry to stumble over, as in Prometheus.
            _ => Ok(()),
        }
    }

    fn exemplar(&mut self) -> Result<(), Error> {
        let mut labels = core::mem::take(&mut self.parser.line.exemplar_labels);
        labels.clear();
        let read = self.labels(&mut labels, &mut None, true);
        self.parser.line.exemplar_labels = labels;
        read?;
        let token = self.lexer.token();
        let value = self.value(token, "exemplar labels", 1)?;
        let mut timestamp = None;
        match self.lexer.token() {
            Token::Eof => return Err(self.unfinished()),
            Token::Linebreak => {}
            Token::Timestamp => {
                timestamp = Some(self.seconds("invalid exemplar timestamp")?);
                let token = self.lexer.token();
                if token != Token::Linebreak {
                    let expected = "expected next entry after exemplar timestamp";
                    return Err(self.unexpected(expected, token));
                }
            }
            token => return Err(self.unexpected("expected timestamp or comment", token)),
        }
        self.parser.line.exemplar = Some(RawExemplar { value, timestamp });
        Ok(())
    }

    /// A value's token, without the `skip` bytes that begin it.
    fn value(&mut self, token: Token, after: &str, skip: usize) -> Result<f64, Error> {
        if token != Token::Value {
            return Err(self.unexpected(&format!("expected value after {after}"), token));
        }
        let value = self.float(skip)?;
        Ok(if value.is_nan() { f64::from_bits(NORMAL_NAN) } else { value })
    }

    fn float(&self, skip: usize) -> Result<f64, Error> {
        let span = self.lexer.span();
        let bytes = self.parser.page.get(Span::new(span.start + skip, span.end));
        number::parse_value(bytes).map_err(|error| self.number_error("ParseFloat", bytes, error))
    }

    /// A timestamp in seconds, as milliseconds.
    fn seconds(&self, invalid: &str) -> Result<i64, Error> {
        let seconds = self.float(1)?;
        if !seconds.is_finite() {
            let shown = match seconds {
                _ if seconds.is_nan() => "NaN",
                _ if seconds < 0.0 => "-Inf",
                _ => "+Inf",
            };
            return Err(self.error(format!("{invalid} {shown}")));
        }
        Ok(number::millis_from_seconds(seconds))
    }

    /// A token without the quotes around it, if it has some.
    fn unquoted(&self, token: Span) -> Span {
        if self.parser.page.get(token).first() == Some(&b'"') {
            Span::new(token.start + 1, token.end - 1)
        } else {
            token
        }
    }

    fn check_utf8(&self, span: Span, what: &str) -> Result<(), Error> {
        let bytes = self.parser.page.get(span);
        let Err(error) = str::from_utf8(bytes) else { return Ok(()) };
        let message = format!("invalid UTF-8 {what}: {}", QuotedBytes(bytes));
        Err(self.encoding_error(message, span, error))
    }

    /// The entry up to the current token's end.
    fn seen(&self) -> impl fmt::Display {
        self.quoted(self.start, self.lexer.pos)
    }

    /// A piece of the input in quotes; beyond the page there is a line feed at most.
    fn quoted(&self, start: usize, end: usize) -> String {
        let mut piece = self.parser.page.get(Span::new(start, end)).to_vec();
        if self.parser.page.bytes.len() < end.min(self.lexer.len()) {
            piece.push(b'\n');
        }
        format!("{}", QuotedBytes(&piece))
    }

    #[cold]
    fn unexpected(&self, expected: &str, token: Token) -> Error {
        let end = (self.lexer.pos + 1).min(self.lexer.len());
        let got = self.quoted(self.lexer.start, end);
        let seen = self.quoted(self.start, end);
        let name = token.name();
        self.error(format!("{expected}, got {got} (\"{name}\") while parsing: {seen}"))
    }

    #[cold]
    fn number_error(&self, function: &str, bytes: &[u8], error: NumberError) -> Error {
        let seen = self.seen();
        let number = QuotedBytes(bytes);
        let message = match error {
            NumberError::Unsupported => {
                format!("unsupported character in float while parsing: {seen}")
            }
            NumberError::Syntax => {
                format!(
                    "strconv.{function}: parsing {number}: invalid syntax while parsing: {seen}"
                )
            }
            NumberError::Range => format!(
                "strconv.{function}: parsing {number}: value out of range while parsing: {seen}"
            ),
        };
        let skip = usize::from(self.parser.page.get(self.lexer.span()).first() == Some(&b' '));
        self.error_at(ErrorKind::Number, message, self.lexer.start + skip)
    }

    #[cold]
    fn unfinished(&self) -> Error {
        self.error("data does not end with # EOF".into())
    }

    #[cold]
    fn encoding_error(&self, message: String, span: Span, error: str::Utf8Error) -> Error {
        self.error_at(ErrorKind::Encoding, message, span.start + error.valid_up_to())
    }

    #[cold]
    fn error(&self, message: String) -> Error {
        self.error_at(ErrorKind::Syntax, message, self.lexer.start)
    }

    #[cold]
    fn error_at(&self, kind: ErrorKind, message: String, offset: usize) -> Error {
        let mut counted = self.parser.counted.get();
        let page = self.parser.page.bytes;
        let error = Error::at_counted(kind, message, page, offset, &mut counted);
        self.parser.counted.set(counted);
        error
    }
}

/// Whether `name` ends with an underscore and `unit`, or the unit is empty.
fn is_unit_suffix(name: &[u8], unit: &[u8]) -> bool {
    unit.is_empty() || name.strip_suffix(unit).is_some_and(|rest| rest.ends_with(b"_"))
}

impl TextFormat {
    /// The type that a TYPE line's text names.
    pub(super) fn metric_type(self, text: &[u8]) -> Option<MetricType> {
        Some(match (text, self) {
            (b"counter", _) => MetricType::Counter,
            (b"gauge", _) => MetricType::Gauge,
            (b"histogram", _) => MetricType::Histogram,
            (b"summary", _) => MetricType::Summary,
            (b"untyped", Self::Prometheus) | (b"unknown", Self::OpenMetrics) => MetricType::Unknown,
            (b"gaugehistogram", Self::OpenMetrics) => MetricType::GaugeHistogram,
            (b"info", Self::OpenMetrics) => MetricType::Info,
            (b"stateset", Self::OpenMetrics) => MetricType::StateSet,
            _ => return None,
        })
    }
}
