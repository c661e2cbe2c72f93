//! A sample's labels: resolved, canonical and sorted in buffers that the parser keeps.

use alloc::string::String;
use alloc::vec::Vec;

use skopos_core::labels::{BUCKET_BOUND, METRIC_NAME, QUANTILE};
use skopos_core::{LabelSet, MetricType};

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

/// The labels of a sample, in name order, borrowed from the page and the parser.
///
/// As a [`LabelSet`] it follows that trait's laws: no empty value, each name once (the last one
/// written counts). [`iter`](Self::iter) shows what Prometheus' parser gives: all of them.
///
/// ```
/// use skopos_core::LabelSet as _;
/// use skopos_exposition::{Entry, Parser, ParserOptions, TextFormat};
///
/// let page = br#"m{b="\"",a="1",a="2",c=""} 1"#;
/// let mut parser = Parser::new(TextFormat::Prometheus, page, ParserOptions::default());
/// let Some(Entry::Series(mut sample)) = parser.next()? else { unreachable!() };
/// let labels = sample.labels();
/// assert_eq!(labels.duplicate_name(), Some("a"));
/// assert_eq!(labels.iter().count(), 5);
/// assert_eq!(labels.to_labels().to_string(), r#"{__name__="m", a="2", b="\""}"#);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SeriesLabels<'s> {
    page: Page<'s>,
    own: &'s str,
    labels: &'s [Label],
    /// Whether each name is there once, as usual.
    distinct: bool,
}

impl<'s> SeriesLabels<'s> {
    /// All labels as written, in name order: with empty values, and with repeated names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'s str, &'s str)> + use<'s> {
        let Self { page, own, labels, .. } = *self;
        labels.iter().map(move |label| (label.name.get(page, own), label.value.get(page, own)))
    }

    /// How many labels there are, with empty and repeated ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no label; never, since the name is one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// A name that is there twice, if there is one. A scrape with such a sample is to be refused.
    #[must_use]
    pub fn duplicate_name(&self) -> Option<&'s str> {
        if self.distinct {
            return None;
        }
        let names = || self.iter().map(|(name, _)| name);
        names().zip(names().skip(1)).find(|(a, b)| a == b).map(|(name, _)| name)
    }
}

impl LabelSet for SeriesLabels<'_> {
    fn visit<'v>(&'v self, visitor: &mut dyn FnMut(&'v str, &'v str)) {
        if self.distinct {
            for (name, value) in self.iter().filter(|(_, value)| !value.is_empty()) {
                visitor(name, value);
            }
            return;
        }
        let mut held: Option<(&str, &str)> = None;
        for (name, value) in self.iter() {
            if let Some((before, value)) = held.filter(|(before, _)| *before != name)
                && !value.is_empty()
            {
                visitor(before, value);
            }
            held = Some((name, value));
        }
        if let Some((name, value)) = held.filter(|(_, value)| !value.is_empty()) {
            visitor(name, value);
        }
    }
}

impl Parser<'_> {
    /// Resolves the current line's labels.
    pub(super) fn series_labels(&mut self) -> SeriesLabels<'_> {
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
        for raw in &self.line.labels {
            let label = resolve_label(raw, page, bound, own);
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
        SeriesLabels { page, own, labels, distinct }
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
