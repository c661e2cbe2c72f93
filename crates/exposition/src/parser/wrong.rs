//! Lines that are surely wrong, for whoever does no more than count them: a page may hold nothing else,
//! and beyond the limit nobody asks why a line is wrong.
//!
//! A look at a line ends where it is wrong, or where that cannot be said at once; the careful parser
//! says the rest. Lines that begin with a keyword are left alone: even if they are wrong, the parser
//! remembers some of what they say.
#![deny(clippy::indexing_slicing)]

use core::str;

use super::fast::{LABEL, LABEL_START, METRIC, METRIC_START, is, next_special, pass, pass_blanks};
use super::lex::State;
use super::{Parser, Span, work};
use crate::{TextFormat, number};

/// How far the end of a string is looked for behind its line.
const FAR: usize = 64;

/// How far a value is looked at.
const LONG: usize = 64;

/// What a look comes to.
enum Verdict {
    /// The line is wrong.
    Wrong,
    /// It may be right.
    Unsure,
}

/// Where a part of a line ends, if it may go on there.
type Part = Result<usize, Verdict>;

/// A look at a line.
struct Look<'p, 'a> {
    parser: &'p Parser<'a>,
    /// The line's first line feed, if one was passed.
    feed: Option<usize>,
}

impl Parser<'_> {
    /// Passes lines as long as they are surely wrong, and tells how many there were.
    #[inline]
    pub(super) fn pass_wrong_lines(&mut self) -> usize {
        let mut count = 0;
        if self.done || self.state != State::Init {
            return count;
        }
        while let Some(next) = self.behind_wrong_line() {
            self.pos = next;
            count += 1;
        }
        count
    }

    /// Where the next line begins, if this one is surely wrong.
    #[inline]
    fn behind_wrong_line(&self) -> Option<usize> {
        let mut look = Look { parser: self, feed: None };
        match look.line(self.pos) {
            Err(Verdict::Wrong) => match look.feed {
                Some(feed) => Some(feed + 1),
                None => self.line_behind(self.pos),
            },
            _ => None,
        }
    }
}

impl Look<'_, '_> {
    fn byte(&self, at: usize) -> u8 {
        // The end of the page is a careful matter, and so is NUL.
        self.parser.page.bytes.get(at).copied().unwrap_or(0)
    }

    fn is_prometheus(&self) -> bool {
        self.parser.format == TextFormat::Prometheus
    }

    #[inline]
    fn line(&mut self, start: usize) -> Part {
        let bytes = self.parser.page.bytes;
        let mut at = start;
        if is(bytes, at, METRIC_START) {
            at = pass(bytes, at + 1, METRIC);
            if self.is_prometheus() {
                at = pass_blanks(bytes, at);
            }
            if self.byte(at) == b'{' {
                at = self.labels(at + 1, self.is_prometheus())?;
                // A second pair of braces is wrong.
                if self.byte(at) == b'{' {
                    return Err(Verdict::Wrong);
                }
            }
            return match self.parser.format {
                TextFormat::Prometheus => self.prometheus_end(at),
                TextFormat::OpenMetrics => self.openmetrics_end(at),
            };
        }
        match (self.byte(at), self.parser.format) {
            (0 | b'{', _) | (b'#' | b'\n' | b' ' | b'\t', TextFormat::Prometheus) => {
                Err(Verdict::Unsure)
            }
            (b'#', TextFormat::OpenMetrics) => match (self.byte(at + 1), self.byte(at + 2)) {
                (b' ', b'E') if self.is_early_end(at) => Err(Verdict::Wrong),
                (0, _) | (b' ', 0 | b'E' | b'H' | b'T' | b'U') => Err(Verdict::Unsure),
                _ => Err(Verdict::Wrong),
            },
            _ => Err(Verdict::Wrong),
        }
    }

    /// Whether more follows the end that is declared at `at`.
    fn is_early_end(&self, at: usize) -> bool {
        let rest = self.parser.page.bytes.get(at..).unwrap_or_default();
        let behind = rest.strip_prefix(b"# EOF\n").and_then(<[u8]>::first);
        behind.is_some_and(|&byte| byte != 0)
    }

    /// Labels without quotes around their names, and the closing brace.
    #[inline]
    fn labels(&mut self, mut at: usize, is_prometheus: bool) -> Part {
        let bytes = self.parser.page.bytes;
        let blanks = |at| if is_prometheus { pass_blanks(bytes, at) } else { at };
        loop {
            at = blanks(at);
            if !is(bytes, at, LABEL_START) {
                return match self.byte(at) {
                    b'}' => Ok(at + 1),
                    b'"' | 0 => Err(Verdict::Unsure),
                    _ => Err(Verdict::Wrong),
                };
            }
            at = blanks(pass(bytes, at + 1, LABEL));
            match (self.byte(at), self.byte(at + 1)) {
                (b'=', b'"') => {}
                (0, _) | (b'=', 0 | b' ' | b'\t') => return Err(Verdict::Unsure),
                _ => return Err(Verdict::Wrong),
            }
            at = blanks(self.string(at + 2, is_prometheus)?);
            match self.byte(at) {
                b',' => at += 1,
                b'}' => return Ok(at + 1),
                0 => return Err(Verdict::Unsure),
                // Prometheus text needs no comma.
                _ if is_prometheus => {}
                _ => return Err(Verdict::Wrong),
            }
        }
    }

