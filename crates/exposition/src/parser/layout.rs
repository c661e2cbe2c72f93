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

use super::tail::Tail;
use super::value::{indexed_value, value_end};
use super::{Line, Meta, Parser, RawExemplar, Span, Step};
use crate::{TextFormat, number};

/// How many remembered lines a line is compared with.
const LOOK: usize = 8;

/// After so many lines in a row that are not known, one remembered line is passed for each.
const PATIENCE: usize = 64;

/// The layout of a target's last page, for the [`Parser`] of its next one.
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
    /// What the labels of the last exemplar looked like.
    exemplar: Tail,
}

#[derive(Debug, Default)]
struct Lines {
    text: Vec<u8>,
    lines: Vec<Known>,
}

/// A line that is remembered: a sample's up to the value, or all of a metadata line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    start: usize,
    len: u32,
    /// The metric's name; in metadata it stands behind `# TYPE ` or `# HELP `.
    name_len: u32,
    /// How many labels there are.
    labels: u32,
    /// Which of the page's samples it is.
    slot: u32,
    kind: Kind,
}

impl Known {
    /// A line of these lengths, if they are not beyond measure.
    fn new(kind: Kind, name_len: usize, labels: usize) -> Option<Self> {
        let (name_len, labels) = (u32::try_from(name_len).ok()?, u32::try_from(labels).ok()?);
        Some(Self { start: 0, len: 0, name_len, labels, slot: 0, kind })
    }

    fn end(&self) -> usize {
        self.start + self.len as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Series,
    Type(MetricType),
    /// Whether there is no backslash in the text.
    Help {
        is_plain: bool,
    },
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
        self.format = Some(format);
        (self.differs, self.next, self.slots, self.misses) = (false, 0, 0, 0);
        !self.last.lines.is_empty()
    }

    /// Ends a page that was read to its end.
    fn end(&mut self) {
        if self.differs {
            mem::swap(&mut self.last, &mut self.this);
        } else {
            self.last.truncate(self.next);
        }
        self.complete = true;
    }

    /// The remembered line that `rest` begins with, and how many are passed over to it.
    #[inline]
    fn find(&self, rest: &[u8]) -> Option<(usize, Known)> {
        let next = self.last.lines.get(self.next)?;
        if self.last.is_at(next, rest) { Some((0, *next)) } else { self.find_behind(rest) }
    }

    #[inline(never)]
    fn find_behind(&self, rest: &[u8]) -> Option<(usize, Known)> {
        let lines = self.last.lines.get(self.next..)?;
        let mut lines = lines.iter().enumerate().take(LOOK).skip(1);
        lines.find(|(_, known)| self.last.is_at(known, rest)).map(|(at, known)| (at, *known))
    }

    /// Goes on behind a line that was found.
    #[inline]
    fn pass(&mut self, passed: usize, known: Known) {
        self.misses = 0;
        self.next += passed + 1;
        if passed != 0 || self.differs || known.slot as usize != self.slots {
            self.pass_other(passed, known);
        }
    }

    /// Goes on behind a line that is not where it was.
    #[inline(never)]
    fn pass_other(&mut self, passed: usize, known: Known) {
        if passed != 0 {
            self.next -= passed + 1;
            self.differ();
            self.next += passed + 1;
        }
        if self.differs {
            let text = self.last.text.get(known.start..known.end());
            self.this.push(known, self.slots, text.unwrap_or_default());
        } else if let Some(line) = self.last.lines.get_mut(self.next - 1)
            && let Ok(slot) = u32::try_from(self.slots)
        {
            line.slot = slot;
        }
    }

