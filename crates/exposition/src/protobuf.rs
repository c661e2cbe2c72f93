//! The delimited protobuf format: `io.prometheus.client.MetricFamily` messages, each behind its length,
//! read into the entries that the text formats give.
//!
//! A family is found by its length, a metric when it is its turn; labels are resolved once for all
//! samples of a metric. A sample costs no allocation: names and labels are the page's, the rest lies
//! in buffers that are used again.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use skopos_core::labels::{BUCKET_BOUND, QUANTILE};
use skopos_core::text::Quoted;
use skopos_core::{Exemplar, HistogramSample, Labels, MetricType, ResetHint, Timestamp};

use self::label::Added;
use self::message::{FamilyMessage, Metric, Moment, RawBucket, RawExemplar};
use self::wire::Wire;
use crate::nhcb::ClassicHistogram;
use crate::number::write_label_float;
use crate::{
    ClassicHistograms, Entry, Error, ErrorKind, HistogramEntry, NativeHistograms, ParserOptions,
    SeriesEntry,
};

mod label;
mod message;
mod native;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use self::label::LabelBuffer;
pub(crate) use self::wire::{BYTES, FIXED64, VARINT};

/// So many bytes has the length of a message at most.
pub(crate) const MAX_LENGTH_BYTES: usize = 5;
/// So many texts of bounds and quantiles are kept, for the next metric of the family.
const KEPT_BOUNDS: usize = 256;

/// A pull parser over a page of delimited protobuf messages.
///
/// It gives what [`Parser`](crate::Parser) gives of text pages: HELP (empty where there is none), UNIT,
/// TYPE, and then the samples of each family. A classic histogram and a summary become the series that
/// they have in text: `_count`, `_sum`, and `_bucket` or the quantiles; a native histogram is one
/// entry, [`Entry::Histogram`]. [`ParserOptions`] tell what becomes of histograms of either kind.
///
/// Errors have the byte of the page, and no line. What is read and refused is as in Prometheus, with
/// three exceptions: bytes in an exemplar's labels that are not UTF-8 are replaced, and a unit that is
/// not UTF-8 is an error. In a family with native and classic histograms each is read as what it is;
/// Prometheus reads some as the kind of one before.
///
/// Time is linear in the page's size; memory is what the largest metric and the number of metrics in
/// the largest family need. After an error or the end there are no more entries.
///
/// ```
/// use skopos_exposition::{Entry, ParserOptions, ProtobufParser};
///
/// let page = b"\x13\x0a\x02up\x18\x01\x22\x0b\x12\x09\x09\0\0\0\0\0\0\xf0\x3f";
/// let mut parser = ProtobufParser::new(page, ParserOptions::default());
/// let mut samples = Vec::new();
/// while let Some(entry) = parser.next()? {
///     if let Entry::Series(sample) = entry {
///         samples.push((sample.raw_name().to_owned(), sample.value()));
///     }
/// }
/// assert_eq!(samples, [("up".to_owned(), 1.0)]);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
#[derive(Debug)]
pub struct ProtobufParser<'a> {
    page: &'a [u8],
    options: ParserOptions,
    /// The byte after the current family.
    pos: usize,
    /// Where the current family or metric begins.
    start: usize,
    state: State,
    family: Family<'a>,
    /// The family's metrics, and which of them comes next.
    metrics: Vec<Wire<'a>>,
    next_metric: usize,
    metric: Metric<'a>,
    /// Whether the metric is a native histogram, and read as one.
    is_native: bool,
    field: Field,
    labels: LabelBuffer<'a>,
    bounds: Bounds,
    histogram: HistogramSample,
}

/// What was given last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All samples of a family, or nothing yet.
    Family,
    Help,
    Unit,
    Type,
    Series,
    Histogram,
    /// Everything, or an error.
    Done,
}

/// Which sample of a summary or a classic histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Count,
    Sum,
    /// A bucket or a quantile.
    Item(usize),
}

/// What was found.
#[derive(Clone, Copy, Debug)]
enum Step {
    End,
    Help,
    Unit,
    Type,
    Series,
    Histogram,
}

