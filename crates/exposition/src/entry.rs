//! The entries of a page, the same for every format: what a parser gives one after the other.
//!
//! An entry is a view of its parser, which lends its buffers until the next one; what is not asked
//! for is not computed.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::marker::PhantomData;

use skopos_core::labels::LabelsPacker;
use skopos_core::{Exemplar, HistogramSample, LabelSet, Labels, MetricType, Timestamp};

use self::pairs::RawPairs;
use crate::parser::{Converted, TextLabels, TextSample};
#[cfg(feature = "protobuf")]
use crate::protobuf::{LabelBuffer, ProtobufParser, ProtobufSample};

mod pairs;

/// One entry of a page.
#[derive(Debug)]
#[non_exhaustive]
pub enum Entry<'p, 'a> {
    /// The type of a metric family.
    Type {
        /// The family's name, as written: escapes in a quoted name stay.
        name: &'a str,
        /// The declared type.
        metric_type: MetricType,
    },
    /// The help text of a metric family.
    Help {
        /// The family's name, as written.
        name: &'a str,
        /// The text, unescaped.
        help: Cow<'a, str>,
    },
    /// The unit of a metric family; OpenMetrics only.
    Unit {
        /// The family's name, as written.
        name: &'a str,
        /// The unit; may be empty.
        unit: &'a str,
    },
    /// A comment from its `#` on, without the line feed; Prometheus text only.
    Comment(&'a [u8]),
    /// A sample.
    Series(SeriesEntry<'p, 'a>),
    /// A native histogram: of a protobuf page, or made of a classic one's lines if the options ask for
    /// it. Such a one stands after those, before the line that ended it.
    Histogram(HistogramEntry<'p, 'a>),
}

#[cfg(feature = "std")]
impl Entry<'_, '_> {
    /// The same entry of a piece of a page, which begins so many bytes later.
    pub(crate) fn moved(mut self, bytes: usize) -> Self {
        match &mut self {
            Self::Series(entry) => entry.base = bytes,
            Self::Histogram(entry) => entry.base = bytes,
            _ => {}
        }
        self
    }
}

/// A sample: its series, its value, and what else the page says of it.
#[derive(Debug)]
pub struct SeriesEntry<'p, 'a> {
    sample: Sample<'p, 'a>,
    /// The byte at which the parser's piece of the page begins.
    base: usize,
}

#[derive(Debug)]
enum Sample<'p, 'a> {
    #[cfg(feature = "protobuf")]
    Protobuf(ProtobufSample<'p, 'a>),
    Text(TextSample<'p, 'a>),
}

impl<'p, 'a> SeriesEntry<'p, 'a> {
    #[inline]
    pub(crate) fn text(sample: TextSample<'p, 'a>) -> Self {
        Self { sample: Sample::Text(sample), base: 0 }
    }

    #[cfg(feature = "protobuf")]
    #[inline]
    pub(crate) fn protobuf(sample: ProtobufSample<'p, 'a>) -> Self {
        Self { sample: Sample::Protobuf(sample), base: 0 }
    }

    /// The line of a text page.
    pub(crate) fn as_text(&self) -> Option<&TextSample<'p, 'a>> {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(_) => None,
            Sample::Text(sample) => Some(sample),
        }
    }

