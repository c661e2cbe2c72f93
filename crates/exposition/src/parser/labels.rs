//! A sample's labels: resolved, canonical and sorted in buffers that the parser keeps.

use alloc::string::String;
use alloc::vec::Vec;
use core::{mem, slice};

use skopos_core::MetricType;
use skopos_core::labels::{BUCKET_BOUND, METRIC_NAME, QUANTILE};

use super::{Page, Parser, RawLabel, Span};
use crate::escape::unescape_into;
use crate::number::canonical_label_float;

const TYPE: &str = "__type__";
const UNIT: &str = "__unit__";

/// Reused from sample to sample.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Strings that are not on the page: unescaped ones, canonical floats, added names.
    own: String,
    /// In the order of the line.
    labels: Vec<Label>,
    /// The first eight bytes of each name, in which most names differ.
    prefixes: Vec<u64>,
    /// The name order of this line, and another one that was in use before: lines usually have the
    /// names of the line before, or those of one a few lines back, as a histogram's do.
    order: Order,
    other: Order,
}

#[derive(Debug, Default)]
struct Order {
    /// The labels' numbers in name order.
    numbers: Vec<u32>,
    /// The prefixes for which that is the order, if they tell it alone.
    prefixes: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Label {
    name: Text,
    value: Text,
}

impl Scratch {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a label goes from registers to its place")]
    fn push(&mut self, label: Label, page: Page<'_>) {
        self.prefixes.push(match label.name.place {
            Place::Page => page_prefix(page, label.name.span),
            Place::Own => prefix(label.name.bytes(page, &self.own)),
        });
        self.labels.push(label);
    }

    /// Adds a label whose name is not on the page.
    #[inline]
    fn push_added(&mut self, name: &str, value: Text, page: Page<'_>) {
        let name = Text::own(&mut self.own, |own| own.push_str(name));
        self.push(Label { name, value }, page);
    }

    /// Finds the name order; gives whether each name is there once.
    #[inline]
    fn sort(&mut self, page: Page<'_>) -> bool {
        self.order.prefixes == self.prefixes || self.sort_other(page)
    }

    #[inline(never)]
    fn sort_other(&mut self, page: Page<'_>) -> bool {
        mem::swap(&mut self.order, &mut self.other);
        self.order.prefixes == self.prefixes || self.sort_anew(page)
    }

    fn sort_anew(&mut self, page: Page<'_>) -> bool {
        let Self { own, labels, prefixes, order, .. } = self;
        let key = |&number: &u32| {
            let at = number as usize;
            let name = labels.get(at).map_or(&[][..], |label| label.name.bytes(page, own));
            (prefixes.get(at).copied().unwrap_or_default(), name)
        };
        let numbers = &mut order.numbers;
        numbers.clear();
        numbers.extend(0..labels.len() as u32);
        numbers.sort_by(|a, b| key(a).cmp(&key(b)));
        order.prefixes.clear();
        if numbers.is_sorted_by(|a, b| key(a).0 < key(b).0) {
            order.prefixes.extend_from_slice(prefixes);
        }
        numbers.is_sorted_by(|a, b| key(a) < key(b))
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

/// The same of a name on the page.
#[inline]
fn page_prefix(page: Page<'_>, name: Span) -> u64 {
    match page.bytes.get(name.start..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(first) if name.len() < 8 => {
            u64::from_be_bytes(*first) & !(u64::MAX >> (8 * name.len()))
        }
        Some(first) => u64::from_be_bytes(*first),
        None => prefix(page.get(name)),
    }
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
    labels: &'s [Label],
    /// The labels' numbers in name order.
    order: &'s [u32],
    /// Whether each name is there once, as usual.
    distinct: bool,
}

impl<'s> TextLabels<'s> {
    #[inline]
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'s str, &'s str)> + use<'s> {
        Sorted { labels: *self, order: self.order.iter() }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a pair goes from the page to its place in registers")]
    fn numbered(&self, number: u32) -> (&'s str, &'s str) {
        let Self { page, own, labels, .. } = *self;
        let Some(label) = labels.get(number as usize) else { return ("", "") };
        (label.name.get(page, own), label.value.get(page, own))
    }

    /// How many labels there are, with empty and repeated ones.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
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

/// The labels in name order.
struct Sorted<'s> {
    labels: TextLabels<'s>,
    order: slice::Iter<'s, u32>,
}

impl<'s> Iterator for Sorted<'s> {
    type Item = (&'s str, &'s str);

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a pair goes from the page to its place in registers")]
    fn next(&mut self) -> Option<Self::Item> {
        let &number = self.order.next()?;
        Some(self.labels.numbered(number))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.order.size_hint()
    }
}

impl ExactSizeIterator for Sorted<'_> {}

impl Parser<'_> {
    /// Resolves the current line's labels.
    pub(super) fn series_labels(&mut self) -> TextLabels<'_> {
        let page = self.page;
        let scratch = &mut self.scratch;
        scratch.own.clear();
        scratch.labels.clear();
        scratch.prefixes.clear();
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
            scratch.push_added(METRIC_NAME, value, page);
        }
        if added.yes && added.metric_type {
            let metric_type = self.metric_type.as_str();
            let value = Text::own(&mut scratch.own, |own| own.push_str(metric_type));
            scratch.push_added(TYPE, value, page);
        }
        if added.yes && added.unit {
            scratch.push_added(UNIT, Text::page(self.unit), page);
        }
        let bound = match self.metric_type {
            MetricType::Histogram => Some(BUCKET_BOUND),
            MetricType::Summary => Some(QUANTILE),
            _ => None,
        };
        for raw in self.line.labels(page.bytes, &self.index) {
            let label = resolve_label(&raw, page, bound, &mut scratch.own);
            if !(added.yes && added.replaces(label.name.get(page, &scratch.own))) {
                scratch.push(label, page);
            }
        }
        let distinct = scratch.sort(page);
        let Scratch { own, labels, order, .. } = scratch;
        TextLabels { page, own, labels, order: &order.numbers, distinct }
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

#[inline(always)]
#[expect(clippy::inline_always, reason = "a label goes from registers to its place")]
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
