//! A sample's line: what was found on it, and its labels as they stand there.

use alloc::vec::Vec;
use core::{mem, slice};

use skopos_core::{Exemplar, Labels, MetricType, Timestamp};

use super::ending::Behind;
use super::labels::TextLabels;
use super::layout::Known;
use super::scan::Index;
use super::{Page, Parser, Span};

/// A label as it stands on the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawLabel {
    pub(super) name: Span,
    pub(super) value: Span,
    /// Whether a backslash is in the name or the value.
    pub(super) escaped: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RawExemplar {
    pub(super) value: f64,
    pub(super) timestamp: Option<i64>,
}

/// An `Option` whose parts are read as they are written, one by one: a load of both together waits for
/// the stores of both.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Maybe<T> {
    is_some: bool,
    value: T,
}

impl<T> Maybe<T> {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.is_some = false;
    }

    #[inline]
    pub(super) fn get(self) -> Option<T> {
        if self.is_some { Some(self.value) } else { None }
    }
}

impl<T: Default> From<Option<T>> for Maybe<T> {
    #[inline]
    fn from(value: Option<T>) -> Self {
        let is_some = value.is_some();
        Self { is_some, value: value.unwrap_or_default() }
    }
}

/// The current sample's line.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) series: Span,
    pub(super) name: Span,
    pub(super) value: f64,
    pub(super) timestamp: Maybe<i64>,
    pub(super) exemplar: Option<RawExemplar>,
    /// Which marks of the index are the labels': the opening brace, and two quotes for each value. The
    /// end is that of the closing brace.
    pub(super) label_marks: (usize, usize),
    pub(super) exemplar_marks: (usize, usize),
    /// Whether the line is known and its labels were not looked at; there are neither marks nor others
    /// of it then.
    pub(super) is_known: bool,
    /// How many labels a known line has.
    pub(super) known_labels: usize,
    /// The same of an exemplar that is known, and where its labels begin.
    pub(super) known_exemplar: (usize, usize),
    /// Which of the page's samples it is, and which one of the last page's if it is known.
    pub(super) slot: usize,
    pub(super) known_slot: Maybe<usize>,
    /// Labels that were read byte by byte, instead of marks.
    pub(super) labels: Vec<RawLabel>,
    pub(super) exemplar_labels: Vec<RawLabel>,
}

impl Line {
    #[inline]
    pub(super) fn labels<'l>(&'l self, bytes: &'l [u8], index: &'l Index) -> LineLabels<'l> {
        if self.is_known {
            // Behind the name there is a brace.
            return LineLabels::Known { bytes, at: self.name.end + 1, left: self.known_labels };
        }
        LineLabels::new(index, self.label_marks, &self.labels)
    }

    #[inline]
    fn exemplar_labels<'l>(&'l self, bytes: &'l [u8], index: &'l Index) -> LineLabels<'l> {
        if let (left @ 1.., at) = self.known_exemplar {
            return LineLabels::Known { bytes, at, left };
        }
        LineLabels::new(index, self.exemplar_marks, &self.exemplar_labels)
    }

    /// Takes over what stands behind the series of a known line.
    #[inline]
    pub(super) fn end_known(&mut self, value: f64, behind: Behind) {
        let Behind { timestamp, exemplar, labels } = behind;
        (self.value, self.timestamp, self.exemplar) = (value, timestamp.into(), exemplar);
        self.known_exemplar = labels;
    }

    /// The same where nothing stands behind the value.
    #[inline]
    pub(super) fn end_plain(&mut self, value: f64) {
        self.value = value;
        self.timestamp.clear();
        self.exemplar = None;
    }

    /// Takes over where things are on a known line.
    #[inline]
    pub(super) fn place(&mut self, start: usize, known: &Known) {
        self.name = Span::new(start, start + known.name_len());
        self.series = Span::new(start, start + known.len() - 1);
        (self.is_known, self.known_labels) = (true, known.labels());
        self.known_slot = Some(known.slot()).into();
    }

    /// Makes way for a line that may not be known.
    pub(super) fn forget(&mut self) {
        (self.is_known, self.known_exemplar, self.known_slot) = (false, (0, 0), None.into());
    }

    /// Makes the labels independent of the index.
    pub(super) fn detach(&mut self, bytes: &[u8], index: &Index) {
        let is_elsewhere = self.exemplar_marks != (0, 0) || self.known_exemplar.0 != 0;
        if is_elsewhere && self.exemplar.is_some() {
            let mut labels = mem::take(&mut self.exemplar_labels);
            labels.clear();
            labels.extend(self.exemplar_labels(bytes, index));
            self.exemplar_labels = labels;
        }
        if self.label_marks != (0, 0) || self.is_known {
            let mut labels = mem::take(&mut self.labels);
            labels.clear();
            labels.extend(self.labels(bytes, index));
            self.labels = labels;
        }
        (self.label_marks, self.exemplar_marks) = ((0, 0), (0, 0));
        (self.is_known, self.known_exemplar) = (false, (0, 0));
    }
}

