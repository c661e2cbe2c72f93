//! The memory of a page's layout: what its lines began with, so that the next page, which usually
//! differs in its values alone, costs a comparison of bytes and a number a line.
//!
//! A line of the new page is compared with the one that comes next in the memory, and with a few
//! behind it, since lines may have gone. What is not found is read as ever. The memory says nothing
//! that the page does not: a line is known only if its bytes are the same up to the value.
#![deny(clippy::indexing_slicing)]

use alloc::vec::Vec;
use core::mem;

use skopos_core::MetricType;

use super::ending::{Behind, Endings};
use super::follow::{Ahead, Batch, Found};
use super::scan::Scanner;
use crate::TextFormat;

/// How many remembered lines a line is compared with.
const LOOK: usize = 8;

/// After so many lines in a row that are not known, one remembered line is passed for each.
const PATIENCE: usize = 64;

/// The layout of a target's last page, for the [`Parser`](crate::Parser) of its next one.
///
/// Memory is linear in the page. A page that is not read to its end leaves an empty layout, and so
/// does another format.
///
/// ```
/// use skopos_exposition::{Entry, Layout, Parser, ParserOptions, TextFormat};
///
/// let mut layout = Layout::new();
/// let mut read = |page: &[u8]| {
///     let (format, options) = (TextFormat::Prometheus, ParserOptions::default());
///     let mut parser = Parser::with_layout(format, page, options, &mut layout);
///     let mut seen = Vec::new();
///     while let Some(entry) = parser.next()? {
///         if let Entry::Series(sample) = entry {
///             seen.push((sample.slot(), sample.known_slot(), sample.value()));
///         }
///     }
///     Ok::<_, skopos_exposition::Error>(seen)
/// };
/// assert_eq!(read(b"a 1\nb{c=\"d\"} 2\n")?, [(0, None, 1.0), (1, None, 2.0)]);
/// assert_eq!(read(b"b{c=\"d\"} 3\ne 4\n")?, [(0, Some(1), 3.0), (1, None, 4.0)]);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Layout {
    /// What is remembered of the last page; of this one as long as that is the same.
    last: Lines,
    /// This page's lines, once they differ.
    this: Lines,
    differs: bool,
    /// Whether the last page was read to its end.
    complete: bool,
    format: Option<TextFormat>,
    /// The remembered line that should come next.
    next: usize,
    /// Sample lines of this page so far.
    slots: usize,
    /// Lines in a row that were not known.
    misses: usize,
    /// How lines end.
    endings: Endings,
    /// The lines that stand next on the page, as those from `next` on.
    batch: Batch,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    text: Vec<u8>,
    lines: Vec<Known>,
}

/// A line that is remembered: a sample's up to the value, or all of a metadata line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// Where its text is, and how long that is.
    start: usize,
    len: u32,
    /// The metric's name; in metadata it stands behind `# TYPE ` or `# HELP `.
    name_len: u32,
    /// How many labels there are.
    labels: u32,
    /// Which of the page's samples it is.
    slot: u32,
    kind: Kind,
    /// In which form it ended the last time.
    ending: u16,
}

impl Known {
    /// A line of these lengths, if they are not beyond measure.
    pub(super) fn new(kind: Kind, name_len: usize, labels: usize) -> Option<Self> {
        let (name_len, labels) = (u32::try_from(name_len).ok()?, u32::try_from(labels).ok()?);
        Some(Self { start: 0, len: 0, name_len, labels, slot: 0, kind, ending: 0 })
    }

