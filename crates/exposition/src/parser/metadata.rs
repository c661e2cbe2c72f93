//! The fast path of lines that begin with `#`: metadata and comments, as exporters write them.
#![deny(clippy::indexing_slicing)]

use super::fast::{METRIC, METRIC_START, is, pass, pass_blanks, quoted_name};
use super::lex::State;
use super::{Meta, Parser, Span, Step, work};
use crate::TextFormat;

impl Parser<'_> {
    /// A line that begins with `#` and a word that is no keyword, or without one.
    #[inline(never)]
    pub(super) fn fast_comment(&mut self) -> Option<Step> {
        let bytes = self.page.bytes;
        let start = pass_blanks(bytes, self.pos + 1);
        if matches!(bytes.get(start), Some(b'H' | b'T')) && self.pos + 1 < start {
            return None;
        }
        let end = line_end(bytes, start)?;
        self.meta.text = Span::new(self.pos, end);
        self.pos = end + 1;
        Some(Step::Comment)
    }

    /// Reads `# HELP name text` or `# TYPE name text` on a line that was looked at in advance, as nearly
    /// all of them are; nothing where it is not such a one.
    #[inline]
    pub(super) fn usual_metadata(&mut self) -> Option<Step> {
        const HELP: u64 = u64::from_le_bytes(*b"# HELP \0");
        const TYPE: u64 = u64::from_le_bytes(*b"# TYPE \0");
        let (bytes, start) = (self.page.bytes, self.pos);
        let word = u64::from_le_bytes(*bytes.get(start..)?.first_chunk()?) << 8 >> 8;
        let step = match word {
            HELP => Step::Help,
            TYPE => Step::Type,
            _ => return None,
        };
        if self.state != State::Init || self.done || self.layout.is_some() {
            return None;
        }
        let line = self.index.next_line_at(start)?;
        // Two spaces stand before the name, and one behind it.
        let [_, _, space, .., newline] = *line.marks else { return None };
        let (name_end, end) = (line.base + usize::from(space), line.base + usize::from(newline));
        let (name, text) = (Span::new(start + 7, name_end), Span::new(name_end + 1, end));
        let is_usual = name.start + self.index.name_len(name.start) == name_end
            && is(bytes, name.start, METRIC_START)
            && bytes.get(name_end) == Some(&b' ')
            && !matches!(bytes.get(text.start)?, b' ' | b'\t' | b'\n')
            && !matches!(bytes.get(end + 1), Some(0))
            && end < self.page.text.len()
            && self.index.is_plain_between(start, end);
        if !is_usual {
            return None;
        }
        if step == Step::Type {
            self.metric_type = self.format.metric_type_at(bytes, text)?;
        }
        let (marks, is_usual) = (line.marks.len(), line.is_usual);
        self.index.pass(marks, is_usual, end + 1);
        self.meta = Meta { name, text, is_plain: true };
        self.family_name_len = name.len();
        self.start = start;
        self.pos = end + 1;
        Some(step)
    }

    /// `# HELP name text` or `# TYPE name text`, with single spaces.
    #[inline]
    pub(super) fn fast_metadata(&mut self) -> Option<Step> {
        let bytes = self.page.bytes;
        let help = match bytes.get(self.pos..self.pos + 7)? {
            b"# HELP " => true,
            b"# TYPE " => false,
            _ => return None,
        };
        let start = self.pos + 7;
        if !is(bytes, start, METRIC_START) {
            return self.quoted_metadata(start, help);
        }
        let indexed = if self.is_alone() { None } else { self.indexed_metadata() };
        let (name_end, line_end) = match indexed {
            Some(ends) => ends,
            None => bytewise_metadata(bytes, start)?,
        };
        let name = Span::new(start, name_end);
        self.metadata(help, name, Span::new(name_end, line_end), indexed.is_some())
    }

    /// The same of a name in quotes.
    #[inline(never)]
    fn quoted_metadata(&mut self, start: usize, help: bool) -> Option<Step> {
        let bytes = self.page.bytes;
        if bytes.get(start) != Some(&b'"') {
            return None;
        }
        let (name, _) = quoted_name(bytes, start)?;
        let rest = Span::new(name.end + 1, line_end(bytes, name.end + 1)?);
        self.metadata(help, name, rest, false)
    }

    /// Takes over a name and the rest of its line.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "spans go from the marks to their place in registers")]
    fn metadata(&mut self, help: bool, name: Span, rest: Span, is_plain: bool) -> Option<Step> {
        let bytes = self.page.bytes;
        // A text that begins with a blank is left to the careful parser, and so is one of OpenMetrics
        // that has NUL behind its line feed: Prometheus takes both for part of it.
        let start = match (bytes.get(rest.start)?, bytes.get(rest.start + 1), self.format) {
            (b'\n', _, TextFormat::Prometheus) => rest.start,
            (b' ', Some(byte), _) if !matches!(byte, b' ' | b'\t' | b'\n') => rest.start + 1,
            (b'\n', _, TextFormat::OpenMetrics) if help => return self.broken_help(name, rest),
            _ => return None,
        };
        let line = Span::new(self.pos, rest.end + 1);
        if bytes.get(line.end) == Some(&0) || !self.page.is_line_text(line, &mut self.more_text) {
            return None;
        }
        let text = Span::new(start, rest.end);
        if !help {
            self.metric_type = self.format.metric_type_at(bytes, text)?;
        }
        self.meta = Meta { name, text, is_plain };
        self.family_name_len = name.len();
        self.pos = line.end;
        Some(if help { Step::Help } else { Step::Type })
    }

    /// Where the name and the line end, by the marks that a structural pass found.
    #[inline]
    fn indexed_metadata(&mut self) -> Option<(usize, usize)> {
        let bytes = self.page.bytes;
        let line = self.index.any_line_at(bytes, self.pos)?;
        // Two spaces stand before the name, and one behind it.
        let (newline, marks) = line.marks.split_last()?;
        let name_end = line.base + usize::from(*marks.get(2)?);
        let end = line.base + usize::from(*newline);
        let is_plain =
            self.index.is_plain() || memchr::memchr2(0, b'\\', bytes.get(name_end..end)?).is_none();
        (is_plain && is_name(bytes, self.pos + 7, name_end)).then_some((name_end, end))
    }
}