/// The labels of a line, in its order.
#[derive(Clone, Debug)]
pub(super) enum LineLabels<'l> {
    /// By the quotes around their values, counted from a place, and where the next label begins.
    Marks { base: usize, name: usize, quotes: slice::Iter<'l, [u16; 2]> },
    /// Those that were read byte by byte.
    Raw(slice::Iter<'l, RawLabel>),
    /// To be looked for: on this page, at this place, so many, without escapes and blanks.
    Known { bytes: &'l [u8], at: usize, left: usize },
}

impl<'l> LineLabels<'l> {
    #[inline]
    fn new(index: &'l Index, marks: (usize, usize), raw: &'l [RawLabel]) -> Self {
        match index.marks(marks.0, marks.1).split_first() {
            Some((open, quotes)) => Self::Marks {
                base: index.base(),
                name: usize::from(*open) + 1,
                quotes: quotes.as_chunks::<2>().0.iter(),
            },
            None if raw.is_empty() => Self::Marks { base: 0, name: 0, quotes: [].iter() },
            None => Self::Raw(raw.iter()),
        }
    }
}

/// The label whose value is in these quotes; `name` tells where it begins, and then the next one.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a label goes from the marks to registers")]
fn marked(base: usize, name: &mut usize, [open, close]: [u16; 2]) -> (Span, Span) {
    let (open, close) = (usize::from(open), usize::from(close));
    let start = mem::replace(name, close + 2);
    (Span::new(base + start, base + open - 1), Span::new(base + open + 1, base + close))
}

impl Iterator for LineLabels<'_> {
    type Item = RawLabel;

    #[inline]
    fn next(&mut self) -> Option<RawLabel> {
        match self {
            Self::Marks { base, name, quotes } => {
                let (name, value) = marked(*base, name, *quotes.next()?);
                Some(RawLabel { name, value, escaped: false })
            }
            Self::Raw(labels) => labels.next().copied(),
            Self::Known { bytes, at, left } => next_known(bytes, at, left),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match self {
            Self::Marks { quotes, .. } => quotes.len(),
            Self::Raw(labels) => labels.len(),
            Self::Known { left, .. } => *left,
        };
        (len, Some(len))
    }
}

/// The next label of a line that is known to hold them without escapes and blanks.
#[inline(never)]
fn next_known(bytes: &[u8], at: &mut usize, left: &mut usize) -> Option<RawLabel> {
    *left = left.checked_sub(1)?;
    let start = *at;
    let equal = start + memchr::memchr(b'=', bytes.get(start..)?)?;
    let end = equal + 2 + memchr::memchr(b'"', bytes.get(equal + 2..)?)?;
    *at = end + 2;
    let (name, value) = (Span::new(start, equal), Span::new(equal + 2, end));
    Some(RawLabel { name, value, escaped: false })
}

impl ExactSizeIterator for LineLabels<'_> {}

/// A sample's line, as [`SeriesEntry`](crate::SeriesEntry) shows it.
#[derive(Debug)]
pub(crate) struct TextSample<'p, 'a> {
    pub(super) parser: &'p mut Parser<'a>,
}

impl<'a> TextSample<'_, 'a> {
    pub(crate) fn offset(&self) -> usize {
        self.parser.start
    }

    #[inline]
    pub(crate) fn series(&self) -> &'a [u8] {
        self.parser.page.get(self.parser.line.series)
    }

    #[inline]
    pub(crate) fn slots(&self) -> (usize, Option<usize>) {
        (self.parser.line.slot, self.parser.line.known_slot.get())
    }

    #[inline]
    pub(crate) fn raw_name(&self) -> &'a str {
        self.parser.page.text(self.parser.line.name)
    }

    #[inline]
    pub(crate) fn raw_labels(&self) -> TextPairs<'_, 'a> {
        let Parser { page, line, index, .. } = &*self.parser;
        TextPairs { page: *page, labels: line.labels(page.bytes, index) }
    }

    #[inline]
    pub(crate) fn value(&self) -> f64 {
        self.parser.line.value
    }

    #[inline]
    pub(crate) fn timestamp(&self) -> Option<Timestamp> {
        self.parser.line.timestamp.get().map(Timestamp::from_millis)
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        self.parser.metric_type
    }

    #[inline]
    pub(crate) fn labels(&mut self) -> TextLabels<'_> {
        self.parser.series_labels()
    }

    #[inline]
    pub(crate) fn owned_labels(&mut self) -> Labels {
        self.parser.owned_labels()
    }

    /// The exemplar's labels; none without exemplar.
    pub(crate) fn raw_exemplar_labels(&self) -> TextPairs<'_, 'a> {
        let Parser { page, line, index, .. } = &*self.parser;
        let labels = match line.exemplar {
            Some(_) => line.exemplar_labels(page.bytes, index),
            None => LineLabels::Raw([].iter()),
        };
        TextPairs { page: *page, labels }
    }

    #[inline]
    pub(crate) fn exemplar(&self) -> Option<Exemplar> {
        let raw = self.parser.line.exemplar?;
        let labels = self.parser.usual_exemplar_labels();
        let labels = labels.unwrap_or_else(|| owned(self.raw_exemplar_labels()));
        let timestamp = raw.timestamp.map(Timestamp::from_millis);
        Some(Exemplar { labels, value: raw.value, timestamp })
    }

    pub(crate) fn start_timestamp(&mut self) -> Option<Timestamp> {
        self.parser.start_timestamp()
    }
}

