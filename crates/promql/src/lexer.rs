//! From characters to tokens.
//!
//! The language has three ways of reading: expressions, the inside of braces, and the inside of
//! brackets up to the first number. Words and signs of the first two are recognized by generated
//! automata ([`word`]); numbers and strings have rules (and error texts) of their own ([`number`],
//! [`string`]). Tokens are produced on demand, so that an error in the text shows only once the
//! parser has come that far.

pub(crate) mod number;
pub(crate) mod string;
mod word;

use logos::Logos;

use crate::error::Error;
use crate::lexer::number::{ScanError, is_digit, scan_number_or_duration};
use crate::lexer::word::{InBraces, Outside};
use crate::span::Span;
use crate::text::QuotedChar;
use crate::token::{Kind, Token};

/// How the next token is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Inside `{}`: words are never keywords.
    Braces,
    /// Inside `[]` where a duration begins.
    Duration,
    /// Everywhere else.
    Expression,
}

/// A reader of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'s> {
    source: &'s str,
    /// Invariant: at a character boundary, at most `source.len()`.
    at: usize,
    mode: Mode,
    paren_depth: u32,
    /// `paren_depth` where the last brackets were opened.
    depth_outside: u32,
    bracket_open: bool,
    got_colon: bool,
    /// Whether a number was read at the start of some brackets. Upstream never forgets that, so
    /// that `a[step():1m]` is refused, but accepted after a `b[5m]`.
    got_duration: bool,
    /// Where the last token stands.
    pub(crate) found: Span,
    /// Why the last token could not be read.
    failure: Option<Error>,
    /// Whether errors are only passed over, so that their places need not be counted.
    pub(crate) passing_over: bool,
}

