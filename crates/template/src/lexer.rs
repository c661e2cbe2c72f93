//! Splits a template's text into items, as Go's `text/template/parse` does.
//!
//! Trimming of spaces happens here; the parser never sees it. The lexer knows no function and no
//! variable.

use crate::unicode::is_alphanumeric;

/// What an [`Item`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    /// Whether it is a keyword (the dot counts as one).
    pub(crate) fn is_keyword(self) -> bool {
        KEYWORDS.iter().any(|(_, kind)| *kind == self)
    }
}

const KEYWORDS: [(&str, Kind); 12] = [
    (".", Kind::Dot),
    ("block", Kind::Block),
    ("break", Kind::Break),
    ("continue", Kind::Continue),
    ("define", Kind::Define),
    ("else", Kind::Else),
    ("end", Kind::End),
    ("if", Kind::If),
    ("range", Kind::Range),
    ("nil", Kind::Nil),
    ("template", Kind::Template),
    ("with", Kind::With),
];

/// A piece of the text, or an error.
#[derive(Clone, Debug)]
pub(crate) struct Item<'t> {
    pub(crate) kind: Kind,
    /// The byte where it starts.
    pub(crate) pos: usize,
    /// Its text; empty for an error.
    pub(crate) text: &'t str,
    /// The line where it starts, from 1.
    pub(crate) line: usize,
    /// What is wrong, for an error.
    pub(crate) error: String,
}

