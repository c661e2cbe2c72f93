//! A server over HTTP as an engine, for whoever asks many queries.

use std::sync::Arc;

use skopos_core::{
    Error, ErrorKind, QueryEngine, QueryOutput, QueryRequest, QueryValue, RangeSeries, Sample,
    SampleValue, VectorSample,
};
use skopos_promql::{ParseOptions, parse};
use url::Url;

use super::answer::{Answer, Cell, Point, Series, Value};
use super::{Times, remote};
use crate::outcome::describe;

mod histogram;
#[cfg(test)]
mod tests;

/// A server that answers queries.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    url: Url,
    /// How many milliseconds a query may take that does not say.
    timeout: i64,
}

impl Server {
    pub(crate) fn new(url: Url, timeout: i64) -> Self {
        Self { url, timeout }
    }
}

impl QueryEngine for Server {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let step = (!request.is_instant()).then_some(request.step());
        let times = Times { start: request.start(), end: request.end(), step };
        let timeout = request.timeout().unwrap_or(self.timeout);
        let limits = remote::Limits { timeout, lookback: request.lookback() };
        let answer = remote::ask(&self.url, request.text(), times, limits);
        output(answer.map_err(|error| Error::new(ErrorKind::Unavailable, describe(&error)))?)
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        self.canonical(text).map(drop)
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(parse(text, &ParseOptions::all())?.to_string())
    }
}

fn output(answer: Answer) -> Result<QueryOutput, Error> {
    let value = match answer.value {
        Value::Matrix(series) => {
            QueryValue::Matrix(series.into_iter().map(range).collect::<Result<_, _>>()?)
        }
        Value::Scalar(Point { t, value: Cell::Float(v) }) => QueryValue::Scalar(Sample { t, v }),
        Value::Scalar(_) => {
            return Err(Error::new(
                ErrorKind::Execution,
                "the answer has a histogram for a scalar",
            ));
        }
        Value::Text(t, text) => QueryValue::String(t, text),
        Value::Vector(series) => {
            QueryValue::Vector(series.into_iter().filter_map(instant).collect::<Result<_, _>>()?)
        }
    };
    let mut output = QueryOutput::new(value);
    (output.warnings, output.infos) = (answer.warnings, answer.infos);
    Ok(output)
}

fn range(series: Series) -> Result<RangeSeries, Error> {
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    for Point { t, value } in &series.points {
        match sample_value(value)? {
            SampleValue::Float(v) => floats.push(Sample { t: *t, v }),
            SampleValue::Histogram(histogram) => histograms.push((*t, histogram)),
        }
    }
    Ok(RangeSeries { labels: series.labels, floats, histograms })
}

fn instant(series: Series) -> Option<Result<VectorSample, Error>> {
    let Point { t, value } = series.points.first()?;
    let labels = series.labels;
    Some(sample_value(value).map(|value| VectorSample { labels, t: *t, value }))
}

fn sample_value(value: &Cell) -> Result<SampleValue, Error> {
    match value {
        Cell::Float(v) => Ok(SampleValue::Float(*v)),
        Cell::Histogram(histogram) => match histogram::decode(histogram) {
            Ok(histogram) => Ok(SampleValue::Histogram(Arc::new(histogram))),
            Err(refusal) => Err(Error::new(ErrorKind::Execution, refusal.to_string())),
        },
    }
}