#[cfg(test)]
thread_local! {
    /// How many tokens were read in this thread: what parsing takes, told without a clock.
    pub(crate) static TOKENS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl<'s> Lexer<'s> {
    /// A lexer of a text that is shorter than 4 GiB.
    pub(crate) fn new(source: &'s str) -> Self {
        Self {
            source,
            at: 0,
            mode: Mode::Expression,
            paren_depth: 0,
            depth_outside: 0,
            bracket_open: false,
            got_colon: false,
            got_duration: false,
            found: Span::default(),
            failure: None,
            passing_over: false,
        }
    }

    /// The next token; [`Kind::Eof`] at the end and ever after.
    pub(crate) fn token(&mut self) -> Result<Token, Error> {
        match self.advance() {
            Kind::Failed => Err(self.take_failure()),
            kind => Ok(Token { kind, span: self.found }),
        }
    }

    /// What the next token is, whose place is in [`found`](Self::found) then.
    ///
    /// A kind fits a register and its place is written and read in the same halves, while a token in a
    /// `Result` would go through memory and make each reader wait for it.
    #[inline(never)]
    pub(crate) fn advance(&mut self) -> Kind {
        #[cfg(test)]
        TOKENS.set(TOKENS.get() + 1);
        match self.mode {
            Mode::Expression => self.expression(),
            Mode::Braces => self.braces(),
            Mode::Duration => self.duration(),
        }
    }

    /// Why the last token is [`Kind::Failed`].
    #[cold]
    pub(crate) fn take_failure(&mut self) -> Error {
        let failure = self.failure.take();
        failure.unwrap_or_else(|| self.error(self.at, "unreadable text"))
    }

    /// The byte after the last token.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// A lexer of what follows `at`, which is inside of braces.
    pub(crate) fn inside_braces(source: &'s str, at: usize) -> Self {
        Self { at, mode: Mode::Braces, ..Self::new(source) }
    }

    /// Whether what comes next is read as conditions.
    pub(crate) fn in_braces(&self) -> bool {
        self.mode == Mode::Braces
    }

    /// Goes on after the error that stands at `error`, and tells whether that left brackets or braces.
    ///
    /// The next call of [`token`](Self::token) begins after `error`, unless brackets are left.
    pub(crate) fn resume(&mut self, error: usize) -> bool {
        if self.bracket_open {
            self.leave_brackets();
            return true;
        }
        let rest = self.source.get(error..).unwrap_or_default();
        let Some(first) = rest.chars().next() else {
            self.at = self.source.len();
            self.paren_depth = 0;
            return std::mem::replace(&mut self.mode, Mode::Expression) == Mode::Braces;
        };
        match first {
            // What the text of a string without an end says is not known.
            '"' | '\'' => self.at = error + rest.find('\n').unwrap_or(rest.len()),
            '`' => self.at = self.source.len(),
            ')' | '[' | ']' if self.mode == Mode::Braces => {
                self.at = error;
                self.mode = Mode::Expression;
                return true;
            }
            '0'..='9' | '.' => {
                let word = |c: char| c == '.' || c == '_' || c.is_ascii_alphanumeric();
                self.at = error + rest.find(|c| !word(c)).unwrap_or(rest.len());
            }
            _ => self.at = self.at.max(error + first.len_utf8()),
        }
        false
    }

    /// Goes on behind the brackets that are open; where they have no end, at once.
    ///
    /// Tells whether it moved. All calls together look at each byte once.
    pub(crate) fn leave_brackets(&mut self) -> bool {
        self.mode = Mode::Expression;
        if !std::mem::take(&mut self.bracket_open) {
            return false;
        }
        let rest = &self.source.as_bytes()[self.at..];
        let Some(len) = rest.iter().position(|b| matches!(b, b'[' | b']')) else { return false };
        let closed = rest[len] == b']';
        if closed {
            self.at += len + 1;
            self.paren_depth = self.depth_outside;
        }
        closed
    }

    #[inline]
    fn expression(&mut self) -> Kind {
        match self.common() {
            Some(kind) => kind,
            None => self.uncommon(),
        }
    }

    /// The next token, whatever it is.
    #[inline(never)]
    fn uncommon(&mut self) -> Kind {
        let mut words = Outside::lexer(&self.source[self.at..]);
        let word = words.next();
        let found = words.span();
        let start = self.at + found.start;
        if self.bracket_open && word.is_some() && self.starts_word(start) {
            return self.word_in_brackets(start);
        }
        self.at += found.end;
        let Some(word) = word else { return self.end_of_expression() };
        let Ok(word) = word else { return self.bad_character(start) };
        let kind = match word {
            Outside::Kind(kind) => kind,
            Outside::Word => self.word(words.slice()),
            Outside::Quote => return self.string(start),
            Outside::Digit => return self.number(start),
            Outside::LeftBrace => {
                self.mode = Mode::Braces;
                Kind::LeftBrace
            }
            Outside::LeftBracket => return self.open_bracket(start),
            Outside::LeftParen => {
                self.paren_depth += 1;
                Kind::LeftParen
            }
            Outside::RightBracket if self.bracket_open => {
                self.bracket_open = false;
                Kind::RightBracket
            }
            Outside::RightBracket => {
                return self.fail(start, "unexpected right bracket ']'");
            }
            Outside::RightParen => return self.close_paren(start),
            Outside::WrongRegex => {
                return self.fail(start, "unexpected character after '=': '~'");
            }
        };
        self.finish(kind, start)
    }

    /// The next token if it is one of the most common, which need no automaton: a word, a number, a
    /// comma or what opens or closes something, after at most spaces and outside of brackets.
    #[inline]
    fn common(&mut self) -> Option<Kind> {
        if self.bracket_open {
            return None;
        }
        let mut start = self.at;
        let mut first = *self.source.as_bytes().get(start)?;
        while first == b' ' {
            start += 1;
            first = *self.source.as_bytes().get(start)?;
        }
        let kind = match first {
            b'(' => {
                self.paren_depth += 1;
                self.at = start + 1;
                Kind::LeftParen
            }
            b')' => {
                self.at = start + 1;
                return Some(self.close_paren(start));
            }
            b',' => {
                self.at = start + 1;
                Kind::Comma
            }
            b'0'..=b'9' => return Some(self.number(start)),
            b'[' => {
                self.at = start + 1;
                return Some(self.open_bracket(start));
            }
            b'{' => {
                self.at = start + 1;
                self.mode = Mode::Braces;
                Kind::LeftBrace
            }
            _ if is_alpha(first) => {
                let bytes = self.source.as_bytes();
                let mut end = start + 1;
                while let Some(byte) = bytes.get(end)
                    && IN_WORD[usize::from(*byte)]
                {
                    end += 1;
                }
                if bytes.get(end) == Some(&b':') {
                    return None;
                }
                self.at = end;
                self.word(self.source.get(start..end)?)
            }
            _ => return None,
        };
        Some(self.finish(kind, start))
    }

    /// What a word is that ends at the place of reading.
    #[inline]
    fn word(&self, word: &str) -> Kind {
        match word::keyword(word) {
            kind @ (Kind::Fill | Kind::FillLeft | Kind::FillRight) => self.fill(kind),
            kind => kind,
        }
    }

    #[cold]
    fn bad_character(&mut self, start: usize) -> Kind {
        let mut chars = self.source[start..].chars();
        let first = chars.next();
        match first {
            Some('!') => {
                let next = QuotedChar(chars.next());
                self.fail(start, &format!("unexpected character after '!': {next}"))
            }
            _ => self.fail(start, &format!("unexpected character: {}", QuotedChar(first))),
        }
    }

    fn end_of_expression(&mut self) -> Kind {
        let start = self.source.len();
        self.at = start;
        if self.paren_depth != 0 {
            return self.fail(start, "unclosed left parenthesis");
        }
        if self.bracket_open {
            return self.fail(start, "unclosed left bracket");
        }
        self.finish(Kind::Eof, start)
    }

    /// `fill` and the like are keywords only before a parenthesis, since metrics may be called so.
    fn fill(&self, kind: Kind) -> Kind {
        let rest = self.source[self.at..].trim_start_matches([' ', '\t', '\n', '\r']);
        if rest.starts_with('(') { kind } else { Kind::Identifier }
    }

    fn open_bracket(&mut self, start: usize) -> Kind {
        if self.bracket_open {
            return self.fail(start, "unexpected left bracket '['");
        }
        self.bracket_open = true;
        self.depth_outside = self.paren_depth;
        self.got_colon = false;
        self.mode = Mode::Duration;
        self.finish(Kind::LeftBracket, start)
    }

    fn close_paren(&mut self, start: usize) -> Kind {
        match self.paren_depth.checked_sub(1) {
            Some(depth) => self.paren_depth = depth,
            // The parenthesis is read already: the error stands after it.
            None => return self.fail(self.at, "unexpected right parenthesis ')'"),
        }
        self.finish(Kind::RightParen, start)
    }

    fn starts_word(&self, at: usize) -> bool {
        self.source.as_bytes().get(at).is_some_and(|&b| is_alpha(b) || b == b':')
    }

    /// A colon or a word of durations, after a number inside of brackets.
    fn word_in_brackets(&mut self, start: usize) -> Kind {
        self.at = start;
        if self.source.as_bytes()[start] == b':' {
            if self.got_colon {
                return self.fail(start, "unexpected colon ':'");
            }
            self.got_colon = true;
            self.at += 1;
            return self.finish(Kind::Colon, start);
        }
        if let Some(kind) = self.duration_word() {
            return self.finish(kind, start);
        }
        let c = QuotedChar(self.source[start..].chars().next());
        self.fail(start, &format!("unexpected character: {c}, expected ':'"))
    }

    /// `step`, `range`, `max_of` or `min_of` at the place of reading, which is then after it.
    fn duration_word(&mut self) -> Option<Kind> {
        let rest = &self.source[self.at..];
        let len = rest.bytes().take_while(|&b| is_alpha(b) || is_digit(b)).count();
        let kind = match &rest[..len] {
            word if word.eq_ignore_ascii_case("step") => Kind::Step,
            word if word.eq_ignore_ascii_case("range") => Kind::Range,
            word if word.eq_ignore_ascii_case("max_of") => Kind::MaxOf,
            word if word.eq_ignore_ascii_case("min_of") => Kind::MinOf,
            _ => return None,
        };
        self.at += len;
        Some(kind)
    }

    fn duration(&mut self) -> Kind {
        let rest = &self.source[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        let start = self.at;
        let Some(&first) = self.source.as_bytes().get(start) else {
            return self.fail(start, "unexpected end of input in duration expression");
        };
        let next = self.source.as_bytes().get(start + 1).copied();
        if is_digit(first) || (first == b'.' && next.is_some_and(is_digit)) {
            self.mode = Mode::Expression;
            self.got_duration = true;
            return self.number(start);
        }
        if let Some(kind) = self.duration_word() {
            return self.finish(kind, start);
        }
        let Some(kind) = sign_of_duration(first) else {
            let c = QuotedChar(self.source[start..].chars().next());
            let message = format!("unexpected character in duration expression: {c}");
            return self.fail(start, &message);
        };
        self.at += 1;
        match kind {
            Kind::RightBracket => {
                self.bracket_open = false;
                self.mode = Mode::Expression;
            }
            Kind::LeftParen => self.paren_depth += 1,
            Kind::RightParen => return self.close_paren(start),
            Kind::Colon => return self.colon_in_duration(start),
            _ => {}
        }
        self.finish(kind, start)
    }

    fn colon_in_duration(&mut self, start: usize) -> Kind {
        let message = match (self.got_duration, self.got_colon) {
            (false, _) => "unexpected colon before duration in duration expression",
            (true, true) => "unexpected repeated colon in duration expression",
            (true, false) => {
                self.got_colon = true;
                return self.finish(Kind::Colon, start);
            }
        };
        self.fail(self.at, message)
    }

    fn braces(&mut self) -> Kind {
        let mut words = InBraces::lexer(&self.source[self.at..]);
        let word = words.next();
        let start = self.at + words.span().start;
        let end = self.at + words.span().end;
        self.at = end;
        let Some(word) = word else {
            let end = self.source.len();
            return self.fail(end, "unexpected end of input inside braces");
        };
        let Ok(word) = word else { return self.bad_character_in_braces(start) };
        match word {
            InBraces::Kind(Kind::RightBrace) => {
                self.mode = Mode::Expression;
                self.finish(Kind::RightBrace, start)
            }
            InBraces::Kind(kind) => self.finish(kind, start),
            InBraces::Quote => self.string(start),
        }
    }

    #[cold]
    fn bad_character_in_braces(&mut self, start: usize) -> Kind {
        let mut chars = self.source[start..].chars();
        let first = chars.next();
        let c = QuotedChar(first);
        self.fail(
            start,
            &match first {
                Some('!') => {
                    let next = QuotedChar(chars.next());
                    format!("unexpected character after '!' inside braces: {next}")
                }
                Some('{') => format!("unexpected left brace {c}"),
                _ => format!("unexpected character inside braces: {c}"),
            },
        )
    }

    /// A string whose quote is at `start`.
    fn string(&mut self, start: usize) -> Kind {
        match string::scan(&self.source[start..]) {
            Ok(len) => {
                self.at = start + len;
                self.finish(Kind::String, start)
            }
            Err(message) => self.fail(start, &message),
        }
    }

    /// A number or duration whose first character is at `start`.
    fn number(&mut self, start: usize) -> Kind {
        match scan_number_or_duration(&self.source.as_bytes()[start..]) {
            Ok((len, kind)) => {
                self.at = start + len;
                self.finish(kind, start)
            }
            Err(ScanError(len)) => {
                let seen = crate::text::Quoted(&self.source[start..start + len]);
                self.fail(start, &format!("bad number or duration syntax: {seen}"))
            }
        }
    }

    /// The token from `start` to the place of reading.
    fn finish(&mut self, kind: Kind, start: usize) -> Kind {
        self.found = span(start, self.at);
        kind
    }

    #[cold]
    fn fail(&mut self, start: usize, message: &str) -> Kind {
        self.failure = Some(self.error(start, message));
        Kind::Failed
    }

    /// An error from `start` to the end of the text.
    #[cold]
    fn error(&self, start: usize, message: &str) -> Error {
        let text = if self.passing_over { "" } else { self.source };
        Error::parse(text, span(start, self.source.len()), message)
    }
}

/// The token of a sign that may stand in a duration.
fn sign_of_duration(byte: u8) -> Option<Kind> {
    use crate::ast::BinaryOp::{Add, Div, Mod, Mul, Pow, Sub};
    Some(match byte {
        b'(' => Kind::LeftParen,
        b')' => Kind::RightParen,
        b'%' => Kind::Operator(Mod),
        b'*' => Kind::Operator(Mul),
        b'+' => Kind::Operator(Add),
        b',' => Kind::Comma,
        b'-' => Kind::Operator(Sub),
        b'/' => Kind::Operator(Div),
        b':' => Kind::Colon,
        b']' => Kind::RightBracket,
        b'^' => Kind::Operator(Pow),
        _ => return None,
    })
}

/// What the word at the start of `text` is, and how long.
pub(crate) fn word_at(text: &str) -> (Kind, usize) {
    let mut words = Outside::lexer(text);
    match words.next() {
        Some(Ok(Outside::Kind(kind))) => (kind, words.span().end),
        Some(Ok(Outside::Word)) => (word::keyword(words.slice()), words.span().end),
        _ => (Kind::Identifier, words.span().end),
    }
}

/// A span of places in a text that is shorter than 4 GiB.
pub(crate) fn span(start: usize, end: usize) -> Span {
    let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(place(start), place(end))
}

/// The bytes that a word may hold.
static IN_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte == b'_' || byte.is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// Whether a word may begin with it.
pub(crate) fn is_alpha(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}
