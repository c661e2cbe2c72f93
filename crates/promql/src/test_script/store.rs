//! The small store that scripts load.

use hashbrown::HashMap;
use skopos_core::{
    Columns, Error, ErrorKind, FloatHistogram, LabelSet, Labels, MatchOp, ResetHint, SampleCursor,
    Selection, Series, SeriesSet, SeriesSource, TimeRange, is_stale_nan,
};
use skopos_regex::LabelRegex;

use crate::histogram::detect_reset;

/// A sample to store.
pub(super) enum Value {
    Float(f64),
    Histogram(FloatHistogram),
}

/// Series in the order in which they first came.
#[derive(Default)]
pub(super) struct Store {
    series: Vec<(Labels, Stored)>,
    by_labels: HashMap<Labels, usize>,
}

#[derive(Default)]
struct Stored {
    columns: Columns,
    /// The newest time of either kind.
    newest: Option<i64>,
    last_is_histogram: bool,
}

impl Store {
    /// Appends a sample to a series; an equal one at the same time is taken again.
    pub(super) fn append(
        &mut self,
        labels: &Labels,
        t: i64,
        start: i64,
        value: Value,
    ) -> Result<(), String> {
        let at = *self.by_labels.entry(labels.clone()).or_insert_with(|| {
            self.series.push((labels.clone(), Stored::default()));
            self.series.len() - 1
        });
        self.series[at].1.append(t, start, value)
    }
}

impl Stored {
    fn append(&mut self, t: i64, start: i64, value: Value) -> Result<(), String> {
        if let Some(newest) = self.newest {
            if t < newest {
                return Err("out of order sample".to_owned());
            }
            if t == newest {
                return self.repeated(&value);
            }
        }
        self.newest = Some(t);
        match value {
            // Staleness after a histogram is a histogram's.
            Value::Float(v) if is_stale_nan(v) && self.last_is_histogram => {
                let stale = FloatHistogram { sum: v, ..FloatHistogram::default() };
                self.columns.push_histogram(t, stale);
                self.columns.histogram_start_timestamps.push(start);
            }
            Value::Float(v) => {
                self.columns.push(t, v);
                self.columns.start_timestamps.push(start);
                self.last_is_histogram = false;
            }
            Value::Histogram(mut h) => {
                h.reset_hint = self.stored_hint(&h);
                self.columns.push_histogram(t, h);
                self.columns.histogram_start_timestamps.push(start);
                self.last_is_histogram = true;
            }
        }
        Ok(())
    }

    fn repeated(&self, value: &Value) -> Result<(), String> {
        let same = match value {
            Value::Float(v) => {
                self.columns.values.last().is_some_and(|last| last.to_bits() == v.to_bits())
            }
            Value::Histogram(h) => self.columns.histograms.last().is_some_and(|last| last == h),
        };
        if same { Ok(()) } else { Err("duplicate sample for timestamp".to_owned()) }
    }

    /// What a histogram's hint reads as: a chunk knows it of all but its first histogram.
    fn stored_hint(&self, h: &FloatHistogram) -> ResetHint {
        if h.reset_hint == ResetHint::Gauge {
            return ResetHint::Gauge;
        }
        let last = self.columns.histograms.last().filter(|_| self.last_is_histogram);
        let Some(last) = last else { return ResetHint::Unknown };
        let mut plain = h.clone();
        plain.reset_hint = ResetHint::Unknown;
        let new_chunk = h.reset_hint == ResetHint::Reset
            || last.reset_hint == ResetHint::Gauge
            || is_stale_nan(last.sum) != is_stale_nan(h.sum)
            || last.schema != h.schema
            || last.zero_threshold.to_bits() != h.zero_threshold.to_bits()
            || last.custom_values != h.custom_values
            || detect_reset(&plain, last);
        if new_chunk { ResetHint::Unknown } else { ResetHint::NotReset }
    }
}

struct Condition<'m> {
    name: &'m str,
    op: MatchOp,
    value: &'m str,
    regex: Option<LabelRegex>,
}

impl Condition<'_> {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(self.name).unwrap_or_default();
        let equal = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.value == value,
        };
        equal != self.op.is_negative()
    }
}

impl SeriesSource for Store {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let mut conditions = Vec::new();
        for m in selection.matchers() {
            let regex = if m.op().is_regex() {
                let regex = LabelRegex::new(m.value());
                Some(regex.map_err(|e| Error::caused(ErrorKind::Invalid, e))?)
            } else {
                None
            };
            conditions.push(Condition { name: m.name(), op: m.op(), value: m.value(), regex });
        }
        let chosen: Vec<Selected<'a>> = self
            .series
            .iter()
            .filter(|(labels, _)| conditions.iter().all(|c| c.holds(labels)))
            .map(|(labels, stored)| Selected {
                labels,
                columns: &stored.columns,
                range: selection.range(),
            })
            .filter(|s| {
                let mut times = s.columns.timestamps.iter().chain(&s.columns.histogram_timestamps);
                times.any(|t| s.contains(*t))
            })
            .collect();
        Ok(Box::new(Set(chosen.into_iter())))
    }
}

struct Set<'a>(std::vec::IntoIter<Selected<'a>>);

impl<'a> SeriesSet<'a> for Set<'a> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        Ok(self.0.next().map(|series| Box::new(series) as Box<dyn Series + 'a>))
    }
}

struct Selected<'a> {
    labels: &'a Labels,
    columns: &'a Columns,
    range: TimeRange,
}

impl Selected<'_> {
    fn contains(&self, t: i64) -> bool {
        self.range.start.as_millis() <= t && t <= self.range.end.as_millis()
    }
}

impl Series for Selected<'_> {
    fn labels(&self) -> &dyn LabelSet {
        self.labels
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(Cursor(self))
    }
}

struct Cursor<'a>(&'a Selected<'a>);

impl SampleCursor for Cursor<'_> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        let from = self.0.columns;
        for (i, t) in from.timestamps.iter().enumerate().filter(|(_, t)| self.0.contains(**t)) {
            columns.push(*t, from.values[i]);
            columns.start_timestamps.push(from.start_timestamps[i]);
        }
        let times = from.histogram_timestamps.iter().enumerate();
        for (i, t) in times.filter(|(_, t)| self.0.contains(**t)) {
            columns.push_histogram(*t, from.histograms[i].clone());
            columns.histogram_start_timestamps.push(from.histogram_start_timestamps[i]);
        }
        Ok(false)
    }
}