    /// The byte of the page at which the sample's line begins.
    #[must_use]
    pub fn offset(&self) -> usize {
        let offset = match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.parser().entry_offset(),
            Sample::Text(sample) => sample.offset(),
        };
        offset.wrapping_add(self.base)
    }

    /// What tells the series from others: on a text page its bytes as written, from the first one of
    /// the line to the closing brace.
    ///
    /// Equal bytes mean equal labels as long as the type declared before is the same, so a scraper
    /// may know a series by them and skip its labels.
    #[must_use]
    #[inline]
    pub fn series(&self) -> &[u8] {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.parser().series_bytes(),
            Sample::Text(sample) => sample.series(),
        }
    }

    /// The metric's name as written, without quotes around it; escapes stay.
    #[must_use]
    #[inline]
    pub fn raw_name(&self) -> &str {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.raw_name(),
            Sample::Text(sample) => sample.raw_name(),
        }
    }

    /// Names and values of the labels as they stand on the page: in that order, with their escapes. Of
    /// a protobuf page, in name order.
    #[inline]
    pub fn raw_labels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + '_ {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => {
                let labels = sample.parser().labels();
                RawPairs::Numbered { labels, numbers: 0..labels.len() - 1 }
            }
            Sample::Text(sample) => RawPairs::Text(sample.raw_labels()),
        }
    }

    /// Which of the page's samples it is, from 0, if a [`Layout`](crate::Layout) counts them; lines
    /// that are left out count too.
    #[must_use]
    #[inline]
    pub fn slot(&self) -> usize {
        self.as_text().map_or(0, |sample| sample.slots().0)
    }

    /// Which sample of the page before has the same bytes for its series, as far as the
    /// [`Layout`](crate::Layout) knows: a scraper need not look for it then.
    #[must_use]
    #[inline]
    pub fn known_slot(&self) -> Option<usize> {
        self.as_text().and_then(|sample| sample.slots().1)
    }

    /// The value; in text every NaN is the normal one.
    #[must_use]
    #[inline]
    pub fn value(&self) -> f64 {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.value(),
            Sample::Text(sample) => sample.value(),
        }
    }

    /// When the value was observed, where the page says so.
    #[must_use]
    #[inline]
    pub fn timestamp(&self) -> Option<Timestamp> {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.parser().timestamp(),
            Sample::Text(sample) => sample.timestamp(),
        }
    }

    /// The declared type that is in force: on a text page that of the last TYPE line, whatever its
    /// name.
    #[must_use]
    pub fn metric_type(&self) -> MetricType {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.parser().metric_type(),
            Sample::Text(sample) => sample.metric_type(),
        }
    }

    /// The labels with the name, sorted and unescaped; floats in `le` of histograms and `quantile`
    /// of summaries have their canonical form.
    ///
    /// O(n log n) in the number of labels, linear where they are sorted already.
    #[must_use]
    #[inline]
    pub fn labels(&mut self) -> SeriesLabels<'_> {
        match &mut self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => SeriesLabels::protobuf(sample.parser().labels()),
            Sample::Text(sample) => SeriesLabels::text(sample.labels()),
        }
    }

    /// The owned form of the [`labels`](Self::labels), with one allocation.
    ///
    /// ```
    /// use skopos_exposition::{Entry, Parser, ParserOptions, TextFormat};
    ///
    /// let page = b"hits{zone=\"b\",path=\"/\"} 1";
    /// let mut parser = Parser::new(TextFormat::Prometheus, page, ParserOptions::default());
    /// let Some(Entry::Series(mut sample)) = parser.next()? else { unreachable!() };
    /// assert_eq!(sample.owned_labels().to_string(), r#"{__name__="hits", path="/", zone="b"}"#);
    /// # Ok::<(), skopos_exposition::Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn owned_labels(&mut self) -> Labels {
        match &mut self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.owned_labels(),
            Sample::Text(sample) => sample.owned_labels(),
        }
    }

    /// Names and values of the exemplar's labels as they stand on the page; none without exemplar.
    pub fn raw_exemplar_labels(&self) -> impl Iterator<Item = (&str, &str)> + '_ {
        let text = match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(_) => None,
            Sample::Text(sample) => Some(sample.raw_exemplar_labels()),
        };
        let len = if text.is_some() { 0 } else { usize::MAX };
        let numbered = (0..len).map_while(|index| match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.raw_exemplar_label(index),
            Sample::Text(_) => unnumbered(index),
        });
        text.into_iter().flatten().chain(numbered)
    }

    /// The exemplar, if there is one. Allocates its labels.
    ///
    /// As in Prometheus, escapes in a text page's exemplar labels are not resolved.
    #[must_use]
    #[inline]
    pub fn exemplar(&self) -> Option<Exemplar> {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.exemplar(),
            Sample::Text(sample) => sample.exemplar(),
        }
    }

    /// The start that the sample itself tells, without a look at other lines.
    pub(crate) fn own_start_timestamp(&self) -> Option<Timestamp> {
        match &self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.parser().start_timestamp(),
            Sample::Text(_) => None,
        }
    }

    /// When the counter, histogram or summary began; on an OpenMetrics page from the `_created` line
    /// of its metric that follows. Prometheus text does not tell.
    ///
    /// All calls for a page together take time linear in it.
    #[must_use]
    pub fn start_timestamp(&mut self) -> Option<Timestamp> {
        match &mut self.sample {
            #[cfg(feature = "protobuf")]
            Sample::Protobuf(sample) => sample.parser().start_timestamp(),
            Sample::Text(sample) => sample.start_timestamp(),
        }
    }
}