#[derive(Debug)]
struct Family<'a> {
    name: &'a str,
    help: &'a str,
    unit: &'a str,
    metric_type: MetricType,
}

/// The texts of bounds and quantiles, by their place in the metric: those of the next metric are
/// likely to be the same.
#[derive(Debug, Default)]
struct Bounds {
    texts: Vec<(u64, String)>,
    other: String,
}

impl Bounds {
    #[inline]
    fn text(&mut self, index: usize, value: f64) -> &str {
        let bits = value.to_bits();
        let kept = self.texts.get(index).map(|(bits, _)| *bits);
        if kept != Some(bits) {
            return self.write(index, value);
        }
        self.texts.get(index).map_or("", |(_, text)| text)
    }

    #[inline(never)]
    fn write(&mut self, index: usize, value: f64) -> &str {
        if index == self.texts.len() && index < KEPT_BOUNDS {
            self.texts.push((0, String::new()));
        }
        let text = match self.texts.get_mut(index) {
            Some((bits, text)) => {
                *bits = value.to_bits();
                text
            }
            None => &mut self.other,
        };
        text.clear();
        write_label_float(value, text);
        text
    }
}

impl<'a> ProtobufParser<'a> {
    /// A parser at the beginning of `page`.
    #[must_use]
    pub fn new(page: &'a [u8], options: ParserOptions) -> Self {
        Self {
            page,
            options,
            pos: 0,
            start: 0,
            state: State::Family,
            family: Family { name: "", help: "", unit: "", metric_type: MetricType::Unknown },
            metrics: Vec::new(),
            next_metric: 0,
            metric: Metric::default(),
            is_native: false,
            field: Field::Count,
            labels: LabelBuffer::default(),
            bounds: Bounds::default(),
            histogram: HistogramSample::Integer(skopos_core::Histogram::default()),
        }
    }

