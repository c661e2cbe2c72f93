//! From stored series to families: what a server shows of them to another one, as in a federation.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use skopos_core::{
    Columns, Error, FloatHistogram, HistogramSample, Labels, Metadata, MetricType, ResetHint,
    SeriesSet, Timestamp, is_stale_nan,
};

use crate::{Family, FamilyHistogram, FamilySample};

/// The newest sample of each series, grouped by metric name in ascending order; series without a name
/// or without a sample, and stale ones, are left out.
///
/// A family's metadata is what `metadata` says of its name. Where it says nothing, the type is unknown,
/// or histogram (gauge histogram, by the reset hint) where there are native histograms.
///
/// O(n log f) for `n` samples in `f` families.
///
/// ```
/// use skopos_core::{Ingest as _, Labels, Sample, Selection, SeriesSource as _, TimeRange};
/// use skopos_exposition::{EscapingScheme, OutputFormat, TextFormat, encode, newest_families};
/// use skopos_testkit::MemoryStore;
///
/// let store = MemoryStore::new();
/// let labels = Labels::from_pairs([("__name__", "up"), ("job", "api")]);
/// let mut batch = store.appender();
/// batch.append(None, &labels, Sample::new(1_000, 0.0))?;
/// batch.append(None, &labels, Sample::new(2_000, 1.0))?;
/// batch.commit()?;
///
/// let mut set = store.select(&Selection::new([], TimeRange::ALL))?;
/// let families = newest_families(&mut *set, |_| None)?;
/// let mut page = String::new();
/// encode(OutputFormat::new(TextFormat::Prometheus, EscapingScheme::AllowUtf8), &families, &mut page)?;
/// assert_eq!(page, "# TYPE up untyped\nup{job=\"api\"} 1 2000\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of the series.
pub fn newest_families(
    set: &mut dyn SeriesSet<'_>,
    mut metadata: impl FnMut(&str) -> Option<Metadata>,
) -> Result<Vec<Family>, Error> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut columns = Columns::new();
    while let Some(series) = set.advance()? {
        columns.clear();
        series.read_all(&mut columns)?;
        let labels = series.labels().to_labels();
        let Some(name) = labels.metric_name() else { continue };
        let Some(newest) = Newest::of(&mut columns) else { continue };
        let family = families.entry(name.into()).or_insert_with(|| family(name, metadata(name)));
        newest.add_to(family, labels);
    }
    Ok(families.into_values().collect())
}

/// A series' newest sample.
enum Newest {
    Float(i64, i64, f64),
    Histogram(i64, i64, FloatHistogram),
}

impl Newest {
    fn of(columns: &mut Columns) -> Option<Self> {
        let float = columns.timestamps.last().copied();
        let histogram = columns.histogram_timestamps.last().copied();
        if float < histogram {
            let start = columns.histogram_start_timestamps.last().copied().unwrap_or_default();
            let last = columns.histograms.pop()?;
            let is_stale = is_stale_nan(last.sum);
            let newest = Self::Histogram(histogram?, start, last);
            return Some(newest).filter(|_| !is_stale);
        }
        let start = columns.start_timestamps.last().copied().unwrap_or_default();
        let last = columns.values.pop()?;
        if is_stale_nan(last) { None } else { Some(Self::Float(float?, start, last)) }
    }

    fn add_to(self, family: &mut Family, labels: Labels) {
        let start_of = |start: i64| (start != 0).then(|| Timestamp::from_millis(start));
        match self {
            Self::Float(t, start, v) => {
                let mut sample = FamilySample::new(labels, v);
                sample.timestamp = Some(Timestamp::from_millis(t));
                sample.start_timestamp = start_of(start);
                family.samples.push(sample);
            }
            Self::Histogram(t, start, histogram) => {
                if family.metric_type == MetricType::Unknown {
                    family.metric_type = match histogram.reset_hint {
                        ResetHint::Gauge => MetricType::GaugeHistogram,
                        _ => MetricType::Histogram,
                    };
                }
                let histogram = HistogramSample::Float(histogram);
                let mut histogram = FamilyHistogram::new(labels, histogram);
                histogram.timestamp = Some(Timestamp::from_millis(t));
                histogram.start_timestamp = start_of(start);
                family.histograms.push(histogram);
            }
        }
    }
}

fn family(name: &str, metadata: Option<Metadata>) -> Family {
    let metadata = metadata.unwrap_or_default();
    let mut family = Family::new(name, metadata.metric_type).with_unit(metadata.unit);
    family.help = Some(metadata.help).filter(|help| !help.is_empty());
    family
}
