//! A sample's labels: resolved, canonical and sorted in buffers that the parser keeps.

use alloc::string::String;
use alloc::vec::Vec;
use core::{iter, mem};

use skopos_core::labels::{BUCKET_BOUND, LabelsPacker, METRIC_NAME, QUANTILE};
use skopos_core::{Labels, MetricType};

use super::layout::begins_with;
use super::line::Line;
use super::scan::Index;
use super::{Page, Parser, RawLabel, Span};
use crate::escape::unescape_into;
use crate::number::{canonical_label_float, wants_point};

const TYPE: &str = "__type__";
const UNIT: &str = "__unit__";

/// `__name__`, with more than is needed behind it.
const PADDED_METRIC_NAME: &[u8] = b"__name__                        ";

/// Reused from sample to sample.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Strings that are not on the page: unescaped ones, canonical floats, added names.
    own: String,
    /// In the order of the line, where they are not as they stand on it.
    labels: Vec<Label>,
    /// The name order of this line behind the metric's name, and another one that was in use before:
    /// lines usually have the names of the line before, or those of one a few lines back, as a
    /// histogram's do.
    order: Order,
    other: Order,
    /// The order of those in `labels`.
    resolved: Order,
}

impl Scratch {
    /// Adds a label whose name is not on the page.
    fn push_added(&mut self, name: &str, value: Text) {
        let name = Text::own(&mut self.own, |own| own.push_str(name));
        self.labels.push(Label { name, value });
    }

    /// Makes `order` that of a metric's name and labels with these names.
    #[inline]
    fn sort<'n>(&mut self, names: impl ExactSizeIterator<Item = Name<'n>> + Clone) {
        if !self.order.is_of(1, names.clone()) {
            self.sort_other(names);
        }
    }

    #[inline(never)]
    fn sort_other<'n>(&mut self, names: impl ExactSizeIterator<Item = Name<'n>> + Clone) {
        mem::swap(&mut self.order, &mut self.other);
        if !self.order.is_of(1, names.clone()) {
            let name =
                Name { prefix: prefix(METRIC_NAME.as_bytes()), bytes: METRIC_NAME.as_bytes() };
            self.order.learn(iter::once(name).chain(names));
        }
    }
}

/// The line whose labels were packed last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PackedLine {
    /// Where it begins, and how far it is to the last label's value.
    start: usize,
    len: usize,
    metric_type: MetricType,
}

/// A label's name, and its first eight bytes, in which most names differ.
#[derive(Clone, Copy, Debug)]
struct Name<'n> {
    prefix: u64,
    bytes: &'n [u8],
}

/// The name order of labels with certain names.
#[derive(Debug, Default)]
struct Order {
    prefixes: Vec<u64>,
    /// The names, one after the other, and where each ends.
    names: Vec<u8>,
    ends: Vec<usize>,
    /// Whether the prefixes tell the order alone.
    is_told: bool,
    /// The labels' numbers in name order.
    numbers: Vec<u32>,
    /// Whether each name is there once.
    is_distinct: bool,
    /// The numbers of the labels with floats of one form; 0 where there are none.
    bound: u32,
    quantile: u32,
}