/// What a text page has for a number: it has no numbered labels.
fn unnumbered(_: usize) -> Option<(&'static str, &'static str)> {
    None
}

/// A native histogram: its series, its buckets, and what else the page says of it.
#[derive(Debug)]
pub struct HistogramEntry<'p, 'a> {
    source: HistogramSource<'p, 'a>,
    /// The byte at which the parser's piece of the page begins.
    base: usize,
}

#[derive(Debug)]
enum HistogramSource<'p, 'a> {
    Converted(&'p Converted, PhantomData<&'a ()>),
    #[cfg(feature = "protobuf")]
    Protobuf(&'p ProtobufParser<'a>),
}

impl<'p, 'a> HistogramEntry<'p, 'a> {
    pub(crate) fn converted(converted: &'p Converted) -> Self {
        Self { source: HistogramSource::Converted(converted, PhantomData), base: 0 }
    }

    #[cfg(feature = "protobuf")]
    #[inline]
    pub(crate) fn protobuf(parser: &'p ProtobufParser<'a>) -> Self {
        Self { source: HistogramSource::Protobuf(parser), base: 0 }
    }

    /// The byte of the page at which it begins: with the first line of the metric, or its message.
    #[must_use]
    pub fn offset(&self) -> usize {
        let offset = match &self.source {
            HistogramSource::Converted(histogram, _) => histogram.offset,
            #[cfg(feature = "protobuf")]
            HistogramSource::Protobuf(parser) => parser.entry_offset(),
        };
        offset.wrapping_add(self.base)
    }

    /// What tells the series from others; equal bytes mean equal labels.
    #[must_use]
    pub fn series(&self) -> &[u8] {
        match &self.source {
            HistogramSource::Converted(histogram, _) => histogram.series.as_bytes(),
            #[cfg(feature = "protobuf")]
            HistogramSource::Protobuf(parser) => parser.series_bytes(),
        }
    }

