//! The small store that scripts load.

use skopos_core::{
    Columns, Error, FloatHistogram, Labels, ResetHint, Selection, SeriesSet, SeriesSource,
    is_stale_nan,
};

use crate::histogram::detect_reset;
use crate::table::Table;

/// A sample to store.
pub(super) enum Value {
    Float(f64),
    Histogram(FloatHistogram),
}

/// A table, with what appending to it has to know of each series.
#[derive(Default)]
pub(super) struct Store {
    table: Table,
    /// By the position of the series in the table.
    last: Vec<Last>,
}

/// The end of a series.
#[derive(Clone, Default)]
struct Last {
    /// The newest time of either kind.
    newest: Option<i64>,
    is_histogram: bool,
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
        let at = self.table.position(labels);
        if self.last.len() <= at {
            self.last.resize(at + 1, Last::default());
        }
        let columns = self.table.columns_mut(labels);
        Writer { columns, last: &mut self.last[at] }.append(t, start, value)
    }
}

impl SeriesSource for Store {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        self.table.select(selection)
    }
}

/// Appends to one series.
struct Writer<'a> {
    columns: &'a mut Columns,
    last: &'a mut Last,
}

impl Writer<'_> {
    fn append(self, t: i64, start: i64, value: Value) -> Result<(), String> {
        if let Some(newest) = self.last.newest {
            if t < newest {
                return Err("out of order sample".to_owned());
            }
            if t == newest {
                return self.repeated(&value);
            }
        }
        self.last.newest = Some(t);
        match value {
            // Staleness after a histogram is a histogram's.
            Value::Float(v) if is_stale_nan(v) && self.last.is_histogram => {
                let stale = FloatHistogram { sum: v, ..FloatHistogram::default() };
                self.columns.push_histogram(t, stale);
                self.columns.histogram_start_timestamps.push(start);
            }
            Value::Float(v) => {
                self.columns.push(t, v);
                self.columns.start_timestamps.push(start);
                self.last.is_histogram = false;
            }
            Value::Histogram(mut h) => {
                h.reset_hint = self.stored_hint(&h);
                self.columns.push_histogram(t, h);
                self.columns.histogram_start_timestamps.push(start);
                self.last.is_histogram = true;
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
        let last = self.columns.histograms.last().filter(|_| self.last.is_histogram);
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
