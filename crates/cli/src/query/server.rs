//! A server over HTTP as an engine, for whoever asks many queries.
//!
//! Native histograms are refused: the API gives them as texts of buckets.

use skopos_core::{
    Error, ErrorKind, QueryEngine, QueryOutput, QueryRequest, QueryValue, RangeSeries, Sample,
    SampleValue, Timestamp, VectorSample,
};
use skopos_promql::{ParseOptions, parse};
use url::Url;

use super::answer::{Answer, Cell, Point, Series, Value};
use super::{Times, remote};
use crate::outcome::describe;

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
        Value::Scalar(point) => QueryValue::Scalar(sample(&point)?),
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
    let floats = series.points.iter().map(sample).collect::<Result<_, _>>()?;
    Ok(RangeSeries { labels: series.labels, floats, histograms: Vec::new() })
}

fn instant(series: Series) -> Option<Result<VectorSample, Error>> {
    let point = series.points.first()?;
    Some(sample(point).map(|Sample { t, v }| {
        let value = SampleValue::Float(v);
        VectorSample { labels: series.labels, t, value }
    }))
}

fn sample(point: &Point) -> Result<Sample, Error> {
    let t: Timestamp = point.t;
    match point.value {
        Cell::Float(v) => Ok(Sample { t, v }),
        Cell::Histogram(_) => {
            let message = "native histograms of a server are not supported here";
            Err(Error::new(ErrorKind::Execution, message))
        }
    }
}
