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

use super::fast::{indexed_value, value_end};
use super::{Line, Meta, Parser, Span, Step};
use crate::TextFormat;

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
    len: usize,
    kind: Kind,
    /// The metric's name; in metadata it stands behind `# TYPE ` or `# HELP `.
    name_len: usize,
    /// How many labels there are.
    labels: usize,
    /// Which of the page's samples it is.
    slot: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Series,
    Type(MetricType),
    Help,
}

impl Layout {
    /// The layout of no page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a page.
    pub(super) fn begin(&mut self, format: TextFormat) {
        if !mem::take(&mut self.complete) || self.format != Some(format) {
            self.last.clear();
        }
        self.this.clear();
        self.format = Some(format);
        (self.differs, self.next, self.slots, self.misses) = (false, 0, 0, 0);
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
        let lines = self.last.lines.get(self.next..)?;
        let is_there = |known: &Known| {
            let text = self.last.text.get(known.start..known.start + known.len);
            text.is_some_and(|text| rest.starts_with(text))
                && (known.kind != Kind::Series || rest.get(known.len) == Some(&b' '))
        };
        lines.iter().take(LOOK).position(is_there).and_then(|at| Some((at, *lines.get(at)?)))
    }

    /// Goes on behind a line that was found.
    #[inline]
    fn pass(&mut self, passed: usize, known: Known) {
        self.misses = 0;
        if passed != 0 {
            self.differ();
        }
        self.next += passed + 1;
        let slot = self.slots;
        if self.differs {
            let text = self.last.text.get(known.start..known.start + known.len);
            self.this.push(Known { slot, ..known }, text.unwrap_or_default());
        } else if known.slot != slot
            && let Some(line) = self.last.lines.get_mut(self.next - 1)
        {
            line.slot = slot;
        }
    }

    /// Remembers a line that was not known.
    fn add(&mut self, known: Known, text: &[u8]) {
        self.miss();
        self.differ();
        self.this.push(Known { slot: self.slots, ..known }, text);
    }

    /// Notes that a line was not known.
    fn miss(&mut self) {
        self.misses += 1;
        if PATIENCE < self.misses {
            self.differ();
            self.next = (self.next + 1).min(self.last.lines.len());
        }
    }

    /// From here on this page has its own lines.
    fn differ(&mut self) {
        if !mem::replace(&mut self.differs, true) {
            let same = self.last.lines.get(..self.next).unwrap_or_default();
            let text_len = same.last().map_or(0, |known| known.start + known.len);
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

    fn push(&mut self, known: Known, text: &[u8]) {
        self.lines.push(Known { start: self.text.len(), len: text.len(), ..known });
        self.text.extend_from_slice(text);
    }

    fn truncate(&mut self, len: usize) {
        self.lines.truncate(len);
        self.text.truncate(self.lines.last().map_or(0, |known| known.start + known.len));
    }
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
                self.known_metadata(known)?;
                Step::Type
            }
            Kind::Help => {
                self.known_metadata(known)?;
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
        let bytes = self.page.bytes;
        let start = self.pos;
        let series = Span::new(start, start + known.len);
        let end = value_end(bytes, series.end + 1)?;
        self.line.label_marks = (0, 0);
        self.line.exemplar_marks = (0, 0);
        self.line.labels.clear();
        let next = if bytes.get(end) == Some(&b'\n') {
            self.line.value = indexed_value(bytes, series.end + 1, end)?;
            self.line.timestamp = None;
            self.line.exemplar = None;
            end + 1
        } else {
            self.line.exemplar = None;
            self.fast_end(series.end)?
        };
        if self.page.text.len() < next {
            return None;
        }
        self.line.name = Span::new(start, start + known.name_len);
        self.line.series = series;
        self.line.known_labels = known.labels;
        self.line.known_slot = Some(known.slot);
        self.pos = next;
        Some(Step::Series)
    }

    fn known_metadata(&mut self, known: Known) -> Option<()> {
        let end = self.pos + known.len;
        if self.page.text.len() < end {
            return None;
        }
        let name = Span::new(self.pos + 7, self.pos + 7 + known.name_len);
        self.meta = Meta { name, text: Span::new(name.end + 1, end - 1) };
        self.family_name_len = known.name_len;
        self.pos = end;
        Some(())
    }

    /// Remembers the line that was read, if it is a usual one.
    #[inline(never)]
    pub(super) fn remember(&mut self, step: Step) {
        let Some(layout) = self.layout.as_deref_mut() else { return };
        let (bytes, start) = (self.page.bytes, self.start);
        let known = Known { start: 0, len: 0, kind: Kind::Help, name_len: 0, labels: 0, slot: 0 };
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
                    && is_regular(&mut labels, name, series);
                if is_usual {
                    let text = self.page.get(series);
                    let name_len = name.len();
                    layout
                        .add(Known { kind: Kind::Series, name_len, labels: count, ..known }, text);
                }
                layout.slots += 1;
            }
            Step::Type | Step::Help => {
                let Meta { name, text } = self.meta;
                let line = self.page.get(Span::new(start, text.end + 1));
                // `# TYPE ` or `# HELP `, the name, a space, a text and the line feed.
                if name.start == start + 7
                    && text.start == name.end + 1
                    && matches!(line, [b'#', b' ', _, _, _, _, b' ', .., b'\n'])
                    && self.pos == text.end + 1
                {
                    let is_type = step == Step::Type;
                    let kind = if is_type { Kind::Type(self.metric_type) } else { Kind::Help };
                    layout.add(Known { kind, name_len: name.len(), ..known }, line);
                }
            }
            Step::Unit | Step::Comment | Step::Histogram => {}
        }
    }
}

/// Whether labels stand on the line without anything that is not needed.
fn is_regular(labels: &mut dyn Iterator<Item = super::RawLabel>, name: Span, series: Span) -> bool {
    let mut at = name.end + 1;
    for label in labels {
        let is_next = label.name.start == at && label.value.start == label.name.end + 2;
        if !is_next || label.escaped {
            return false;
        }
        at = label.value.end + 2;
    }
    // A brace ends the labels; without labels there may be none.
    at == series.end || name.end == series.end || at + 1 == series.end && at == name.end + 1
}