    /// The rest of a string without escapes.
    #[inline]
    fn string(&mut self, start: usize, is_prometheus: bool) -> Part {
        let bytes = self.parser.page.bytes;
        let mut at = next_special(bytes, start, false).ok_or(Verdict::Unsure)?;
        if self.byte(at) == b'\n' {
            if !is_prometheus {
                let is_whole = memchr::memchr(0, bytes.get(start..at).unwrap_or_default());
                return Err(if is_whole.is_none() { Verdict::Wrong } else { Verdict::Unsure });
            }
            self.feed = self.feed.or(Some(at));
            let rest = bytes.get(at..).unwrap_or_default();
            let near = rest.get(..FAR).unwrap_or(rest);
            let end = near.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            work::add(end.unwrap_or(near.len()));
            at += end.ok_or(Verdict::Unsure)?;
        }
        if self.byte(at) != b'"'
            || memchr::memchr(0, bytes.get(start..at).unwrap_or_default()).is_some()
        {
            return Err(Verdict::Unsure);
        }
        let value = Span::new(start, at);
        if !self.parser.page.is_text(value) && str::from_utf8(self.parser.page.get(value)).is_err()
        {
            return Err(Verdict::Wrong);
        }
        Ok(at + 1)
    }

    fn prometheus_end(&self, at: usize) -> Part {
        let bytes = self.parser.page.bytes;
        let start = pass_blanks(bytes, at);
        if self.byte(start) == b'\n' {
            return Err(Verdict::Wrong);
        }
        let end = self.number(start, |byte| matches!(byte, 0 | b'\t' | b'\n' | b' ' | b'{'))?;
        match self.byte(pass_blanks(bytes, end)) {
            0 | b'\n' | b'0'..=b'9' => Err(Verdict::Unsure),
            _ => Err(Verdict::Wrong),
        }
    }

    fn openmetrics_end(&mut self, at: usize) -> Part {
        let is_end = |byte| matches!(byte, 0 | b'\n' | b' ');
        let mut at = self.spaced(at)?;
        at = self.number(at, is_end)?;
        if self.byte(at) != b' ' || is_end(self.byte(at + 1)) {
            return Err(Verdict::Unsure);
        }
        if self.byte(at + 1) == b'#' {
            match (self.byte(at + 2), self.byte(at + 3)) {
                (b' ', b'{') => {}
                // What cannot be said at once.
                _ => return Err(Verdict::Unsure),
            }
            at = self.labels(at + 4, false)?;
            at = self.spaced(at)?;
        } else {
            at += 1;
        }
        self.number(at, is_end)?;
        Err(Verdict::Unsure)
    }

    /// Behind the space that a value needs before it.
    fn spaced(&self, at: usize) -> Part {
        match (self.byte(at), self.byte(at + 1)) {
            (0, _) | (b' ', 0) => Err(Verdict::Unsure),
            (b' ', byte) if !matches!(byte, b'\n' | b' ') => Ok(at + 1),
            _ => Err(Verdict::Wrong),
        }
    }

    /// A token that may be a float, by its first byte and those that no float has.
    #[inline]
    fn number(&self, start: usize, is_end: impl Fn(u8) -> bool) -> Part {
        let rest = self.parser.page.bytes.get(start..).unwrap_or_default();
        match rest.first() {
            Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'i' | b'I' | b'n' | b'N') => {}
            None | Some(0) => return Err(Verdict::Unsure),
            _ => return Err(Verdict::Wrong),
        }
        let of_float =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_');
        let end = rest.iter().take(LONG).position(|byte| !of_float(byte)).ok_or(Verdict::Unsure)?;
        work::add(end);
        match rest.get(end) {
            Some(0) | None => Err(Verdict::Unsure),
            Some(&byte) if is_end(byte) => {
                let token = rest.get(..end).unwrap_or_default();
                // Usually an exponent makes numbers too great.
                let is_odd = token.iter().any(|byte| matches!(byte, b'e' | b'E'));
                if is_odd && number::parse_value(token).is_err() {
                    return Err(Verdict::Wrong);
                }
                Ok(start + end)
            }
            Some(_) => Err(Verdict::Wrong),
        }
    }
}
