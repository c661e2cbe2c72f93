//! A sample's labels: resolved, canonical and sorted in buffers that the parser keeps.

use alloc::string::String;
use alloc::vec::Vec;

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
    labels: Vec<Label>,
}

#[derive(Clone, Copy, Debug)]
struct Label {
    name: Text,
    value: Text,
    /// The first eight bytes of the name, in which most names differ.
    prefix: u64,
}

impl Label {
    #[inline]
    fn new(name: Text, value: Text, page: Page<'_>, own: &str) -> Self {
        Self { name, value, prefix: prefix(name.bytes(page, own)) }
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

/// Where a string is.
#[derive(Clone, Copy, Debug)]
enum Text {
    Page(Span),
    Own(Span),
    Static(&'static str),
}

impl Text {
    #[inline]
    fn get<'s>(self, page: Page<'s>, own: &'s str) -> &'s str {
        match self {
            Self::Page(span) => page.text(span),
            Self::Own(span) => own.get(span.start..span.end).unwrap_or_default(),
            Self::Static(text) => text,
        }
    }

    #[inline]
    fn bytes<'s>(self, page: Page<'s>, own: &'s str) -> &'s [u8] {
        match self {
            Self::Page(span) => page.get(span),
            Self::Own(span) => own.as_bytes().get(span.start..span.end).unwrap_or_default(),
            Self::Static(text) => text.as_bytes(),
        }
    }
}

/// The labels of a sample, as [`SeriesLabels`](crate::SeriesLabels) shows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextLabels<'s> {
    page: Page<'s>,
    own: &'s str,
    labels: &'s [Label],
    /// Whether each name is there once, as usual.
    distinct: bool,
}

impl<'s> TextLabels<'s> {
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'s str, &'s str)> + use<'s> {
        let Self { page, own, labels, .. } = *self;
        labels.iter().map(move |label| (label.name.get(page, own), label.value.get(page, own)))
    }

    /// How many labels there are, with empty and repeated ones.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    #[inline]
    pub(crate) fn pair(&self, index: usize) -> Option<(&'s str, &'s str)> {
        let Self { page, own, labels, .. } = *self;
        labels.get(index).map(|label| (label.name.get(page, own), label.value.get(page, own)))
    }

    /// Whether each name is there once.
    pub(crate) fn is_distinct(&self) -> bool {
        self.distinct
    }
}

impl Parser<'_> {
    /// Resolves the current line's labels.
    pub(super) fn series_labels(&mut self) -> TextLabels<'_> {
        let page = self.page;
        let Scratch { own, labels } = &mut self.scratch;
        own.clear();
        labels.clear();
        let name = Text::Page(self.line.name);
        let name = if memchr::memchr(b'\\', page.get(self.line.name)).is_some() {
            resolve(page.text(self.line.name), own)
        } else {
            name
        };
        let unit = page.text(self.unit);
        let added = Added {
            yes: self.options.type_and_unit_labels,
            name: self.line.name.len() != 0,
            metric_type: self.metric_type != MetricType::Unknown,
            unit: !unit.is_empty(),
        };
        if added.name || !added.yes {
            labels.push(Label::new(Text::Static(METRIC_NAME), name, page, own));
        }
        if added.yes && added.metric_type {
            let metric_type = Text::Static(self.metric_type.as_str());
            labels.push(Label::new(Text::Static(TYPE), metric_type, page, own));
        }
        if added.yes && added.unit {
            let unit = Text::Page(self.unit);
            labels.push(Label::new(Text::Static(UNIT), unit, page, own));
        }
        let bound = match self.metric_type {
            MetricType::Histogram => Some(BUCKET_BOUND),
            MetricType::Summary => Some(QUANTILE),
            _ => None,
        };
        for raw in self.line.labels(&self.index) {
            let label = resolve_label(&raw, page, bound, own);
            if !(added.yes && added.replaces(label.name.get(page, own))) {
                labels.push(label);
            }
        }
        let order = |a: &Label, b: &Label| {
            let names = || a.name.bytes(page, own).cmp(b.name.bytes(page, own));
            a.prefix.cmp(&b.prefix).then_with(names)
        };
        let ascend = |labels: &[Label]| labels.is_sorted_by(|a, b| order(a, b).is_lt());
        let mut distinct = ascend(labels);
        if !distinct {
            labels.sort_by(order);
            distinct = ascend(labels);
        }
        TextLabels { page, own, labels, distinct }
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

#[inline]
fn resolve_label(raw: &RawLabel, page: Page<'_>, bound: Option<&str>, own: &mut String) -> Label {
    let (mut name, mut value) = (Text::Page(raw.name), Text::Page(raw.value));
    if raw.escaped {
        name = resolve(page.text(raw.name), own);
        value = resolve(page.text(raw.value), own);
    }
    if bound.is_some_and(|bound| name.get(page, own) == bound) {
        let start = own.len();
        let written = match value {
            Text::Page(span) => canonical_label_float(page.text(span), own),
            // A backslash is in no float.
            Text::Own(_) | Text::Static(_) => false,
        };
        if written {
            value = Text::Own(Span::new(start, own.len()));
        }
    }
    Label::new(name, value, page, own)
}

fn resolve(text: &str, own: &mut String) -> Text {
    let start = own.len();
    unescape_into(text, own);
    Text::Own(Span::new(start, own.len()))
}