    /// The next entry; nothing at the end of the page.
    ///
    /// # Errors
    ///
    /// Where the page is wrong, with the byte. Entries before that were given and may have been used.
    #[expect(clippy::should_implement_trait, reason = "an entry borrows from the parser")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Entry<'_, 'a>>, Error> {
        let step = match self.step() {
            Ok(step) => step,
            Err(error) => {
                self.state = State::Done;
                return Err(error);
            }
        };
        let Family { name, help, unit, metric_type } = self.family;
        Ok(Some(match step {
            Step::Series => Entry::Series(SeriesEntry::protobuf(ProtobufSample { parser: self })),
            Step::Histogram => Entry::Histogram(HistogramEntry::protobuf(self)),
            Step::Help => Entry::Help { name, help: Cow::Borrowed(help) },
            Step::Unit => Entry::Unit { name, unit },
            Step::Type => Entry::Type { name, metric_type },
            Step::End => return Ok(None),
        }))
    }

    /// The byte at which the last entry's message begins: that of the family or of the metric.
    #[must_use]
    pub fn entry_offset(&self) -> usize {
        self.start
    }

    /// The byte after the last entry's family: how much of the page was read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.pos
    }

    #[inline]
    fn step(&mut self) -> Result<Step, Error> {
        match self.state {
            State::Series => self.after_series(),
            State::Histogram => self.after_histogram(),
            State::Type => self.begin_metric(),
            State::Help if !self.family.unit.is_empty() => {
                self.state = State::Unit;
                Ok(Step::Unit)
            }
            State::Help | State::Unit => {
                self.state = State::Type;
                Ok(Step::Type)
            }
            State::Family => self.next_family(),
            State::Done => Ok(Step::End),
        }
    }

    /// Turns to the next family that has metrics.
    fn next_family(&mut self) -> Result<Step, Error> {
        loop {
            let Some(wire) = self.next_message()? else {
                self.state = State::Done;
                return Ok(Step::End);
            };
            self.metrics.clear();
            self.next_metric = 0;
            self.start = wire.offset();
            let family = FamilyMessage::decode(wire, &mut self.metrics)?;
            if self.decode_metric()? {
                self.start = wire.offset();
                self.family = checked(&family)?;
                self.state = State::Help;
                return Ok(Step::Help);
            }
        }
    }

    fn next_message(&mut self) -> Result<Option<Wire<'a>>, Error> {
        let rest = self.page.get(self.pos..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let Some((len, len_bytes)) = message_length(rest) else {
            let message = "clientpb: invalid varint encountered";
            return Err(Error::in_bytes(ErrorKind::Syntax, message.into(), self.pos));
        };
        let total = len.saturating_add(len_bytes as u64);
        let end = usize::try_from(total).ok().filter(|&end| end <= rest.len());
        let Some(bytes) = end.and_then(|end| rest.get(len_bytes..end)) else {
            let message = format!(
                "clientpb: insufficient length of buffer, expected at least {total} bytes, \
                 got {} bytes",
                rest.len()
            );
            return Err(Error::in_bytes(ErrorKind::Truncated, message, self.pos));
        };
        self.pos += len_bytes + bytes.len();
        Ok(Some(Wire::new(bytes, self.pos)))
    }

    /// Decodes the next metric of the family, if there is one.
    fn decode_metric(&mut self) -> Result<bool, Error> {
        let Some(&wire) = self.metrics.get(self.next_metric) else { return Ok(false) };
        self.next_metric += 1;
        self.start = wire.offset();
        self.metric.decode(wire)?;
        Ok(true)
    }

    #[inline]
    fn next_metric(&mut self) -> Result<Step, Error> {
        if self.decode_metric()? { self.begin_metric() } else { self.next_family() }
    }

    /// Turns to the first entry of the metric that was decoded.
    fn begin_metric(&mut self) -> Result<Step, Error> {
        let Family { name, unit, metric_type, .. } = self.family;
        let metric = self.next_metric.checked_sub(1).and_then(|at| self.metrics.get(at));
        self.start = metric.map_or(self.start, Wire::offset);
        let added = Added { metric_type, unit };
        let added = self.options.type_and_unit_labels().then_some(added);
        self.labels.begin(name, &self.metric, added)?;
        self.is_native = false;
        match metric_type {
            MetricType::Histogram | MetricType::GaugeHistogram => {
                self.is_native = self.options.native_histograms() != NativeHistograms::Ignored
                    && self.metric.histogram.is_native();
                if self.is_native {
                    self.native_histogram()
                } else if self.options.classic_histograms() == ClassicHistograms::Native {
                    self.converted_histogram()
                } else {
                    Ok(self.series(Field::Count))
                }
            }
            MetricType::Summary => Ok(self.series(Field::Count)),
            _ => {
                self.labels.set_suffix("");
                self.state = State::Series;
                Ok(Step::Series)
            }
        }
    }

    /// Turns to a sample of a summary or of a classic histogram.
    #[inline]
    fn series(&mut self, field: Field) -> Step {
        self.field = field;
        self.state = State::Series;
        match field {
            Field::Count => self.labels.set_suffix("_count"),
            Field::Sum => self.labels.set_suffix("_sum"),
            Field::Item(index) if self.family.metric_type == MetricType::Summary => {
                let quantiles = &self.metric.summary.quantiles;
                let quantile = quantiles.get(index).map_or(0.0, |(quantile, _)| *quantile);
                self.labels.set_extra("", QUANTILE, self.bounds.text(index, quantile));
            }
            Field::Item(index) => {
                let bound =
                    self.metric.histogram.buckets.get(index).map_or(f64::INFINITY, |b| b.bound);
                self.labels.set_extra("_bucket", BUCKET_BOUND, self.bounds.text(index, bound));
            }
        }
        Step::Series
    }

    fn after_series(&mut self) -> Result<Step, Error> {
        let is_histogram = match self.family.metric_type {
            MetricType::Summary => false,
            MetricType::Histogram | MetricType::GaugeHistogram => true,
            _ => return self.next_metric(),
        };
        let next = match self.field {
            Field::Count => return Ok(self.series(Field::Sum)),
            Field::Sum => 0,
            Field::Item(index) => index + 1,
        };
        let is_more = if is_histogram {
            // An infinite bucket is the last one; where there is none, it follows the others.
            let before = next.checked_sub(1).map(|index| self.metric.histogram.buckets.get(index));
            match before {
                None => true,
                Some(bucket) => bucket.is_some_and(|bucket| bucket.bound != f64::INFINITY),
            }
        } else {
            next < self.metric.summary.quantiles.len()
        };
        if is_more {
            return Ok(self.series(Field::Item(next)));
        }
        let converts = self.options.classic_histograms() == ClassicHistograms::Both;
        if is_histogram && !self.is_native && converts {
            return self.converted_histogram();
        }
        self.next_metric()
    }

    fn after_histogram(&mut self) -> Result<Step, Error> {
        let with_classic = self.options.native_histograms() == NativeHistograms::WithClassic;
        if self.is_native && with_classic && !self.metric.histogram.buckets.is_empty() {
            return Ok(self.series(Field::Count));
        }
        self.next_metric()
    }

    fn native_histogram(&mut self) -> Result<Step, Error> {
        let (is_gauge, place) = (self.is_gauge(), (self.family.name, self.start));
        native::build(&mut self.metric.histogram, is_gauge, place, &mut self.histogram)?;
        self.labels.set_suffix("");
        self.state = State::Histogram;
        Ok(Step::Histogram)
    }

    fn converted_histogram(&mut self) -> Result<Step, Error> {
        let raw = &self.metric.histogram;
        let mut classic = ClassicHistogram::default();
        classic.set_count(raw.any_count());
        classic.set_sum(raw.sum);
        for bucket in &raw.buckets {
            if bucket.bound.is_nan() {
                let message = "bucket bound must not be NaN".into();
                return Err(Error::in_bytes(ErrorKind::Syntax, message, self.start));
            }
            classic.add_bucket(bucket.bound, bucket.any_count());
        }
        let mut converted = classic
            .convert()
            .map_err(|message| Error::in_bytes(ErrorKind::Syntax, message, self.start))?;
        if self.is_gauge() {
            match &mut converted {
                HistogramSample::Float(histogram) => histogram.reset_hint = ResetHint::Gauge,
                HistogramSample::Integer(histogram) => histogram.reset_hint = ResetHint::Gauge,
            }
        }
        self.histogram = converted;
        self.labels.set_suffix("");
        self.state = State::Histogram;
        Ok(Step::Histogram)
    }

    fn is_gauge(&self) -> bool {
        self.family.metric_type == MetricType::GaugeHistogram
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        self.family.metric_type
    }

    pub(crate) fn series_bytes(&self) -> &[u8] {
        self.labels.series()
    }

    pub(crate) fn labels(&self) -> &LabelBuffer<'a> {
        &self.labels
    }

    #[inline]
    pub(crate) fn owned_labels(&mut self) -> Labels {
        self.labels.owned()
    }

    pub(crate) fn timestamp(&self) -> Option<Timestamp> {
        let millis = self.metric.timestamp_millis;
        (millis != 0).then(|| Timestamp::from_millis(millis))
    }

    pub(crate) fn start_timestamp(&self) -> Option<Timestamp> {
        let start = match self.family.metric_type {
            MetricType::Counter => self.metric.start,
            MetricType::Summary => self.metric.summary.start,
            MetricType::Histogram | MetricType::GaugeHistogram => self.metric.histogram.start,
            _ => None,
        };
        let millis = start.map(Moment::as_millis).filter(|millis| *millis != 0)?;
        Some(Timestamp::from_millis(millis))
    }

    pub(crate) fn histogram(&self) -> &HistogramSample {
        &self.histogram
    }

    /// The exemplars of a native histogram: only such as have a time.
    pub(crate) fn histogram_exemplars(&self) -> Vec<Exemplar> {
        let raw = &self.metric.histogram;
        let of_buckets = raw.buckets.iter().filter_map(|bucket| bucket.exemplar.as_ref());
        let has_own = !raw.exemplars.is_empty();
        let own = raw.exemplars.iter();
        own.chain(of_buckets.filter(|_| !has_own))
            .filter(|exemplar| exemplar.timestamp.is_some())
            .map(|exemplar| self.metric.owned(exemplar))
            .collect()
    }

    #[inline]
    fn value(&self) -> f64 {
        let metric = &self.metric;
        match self.family.metric_type {
            MetricType::Counter => metric.counter,
            MetricType::Gauge => metric.gauge,
            MetricType::Summary => match self.field {
                Field::Count => metric.summary.count as f64,
                Field::Sum => metric.summary.sum,
                Field::Item(index) => {
                    metric.summary.quantiles.get(index).map_or(0.0, |(_, value)| *value)
                }
            },
            MetricType::Histogram | MetricType::GaugeHistogram => match self.field {
                Field::Count => metric.histogram.any_count(),
                Field::Sum => metric.histogram.sum,
                Field::Item(index) => {
                    let bucket = metric.histogram.buckets.get(index);
                    bucket.map_or_else(|| metric.histogram.any_count(), RawBucket::any_count)
                }
            },
            _ => metric.untyped,
        }
    }

    #[inline]
    fn exemplar(&self) -> Option<&RawExemplar> {
        match (self.family.metric_type, self.field) {
            (MetricType::Counter, _) => self.metric.exemplar.as_ref(),
            (MetricType::Histogram | MetricType::GaugeHistogram, Field::Item(index)) => {
                self.metric.histogram.buckets.get(index)?.exemplar.as_ref()
            }
            _ => None,
        }
    }
}

