//! The careful lexer: both formats' tokens, state by state, exactly as Prometheus cuts them.
//!
//! It serves the lines that the fast path does not take: unusual ones and wrong ones. What matters
//! here is where a token that does not match stops, since error texts quote the input up to there.
//! Prometheus text is lexed as if a line feed followed the page.
#![deny(clippy::indexing_slicing)]

use super::fast::{LABEL, LABEL_START, METRIC, METRIC_START, is, pass};
use super::value::{repeat, zeros};
use super::{Span, work};
use crate::TextFormat;

/// What the lexer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Invalid,
    Eof,
    Linebreak,
    Help,
    Type,
    Unit,
    EofWord,
    Text,
    Comment,
    MetricName,
    Quoted,
    BraceOpen,
    BraceClose,
    LabelName,
    LabelValue,
    Comma,
    Equal,
    Timestamp,
    Value,
}

impl Token {
    /// The token's name in error texts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Eof => "EOF",
            Self::Linebreak => "LINEBREAK",
            Self::Help => "HELP",
            Self::Type => "TYPE",
            Self::Unit => "UNIT",
            Self::EofWord => "EOFWORD",
            Self::Text => "TEXT",
            Self::Comment => "COMMENT",
            Self::MetricName => "MNAME",
            Self::Quoted => "QSTRING",
            Self::BraceOpen => "BOPEN",
            Self::BraceClose => "BCLOSE",
            Self::LabelName => "LNAME",
            Self::LabelValue => "LVALUE",
            Self::Comma => "COMMA",
            Self::Equal => "EQUAL",
            Self::Timestamp => "TIMESTAMP",
            Self::Value => "VALUE",
        }
    }
}

/// What may come next; it outlives a line, since a line may end in the midst of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Init,
    /// After `# `.
    Comment,
    /// Before a metadata line's name.
    MetaName,
    /// Before its text.
    MetaText,
    Labels,
    LabelValue,
    Value,
    Timestamp,
    Exemplar,
    /// Before an exemplar's label value or its value.
    ExemplarValue,
    ExemplarTimestamp,
}

