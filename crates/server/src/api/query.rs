//! The endpoints that evaluate and look at expressions.

use skopos_core::{
    Error, ErrorKind, QueryOutput, QueryRequest, QueryStatistics, QueryValue, SampleValue,
};
use skopos_promql::ast::Expr;

use super::json::Json;
use super::param::{self, Moment};
use super::reply::{Failure, FailureKind, Notes};
use super::{Api, Call};
use crate::clock::Stopwatch;

/// The most steps that a range query may ask for, one more than this many points.
const MAX_STEPS: i128 = 11_000;

/// `GET|POST /query`: one evaluation.
pub(super) fn instant(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let limit = param::limit(&call.form)?;
    let request = instant_request(api, call)?;
    answer(api, call, json, request, limit)
}

/// `GET|POST /query_range`: evaluations at equal distances.
pub(super) fn range(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let limit = param::limit(&call.form)?;
    let request = range_request(api, call)?;
    answer(api, call, json, request, limit)
}

/// `GET|POST /query_explain`: how an expression is evaluated; of a range, where `step` is given.
pub(super) fn explain(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let form = &call.form;
    let request = if form.value("step").is_empty() {
        instant_request(api, call)?
    } else {
        range_request(api, call)?
    };
    let analyze = match form.value("analyze") {
        "" => false,
        text => param::boolean(text).map_err(|e| e.of_parameter("analyze"))?,
    };
    let request = with_options(call, request)?;
    let explanation =
        if analyze { api.explainer.analyze(&request) } else { api.explainer.explain(&request) };
    let explanation = explanation.map_err(|error| failure(&error))?;
    json.raw("{\"text\":").string(&explanation.to_string()).raw(",\"explanation\":");
    json.serialize(&explanation)
        .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    json.raw("}");
    Ok(Notes::none())
}

fn instant_request<'a>(api: &Api, call: &'a Call) -> Result<QueryRequest<'a>, Failure> {
    let form = &call.form;
    let at = param::optional_time(form, "time", Moment::from(api.clock.now()))?;
    let request = QueryRequest::instant(form.value("query"), at.millis());
    with_timeout(api, call, request)
}

fn range_request<'a>(api: &Api, call: &'a Call) -> Result<QueryRequest<'a>, Failure> {
    let form = &call.form;
    let start = param::required_time(form, "start")?;
    let end = param::required_time(form, "end")?;
    if end < start {
        let failure = Failure::bad_data("end timestamp must not be before start time");
        return Err(failure.of_parameter("end"));
    }
    let step = param::duration(form.value("step")).map_err(|e| e.of_parameter("step"))?;
    // Times are milliseconds: a shorter step would never arrive.
    if step < 1_000_000 {
        let failure = Failure::bad_data(
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        );
        return Err(failure.of_parameter("step"));
    }
    if MAX_STEPS < end.since(start) / i128::from(step) {
        return Err(Failure::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query \
             resolution (?step=XX)",
        ));
    }
    let text = form.value("query");
    let request = QueryRequest::range(text, start.millis(), end.millis(), step / 1_000_000);
    with_timeout(api, call, request)
}

fn with_timeout<'a>(
    api: &Api,
    call: &'a Call,
    request: QueryRequest<'a>,
) -> Result<QueryRequest<'a>, Failure> {
    let timeout = param::optional_millis(&call.form, "timeout")?;
    let timeout = timeout.map_or(api.query_timeout, |wanted| wanted.min(api.query_timeout));
    Ok(request.with_timeout(timeout).with_cancellation(&call.cancellation))
}

fn with_options<'a>(
    call: &'a Call,
    mut request: QueryRequest<'a>,
) -> Result<QueryRequest<'a>, Failure> {
    let lookback = call.form.value("lookback_delta");
    if !lookback.is_empty() {
        let nanos = param::duration(lookback)
            .map_err(|e| e.context("error parsing lookback delta duration"))?;
        if 1_000_000 <= nanos {
            request = request.with_lookback(nanos / 1_000_000);
        }
    }
    Ok(request.with_step_statistics(call.form.value("stats") == "all"))
}

/// A query that is wrong is a wrong parameter.
fn failure(error: &Error) -> Failure {
    match error.kind() {
        ErrorKind::Invalid => Failure::from_error(error).of_parameter("query"),
        _ => Failure::from_error(error),
    }
}

/// `GET|POST /format_query`: the expression, laid out.
pub(super) fn format(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let expression = parse(api, call)?;
    json.string(&expression.pretty());
    Ok(Notes::none())
}

/// `GET|POST /parse_query`: the expression's tree.
pub(super) fn tree(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let expression = parse(api, call)?;
    json.serialize(&expression)
        .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    Ok(Notes::none())
}

fn parse(api: &Api, call: &Call) -> Result<Expr, Failure> {
    skopos_promql::parse(call.form.value("query"), &api.language)
        .map_err(|error| Failure::bad_data(error.to_string()).of_parameter("query"))
}

