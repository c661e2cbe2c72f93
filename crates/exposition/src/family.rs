//! Metric families as owned values: a page grouped by family, and what the encoder writes.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use skopos_core::{
    Exemplar, HistogramSample, LabelSet as _, Labels, Metadata, MetricType, Timestamp,
};

use crate::{Entry, Error, Parser, ParserOptions, SeriesEntry, TextFormat};

mod created;

pub(crate) use self::created::{base_name, has_start, metric_labels};

/// A metric family: its metadata and its samples.
///
/// The name is the family's in the format's own sense: OpenMetrics' counters are called `hits` and
/// their samples `hits_total`, while Prometheus text calls both `hits_total`. The encoder bridges it.
///
/// ```
/// use skopos_core::{Labels, MetricType};
/// use skopos_exposition::{EscapingScheme, Family, FamilySample, OutputFormat, TextFormat, encode};
///
/// let mut hits = Family::new("hits_total", MetricType::Counter).with_help("Pages served.");
/// let labels = Labels::from_pairs([("__name__", "hits_total"), ("code", "200")]);
/// hits.samples.push(FamilySample::new(labels, 3.0));
///
/// let output = OutputFormat::new(TextFormat::Prometheus, EscapingScheme::AllowUtf8);
/// let mut page = String::new();
/// encode(output, [&hits], &mut page)?;
/// assert_eq!(
///     page,
///     "# HELP hits_total Pages served.\n# TYPE hits_total counter\nhits_total{code=\"200\"} 3\n",
/// );
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Family {
    /// The name in the metadata lines.
    pub name: String,
    /// The declared type.
    #[cfg_attr(feature = "serde", serde(rename = "type", with = "crate::serial", default))]
    pub metric_type: MetricType,
    /// The unit; empty where none was given.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub unit: String,
    /// The help text, unescaped; nothing where none was given.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub help: Option<String>,
    /// The samples, in the order of the page.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub samples: Vec<FamilySample>,
    /// The native histograms, in the order of the page.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub histograms: Vec<FamilyHistogram>,
}

impl Family {
    /// A family without samples.
    #[must_use]
    pub fn new(name: impl Into<String>, metric_type: MetricType) -> Self {
        Self { name: name.into(), metric_type, ..Self::default() }
    }

    /// The same family with a help text.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same family with a unit.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Type, unit and help together, as the metadata API shows them.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        Metadata {
            metric_type: self.metric_type,
            unit: self.unit.clone(),
            help: self.help.clone().unwrap_or_default(),
        }
    }
}

/// A sample of a family.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FamilySample {
    /// The labels, with the sample's name in `__name__`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial"))]
    pub labels: Labels,
    /// The value.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial"))]
    pub value: f64,
    /// When it was observed, where the page says so.
    #[cfg_attr(
        feature = "serde",
        serde(with = "crate::serial", default, skip_serializing_if = "Option::is_none")
    )]
    pub timestamp: Option<Timestamp>,
    /// The exemplar, if there is one; not written in Prometheus text.
    #[cfg_attr(
        feature = "serde",
        serde(with = "crate::serial", default, skip_serializing_if = "Option::is_none")
    )]
    pub exemplar: Option<Exemplar>,
    /// When the counter, histogram or summary began; not written in Prometheus text.
    #[cfg_attr(
        feature = "serde",
        serde(with = "crate::serial", default, skip_serializing_if = "Option::is_none")
    )]
    pub start_timestamp: Option<Timestamp>,
}

impl FamilySample {
    /// A sample without timestamp and exemplar.
    #[must_use]
    pub fn new(labels: Labels, value: f64) -> Self {
        Self { labels, value, ..Self::default() }
    }
}

/// A native histogram of a family.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FamilyHistogram {
    /// The labels, with the family's name in `__name__`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial"))]
    pub labels: Labels,
    /// The histogram.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial"))]
    pub histogram: HistogramSample,
    /// When it was observed, where the page says so.
    #[cfg_attr(
        feature = "serde",
        serde(with = "crate::serial", default, skip_serializing_if = "Option::is_none")
    )]
    pub timestamp: Option<Timestamp>,
    /// The exemplars.
    #[cfg_attr(
        feature = "serde",
        serde(with = "crate::serial", default, skip_serializing_if = "Vec::is_empty")
    )]
    pub exemplars: Vec<Exemplar>,
    /// When it began to count.
    #[cfg_attr(
        feature = "serde",
        serde(with = "crate::serial", default, skip_serializing_if = "Option::is_none")
    )]
    pub start_timestamp: Option<Timestamp>,
}

impl FamilyHistogram {
    /// A histogram without times and exemplars.
    #[must_use]
    pub fn new(labels: Labels, histogram: HistogramSample) -> Self {
        Self { labels, histogram, timestamp: None, exemplars: Vec::new(), start_timestamp: None }
    }
}