/// The owned form of a few labels: without an allocation beyond it, if they are as few as usual.
fn owned<'p>(mut pairs: impl ExactSizeIterator<Item = (&'p str, &'p str)>) -> Labels {
    const USUAL: usize = 4;
    let mut sorted = [("", ""); USUAL];
    let len = pairs.len();
    let Some(sorted) = sorted.get_mut(..len) else { return pairs.collect() };
    sorted.fill_with(|| pairs.next().unwrap_or_default());
    sorted.sort_by_key(|(name, _)| *name);
    if sorted.is_sorted_by(|(a, _), (b, _)| a < b) {
        Labels::from_sorted_pairs(sorted.iter().copied())
    } else {
        Labels::from_pairs(sorted.iter().copied())
    }
}

/// Names and values as they stand on the page.
#[derive(Clone, Debug)]
pub(crate) struct TextPairs<'p, 'a> {
    page: Page<'a>,
    labels: LineLabels<'p>,
}

/// Folds labels that were read byte by byte.
#[inline(never)]
fn fold_raw<'a, T, F>(page: Page<'a>, labels: &[RawLabel], init: T, mut f: F) -> T
where
    F: FnMut(T, (&'a str, &'a str)) -> T,
{
    let pair = |label: &RawLabel| (page.text(label.name), page.text(label.value));
    labels.iter().fold(init, |sum, label| f(sum, pair(label)))
}

/// Folds labels that are to be looked for.
#[inline(never)]
fn fold_known<'a, T, F>(page: Page<'a>, at: usize, left: usize, init: T, mut f: F) -> T
where
    F: FnMut(T, (&'a str, &'a str)) -> T,
{
    let labels = LineLabels::Known { bytes: page.bytes, at, left };
    labels.fold(init, |sum, label| f(sum, (page.text(label.name), page.text(label.value))))
}

impl<'a> Iterator for TextPairs<'_, 'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let label = self.labels.next()?;
        Some((self.page.text(label.name), self.page.text(label.value)))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.labels.size_hint()
    }

    #[inline]
    fn fold<T, F: FnMut(T, Self::Item) -> T>(self, init: T, mut f: F) -> T {
        let page = self.page;
        match self.labels {
            LineLabels::Marks { base, mut name, quotes } => quotes.fold(init, |sum, &quotes| {
                let (name, value) = marked(base, &mut name, quotes);
                f(sum, (page.text(name), page.text(value)))
            }),
            // In registers, not by way of memory.
            LineLabels::Raw(labels) => fold_raw(page, labels.as_slice(), init, f),
            LineLabels::Known { at, left, .. } => fold_known(page, at, left, init, f),
        }
    }
}

impl ExactSizeIterator for TextPairs<'_, '_> {}