impl Order {
    /// Whether the names are these, behind so many others; as far as it matters to the order.
    #[inline]
    fn is_of<'n>(
        &self,
        skipped: usize,
        names: impl ExactSizeIterator<Item = Name<'n>> + Clone,
    ) -> bool {
        let Some(prefixes) = self.prefixes.get(skipped..) else { return false };
        if prefixes.len() != names.len() {
            return false;
        }
        let both = prefixes.iter().zip(names.clone());
        let different = both.fold(0, |sum, (prefix, name)| sum | (prefix ^ name.prefix));
        different == 0 && (self.is_told || self.has_names(skipped, names))
    }

    #[inline(never)]
    fn has_names<'n>(&self, skipped: usize, names: impl Iterator<Item = Name<'n>>) -> bool {
        names.enumerate().all(|(at, name)| self.name(skipped + at) == name.bytes)
    }

    fn name(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(number).copied().unwrap_or_default();
        self.names.get(start.copied().unwrap_or_default()..end).unwrap_or_default()
    }

    /// Sorts names.
    fn learn<'n>(&mut self, names: impl Iterator<Item = Name<'n>>) {
        self.prefixes.clear();
        self.names.clear();
        self.ends.clear();
        for name in names {
            self.prefixes.push(name.prefix);
            self.names.extend_from_slice(name.bytes);
            self.ends.push(self.names.len());
        }
        let mut numbers = mem::take(&mut self.numbers);
        numbers.clear();
        numbers.extend(0..self.prefixes.len() as u32);
        let prefix = |number: &u32| self.prefixes.get(*number as usize);
        let name = |number: &u32| self.name(*number as usize);
        numbers.sort_by(|a, b| prefix(a).cmp(&prefix(b)).then_with(|| name(a).cmp(name(b))));
        let is_told = numbers.is_sorted_by(|a, b| prefix(a) < prefix(b));
        let is_distinct = numbers.is_sorted_by(|a, b| name(a) < name(b));
        let of = |wanted: &str| numbers.iter().find(|number| name(number) == wanted.as_bytes());
        let (bound, quantile) = (of(BUCKET_BOUND).copied(), of(QUANTILE).copied());
        (self.bound, self.quantile) = (bound.unwrap_or(0), quantile.unwrap_or(0));
        (self.is_told, self.is_distinct) = (is_told, is_distinct);
        self.numbers = numbers;
    }
}

/// Eight bytes of a name as a number that orders as they do; zeros where there are fewer.
#[inline]
fn prefix(name: &[u8]) -> u64 {
    match name.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => name.iter().rev().fold(0, |sum, &byte| sum >> 8 | u64::from(byte) << 56),
    }
}