/// Reads a page and groups it by metric family, in the order of first mention.
///
/// A sample belongs to the family of its own name, or else to the declared family whose name it has
/// but for a suffix of that family's type (`_bucket`, `_sum`, `_count`, `_total`, …); without one it
/// makes a family of unknown type. Of repeated metadata the last counts. An OpenMetrics page's
/// `_created` lines become [`FamilySample::start_timestamp`] of their metrics' samples; such a line
/// without other lines of its metric, or without a time in it, stays a sample.
///
/// O(n log n) for `n` samples.
///
/// ```
/// use skopos_core::MetricType;
/// use skopos_exposition::{TextFormat, families};
///
/// let page = b"# TYPE rpc summary\nrpc{quantile=\"0.5\"} 1\nrpc_sum 3\nrpc_count 2\nup 1\n";
/// let families = families(TextFormat::Prometheus, page)?;
/// assert_eq!(families.len(), 2);
/// assert_eq!((families[0].name.as_str(), families[0].samples.len()), ("rpc", 3));
/// assert_eq!(families[1].metric_type, MetricType::Unknown);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`Parser::next`].
pub fn families(format: TextFormat, page: &[u8]) -> Result<Vec<Family>, Error> {
    let mut parser = Parser::new(format, page, ParserOptions::default());
    let mut groups = Groups::default();
    while let Some(entry) = parser.next()? {
        groups.add(entry);
    }
    let mut families = groups.families;
    if format == TextFormat::OpenMetrics {
        families.iter_mut().for_each(created::fold);
    }
    Ok(families)
}

/// Reads a page of delimited protobuf messages and groups it by metric family, as [`families`] does.
///
/// Histograms that have native buckets are in [`Family::histograms`]; classic buckets are samples,
/// those of such histograms too.
///
/// ```
/// use skopos_exposition::protobuf_families;
///
/// let page = b"\x13\x0a\x02up\x18\x01\x22\x0b\x12\x09\x09\0\0\0\0\0\0\xf0\x3f";
/// let families = protobuf_families(page)?;
/// assert_eq!((families[0].name.as_str(), families[0].samples[0].value), ("up", 1.0));
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`ProtobufParser::next`](crate::ProtobufParser::next).
#[cfg(feature = "protobuf")]
pub fn protobuf_families(page: &[u8]) -> Result<Vec<Family>, Error> {
    let options =
        ParserOptions::default().with_native_histograms(crate::NativeHistograms::WithClassic);
    let mut parser = crate::ProtobufParser::new(page, options);
    let mut groups = Groups::default();
    while let Some(entry) = parser.next()? {
        groups.add(entry);
    }
    // The format has an empty help text where there is none.
    for family in &mut groups.families {
        family.help.take_if(|help| help.is_empty());
    }
    Ok(groups.families)
}

#[derive(Default)]
struct Groups {
    families: Vec<Family>,
    by_name: BTreeMap<String, usize>,
}

impl Groups {
    fn add(&mut self, entry: Entry<'_, '_>) {
        match entry {
            Entry::Type { name, metric_type } => self.named(name).metric_type = metric_type,
            Entry::Help { name, help } => self.named(name).help = Some(help.into()),
            Entry::Unit { name, unit } => self.named(name).unit = unit.into(),
            Entry::Comment(_) => {}
            Entry::Histogram(mut entry) => {
                let labels = entry.labels().to_labels();
                let histogram = FamilyHistogram {
                    histogram: entry.histogram().clone(),
                    timestamp: entry.timestamp(),
                    exemplars: entry.exemplars(),
                    start_timestamp: entry.start_timestamp(),
                    labels,
                };
                let name = histogram.labels.metric_name().unwrap_or_default();
                let index = self.index(name);
                self.families[index].histograms.push(histogram);
            }
            Entry::Series(entry) => self.add_series(entry),
        }
    }

    fn add_series(&mut self, mut entry: SeriesEntry<'_, '_>) {
        let exemplar = entry.exemplar();
        let (value, timestamp) = (entry.value(), entry.timestamp());
        let start_timestamp = entry.own_start_timestamp();
        let labels = entry.labels().to_labels();
        let index = self.of_sample(labels.metric_name().unwrap_or_default());
        let sample = FamilySample { labels, value, timestamp, exemplar, start_timestamp };
        self.families[index].samples.push(sample);
    }

    fn named(&mut self, name: &str) -> &mut Family {
        let index = self.index(name);
        &mut self.families[index]
    }

    fn index(&mut self, name: &str) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        self.families.push(Family::new(name, MetricType::Unknown));
        self.by_name.insert(name.into(), self.families.len() - 1);
        self.families.len() - 1
    }

    fn of_sample(&mut self, name: &str) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        let declared = family_candidates(name).find_map(|(family, has_suffix)| {
            let &index = self.by_name.get(family)?;
            has_suffix(self.families[index].metric_type).then_some(index)
        });
        declared.unwrap_or_else(|| self.index(name))
    }
}

fn has_sum(t: MetricType) -> bool {
    matches!(t, MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary)
}

type IsSuffixOf = fn(MetricType) -> bool;

/// What a sample's name has at its end, for which types of family.
const SUFFIXES: [(&str, IsSuffixOf); 8] = [
    ("_bucket", |t| matches!(t, MetricType::Histogram | MetricType::GaugeHistogram)),
    ("_sum", has_sum),
    ("_count", has_sum),
    ("_gsum", |t| matches!(t, MetricType::GaugeHistogram)),
    ("_gcount", |t| matches!(t, MetricType::GaugeHistogram)),
    ("_total", |t| matches!(t, MetricType::Counter)),
    ("_info", |t| matches!(t, MetricType::Info)),
    ("_created", |t| {
        matches!(t, MetricType::Counter | MetricType::Histogram | MetricType::Summary)
    }),
];

/// The families that a sample may belong to beside that of its own name.
pub(crate) fn family_candidates(name: &str) -> impl Iterator<Item = (&str, IsSuffixOf)> {
    SUFFIXES.iter().filter_map(move |&(suffix, fits)| Some((name.strip_suffix(suffix)?, fits)))
}