impl Item<'_> {
    pub(crate) fn placeholder() -> Self {
        Self { kind: Kind::Eof, pos: 0, text: "", line: 0, error: String::new() }
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

/// Reads items from a text.
pub(crate) struct Lexer<'t> {
    input: &'t str,
    pos: usize,
    start: usize,
    line: usize,
    start_line: usize,
    parens: usize,
    inside: bool,
    failed: bool,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(input: &'t str) -> Self {
        Self {
            input,
            pos: 0,
            start: 0,
            line: 1,
            start_line: 1,
            parens: 0,
            inside: false,
            failed: false,
        }
    }

    /// The next item; after the end or an error, `Eof` for ever.
    pub(crate) fn next_item(&mut self) -> Item<'t> {
        if self.failed {
            return self.item_at(Kind::Eof, self.pos, "");
        }
        if self.inside { self.inside_action() } else { self.text() }
    }

    fn item_at(&self, kind: Kind, pos: usize, text: &'t str) -> Item<'t> {
        Item { kind, pos, text, line: self.start_line, error: String::new() }
    }

    fn rest(&self) -> &'t str {
        &self.input[self.pos..]
    }

    /// The next character, consumed.
    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn emit(&mut self, kind: Kind) -> Item<'t> {
        let item = self.item_at(kind, self.start, &self.input[self.start..self.pos]);
        self.start = self.pos;
        self.start_line = self.line;
        item
    }

    /// Drops what was passed over without `bump`.
    fn ignore(&mut self) {
        self.line += newlines(&self.input[self.start..self.pos]);
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn fail(&mut self, error: impl Into<String>) -> Item<'t> {
        self.failed = true;
        let mut item = self.item_at(Kind::Error, self.start, "");
        item.error = error.into();
        item
    }

    fn bad_character(&mut self) -> Item<'t> {
        let found = self.peek().unwrap_or('\u{fffd}');
        self.fail(format!("bad character {}", code_point(found)))
    }

    /// Text up to a delimiter, with trailing spaces trimmed where the delimiter says so.
    fn text(&mut self) -> Item<'t> {
        loop {
            let Some(at) = self.rest().find(LEFT) else { return self.last_text() };
            let delim = self.pos + at;
            let before = &self.input[self.pos..delim];
            let kept = match has_left_trim(&self.input[delim + LEFT.len()..]) {
                true => before.trim_end_matches(is_space),
                false => before,
            };
            self.pos += kept.len();
            self.line += newlines(kept);
            let item = self.emit(Kind::Text);
            self.pos = delim;
            self.ignore();
            if !item.text.is_empty() {
                return item;
            }
            if let Some(item) = self.left_delim() {
                return item;
            }
        }
    }

    fn last_text(&mut self) -> Item<'t> {
        let text = self.rest();
        self.pos = self.input.len();
        self.line += newlines(text);
        if self.pos > self.start {
            return self.emit(Kind::Text);
        }
        self.item_at(Kind::Eof, self.pos, "")
    }

    /// The delimiter or, for a comment, nothing.
    fn left_delim(&mut self) -> Option<Item<'t>> {
        self.pos += LEFT.len();
        let marker = if has_left_trim(self.rest()) { 2 } else { 0 };
        if self.input[self.pos + marker..].starts_with("/*") {
            self.pos += marker;
            self.ignore();
            return self.comment().err();
        }
        let item = self.emit(Kind::LeftDelim);
        self.inside = true;
        self.pos += marker;
        self.ignore();
        self.parens = 0;
        Some(item)
    }

    /// Passes over a comment.
    fn comment(&mut self) -> Result<(), Item<'t>> {
        let Some(end) = self.rest()[2..].find("*/") else {
            return Err(self.fail("unclosed comment"));
        };
        self.pos += 2 + end + 2;
        let Some(trims) = self.at_right_delim() else {
            return Err(self.fail("comment ends before closing delimiter"));
        };
        self.pos += RIGHT.len() + if trims { 2 } else { 0 };
        if trims {
            self.skip_spaces();
        }
        self.ignore();
        Ok(())
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_matches(is_space).len();
    }

    /// Whether the lexer is at a right delimiter, and if so whether that trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest[2..].starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn right_delim(&mut self) -> Item<'t> {
        let trims = self.at_right_delim() == Some(true);
        if trims {
            self.pos += 2;
            self.ignore();
        }
        self.pos += RIGHT.len();
        let item = self.emit(Kind::RightDelim);
        if trims {
            self.skip_spaces();
            self.ignore();
        }
        self.inside = false;
        item
    }

    fn inside_action(&mut self) -> Item<'t> {
        if self.at_right_delim().is_some() {
            if self.parens == 0 {
                return self.right_delim();
            }
            return self.fail("unclosed left paren");
        }
        let Some(c) = self.peek() else { return self.fail("unclosed action") };
        match c {
            _ if is_space(c) => self.space(),
            '.' if self.starts_field() => self.field(),
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ if is_alphanumeric(c) => self.identifier(),
            _ => {
                self.bump();
                self.mark(c)
            }
        }
    }

    /// Whether the dot that comes next starts a field and not a number.
    fn starts_field(&self) -> bool {
        self.rest()[1..].starts_with(|c: char| !c.is_ascii_digit())
    }

    /// What starts with the mark `c`, which is consumed.
    fn mark(&mut self, c: char) -> Item<'t> {
        match c {
            '=' => self.emit(Kind::Assign),
            ':' => match self.bump() {
                Some('=') => self.emit(Kind::Declare),
                _ => self.fail("expected :="),
            },
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw_string(),
            '$' => self.variable(),
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' if self.parens == 0 => self.fail("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.emit(Kind::RightParen)
            }
            '!'..='~' => self.emit(Kind::Char),
            _ => self.fail(format!("unrecognized character in action: {}", code_point(c))),
        }
    }

    /// A run of spaces; the last of them may belong to a right delimiter that trims.
    fn space(&mut self) -> Item<'t> {
        let mut count = 0;
        while self.peek().is_some_and(is_space) {
            self.bump();
            count += 1;
        }
        let before_last = &self.input[self.pos - 1..];
        if has_right_trim(before_last) && before_last[2..].starts_with(RIGHT) {
            self.pos -= 1;
            self.line -= usize::from(before_last.starts_with('\n'));
            if count == 1 {
                return self.right_delim();
            }
        }
        self.emit(Kind::Space)
    }

    fn word(&mut self) {
        while self.peek().is_some_and(is_alphanumeric) {
            self.bump();
        }
    }

    fn identifier(&mut self) -> Item<'t> {
        self.word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let word = &self.input[self.start..self.pos];
        let keyword = KEYWORDS.iter().find(|(text, _)| *text == word);
        match (keyword, word) {
            (Some((_, kind)), _) => self.emit(*kind),
            (None, "true" | "false") => self.emit(Kind::Bool),
            (None, _) => self.emit(Kind::Identifier),
        }
    }

    fn field(&mut self) -> Item<'t> {
        self.bump();
        if self.at_terminator() {
            return self.emit(Kind::Dot);
        }
        self.word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(Kind::Field)
    }

    fn variable(&mut self) -> Item<'t> {
        if !self.at_terminator() {
            self.word();
            if !self.at_terminator() {
                return self.bad_character();
            }
        }
        self.emit(Kind::Variable)
    }

    /// Whether something may follow that ends an identifier.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    /// What stands in `quote`, with backslashes not yet interpreted.
    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Item<'t> {
        loop {
            match self.bump() {
                Some('\\') => {
                    if matches!(self.bump(), None | Some('\n')) {
                        return self.fail(unterminated);
                    }
                }
                None | Some('\n') => return self.fail(unterminated),
                Some(c) if c == quote => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Item<'t> {
        loop {
            match self.bump() {
                None => return self.fail("unterminated raw quoted string"),
                Some('`') => return self.emit(Kind::RawString),
                Some(_) => {}
            }
        }
    }

    /// A number, roughly; the parser finds out what is wrong with it.
    fn number(&mut self) -> Item<'t> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || !self.input[..self.pos].ends_with('i') {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Item<'t> {
        let text = skopos_core::text::Quoted(&self.input[self.start..self.pos]);
        self.fail(format!("bad number syntax: {text}"))
    }

    fn accept(&mut self, set: &str) -> bool {
        let found = self.peek().is_some_and(|c| set.contains(c));
        if found {
            self.bump();
        }
        found
    }

    fn accept_run(&mut self, set: &str) {
        while self.accept(set) {}
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEX: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEX;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if digits == DECIMAL && self.accept("eE") || digits == HEX && self.accept("pP") {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count()
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn has_left_trim(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space))
}

fn has_right_trim(text: &str) -> bool {
    text.strip_prefix(is_space).is_some_and(|rest| rest.starts_with('-'))
}

/// A character as Go's `%#U` shows it.
pub(crate) fn code_point(c: char) -> String {
    let code = u32::from(c);
    if crate::unicode::is_printable(c) {
        format!("U+{code:04X} '{c}'")
    } else {
        format!("U+{code:04X}")
    }
}