fn answer(
    api: &Api,
    call: &Call,
    json: &mut Json,
    request: QueryRequest<'_>,
    limit: usize,
) -> Result<Notes, Failure> {
    let request = with_options(call, request)?;
    // Parameters are checked before the query runs; a fault in its text is one of them.
    let prepared = Stopwatch::start();
    api.engine.check(request.text()).map_err(|e| Failure::from_error(&e).of_parameter("query"))?;
    let timings =
        Timings { waited: call.waited, prepared: prepared.seconds(), watch: Stopwatch::start() };
    let output = api.engine.query(&request);
    let samples = output.as_ref().map_or(0, |output| output.statistics.total_samples);
    api.meters.query(timings.waited, timings.watch.seconds(), samples);
    let output = output.map_err(|error| failure(&error))?;
    let QueryOutput { mut value, warnings, infos, statistics, .. } = output;
    let mut notes = Notes { warnings, infos };
    if 0 < limit && truncate(&mut value, limit) {
        notes.truncated();
    }
    write_value(json, &value);
    if !call.form.value("stats").is_empty() {
        timings.write(json);
        write_samples(json, &request, &statistics);
        json.raw("}");
    }
    json.raw("}");
    Ok(notes)
}

/// How long a query took, in seconds, and the watch of its evaluation.
struct Timings {
    waited: f64,
    prepared: f64,
    watch: Stopwatch,
}

impl Timings {
    /// Appends the beginning of the statistics. Sorting is part of the evaluation here.
    fn write(&self, json: &mut Json) {
        let evaluated = self.watch.seconds();
        json.raw(",\"stats\":{\"timings\":{\"evalTotalTime\":").number(evaluated);
        json.raw(",\"resultSortTime\":0,\"queryPreparationTime\":").number(self.prepared);
        json.raw(",\"innerEvalTime\":").number(evaluated);
        json.raw(",\"execQueueTime\":").number(self.waited);
        let total = self.waited + self.prepared + evaluated;
        json.raw(",\"execTotalTime\":").number(total).raw("}");
    }
}

/// Appends what a query read and held.
fn write_samples(json: &mut Json, request: &QueryRequest<'_>, statistics: &QueryStatistics) {
    json.raw(",\"samples\":{");
    let per_step = &statistics.samples_per_step;
    if !per_step.is_empty() {
        let mut t = request.start();
        json.raw("\"totalQueryableSamplesPerStep\":").array(per_step, |json, samples| {
            json.raw("[").number(t.as_seconds()).raw(",").display(samples).raw("]");
            t = t.saturating_add(request.step());
        });
        json.raw(",");
    }
    json.raw("\"totalQueryableSamples\":").display(statistics.total_samples);
    json.raw(",\"peakSamples\":").display(statistics.peak_samples).raw("}");
}

/// Cuts vectors and matrices; returns whether something was lost.
fn truncate(value: &mut QueryValue, limit: usize) -> bool {
    let len = match value {
        QueryValue::Matrix(series) => series.len(),
        QueryValue::Vector(samples) => samples.len(),
        QueryValue::Scalar(_) | QueryValue::String(..) => return false,
    };
    match value {
        QueryValue::Matrix(series) => series.truncate(limit),
        QueryValue::Vector(samples) => samples.truncate(limit),
        QueryValue::Scalar(_) | QueryValue::String(..) => {}
    }
    limit < len
}

/// Appends a result with its type; the object stays open.
fn write_value(json: &mut Json, value: &QueryValue) {
    match value {
        QueryValue::Matrix(series) => {
            json.raw("{\"resultType\":\"matrix\",\"result\":").array(series, |json, series| {
                json.raw("{\"metric\":").labels(&series.labels);
                if !series.floats.is_empty() {
                    json.raw(",\"values\":").array(&series.floats, |json, sample| {
                        json.raw("[").timestamp(sample.t).raw(",").value(sample.v).raw("]");
                    });
                }
                if !series.histograms.is_empty() {
                    json.raw(",\"histograms\":").array(
                        &series.histograms,
                        |json, (t, histogram)| {
                            json.raw("[").timestamp(*t).raw(",").histogram(histogram).raw("]");
                        },
                    );
                }
                json.raw("}");
            });
        }
        QueryValue::Vector(samples) => {
            json.raw("{\"resultType\":\"vector\",\"result\":").array(samples, |json, sample| {
                json.raw("{\"metric\":").labels(&sample.labels);
                match &sample.value {
                    SampleValue::Float(v) => {
                        json.raw(",\"value\":[").timestamp(sample.t).raw(",").value(*v);
                    }
                    SampleValue::Histogram(histogram) => {
                        json.raw(",\"histogram\":[").timestamp(sample.t).raw(",");
                        json.histogram(histogram);
                    }
                }
                json.raw("]}");
            });
        }
        QueryValue::Scalar(sample) => {
            json.raw("{\"resultType\":\"scalar\",\"result\":[").number(sample.t.as_seconds());
            let text =
                skopos_core::text::format_float(sample.v, skopos_core::text::FloatStyle::Plain);
            json.raw(",\"").raw(&text).raw("\"]");
        }
        QueryValue::String(t, text) => {
            json.raw("{\"resultType\":\"string\",\"result\":[").number(t.as_seconds());
            json.raw(",").string(text).raw("]");
        }
    }
}