/// A name on the page.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a name goes from the marks to a comparison in registers")]
fn page_name(page: Page<'_>, name: Span) -> Name<'_> {
    let prefix = match page.bytes.get(name.start..).and_then(<[u8]>::first_chunk) {
        Some(first) => {
            let behind = u64::MAX.checked_shr(8 * name.len() as u32).unwrap_or(0);
            u64::from_be_bytes(*first) & !behind
        }
        None => prefix(page.get(name)),
    };
    Name { prefix, bytes: page.get(name) }
}

#[derive(Clone, Copy, Debug)]
struct Label {
    name: Text,
    value: Text,
}

/// Where a string is.
#[derive(Clone, Copy, Debug)]
struct Text {
    place: Place,
    span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Page,
    Own,
}

impl Text {
    #[inline]
    fn page(span: Span) -> Self {
        Self { place: Place::Page, span }
    }

    /// A string that is added to those that are not on the page.
    fn own(own: &mut String, write: impl FnOnce(&mut String)) -> Self {
        let start = own.len();
        write(own);
        Self { place: Place::Own, span: Span::new(start, own.len()) }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a pair goes from the page to its place in registers")]
    fn get<'s>(self, page: Page<'s>, own: &'s str) -> &'s str {
        match self.place {
            Place::Page => page.text(self.span),
            Place::Own => own.get(self.span.start..self.span.end).unwrap_or_default(),
        }
    }

    #[inline]
    fn bytes<'s>(self, page: Page<'s>, own: &'s str) -> &'s [u8] {
        match self.place {
            Place::Page => page.get(self.span),
            Place::Own => own.as_bytes().get(self.span.start..self.span.end).unwrap_or_default(),
        }
    }
}

/// The labels of a sample, as [`SeriesLabels`](crate::SeriesLabels) shows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextLabels<'s> {
    page: Page<'s>,
    own: &'s str,
    source: Source<'s>,
    /// The labels' numbers in name order.
    order: &'s [u32],
    /// Whether each name is there once, as usual.
    distinct: bool,
}

/// Where the labels are, by their numbers.
#[derive(Clone, Copy, Debug)]
enum Source<'s> {
    /// The metric's name as number 0, and then those of the line as they stand there, but for the
    /// value of number `bound`, unless that is 0: it is the string that is not on the page.
    Line { name: Span, labels: Plain<'s>, bound: u32 },
    /// Each string on the page or not.
    Resolved(&'s [Label]),
}

/// The labels of a line without escapes.
#[derive(Clone, Copy, Debug)]
enum Plain<'s> {
    /// The opening brace and two quotes for each value, counted from a place.
    Marks(usize, &'s [u16]),
    Raw(&'s [RawLabel]),
}

impl<'s> Plain<'s> {
    #[inline]
    fn new(line: &'s Line, index: &'s Index) -> Self {
        match index.marks(line.label_marks.0, line.label_marks.1) {
            [] => Self::Raw(&line.labels),
            marks => Self::Marks(index.base(), marks),
        }
    }

    #[inline]
    fn len(self) -> usize {
        match self {
            Self::Marks(_, marks) => marks.len() / 2,
            Self::Raw(labels) => labels.len(),
        }
    }

    /// Where name and value of a label are, counted from 0.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a label goes from the marks to registers")]
    fn spans(self, index: usize) -> (Span, Span) {
        match self {
            Self::Marks(base, marks) => {
                let marks = marks.get(2 * index..).and_then(<[u16]>::first_chunk);
                let [before, open, close] = marks.copied().unwrap_or_default().map(usize::from);
                // Between labels there is a comma.
                let start = before + 1 + usize::from(index != 0);
                let name = Span::new(base + start, base + open.wrapping_sub(1));
                (name, Span::new(base + open + 1, base + close))
            }
            Self::Raw(labels) => {
                labels.get(index).map_or_else(Default::default, |label| (label.name, label.value))
            }
        }
    }
}

impl<'s> TextLabels<'s> {
    #[inline]
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'s str, &'s str)> + use<'s> {
        let labels = *self;
        self.order.iter().map(move |&number| labels.numbered(number))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a pair goes from the page to its place in registers")]
    fn numbered(&self, number: u32) -> (&'s str, &'s str) {
        let Self { page, own, source, .. } = *self;
        let (name, labels, bound) = match source {
            Source::Line { name, labels, bound } => (name, labels, bound),
            Source::Resolved(labels) => {
                let Some(label) = labels.get(number as usize) else { return ("", "") };
                return (label.name.get(page, own), label.value.get(page, own));
            }
        };
        let Some(index) = (number as usize).checked_sub(1) else {
            return (METRIC_NAME, page.text(name));
        };
        let (name, value) = labels.spans(index);
        (page.text(name), if number == bound { own } else { page.text(value) })
    }

    /// How many labels there are, with empty and repeated ones.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    #[inline]
    pub(crate) fn pair(&self, index: usize) -> Option<(&'s str, &'s str)> {
        self.order.get(index).map(|&number| self.numbered(number))
    }

    /// Whether each name is there once.
    pub(crate) fn is_distinct(&self) -> bool {
        self.distinct
    }

    /// The owned form.
    #[inline]
    pub(crate) fn pack(&self, packer: &mut LabelsPacker) -> Labels {
        if !self.distinct {
            // Of a name that is there twice the last value counts.
            return Labels::from_pairs(self.iter());
        }
        match self.source {
            // Lines are text as a whole, and the page up to some line.
            Source::Line { name, labels: Plain::Marks(base, marks), bound }
                if self.page.is_text(name) =>
            {
                let (page, own) = (self.page.text.as_bytes(), self.own.as_bytes());
                let piece = |span: Span| (page.get(span.start..).unwrap_or_default(), span.len());
                packer.push_prefixes(self.order.iter().map(|&number| {
                    let Some(index) = (number as usize).checked_sub(1) else {
                        return [(PADDED_METRIC_NAME, METRIC_NAME.len()), piece(name)];
                    };
                    let (name, value) = Plain::Marks(base, marks).spans(index);
                    let value = if number == bound { (own, own.len()) } else { piece(value) };
                    [piece(name), value]
                }));
            }
            _ => self.iter().for_each(|(name, value)| _ = packer.push(name, value)),
        }
        packer.finish()
    }
}

impl Parser<'_> {
    /// The current line's labels.
    #[inline]
    pub(super) fn series_labels(&mut self) -> TextLabels<'_> {
        if self.line.is_known {
            self.line.detach(self.page.bytes, &self.index);
        }
        if self.is_plain() { self.plain_labels() } else { self.resolved_labels() }
    }

    /// The owned form of the current line's labels.
    #[inline]
    pub(super) fn owned_labels(&mut self) -> Labels {
        let mut packer = self.packer.take().unwrap_or_default();
        let labels = match self.repeated_labels(&mut packer) {
            Some(labels) => labels,
            None => self.packed_labels(&mut packer),
        };
        self.packer = Some(packer);
        labels
    }

    fn packed_labels(&mut self, packer: &mut LabelsPacker) -> Labels {
        let labels = self.series_labels();
        let distinct = labels.distinct;
        let packed = labels.pack(packer);
        if !distinct {
            // This set the packer does not know.
            self.packed_line = PackedLine::default();
        }
        packed
    }

    /// The owned form of labels that differ in the last value alone from those that were packed last.
    #[inline]
    fn repeated_labels(&mut self, packer: &mut LabelsPacker) -> Option<Labels> {
        let before = mem::take(&mut self.packed_line);
        if !self.is_plain() || self.line.is_known {
            return None;
        }
        let labels = Plain::new(&self.line, &self.index);
        let (name, value) = labels.spans(labels.len().checked_sub(1)?);
        let start = self.line.name.start;
        let now = PackedLine {
            start,
            len: value.start.checked_sub(start)?,
            metric_type: self.metric_type,
        };
        self.packed_line = now;
        let page = self.page;
        let bytes = |line: PackedLine| page.bytes.get(line.start..line.start + line.len);
        let is_same = before.len == now.len
            && before.metric_type == now.metric_type
            && begins_with(bytes(now)?, bytes(before)?);
        if !is_same {
            return None;
        }
        let (name, value) = (page.text(name), page.text(value));
        let own = &mut self.scratch.own;
        own.clear();
        let is_written = Some(name) == bound_name(self.metric_type) && canonical_bound(value, own);
        packer.finish_again(name, if is_written { own } else { value })
    }

    /// Whether the labels are as they stand on the page.
    #[inline]
    fn is_plain(&self) -> bool {
        !self.options.type_and_unit_labels
            && self.line.name.start == self.start
            && !self.line.labels.iter().any(|label| label.escaped)
    }

    /// Labels as they stand on the page.
    #[inline]
    fn plain_labels(&mut self) -> TextLabels<'_> {
        let page = self.page;
        let labels = Plain::new(&self.line, &self.index);
        match labels {
            Plain::Marks(base, marks) => {
                let mut start = base + marks.first().map_or(0, |&open| usize::from(open) + 1);
                let quotes = marks.get(1..).unwrap_or_default().as_chunks::<2>().0;
                self.scratch.sort(quotes.iter().map(move |&[open, close]| {
                    let name = Span::new(start, base + usize::from(open) - 1);
                    start = base + usize::from(close) + 2;
                    page_name(page, name)
                }));
            }
            Plain::Raw(labels) => {
                self.scratch.sort(labels.iter().map(|label| page_name(page, label.name)));
            }
        }
        let Scratch { own, order, .. } = &mut self.scratch;
        let mut bound = match self.metric_type {
            MetricType::Histogram => order.bound,
            MetricType::Summary => order.quantile,
            _ => 0,
        };
        if let Some(index) = (bound as usize).checked_sub(1) {
            let (name, value) = labels.spans(index);
            own.clear();
            // The order knows of the name what it begins with.
            let is_written = Some(name.len()) == bound_name(self.metric_type).map(str::len)
                && canonical_bound(page.text(value), own);
            bound = if is_written { bound } else { 0 };
        }
        let source = Source::Line { name: self.line.name, labels, bound };
        TextLabels { page, own, source, order: &order.numbers, distinct: order.is_distinct }
    }

    /// Labels of which some strings are not on the page.
    #[inline(never)]
    fn resolved_labels(&mut self) -> TextLabels<'_> {
        let page = self.page;
        let scratch = &mut self.scratch;
        scratch.own.clear();
        scratch.labels.clear();
        let value = if memchr::memchr(b'\\', page.get(self.line.name)).is_some() {
            resolve(page.text(self.line.name), &mut scratch.own)
        } else {
            Text::page(self.line.name)
        };
        let unit = page.text(self.unit);
        let added = Added {
            yes: self.options.type_and_unit_labels,
            name: self.line.name.len() != 0,
            metric_type: self.metric_type != MetricType::Unknown,
            unit: !unit.is_empty(),
        };
        if added.name || !added.yes {
            scratch.push_added(METRIC_NAME, value);
        }
        if added.yes && added.metric_type {
            let metric_type = self.metric_type.as_str();
            let value = Text::own(&mut scratch.own, |own| own.push_str(metric_type));
            scratch.push_added(TYPE, value);
        }
        if added.yes && added.unit {
            scratch.push_added(UNIT, Text::page(self.unit));
        }
        let bound = bound_name(self.metric_type);
        for raw in self.line.labels(page.bytes, &self.index) {
            let label = resolve_label(&raw, page, bound, &mut scratch.own);
            if !(added.yes && added.replaces(label.name.get(page, &scratch.own))) {
                scratch.labels.push(label);
            }
        }
        let Scratch { own, labels, resolved: order, .. } = scratch;
        let names = labels.iter().map(|label| match label.name.place {
            Place::Page => page_name(page, label.name.span),
            Place::Own => {
                let bytes = label.name.bytes(page, own);
                Name { prefix: prefix(bytes), bytes }
            }
        });
        if !order.is_of(0, names.clone()) {
            order.learn(names);
        }
        let source = Source::Resolved(labels);
        TextLabels { page, own, source, order: &order.numbers, distinct: order.is_distinct }
    }
}