/// Whether all bytes of a piece may stand in a metric's name.
#[inline]
fn is_name(bytes: &[u8], start: usize, end: usize) -> bool {
    const LEN: usize = 64;
    let fits = |byte: u8| {
        let lower = byte | 0x20;
        (lower.wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 11) | (byte == b'_')
    };
    let len = end.wrapping_sub(start);
    match bytes.get(start..).and_then(|rest| rest.first_chunk::<LEN>()) {
        // Without a branch that depends on the length.
        Some(chunk) if len <= LEN => {
            let numbered = chunk.iter().zip(0u8..);
            numbered.fold(true, |all, (&byte, at)| all & (fits(byte) | (len as u8 <= at)))
        }
        _ => bytes.get(start..end).is_some_and(|name| name.iter().all(|&byte| fits(byte))),
    }
}

/// Where the name at `start` ends, and its line, if there is no NUL on it.
fn bytewise_metadata(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let name_end = pass(bytes, start, METRIC);
    Some((name_end, line_end(bytes, name_end)?))
}

/// The line feed at or after `at`, if there is no NUL before it.
#[inline]
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    // A short rest is not worth a call.
    let short = rest.iter().take(8).position(|byte| matches!(byte, b'\n' | 0));
    let end = short.or_else(|| memchr::memchr2(b'\n', 0, rest))?;
    work::add(end);
    (rest.get(end) == Some(&b'\n')).then_some(at + end)
}