    /// The labels with the family's name, and without `le`.
    #[must_use]
    pub fn labels(&mut self) -> SeriesLabels<'_> {
        match &self.source {
            HistogramSource::Converted(histogram, _) => SeriesLabels::owned(&histogram.labels),
            #[cfg(feature = "protobuf")]
            HistogramSource::Protobuf(parser) => SeriesLabels::protobuf(parser.labels()),
        }
    }

    /// The owned form of the [`labels`](Self::labels), with one allocation at most.
    ///
    /// ```
    /// use skopos_exposition::{ClassicHistograms, Entry, Parser, ParserOptions, TextFormat};
    ///
    /// let page = b"# TYPE h histogram\nh_bucket{a=\"b\",le=\"+Inf\"} 1\nh_count{a=\"b\"} 1\n";
    /// let options = ParserOptions::default().with_classic_histograms(ClassicHistograms::Native);
    /// let mut parser = Parser::new(TextFormat::Prometheus, page, options);
    /// let mut labels = Vec::new();
    /// while let Some(entry) = parser.next()? {
    ///     if let Entry::Histogram(mut histogram) = entry {
    ///         labels.push(histogram.owned_labels().to_string());
    ///     }
    /// }
    /// assert_eq!(labels, [r#"{__name__="h", a="b"}"#]);
    /// # Ok::<(), skopos_exposition::Error>(())
    /// ```
    #[must_use]
    pub fn owned_labels(&mut self) -> Labels {
        self.labels().to_labels()
    }

    /// When it was observed, where the page says so; of a converted one, by the last of its lines.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        match &self.source {
            HistogramSource::Converted(histogram, _) => histogram.timestamp,
            #[cfg(feature = "protobuf")]
            HistogramSource::Protobuf(parser) => parser.timestamp(),
        }
    }

    /// The histogram. Converted ones count in integers where all counts are.
    #[must_use]
    pub fn histogram(&self) -> &HistogramSample {
        match &self.source {
            HistogramSource::Converted(histogram, _) => &histogram.histogram,
            #[cfg(feature = "protobuf")]
            HistogramSource::Protobuf(parser) => parser.histogram(),
        }
    }

    /// The exemplars: of a converted one, those of all its lines. Allocates.
    #[must_use]
    pub fn exemplars(&self) -> Vec<Exemplar> {
        match &self.source {
            HistogramSource::Converted(histogram, _) => histogram.exemplars.clone(),
            #[cfg(feature = "protobuf")]
            HistogramSource::Protobuf(parser) => parser.histogram_exemplars(),
        }
    }

    /// When it began to count; of a converted one, as far as the first of its lines tells.
    #[must_use]
    pub fn start_timestamp(&self) -> Option<Timestamp> {
        match &self.source {
            HistogramSource::Converted(histogram, _) => histogram.start_timestamp,
            #[cfg(feature = "protobuf")]
            HistogramSource::Protobuf(parser) => parser.start_timestamp(),
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
pub struct SeriesLabels<'s>(Inner<'s>);

#[derive(Clone, Copy, Debug)]
enum Inner<'s> {
    Owned(&'s Labels),
    #[cfg(feature = "protobuf")]
    Protobuf(&'s LabelBuffer<'s>),
    Text(TextLabels<'s>),
}

impl<'s> SeriesLabels<'s> {
    #[inline]
    pub(crate) fn text(labels: TextLabels<'s>) -> Self {
        Self(Inner::Text(labels))
    }

    #[cfg(feature = "protobuf")]
    #[inline]
    pub(crate) fn protobuf(labels: &'s LabelBuffer<'s>) -> Self {
        Self(Inner::Protobuf(labels))
    }

    pub(crate) fn owned(labels: &'s Labels) -> Self {
        Self(Inner::Owned(labels))
    }

    /// All labels as written, in name order: with empty values, and with repeated names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'s str, &'s str)> + use<'s> {
        let inner = self.0;
        let mut owned = match inner {
            Inner::Owned(labels) => Some(labels.iter()),
            _ => None,
        };
        (0..self.len()).map(move |index| {
            let label = match inner {
                #[cfg(feature = "protobuf")]
                Inner::Protobuf(labels) => labels.pair(index),
                Inner::Text(labels) => labels.pair(index),
                Inner::Owned(_) => owned.as_mut().and_then(Iterator::next),
            };
            label.unwrap_or_default()
        })
    }

    /// How many labels there are, with empty and repeated ones.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Inner::Owned(labels) => labels.len(),
            #[cfg(feature = "protobuf")]
            Inner::Protobuf(labels) => labels.len(),
            Inner::Text(labels) => labels.len(),
        }
    }

    /// Whether there is no label; never, since the name is one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A name that is there twice, if there is one. A scrape with such a sample is to be refused.
    #[must_use]
    pub fn duplicate_name(&self) -> Option<&'s str> {
        if self.is_distinct() {
            return None;
        }
        let names = || self.iter().map(|(name, _)| name);
        names().zip(names().skip(1)).find(|(a, b)| a == b).map(|(name, _)| name)
    }

    fn is_distinct(&self) -> bool {
        match self.0 {
            Inner::Owned(_) => true,
            #[cfg(feature = "protobuf")]
            Inner::Protobuf(labels) => labels.is_distinct(),
            Inner::Text(labels) => labels.is_distinct(),
        }
    }
}

impl LabelSet for SeriesLabels<'_> {
    #[inline]
    fn visit<'v>(&'v self, visitor: &mut dyn FnMut(&'v str, &'v str)) {
        match self.0 {
            Inner::Owned(labels) => labels.visit(visitor),
            #[cfg(feature = "protobuf")]
            Inner::Protobuf(labels) => visit_sorted(labels.iter(), labels.is_distinct(), visitor),
            Inner::Text(labels) => {
                if !labels.visit(visitor) {
                    visit_sorted(labels.iter(), labels.is_distinct(), visitor);
                }
            }
        }
    }

    #[inline]
    fn to_labels(&self) -> Labels {
        match self.0 {
            Inner::Owned(labels) => labels.clone(),
            #[cfg(feature = "protobuf")]
            Inner::Protobuf(labels) if labels.is_distinct() => {
                Labels::from_sorted_pairs(labels.iter())
            }
            Inner::Text(labels) => labels.pack(&mut LabelsPacker::new()),
            // Of a name that is there twice the last value counts.
            #[cfg(feature = "protobuf")]
            Inner::Protobuf(_) => Labels::from_pairs(self.iter()),
        }
    }
}

/// Gives the last of the labels with one name, unless its value is empty.
#[inline]
fn visit_sorted<'v>(
    labels: impl Iterator<Item = (&'v str, &'v str)>,
    is_distinct: bool,
    visitor: &mut dyn FnMut(&'v str, &'v str),
) {
    if is_distinct {
        for (name, value) in labels.filter(|(_, value)| !value.is_empty()) {
            visitor(name, value);
        }
        return;
    }
    let mut held: Option<(&str, &str)> = None;
    for (name, value) in labels {
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
