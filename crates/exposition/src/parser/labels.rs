//! A sample's labels: resolved, canonical and sorted in buffers that the parser keeps.

use alloc::string::String;
use alloc::vec::Vec;
use core::iter;

use skopos_core::MetricType;
use skopos_core::labels::{BUCKET_BOUND, METRIC_NAME, QUANTILE};

use self::bounds::Bounds;
use self::order::{Name, Order, page_name, prefix};
pub(super) use self::owned::PackedLine;
use super::line::Line;
use super::scan::Index;
use super::{Page, Parser, RawLabel, Span};
use crate::escape::unescape_into;
use crate::number::canonical_label_float;

mod bounds;
mod order;
mod owned;

/// Lines of as many labels or more share an order.
const ORDERS: usize = 32;

const TYPE: &str = "__type__";
const UNIT: &str = "__unit__";

/// Reused from sample to sample.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Strings that are not on the page: unescaped ones, canonical floats, added names.
    own: String,
    bounds: Bounds,
    /// In the order of the line, where they are not as they stand on it.
    labels: Vec<Label>,
    /// Name orders of lines, by how many labels there are: lines usually have the names of the line
    /// before that has as many, as a histogram's do.
    orders: Vec<Order>,
    /// The order of those in `labels`.
    resolved: Order,
}

impl Scratch {
    /// Adds a label whose name is not on the page.
    fn push_added(&mut self, name: &str, value: Text) {
        let name = Text::own(&mut self.own, |own| own.push_str(name));
        self.labels.push(Label { name, value });
    }

    /// Which of `orders` is that of a metric's name and labels with these names.
    #[inline]
    fn sorted<'n>(&mut self, names: impl ExactSizeIterator<Item = Name<'n>> + Clone) -> usize {
        let at = names.len().min(ORDERS);
        let is_known = self.orders.get(at).is_some_and(|order| order.is_of(1, names.clone()));
        if !is_known {
            self.learn(at, names);
        }
        at
    }

    /// Whether the order of as many labels is that of those that stand on the page as marks tell.
    #[inline]
    fn is_sorted(&self, page: Page<'_>, base: usize, marks: &[u16]) -> bool {
        let window = page.bytes.get(base..).unwrap_or_default();
        let order = self.orders.get(marks.len() / 2);
        order.is_some_and(|order| order.is_of_marked(window, marks))
    }

    #[inline(never)]
    fn learn<'n>(&mut self, at: usize, names: impl Iterator<Item = Name<'n>>) {
        if self.orders.len() <= at {
            self.orders.resize_with(at + 1, Order::default);
        }
        let name = Name { prefix: prefix(METRIC_NAME.as_bytes()), bytes: METRIC_NAME.as_bytes() };
        self.orders[at].learn(iter::once(name).chain(names));
    }
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

    /// Gives each label of a line with marks, if each name is there once; says whether it did.
    #[inline]
    pub(crate) fn visit(&self, visitor: &mut dyn FnMut(&'s str, &'s str)) -> bool {
        let Source::Line { name, labels: Plain::Marks(base, marks), bound } = self.source else {
            return false;
        };
        if !self.distinct {
            return false;
        }
        let labels = Plain::Marks(base, marks);
        for &number in self.order {
            let (name, value) = match (number as usize).checked_sub(1) {
                Some(index) => {
                    let (name, value) = labels.spans(index);
                    let value = if number == bound { self.own } else { self.page.text(value) };
                    (self.page.text(name), value)
                }
                None => (METRIC_NAME, self.page.text(name)),
            };
            if !value.is_empty() {
                visitor(name, value);
            }
        }
        true
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

    /// Whether the labels are as they stand on the page.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        !self.options.type_and_unit_labels
            && self.line.name.start == self.start
            && !self.line.labels.iter().any(|label| label.escaped)
    }

    /// Labels as they stand on the page.
    #[inline]
    fn plain_labels(&mut self) -> TextLabels<'_> {
        let page = self.page;
        let labels = Plain::new(&self.line, &self.index);
        let at = match labels {
            Plain::Marks(base, marks) if self.scratch.is_sorted(page, base, marks) => {
                marks.len() / 2
            }
            Plain::Marks(base, marks) => {
                let mut start = base + marks.first().map_or(0, |&open| usize::from(open) + 1);
                let quotes = marks.get(1..).unwrap_or_default().as_chunks::<2>().0;
                self.scratch.sorted(quotes.iter().map(move |&[open, close]| {
                    let name = Span::new(start, base + usize::from(open) - 1);
                    start = base + usize::from(close) + 2;
                    page_name(page, name)
                }))
            }
            Plain::Raw(labels) => {
                self.scratch.sorted(labels.iter().map(|label| page_name(page, label.name)))
            }
        };
        let Scratch { own, bounds, orders, .. } = &mut self.scratch;
        let (order, own_bounds) = (&orders[at], (&mut *own, bounds));
        let bound = order.bound(self.metric_type);
        let bound = written_bound(bound, self.metric_type, own_bounds, |index| {
            let (name, value) = labels.spans(index);
            (name.len(), page.text(value))
        });
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

/// The same number of a label, if its float has to be written in another form, and that is now what
/// `own` holds; 0 otherwise.
#[inline]
fn written_bound<'p>(
    number: u32,
    metric_type: MetricType,
    (own, bounds): (&mut String, &mut Bounds),
    label: impl FnOnce(usize) -> (usize, &'p str),
) -> u32 {
    let Some(index) = (number as usize).checked_sub(1) else { return 0 };
    let (name_len, value) = label(index);
    own.clear();
    // The order knows of the name what it begins with.
    let is_bound = Some(name_len) == bound_name(metric_type).map(str::len);
    if is_bound && bounds.write(value, own) { number } else { 0 }
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