/// The label whose value has one form in metrics of a type.
#[inline]
fn bound_name(metric_type: MetricType) -> Option<&'static str> {
    match metric_type {
        MetricType::Histogram => Some(BUCKET_BOUND),
        MetricType::Summary => Some(QUANTILE),
        _ => None,
    }
}

/// Appends the canonical form of a float, if it stands there in another one.
#[inline]
fn canonical_bound(text: &str, own: &mut String) -> bool {
    match wants_point(prefix(text.as_bytes()).swap_bytes(), text.len()) {
        Some(wants_point) => {
            if wants_point {
                own.push_str(text);
                own.push_str(".0");
            }
            wants_point
        }
        None => canonical_label_float(text, own),
    }
}

/// What metadata labels the series gets, which replace those of the page.
struct Added {
    yes: bool,
    name: bool,
    metric_type: bool,
    unit: bool,
}

impl Added {
    fn replaces(&self, name: &str) -> bool {
        match name {
            METRIC_NAME => self.name,
            TYPE => self.metric_type,
            UNIT => self.unit,
            _ => false,
        }
    }
}

fn resolve_label(raw: &RawLabel, page: Page<'_>, bound: Option<&str>, own: &mut String) -> Label {
    let (mut name, mut value) = (Text::page(raw.name), Text::page(raw.value));
    if raw.escaped {
        name = resolve(page.text(raw.name), own);
        value = resolve(page.text(raw.value), own);
    }
    if let Some(bound) = bound
        && name.span.len() == bound.len()
        && name.get(page, own) == bound
        && value.place == Place::Page
    {
        // A backslash is in no float, so resolved values are none.
        let written = Text::own(own, |own| {
            canonical_label_float(page.text(raw.value), own);
        });
        if written.span.len() != 0 {
            value = written;
        }
    }
    Label { name, value }
}

fn resolve(text: &str, own: &mut String) -> Text {
    Text::own(own, |own| unescape_into(text, own))
}