/// The length before a message, and how many bytes tell it.
pub(crate) fn message_length(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut len = 0;
    for (index, &byte) in bytes.iter().take(MAX_LENGTH_BYTES).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((len, index + 1));
        }
    }
    None
}

/// The strings of a family and its type, as far as they are such.
fn checked<'a>(family: &FamilyMessage<'a>) -> Result<Family<'a>, Error> {
    let lossy = String::from_utf8_lossy;
    let name = str::from_utf8(family.name).ok().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        let message = format!("invalid metric name: {}", lossy(family.name));
        Error::in_bytes(ErrorKind::Encoding, message, family.name_end - family.name.len())
    })?;
    let help = str::from_utf8(family.help).map_err(|_| {
        let message = format!("invalid help for metric {}: {}", Quoted(name), lossy(family.help));
        Error::in_bytes(ErrorKind::Encoding, message, family.help_end - family.help.len())
    })?;
    let unit = str::from_utf8(family.unit).map_err(|_| {
        let message = format!("invalid unit for metric {}: {}", Quoted(name), lossy(family.unit));
        Error::in_bytes(ErrorKind::Encoding, message, family.unit_end - family.unit.len())
    })?;
    let metric_type = match family.metric_type {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        3 => MetricType::Unknown,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        other => {
            let message = format!("unknown metric type for metric {}: {other}", Quoted(name));
            return Err(Error::in_bytes(ErrorKind::Syntax, message, family.name_end));
        }
    };
    Ok(Family { name, help, unit, metric_type })
}

/// A sample, as [`SeriesEntry`] shows it.
#[derive(Debug)]
pub(crate) struct ProtobufSample<'p, 'a> {
    parser: &'p mut ProtobufParser<'a>,
}

impl<'a> ProtobufSample<'_, 'a> {
    pub(crate) fn parser(&self) -> &ProtobufParser<'a> {
        self.parser
    }

    #[inline]
    pub(crate) fn owned_labels(&mut self) -> Labels {
        self.parser.owned_labels()
    }

    pub(crate) fn raw_name(&self) -> &str {
        self.parser.labels.name()
    }

    #[inline]
    pub(crate) fn value(&self) -> f64 {
        self.parser.value()
    }

    pub(crate) fn raw_exemplar_label(&self, index: usize) -> Option<(&str, &str)> {
        self.parser.metric.exemplar_label(self.parser.exemplar()?, index)
    }

    pub(crate) fn exemplar(&self) -> Option<Exemplar> {
        self.parser.exemplar().map(|exemplar| self.parser.metric.owned(exemplar))
    }
}
