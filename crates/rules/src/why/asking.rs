//! Questions to the engine while a cause is looked for, and their answers in the form needed here.

use skopos_core::{
    Error, ErrorKind, Labels, QueryEngine, QueryRequest, QueryValue, SampleValue, Timestamp,
};

/// A series' labels with its value; nothing for a histogram.
pub(super) type Valued = (Labels, Option<f64>);

/// Whom to ask, about when.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) engine: &'a dyn QueryEngine,
    /// The expression as it is written.
    pub(super) expr: &'a str,
    /// The time of evaluation.
    pub(super) t: Timestamp,
    /// How many milliseconds instant selectors look back.
    pub(super) lookback: i64,
    /// How many milliseconds back series are looked for that are gone.
    pub(super) search: i64,
}

/// What a part of an expression gave.
pub(super) struct Given {
    pub(super) series: Vec<Valued>,
    pub(super) is_scalar: bool,
}

impl Asking<'_> {
    /// What `text` gives at the time of evaluation.
    pub(super) fn ask(&self, text: &str) -> Result<Given, Error> {
        given(self.engine.query(&QueryRequest::instant(text, self.t))?.value)
    }

    /// The series of `text` at the time of evaluation that fit `wanted`.
    pub(super) fn fitting(&self, text: &str, wanted: &Labels) -> Result<Given, Error> {
        let mut given = self.ask(text)?;
        given.series.retain(|(labels, _)| fits(labels, wanted));
        Ok(given)
    }

    /// What `text` gives at another time, with another lookback.
    pub(super) fn ask_at(
        &self,
        text: &str,
        t: Timestamp,
        lookback: i64,
    ) -> Result<Vec<Valued>, Error> {
        let request = QueryRequest::instant(text, t).with_lookback(lookback);
        Ok(given(self.engine.query(&request)?.value)?.series)
    }

    /// The times of the last samples of a range selector at a time.
    pub(super) fn last_samples(
        &self,
        text: &str,
        t: Timestamp,
    ) -> Result<Vec<(Labels, Timestamp)>, Error> {
        let value = self.engine.query(&QueryRequest::instant(text, t))?.value;
        let QueryValue::Matrix(matrix) = value else { return Err(unexpected()) };
        let last = |series: skopos_core::RangeSeries| {
            let float = series.floats.last().map(|sample| sample.t);
            let histogram = series.histograms.last().map(|(t, _)| *t);
            float.max(histogram).map(|t| (series.labels, t))
        };
        Ok(matrix.into_iter().filter_map(last).collect())
    }
}

fn given(value: QueryValue) -> Result<Given, Error> {
    match value {
        QueryValue::Scalar(sample) => {
            Ok(Given { series: vec![(Labels::empty(), Some(sample.v))], is_scalar: true })
        }
        QueryValue::Vector(vector) => {
            let valued = |sample: skopos_core::VectorSample| match sample.value {
                SampleValue::Float(v) => (sample.labels, Some(v)),
                SampleValue::Histogram(_) => (sample.labels, None),
            };
            Ok(Given { series: vector.into_iter().map(valued).collect(), is_scalar: false })
        }
        QueryValue::Matrix(_) | QueryValue::String(..) => Err(unexpected()),
    }
}

#[cold]
fn unexpected() -> Error {
    Error::new(ErrorKind::Execution, "the answer has another type than the question")
}

/// Whether a series could be the one that is wanted: it has no other value of a wanted label.
pub(super) fn fits(labels: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name).is_none_or(|has| has == value))
}

/// Whether a series has all wanted labels.
pub(super) fn has_all(labels: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name).unwrap_or_default() == value)
}
