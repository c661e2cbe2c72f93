//! The careful parser: one entry from the lexer's tokens, and what is wrong with it.
//!
//! It says what is right and what is wrong; the fast path only agrees with it where it dares to.
#![deny(clippy::indexing_slicing)]

use alloc::vec::Vec;
use core::str;

use skopos_core::MetricType;

use super::failure::{Failed, Failure, Problem};
use super::lex::{Lexer, Token};
use super::{Meta, Parser, RawExemplar, RawLabel, Span, Step};
use crate::TextFormat;
use crate::number::{self, NORMAL_NAN};

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
    pub(super) fn careful_step(&mut self) -> Result<Step, Failed> {
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
    fn entry(&mut self) -> Result<Step, Failed> {
        loop {
            self.start = self.lexer.pos;
            let token = self.lexer.token();
            return match (token, self.parser.format) {
                (Token::Linebreak, TextFormat::Prometheus) => continue,
                (Token::Eof, TextFormat::Prometheus) => Ok(Step::End),
                (Token::Eof, TextFormat::OpenMetrics) => Err(self.unfinished()),
                (Token::EofWord, _) => match self.lexer.token() {
                    Token::Eof => Ok(Step::End),
                    _ => Err(self.fail(Problem::BehindEof)),
                },
                (Token::Help | Token::Type | Token::Unit, _) => self.metadata(token),
                (Token::Comment, TextFormat::Prometheus) => self.comment(),
                (Token::BraceOpen | Token::MetricName, _) => self.series(token),
                _ => Err(self.unexpected("expected a valid start token", token)),
            };
        }
    }

    fn metadata(&mut self, keyword: Token) -> Result<Step, Failed> {
        let token = self.lexer.token();
        if token != Token::MetricName {
            return Err(self.fail(Problem::NoMetadataName(keyword, token)));
        }
        let name = self.unquoted(self.lexer.span());
        self.parser.family_name_len = name.len();
        let token = self.lexer.token();
        if token != Token::Text {
            return Err(self.fail(Problem::NoText(keyword, token)));
        }
        let text = self.text_of(self.lexer.span());
        let step = self.metadata_step(keyword, name, text)?;
        self.parser.meta = Meta { name, text, is_plain: false };
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

    fn metadata_step(&mut self, keyword: Token, name: Span, text: Span) -> Result<Step, Failed> {
        let (name_bytes, bytes) = (self.parser.page.get(name), self.parser.page.get(text));
        match keyword {
            Token::Type => {
                let Some(metric_type) = self.parser.format.metric_type(bytes) else {
                    return Err(self.fail(Problem::MetricType(text)));
                };
                self.parser.metric_type = metric_type;
                Ok(Step::Type)
            }
            Token::Unit => {
                if !is_unit_suffix(name_bytes, bytes) {
                    return Err(self.fail(Problem::Unit { unit: text, name }));
                }
                self.check_utf8(text, "unit")?;
                self.parser.unit = text;
                Ok(Step::Unit)
            }
            _ => {
                if let Err(error) = str::from_utf8(bytes) {
                    return Err(self.fail(Problem::Help(text, error.valid_up_to())));
                }
                Ok(Step::Help)
            }
        }
    }

    fn comment(&mut self) -> Result<Step, Failed> {
        self.parser.meta.text = self.lexer.span();
        match self.lexer.token() {
            Token::Linebreak => Ok(Step::Comment),
            token => Err(self.unexpected("linebreak expected after comment", token)),
        }
    }

    fn series(&mut self, first: Token) -> Result<Step, Failed> {
        let mut labels = core::mem::take(&mut self.parser.line.labels);
        labels.clear();
        self.parser.line.label_marks = (0, 0);
        self.parser.line.exemplar_marks = (0, 0);
        let result = self.series_with(first, &mut labels);
        self.parser.line.labels = labels;
        result
    }

    fn series_with(&mut self, first: Token, labels: &mut Vec<RawLabel>) -> Result<Step, Failed> {
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
            return Err(self.fail(Problem::NoName));
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
    ) -> Result<(), Failed> {
        let mut token = self.lexer.token();
        loop {
            let written = self.lexer.span();
            let quoted = token == Token::Quoted;
            let escaped = quoted && self.lexer.escaped;
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
            labels.push(self.label_value(self.unquoted(written), escaped)?);
            token = self.after_label()?;
        }
    }

    fn take_metric_name(&mut self, written: Span, name: &mut Option<Span>) -> Result<(), Failed> {
        if name.is_some() {
            return Err(self.fail(Problem::TwoNames));
        }
        *name = Some(self.unquoted(written));
        Ok(())
    }

    fn label_value(&mut self, name: Span, escaped: bool) -> Result<RawLabel, Failed> {
        let token = self.lexer.token();
        if token != Token::LabelValue {
            return Err(self.unexpected("expected label value", token));
        }
        let quoted = self.lexer.span();
        self.check_utf8(quoted, "label value")?;
        self.check_utf8(name, "label name")?;
        let value = self.unquoted(quoted);
        Ok(RawLabel { name, value, escaped: escaped || self.lexer.escaped })
    }

    /// The token after a label and the comma that follows it.
    fn after_label(&mut self) -> Result<Token, Failed> {
        match self.lexer.token() {
            Token::Comma => Ok(self.lexer.token()),
            Token::BraceClose => Ok(Token::BraceClose),
            token if self.parser.format == TextFormat::Prometheus => Ok(token),
            token => Err(self.unexpected("expected comma or brace close", token)),
        }
    }

    /// The rest of a line of Prometheus text: the value and perhaps a timestamp.
    fn prometheus_end(&mut self, token: Token) -> Result<(), Failed> {
        self.parser.line.value = self.value(token, "metric", 0)?;
        self.parser.line.timestamp.clear();
        match self.lexer.token() {
            Token::Linebreak => Ok(()),
            Token::Timestamp => {
                let digits = self.lexer.span();
                match number::parse_millis(self.parser.page.get(digits)) {
                    Ok(millis) => self.parser.line.timestamp = Some(millis).into(),
                    Err(error) => {
                        return Err(self.fail(Problem::Number("ParseInt", digits, error)));
                    }
                }
                match self.lexer.token() {
                    Token::Linebreak => Ok(()),
                    token => Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            token => Err(self.unexpected("expected timestamp or new record", token)),
        }
    }

    /// The rest of a line of OpenMetrics: value, timestamp, exemplar.
    fn openmetrics_end(&mut self, token: Token) -> Result<(), Failed> {
        self.parser.line.value = self.value(token, "metric", 1)?;
        self.parser.line.timestamp.clear();
        match self.lexer.token() {
            Token::Eof => Err(self.unfinished()),
            Token::Comment => self.exemplar(),
            Token::Timestamp => {
                self.parser.line.timestamp = Some(self.seconds("invalid timestamp")?).into();
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

    fn exemplar(&mut self) -> Result<(), Failed> {
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
    fn value(&mut self, token: Token, after: &'static str, skip: usize) -> Result<f64, Failed> {
        if token != Token::Value {
            return Err(self.fail(Problem::NoValue(after, token)));
        }
        let value = self.float(skip)?;
        Ok(if value.is_nan() { f64::from_bits(NORMAL_NAN) } else { value })
    }

    fn float(&mut self, skip: usize) -> Result<f64, Failed> {
        let token = self.lexer.span();
        let span = Span::new(token.start + skip, token.end);
        let bytes = self.parser.page.bytes;
        let read = number::read_token(bytes, span.start, span.end);
        read.map_or_else(|| number::parse_value(self.parser.page.get(span)), Ok)
            .map_err(|error| self.fail(Problem::Number("ParseFloat", span, error)))
    }

    /// A timestamp in seconds, as milliseconds.
    fn seconds(&mut self, invalid: &'static str) -> Result<i64, Failed> {
        let seconds = self.float(1)?;
        if !seconds.is_finite() {
            return Err(self.fail(Problem::Infinite(invalid, seconds)));
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

    fn check_utf8(&mut self, span: Span, what: &'static str) -> Result<(), Failed> {
        if self.parser.page.is_text(span) {
            return Ok(());
        }
        match str::from_utf8(self.parser.page.get(span)) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fail(Problem::Encoding(what, span, error.valid_up_to()))),
        }
    }

    fn unexpected(&mut self, expected: &'static str, token: Token) -> Failed {
        self.fail(Problem::Unexpected(expected, token))
    }

    fn unfinished(&mut self) -> Failed {
        self.fail(Problem::Unfinished)
    }

    /// Notes what is wrong.
    fn fail(&mut self, problem: Problem) -> Failed {
        self.parser.failure = Failure { problem, start: self.start, token: self.lexer.span() };
        Failed
    }
}

/// Whether `name` ends with an underscore and `unit`, or the unit is empty.
fn is_unit_suffix(name: &[u8], unit: &[u8]) -> bool {
    unit.is_empty() || name.strip_suffix(unit).is_some_and(|rest| rest.ends_with(b"_"))
}

impl TextFormat {
    /// The type that a TYPE line's text, a piece of the page, names.
    #[inline]
    pub(super) fn metric_type_at(self, page: &[u8], text: Span) -> Option<MetricType> {
        // The usual ones are told by their first letter, without a branch for each.
        const USUAL: [(&[u8; 8], MetricType); 8] = [
            (b"counter\0", MetricType::Counter),
            (b"gauge\0\0\0", MetricType::Gauge),
            (b"\0\0\0\0\0\0\0\0", MetricType::Unknown),
            (b"\0\0\0\0\0\0\0\0", MetricType::Unknown),
            (b"summary\0", MetricType::Summary),
            (b"untyped\0", MetricType::Unknown),
            (b"\0\0\0\0\0\0\0\0", MetricType::Unknown),
            (b"\0\0\0\0\0\0\0\0", MetricType::Unknown),
        ];
        if let (Some(first), 1..=8) = (page.get(text.start..)?.first_chunk(), text.len()) {
            let written = u64::from_le_bytes(*first) & u64::MAX >> (64 - 8 * text.len());
            let (usual, metric_type) = USUAL.get(usize::from(first[0] >> 2 & 7))?;
            let is_known = self == Self::Prometheus || *metric_type != MetricType::Unknown;
            if written == u64::from_le_bytes(**usual) && is_known {
                return Some(*metric_type);
            }
        }
        self.metric_type(page.get(text.start..text.end)?)
    }

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
