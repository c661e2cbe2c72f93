//! Mistakes that the fast path is sure of: it notes them as the careful parser would, so that pages
//! full of them do not cost a second reading of each line.
//!
//! Everything before the mistake must have been found right, and UTF-8.
#![deny(clippy::indexing_slicing)]

use super::failure::{Failure, Problem};
use super::lex::{State, Token, is_label_byte};
use super::{Parser, Span, Step};
use crate::TextFormat;
use crate::number::NumberError;

impl Parser<'_> {
    /// Notes that a line ends where another label, or more of a string, could be; other mistakes are a
    /// careful matter.
    #[cold]
    #[inline(never)]
    pub(super) fn broken_labels(&mut self, at: usize) -> Option<Step> {
        let bytes = self.page.bytes;
        let before = at.checked_sub(1).and_then(|before| bytes.get(before))?;
        if let (Some(b'='), Some(b'"')) = (bytes.get(at), bytes.get(at + 1)) {
            // Behind a label's name.
            let is_value = is_label_byte(*before) || before.is_ascii_digit();
            return if is_value { self.broken_string(at + 1) } else { None };
        }
        let expected = match (before, self.format) {
            (b'"', TextFormat::OpenMetrics) => "expected comma or brace close",
            (b'{' | b',' | b' ' | b'\t' | b'"', _) => "expected label name",
            _ => return None,
        };
        if bytes.get(at) != Some(&b'\n') {
            return None;
        }
        self.broken(expected, Span::new(at, at), State::Labels)
    }

    /// Notes that a string of OpenMetrics ends with its line.
    fn broken_string(&mut self, quote: usize) -> Option<Step> {
        let rest = self.page.bytes.get(quote + 1..)?;
        let end =
            memchr::memchr3(b'\n', b'\\', 0, rest).filter(|end| rest.get(*end) == Some(&b'\n'))?;
        if self.format == TextFormat::Prometheus {
            return None;
        }
        let token = Span::new(quote, quote + 1 + end);
        self.broken("expected label value", token, State::LabelValue)
    }

    /// Notes a token that cannot stand here.
    pub(super) fn broken(
        &mut self,
        expected: &'static str,
        token: Span,
        state: State,
    ) -> Option<Step> {
        self.break_off(Problem::Unexpected(expected, Token::Invalid), token, state)
    }

    /// Notes that no text follows a name in OpenMetrics.
    #[cold]
    #[inline(never)]
    pub(super) fn broken_help(&mut self, name: Span, rest: Span) -> Option<Step> {
        let problem = Problem::NoText(Token::Help, Token::Invalid);
        self.break_off(problem, Span::new(rest.start, rest.start), State::MetaText);
        // As far as it went, the line counts.
        self.family_name_len = name.len();
        None
    }

    /// Notes that the token of a value is none, if it is one token; other lines are a careful matter.
    #[cold]
    #[inline(never)]
    pub(super) fn broken_value(&mut self, value: Span, error: NumberError) {
        let bytes = self.page.get(value);
        let around = (
            self.page.get(Span::new(value.start - 1, value.start)),
            self.page.bytes.get(value.end),
        );
        let is_alone = matches!(around, (b" ", Some(b' ' | b'\n')));
        let is_token = memchr::memchr3(0, b'\t', b'{', bytes).is_none();
        if bytes.is_empty() || !is_alone || !is_token {
            return;
        }
        // In OpenMetrics the space before it is part of the token.
        let space = usize::from(self.format == TextFormat::OpenMetrics);
        let token = Span::new(value.start - space, value.end);
        self.break_off(Problem::Number("ParseFloat", value, error), token, State::Timestamp);
    }

    /// Notes a mistake in the line, of which everything up to the token is right.
    fn break_off(&mut self, problem: Problem, token: Span, state: State) -> Option<Step> {
        if token.end < self.page.bytes.len()
            && self.page.is_line_text(Span::new(self.pos, token.end + 1), &mut self.more_text)
        {
            self.failure = Failure { problem, start: self.pos, token };
            (self.pos, self.state, self.done) = (token.end, state, true);
        }
        None
    }
}