    /// Remembers a line that was not known.
    fn add(&mut self, known: Option<Known>, text: &[u8]) {
        self.miss();
        self.differ();
        if let Some(known) = known {
            self.this.push(known, self.slots, text);
        }
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
        let text = self.text.get(known.start..known.end());
        text.is_some_and(|text| begins_with(rest, text))
            && (known.kind != Kind::Series || rest.get(known.len as usize) == Some(&b' '))
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

impl Parser<'_> {
    /// Reads a line that begins as one of the last page did.
    #[inline]
    pub(super) fn known_step(&mut self) -> Option<Step> {
        self.line.known_slot = None;
        let (passed, known) = self.layout.as_deref()?.find(self.page.bytes.get(self.pos..)?)?;
        let step = match known.kind {
            Kind::Series => self.known_series(known)?,
            Kind::Type(metric_type) => {
                self.metric_type = metric_type;
                self.known_metadata(known, false)?;
                Step::Type
            }
            Kind::Help { is_plain } => {
                self.known_metadata(known, is_plain)?;
                Step::Help
            }
        };
        if let Some(layout) = self.layout.as_deref_mut() {
            layout.pass(passed, known);
            self.line.slot = layout.slots;
            layout.slots += usize::from(step == Step::Series);
        }
        Some(step)
    }

    #[inline]
    fn known_series(&mut self, known: Known) -> Option<Step> {
        let start = self.pos;
        let series = Span::new(start, start + known.len as usize);
        let value = series.end + 1;
        let next = match number::read_digits(self.page.bytes, value) {
            Some((read, end)) if self.page.bytes.get(end) == Some(&b'\n') => {
                (self.line.value, self.line.timestamp) = (read, None);
                self.line.exemplar = None;
                end + 1
            }
            _ => self.known_end(series.end)?,
        };
        if self.page.text.len() < next && !self.is_unchecked {
            return None;
        }
        self.line.label_marks = (0, 0);
        self.line.exemplar_marks = (0, 0);
        self.line.labels.clear();
        self.line.name = Span::new(start, start + known.name_len as usize);
        self.line.series = series;
        self.line.known_labels = known.labels as usize;
        self.line.known_slot = Some(known.slot as usize);
        self.pos = next;
        Some(Step::Series)
    }

    /// What stands behind the series, if it is more than some digits; gives where the next line begins.
    #[inline(never)]
    fn known_end(&mut self, at: usize) -> Option<usize> {
        let bytes = self.page.bytes;
        (self.line.exemplar, self.line.timestamp) = (None, None);
        if let Some((value, end)) = number::read_decimal(bytes, at + 1) {
            match bytes.get(end) {
                Some(b'\n') => {
                    self.line.value = value;
                    return Some(end + 1);
                }
                Some(b' ') if let Some(next) = self.known_tail(end) => {
                    self.line.value = value;
                    return Some(next);
                }
                _ => {}
            }
        }
        self.unusual_end(at)
    }

    /// A timestamp, an exemplar that looks like the last one, or both; gives where the next line begins.
    #[inline]
    fn known_tail(&mut self, mut at: usize) -> Option<usize> {
        let bytes = self.page.bytes;
        if self.format == TextFormat::Prometheus {
            let (millis, end) = number::read_integer(bytes, at + 1)?;
            self.line.timestamp = Some(millis);
            return (bytes.get(end) == Some(&b'\n')).then_some(end + 1);
        }
        if bytes.get(at + 1) != Some(&b'#') {
            let (seconds, end) = number::read_decimal(bytes, at + 1)?;
            self.line.timestamp = Some(number::millis_from_seconds(seconds));
            match bytes.get(end)? {
                b'\n' => return Some(end + 1),
                b' ' => at = end,
                _ => return None,
            }
        }
        let (len, labels) = self.layout.as_deref()?.exemplar.find(bytes.get(at..)?)?;
        let (value, mut end) = match number::read_digits(bytes, at + len) {
            Some(read) if matches!(bytes.get(read.1), Some(b' ' | b'\n')) => read,
            _ => number::read_decimal(bytes, at + len)?,
        };
        let mut timestamp = None;
        if bytes.get(end) == Some(&b' ') {
            let (seconds, behind) = number::read_decimal(bytes, end + 1)?;
            (timestamp, end) = (Some(number::millis_from_seconds(seconds)), behind);
        }
        self.line.known_exemplar = (labels, at + 4);
        self.line.exemplar = Some(RawExemplar { value, timestamp });
        (bytes.get(end) == Some(&b'\n')).then_some(end + 1)
    }

    /// What stands behind the series, whatever it is.
    #[inline(never)]
    fn unusual_end(&mut self, at: usize) -> Option<usize> {
        let bytes = self.page.bytes;
        (self.line.exemplar, self.line.known_exemplar) = (None, (0, 0));
        let end = value_end(bytes, at + 1)?;
        if bytes.get(end) != Some(&b'\n') {
            let next = self.fast_end(at)?;
            // An exemplar may hold what was not on the page before.
            let is_text =
                self.is_unchecked && simdutf8::basic::from_utf8(bytes.get(at..next)?).is_ok();
            if self.line.exemplar.is_some()
                && let Some(layout) = self.layout.as_deref_mut()
            {
                layout.exemplar.learn(bytes, &self.line.exemplar_labels);
            }
            return (is_text || next <= self.page.text.len()).then_some(next);
        }
        self.line.value = indexed_value(bytes, at + 1, end)?;
        self.line.timestamp = None;
        Some(end + 1)
    }

    fn known_metadata(&mut self, known: Known, is_plain: bool) -> Option<()> {
        let end = self.pos + known.len as usize;
        let is_text = end <= self.page.text.len() || self.is_unchecked;
        if !is_text || self.page.bytes.get(end) == Some(&0) {
            return None;
        }
        let name = Span::new(self.pos + 7, self.pos + 7 + known.name_len as usize);
        self.meta = Meta { name, text: Span::new(name.end + 1, end - 1), is_plain };
        self.family_name_len = name.len();
        self.pos = end;
        Some(())
    }

    /// Remembers the line that was read, if it is a usual one.
    #[inline(never)]
    pub(super) fn remember(&mut self, step: Step) {
        let Some(layout) = self.layout.as_deref_mut() else { return };
        let (bytes, start) = (self.page.bytes, self.start);
        match step {
            Step::End => layout.end(),
            Step::Series => {
                let Line { series, name, .. } = self.line;
                self.line.slot = layout.slots;
                let mut labels = self.line.labels(self.page.bytes, &self.index);
                let count = labels.len();
                let is_usual = series.start == start
                    && name.start == start
                    && bytes.get(series.end) == Some(&b' ')
                    && is_regular(bytes, &mut labels, name, series);
                if is_usual {
                    let known = Known::new(Kind::Series, name.len(), count);
                    layout.add(known, self.page.get(series));
                }
                layout.slots += 1;
            }
            Step::Type | Step::Help => {
                let Meta { name, text, .. } = self.meta;
                let line = self.page.get(Span::new(start, text.end + 1));
                // `# TYPE ` or `# HELP `, the name, a space, a text and the line feed.
                if name.start == start + 7
                    && text.start == name.end + 1
                    && matches!(line, [b'#', b' ', _, _, _, _, b' ', .., b'\n'])
                    && self.pos == text.end + 1
                {
                    let kind = match step {
                        Step::Type => Kind::Type(self.metric_type),
                        _ => Kind::Help { is_plain: memchr::memchr(b'\\', line).is_none() },
                    };
                    layout.add(Known::new(kind, name.len(), 0), line);
                }
            }
            Step::Unit | Step::Comment | Step::Histogram => {}
        }
    }
}

/// Whether labels stand on the line without anything that is not needed.
fn is_regular(
    bytes: &[u8],
    labels: &mut dyn Iterator<Item = super::RawLabel>,
    name: Span,
    series: Span,
) -> bool {
    let mut at = name.end + 1;
    for label in labels {
        let is_next = label.name.start == at && label.value.start == label.name.end + 2;
        // Prometheus takes NUL behind a string for its end.
        if !is_next || label.escaped || bytes.get(label.value.end) != Some(&b'"') {
            return false;
        }
        at = label.value.end + 2;
    }
    // A brace ends the labels; without labels there may be none.
    at == series.end || name.end == series.end || at + 1 == series.end && at == name.end + 1
}