    fn end(&self) -> usize {
        self.start + self.len()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    pub(super) fn start(&self) -> usize {
        self.start
    }

    #[inline]
    pub(super) fn ending(&self) -> u16 {
        self.ending
    }

    pub(super) fn set_ending(&mut self, ending: u16) {
        self.ending = ending;
    }

    #[inline]
    pub(super) fn name_len(&self) -> usize {
        self.name_len as usize
    }

    #[inline]
    pub(super) fn labels(&self) -> usize {
        self.labels as usize
    }

    #[inline]
    pub(super) fn slot(&self) -> usize {
        self.slot as usize
    }

    #[inline]
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a value follows.
    #[inline]
    pub(super) fn is_sample(&self) -> bool {
        matches!(self.kind, Kind::Series | Kind::UnusualSeries)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Series,
    /// With backslashes in its labels, or with blanks between them.
    UnusualSeries,
    Type(MetricType),
    /// Whether there is no backslash in the text.
    Help {
        is_plain: bool,
    },
    Unit,
    Comment,
}

impl Layout {
    /// The layout of no page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a page; says whether lines of the last one are known.
    pub(super) fn begin(&mut self, format: TextFormat) -> bool {
        if !mem::take(&mut self.complete) || self.format != Some(format) {
            self.last.clear();
        }
        self.this.clear();
        self.batch.clear();
        self.format = Some(format);
        (self.differs, self.next, self.slots, self.misses) = (false, 0, 0, 0);
        !self.last.lines.is_empty()
    }

    /// Ends a page that was read to its end.
    pub(super) fn end(&mut self) {
        if self.differs {
            mem::swap(&mut self.last, &mut self.this);
        } else {
            self.last.truncate(self.next);
        }
        self.complete = true;
    }

    /// Looks which of the lines that are expected stand at `pos`, and end in a usual way.
    pub(super) fn follow(&mut self, scanner: Scanner, page: &[u8], pos: usize) {
        if let Some(format) = self.format
            && self.misses == 0
        {
            let Self { batch, last, next, endings, .. } = self;
            batch.fill(scanner, Ahead { format, page, pos, known: last, next: *next, endings });
        }
    }

    /// The next one of them, its value, and what stands behind that.
    #[inline]
    pub(super) fn take(&mut self) -> Option<(&Found, f64, Option<&Behind>)> {
        self.batch.take()
    }

    /// The remembered line that `rest` begins with, and how many are passed over to it.
    pub(super) fn find(&self, rest: &[u8]) -> Option<(usize, Known)> {
        let next = self.last.lines.get(self.next)?;
        if self.last.is_at(next, rest) { Some((0, *next)) } else { self.find_behind(rest) }
    }

    #[inline(never)]
    fn find_behind(&self, rest: &[u8]) -> Option<(usize, Known)> {
        let lines = self.last.lines.get(self.next..)?;
        let mut lines = lines.iter().enumerate().take(LOOK).skip(1);
        lines.find(|(_, known)| self.last.is_at(known, rest)).map(|(at, known)| (at, *known))
    }

    /// Passes over lines that are gone.
    pub(super) fn skip(&mut self, passed: usize) {
        self.misses = 0;
        if passed != 0 {
            self.differ();
            self.next += passed;
        }
    }

    /// Goes on behind the next line, which was found; gives which of the page's samples it is, if it is
    /// one. It was that of number `known_slot`.
    #[inline]
    pub(super) fn pass(&mut self, known_slot: usize, is_sample: bool) -> usize {
        let slot = self.slots;
        if self.differs || known_slot != slot {
            self.pass_moved();
        }
        self.next += 1;
        self.slots = slot + usize::from(is_sample);
        slot
    }

    /// Remembers a line that is not where it was.
    #[inline(never)]
    fn pass_moved(&mut self) {
        let Some(&known) = self.last.lines.get(self.next) else { return };
        if self.differs {
            let text = self.last.text.get(known.start..known.end());
            self.this.push(known, self.slots, text.unwrap_or_default());
        } else if let Some(line) = self.last.lines.get_mut(self.next)
            && let Ok(slot) = u32::try_from(self.slots)
        {
            line.slot = slot;
        }
    }

    /// Remembers a line that was not known.
    pub(super) fn add(&mut self, known: Option<Known>, text: &[u8]) {
        self.miss();
        self.differ();
        if let Some(known) = known {
            self.this.push(known, self.slots, text);
        }
    }

    /// Remembers a sample, if its line is a usual one; gives which of the page's samples it is.
    pub(super) fn add_series(&mut self, known: Option<Known>, text: &[u8]) -> usize {
        if known.is_some() {
            self.add(known, text);
        }
        self.slots += 1;
        self.slots - 1
    }

    /// Notes that a line was not known.
    fn miss(&mut self) {
        self.misses += 1;
        if PATIENCE < self.misses {
            self.differ();
            self.next = (self.next + 1).min(self.last.lines.len());
        }
    }

    /// Whether the next line is likely to be known, if this one is not.
    pub(super) fn is_warm(&self) -> bool {
        self.misses < 2 && self.next < self.last.lines.len()
    }

    /// From here on this page has its own lines.
    fn differ(&mut self) {
        if !mem::replace(&mut self.differs, true) {
            let same = self.last.lines.get(..self.next).unwrap_or_default();
            let text_len = same.last().map_or(0, Known::end);
            self.this.lines.extend_from_slice(same);
            self.this.text.extend_from_slice(self.last.text.get(..text_len).unwrap_or_default());
        }
    }
}

impl Lines {
    fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }

    fn push(&mut self, known: Known, slot: usize, text: &[u8]) {
        if let (Ok(len), Ok(slot)) = (u32::try_from(text.len()), u32::try_from(slot)) {
            self.lines.push(Known { start: self.text.len(), len, slot, ..known });
            self.text.extend_from_slice(text);
        }
    }

    fn truncate(&mut self, len: usize) {
        self.lines.truncate(len);
        self.text.truncate(self.lines.last().map_or(0, Known::end));
    }

    /// Whether `rest` begins with a line.
    #[inline]
    fn is_at(&self, known: &Known, rest: &[u8]) -> bool {
        self.text.get(known.start..known.end()).is_some_and(|text| begins_with(rest, text))
    }

    /// The lines from a number on, and the text of all lines.
    #[inline]
    pub(super) fn from(&mut self, next: usize) -> (&mut [Known], &[u8]) {
        (self.lines.get_mut(next..).unwrap_or_default(), &self.text)
    }
}

/// Whether `rest` begins with `text`, without a call for the lengths that series have.
#[inline]
pub(super) fn begins_with(rest: &[u8], text: &[u8]) -> bool {
    const BLOCK: usize = 32;
    let Some(rest) = rest.get(..text.len()) else { return false };
    let (Some(last), Some(other)) = (rest.last_chunk::<BLOCK>(), text.last_chunk::<BLOCK>()) else {
        return rest == text;
    };
    let blocks = rest.as_chunks::<BLOCK>().0.iter().zip(text.as_chunks::<BLOCK>().0);
    // Lines are usually equal: one look at the end costs less than one a block.
    blocks.fold(last == other, |same, (a, b)| same & (a == b))
}
