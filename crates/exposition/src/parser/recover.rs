//! Reading on behind mistakes: every line that is right, and a list of what is wrong.

use alloc::vec::Vec;
use core::mem;

use super::failure::Failed;
use super::lex::State;
use super::{Parser, Step, work};
use crate::{Entry, Error, ParserOptions, TextFormat};

/// How many errors are kept, unless told otherwise.
const KEPT: usize = 100;

/// A parser that notes an error and goes on with the next line.
///
/// On a right page it gives what [`Parser`] gives. A broken entry ends with its first line: what comes
/// behind that line feed is read as a new entry, even within a string. Of a classic histogram that is
/// being made native, the lines before a broken one are given up with it.
///
/// Errors are kept up to a limit and counted beyond it. Time is linear in the page.
///
/// ```
/// use skopos_exposition::{ParserOptions, RecoveringParser, TextFormat};
///
/// let page = b"a 1\nb one\nc{d=e} 2\nf 3\n";
/// let mut parser = RecoveringParser::new(TextFormat::Prometheus, page, ParserOptions::default());
/// let mut entries = 0;
/// while parser.next().is_some() {
///     entries += 1;
/// }
/// assert_eq!(entries, 2);
/// let places: Vec<_> = parser.errors().iter().map(|e| (e.line(), e.column(), e.near())).collect();
/// assert_eq!(places, [(2, 3, "b one"), (3, 5, "c{d=e} 2")]);
/// ```
#[derive(Debug)]
pub struct RecoveringParser<'a> {
    parser: Parser<'a>,
    errors: Vec<Error>,
    limit: usize,
    count: usize,
}

impl<'a> RecoveringParser<'a> {
    /// A parser at the beginning of `page`, which keeps the first hundred errors.
    #[must_use]
    pub fn new(format: TextFormat, page: &'a [u8], options: ParserOptions) -> Self {
        let parser = Parser::new(format, page, options);
        Self { parser, errors: Vec::new(), limit: KEPT, count: 0 }
    }

    /// The same, with another number of errors that are kept.
    #[must_use]
    pub fn with_error_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The next entry that is right; nothing at the end of the page.
    #[expect(clippy::should_implement_trait, reason = "an entry borrows from the parser")]
    #[inline]
    pub fn next(&mut self) -> Option<Entry<'_, 'a>> {
        let step = match self.parser.step() {
            Ok(step) => step,
            Err(Failed) => self.recover(),
        };
        self.parser.entry(step)
    }

    /// Notes what is wrong, line by line, and gives the next step that is right.
    #[cold]
    #[inline(never)]
    fn recover(&mut self) -> Step {
        loop {
            if self.errors.len() < self.limit {
                self.errors.push(self.parser.error());
            }
            self.count += 1;
            self.parser.skip_line();
            if self.limit <= self.errors.len() {
                self.count += self.parser.pass_wrong_lines();
            }
            if let Ok(step) = self.parser.step() {
                return step;
            }
        }
    }

    /// The errors so far, in the order in which the broken entries begin, up to the limit.
    #[must_use]
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// How many errors there were so far, kept or not.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.count
    }

    /// The errors, taken out.
    pub fn take_errors(&mut self) -> Vec<Error> {
        mem::take(&mut self.errors)
    }
}

impl Parser<'_> {
    /// Goes on behind the line in which the broken entry began.
    #[inline]
    fn skip_line(&mut self) {
        match self.line_behind(self.start) {
            Some(next) => {
                self.pos = next;
                self.state = State::Init;
                self.done = false;
            }
            None => {
                self.pos = self.page.bytes.len();
                self.done = true;
            }
        }
    }

    /// Where the line behind a place begins.
    #[inline]
    pub(super) fn line_behind(&self, at: usize) -> Option<usize> {
        let rest = self.page.bytes.get(at..).unwrap_or_default();
        // A short line is not worth a call.
        let short = rest.iter().take(16).position(|&byte| byte == b'\n');
        let feed = short.or_else(|| memchr::memchr(b'\n', rest))?;
        work::add(feed);
        Some(at + feed + 1)
    }
}