/// The lexer; bytes beyond the end read as NUL.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    format: TextFormat,
    /// The byte that comes next. May pass the end by some.
    pub(super) pos: usize,
    /// Where the current token begins.
    pub(super) start: usize,
    pub(super) state: State,
    /// Whether there is a backslash in the last string.
    pub(super) escaped: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], format: TextFormat, pos: usize, state: State) -> Self {
        Self { bytes, format, pos, start: pos, state, escaped: false }
    }

    /// How many bytes there are, with the line feed that is thought to follow.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + usize::from(self.format == TextFormat::Prometheus)
    }

    /// The current token's place.
    pub(super) fn span(&self) -> Span {
        Span::new(self.start, self.pos)
    }

    #[inline]
    fn current(&self) -> u8 {
        match self.bytes.get(self.pos) {
            Some(&byte) => byte,
            None if self.pos < self.len() => b'\n',
            None => 0,
        }
    }

    /// Goes on to the next byte and gives it. NUL bytes are skipped where texts may hold them.
    #[inline]
    fn bump(&mut self) -> u8 {
        self.pos += 1;
        work::add(1);
        if self.bytes.get(self.pos) == Some(&0) {
            self.skip_nul();
        }
        self.current()
    }

    #[cold]
    fn skip_nul(&mut self) {
        if matches!(self.state, State::Comment | State::MetaText | State::LabelValue) {
            let rest = self.bytes.get(self.pos..).unwrap_or_default();
            let count = rest.iter().position(|&byte| byte != 0).unwrap_or(rest.len());
            work::add(count);
            self.pos += count;
        }
    }

    /// Goes on to the byte before the next one that is not plain, if the current one is; `find` tells
    /// where that is behind it.
    fn pass_plain(&mut self, find: impl FnOnce(&[u8]) -> Option<usize>) {
        let Some(rest) = self.bytes.get(self.pos + 1..) else { return };
        if matches!(self.bytes.get(self.pos), Some(0 | b'\n')) {
            return;
        }
        let plain = find(rest).unwrap_or(rest.len());
        work::add(plain);
        self.pos += plain;
    }

    /// The next token; blanks between tokens are skipped in the Prometheus format alone.
    pub(super) fn token(&mut self) -> Token {
        loop {
            if self.len() <= self.pos {
                return Token::Eof;
            }
            self.start = self.pos;
            let found = match self.format {
                TextFormat::Prometheus => self.prometheus_token(),
                TextFormat::OpenMetrics => Some(self.openmetrics_token()),
            };
            if let Some(token) = found {
                return token;
            }
        }
    }

    /// A token of the Prometheus format, or nothing for blanks.
    fn prometheus_token(&mut self) -> Option<Token> {
        let first = self.current();
        if matches!(first, b' ' | b'\t') {
            return self.blanks();
        }
        Some(match (self.state, first) {
            (State::Init, 0) => {
                self.bump();
                Token::Eof
            }
            (State::Init, b'\n') => self.one(State::Init, Token::Linebreak),
            (State::Init, b'#') => self.prometheus_hash(),
            (State::Init, b'{') => self.one(State::Labels, Token::BraceOpen),
            (State::Init, _) => self.metric_name(State::Value),
            (State::Comment, _) => self.rest_of_comment(),
            (State::MetaName, b'"') => self.quoted(true, State::MetaText, Token::MetricName),
            (State::MetaName, _) => self.metric_name(State::MetaText),
            (State::MetaText, _) => self.text_to_line_end(),
            (State::LabelValue, b'"') => self.quoted(true, State::Labels, Token::LabelValue),
            (State::Labels, _) => self.label_token(true),
            (State::Value, b'{') => self.one(State::Labels, Token::BraceOpen),
            (State::Value, _) => self.until(
                |byte| matches!(byte, 0 | b'\t' | b'\n' | b' ' | b'{'),
                State::Timestamp,
                Token::Value,
            ),
            (State::Timestamp, b'\n') => self.one(State::Init, Token::Linebreak),
            (State::Timestamp, b'0'..=b'9') => {
                self.until(|byte| !byte.is_ascii_digit(), State::Timestamp, Token::Timestamp)
            }
            _ => Token::Invalid,
        })
    }

    /// Blanks; before a metadata line's text they are part of it, unless they are all of it.
    fn blanks(&mut self) -> Option<Token> {
        while matches!(self.bump(), b' ' | b'\t') {}
        let text = self.state == State::MetaText && !matches!(self.current(), 0 | b'\n');
        text.then(|| self.text_to_line_end())
    }

    fn text_to_line_end(&mut self) -> Token {
        let mut byte = self.current();
        while !matches!(byte, 0 | b'\n') {
            self.pass_plain(|rest| memchr::memchr2(b'\n', 0, rest));
            byte = self.bump();
        }
        self.state = State::Init;
        Token::Text
    }

    /// A line that begins with `#`.
    fn prometheus_hash(&mut self) -> Token {
        if !matches!(self.bump(), b' ' | b'\t') {
            return self.rest_of_comment();
        }
        while matches!(self.bump(), b' ' | b'\t') {}
        self.state = State::Comment;
        let (word, token): (&[u8], _) = match self.current() {
            b'H' => (b"HELP", Token::Help),
            b'T' => (b"TYPE", Token::Type),
            _ => return self.rest_of_comment(),
        };
        if !self.word(word) || !matches!(self.current(), b' ' | b'\t') {
            return self.rest_of_comment();
        }
        while matches!(self.bump(), b' ' | b'\t') {}
        self.state = State::MetaName;
        token
    }

    /// Passes `word`, or as much of it as is there.
    fn word(&mut self, word: &[u8]) -> bool {
        let mut byte = self.current();
        for &expected in word {
            if byte != expected {
                return false;
            }
            byte = self.bump();
        }
        true
    }

    fn rest_of_comment(&mut self) -> Token {
        loop {
            self.pass_plain(|rest| memchr::memchr2(b'\n', 0, rest));
            match self.current() {
                0 => return Token::Eof,
                b'\n' => {
                    self.state = State::Init;
                    return Token::Comment;
                }
                _ => self.bump(),
            };
        }
    }

    fn openmetrics_token(&mut self) -> Token {
        match (self.state, self.current()) {
            (State::Init, b'#') => self.openmetrics_hash(),
            (State::Init, b'{') => self.one(State::Labels, Token::BraceOpen),
            (State::Init, _) => self.metric_name(State::Value),
            (State::Comment, _) => self.openmetrics_word(),
            (State::MetaName, b'"') => self.quoted(true, State::MetaText, Token::MetricName),
            (State::MetaName, _) => self.metric_name(State::MetaText),
            (State::MetaText, b' ') => {
                while !matches!(self.bump(), 0 | b'\n') {}
                if self.current() == 0 {
                    Token::Invalid
                } else {
                    self.one(State::Init, Token::Text)
                }
            }
            (State::LabelValue, b'"') => self.quoted(false, State::Labels, Token::LabelValue),
            (State::Labels, _) => self.label_token(true),
            (State::Value, b'{') => self.one(State::Labels, Token::BraceOpen),
            (State::Value, b' ') => self.spaced(State::Timestamp, Token::Value),
            (State::Timestamp, b' ') => self.openmetrics_timestamp(),
            (State::Timestamp | State::ExemplarTimestamp, b'\n') => {
                self.one(State::Init, Token::Linebreak)
            }
            (State::Exemplar, _) => self.label_token(false),
            (State::ExemplarValue, b'"') => self.quoted(false, State::Exemplar, Token::LabelValue),
            (State::ExemplarValue, b' ') => self.spaced(State::ExemplarTimestamp, Token::Value),
            (State::ExemplarTimestamp, b' ') => {
                self.spaced(State::ExemplarTimestamp, Token::Timestamp)
            }
            _ => Token::Invalid,
        }
    }

    fn openmetrics_hash(&mut self) -> Token {
        if self.bump() != b' ' {
            return Token::Invalid;
        }
        self.bump();
        self.state = State::Comment;
        self.openmetrics_word()
    }

    /// The word after `# `.
    fn openmetrics_word(&mut self) -> Token {
        let (word, token): (&[u8], _) = match self.current() {
            b'E' => (b"EOF", Token::EofWord),
            b'H' => (b"HELP ", Token::Help),
            b'T' => (b"TYPE ", Token::Type),
            b'U' => (b"UNIT ", Token::Unit),
            _ => return Token::Invalid,
        };
        if !self.word(word) {
            return Token::Invalid;
        }
        self.state = State::MetaName;
        if token == Token::EofWord {
            if self.current() == b'\n' {
                self.bump();
            }
            self.state = State::Init;
        }
        token
    }

    /// A timestamp, or the beginning of an exemplar: ` # {`.
    fn openmetrics_timestamp(&mut self) -> Token {
        if self.bump() != b'#' {
            return self.spaced_rest(State::Timestamp, Token::Timestamp);
        }
        if self.bump() != b' ' {
            while !matches!(self.current(), 0 | b'\n' | b' ') {
                self.bump();
            }
            return Token::Timestamp;
        }
        if self.bump() != b'{' {
            return Token::Invalid;
        }
        self.one(State::Exemplar, Token::Comment)
    }

    /// A space and at least one byte that is none.
    fn spaced(&mut self, next: State, token: Token) -> Token {
        self.bump();
        self.spaced_rest(next, token)
    }

    fn spaced_rest(&mut self, next: State, token: Token) -> Token {
        self.until(|byte| matches!(byte, 0 | b'\n' | b' '), next, token)
    }

    /// A token between braces.
    fn label_token(&mut self, sample: bool) -> Token {
        let (inside, value, after) = if sample {
            (State::Labels, State::LabelValue, State::Value)
        } else {
            (State::Exemplar, State::ExemplarValue, State::ExemplarValue)
        };
        match self.current() {
            b'"' => self.quoted(sample, inside, Token::Quoted),
            b',' => self.one(inside, Token::Comma),
            b'=' => self.one(value, Token::Equal),
            b'}' => self.one(after, Token::BraceClose),
            _ => self.name((LABEL_START, LABEL), inside, Token::LabelName),
        }
    }

    /// The token of the current byte.
    fn one(&mut self, next: State, token: Token) -> Token {
        self.bump();
        self.state = next;
        token
    }

    /// The bytes up to one for which `stop` holds, as the end of the page does; at least one.
    #[inline]
    fn until(&mut self, stop: impl Fn(u8) -> bool, next: State, token: Token) -> Token {
        let Some((first, rest)) = self.bytes.get(self.pos..).and_then(<[u8]>::split_first) else {
            return Token::Invalid;
        };
        if stop(*first) {
            return Token::Invalid;
        }
        let len = rest.iter().position(|&byte| stop(byte)).unwrap_or(rest.len());
        work::add(1 + len);
        self.pos += 1 + len;
        self.state = next;
        token
    }

    #[inline]
    fn metric_name(&mut self, next: State) -> Token {
        self.name((METRIC_START, METRIC), next, Token::MetricName)
    }

    #[inline]
    fn name(&mut self, (start, inside): (u8, u8), next: State, token: Token) -> Token {
        if !is(self.bytes, self.pos, start) {
            return Token::Invalid;
        }
        self.pos = pass(self.bytes, self.pos + 1, inside);
        self.state = next;
        token
    }

    /// A string in double quotes, in which a backslash frees the byte after it.
    fn quoted(&mut self, line_feeds: bool, next: State, token: Token) -> Token {
        self.escaped = false;
        loop {
            self.pass_plain(|rest| string_special(rest, line_feeds));
            match self.bump() {
                b'"' => return self.one(next, token),
                b'\\' => {
                    self.escaped = true;
                    if matches!(self.bump(), 0 | b'\n') {
                        return Token::Invalid;
                    }
                }
                b'\n' if !line_feeds => return Token::Invalid,
                0 => return Token::Invalid,
                _ => {}
            }
        }
    }
}

/// The first quote, backslash or NUL, or line feed unless those are passed.
#[inline]
fn string_special(rest: &[u8], line_feeds: bool) -> Option<usize> {
    const NEAR: usize = 32;
    let last = if line_feeds { 0 } else { b'\n' };
    let near = rest.get(..NEAR).unwrap_or_default();
    for (word, at) in near.as_chunks().0.iter().zip(0..) {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ repeat(b'"')) | zeros(word ^ repeat(b'\\'));
        let found = found | zeros(word ^ repeat(last)) | zeros(word);
        if found != 0 {
            return Some(8 * at + (found.trailing_zeros() / 8) as usize);
        }
    }
    far_special(rest, last)
}

#[inline(never)]
fn far_special(rest: &[u8], last: u8) -> Option<usize> {
    let found = memchr::memchr3(b'"', b'\\', last, rest);
    if last == 0 {
        return found;
    }
    let before = found.and_then(|found| rest.get(..found)).unwrap_or(rest);
    memchr::memchr(0, before).or(found)
}

pub(super) fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}
