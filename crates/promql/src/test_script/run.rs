//! Executing a script's commands.

use skopos_core::{
    Error, Labels, QueryEngine as _, QueryOutput, QueryRequest, QueryValue, SampleValue, Timestamp,
};

use super::command::{Command, Eval, When};
use super::pin::{is_variant, pin};
use super::{Failure, Report, at_line, compare};
use crate::engine::{Engine, EngineOptions};
use crate::options::ParseOptions;
use crate::table::LiveTable;

const MINUTE: i64 = 60_000;

/// Executes commands against one store.
pub(super) fn run(commands: Vec<Command>, options: EngineOptions) -> Result<Report, Error> {
    let options = options
        .with_parse(ParseOptions::all())
        .with_max_samples(10_000)
        .with_delayed_name_removal(true)
        .with_start_timestamps(true);
    let new_engine = || Engine::new(LiveTable::new(), options.clone());
    let mut engine = new_engine();
    let mut report = Report::default();
    for command in commands {
        match command {
            Command::Clear => engine = new_engine(),
            Command::Load(load, line) => {
                load.fill(engine.source()).map_err(|message| at_line(line, message))?;
            }
            Command::Eval(eval) => match evaluate(&engine, &eval) {
                Ok(()) => report.passed += 1,
                Err(message) => {
                    report.failures.push(Failure { line: eval.line, query: eval.query, message });
                }
            },
        }
    }
    Ok(report)
}

fn evaluate(engine: &Engine<LiveTable>, eval: &Eval) -> Result<(), String> {
    let t = match eval.when {
        When::Range { start, end, step } => {
            let (start, end) = (Timestamp::from_millis(start), Timestamp::from_millis(end));
            let request = QueryRequest::range(&eval.query, start, end, step);
            return judge(eval, engine.query(&request)).map(|_| ());
        }
        When::Instant(t) => t,
    };
    instant(engine, eval, &eval.query, t)?;
    let Ok(expr) = &eval.expr else { return Ok(()) };
    if is_variant(expr) {
        return Ok(());
    }
    let mut fixed = expr.clone();
    pin(&mut fixed, t);
    let text = fixed.to_string();
    let times = if t == 0 { vec![-1000, 0, 1000] } else { vec![-10 * t, 0, t / 5, t, 10 * t] };
    for at in times {
        instant(engine, eval, &text, at)
            .map_err(|message| format!("{message} (as {text} at {at} ms)"))?;
    }
    Ok(())
}

/// Evaluates an instant query, and again as the middle of a range query.
fn instant(engine: &Engine<LiveTable>, eval: &Eval, query: &str, t: i64) -> Result<(), String> {
    let at = Timestamp::from_millis(t);
    let request = QueryRequest::instant(query, at);
    let Some(output) = judge(eval, engine.query(&request))? else { return Ok(()) };
    let excluded = eval.string.is_some() || eval.range_vector.is_some() || depends_on_range(query);
    if excluded {
        return Ok(());
    }
    let request = QueryRequest::range(query, at - MINUTE, at + MINUTE, MINUTE);
    let range = engine.query(&request).map_err(|e| format!("in range mode: {e}"))?;
    if eval.ordered {
        return Ok(());
    }
    let QueryValue::Matrix(series) = range.value else {
        return Err("a range query gives a matrix".to_owned());
    };
    let mut found: Vec<(Labels, SampleValue)> = Vec::new();
    for one in series {
        let float = one.floats.iter().find(|s| s.t == at).map(|s| SampleValue::Float(s.v));
        let histogram = one.histograms.iter().find(|(t, _)| *t == at);
        let histogram = histogram.map(|(_, h)| SampleValue::Histogram(std::sync::Arc::clone(h)));
        if let Some(value) = float.or(histogram) {
            found.push((one.labels, value));
        }
    }
    let verdict = match (&output.value, found.as_slice()) {
        (QueryValue::Scalar(_), [(_, SampleValue::Float(v))]) => compare::scalar(eval, *v),
        _ => {
            let found: Vec<(&Labels, &SampleValue)> = found.iter().map(|(l, v)| (l, v)).collect();
            compare::vector(eval, &found)
        }
    };
    verdict.map_err(|message| format!("in range mode: {message}"))
}

fn depends_on_range(query: &str) -> bool {
    ["start()", "end()", "range()", "step()"].iter().any(|call| query.contains(call))
}

/// Compares a query's outcome; the output, where one was expected and is right.
fn judge(eval: &Eval, outcome: Result<QueryOutput, Error>) -> Result<Option<QueryOutput>, String> {
    let output = match (outcome, &eval.fail) {
        (Ok(output), None) => output,
        (Ok(_), Some(_)) => return Err("expected error but got none".to_owned()),
        (Err(error), Some(expected)) => {
            let error = error.to_string();
            return if expected.fits(&error) {
                Ok(None)
            } else {
                Err(format!("expected error {} but got {error:?}", expected.describe()))
            };
        }
        (Err(error), None) => return Err(format!("unexpected error: {error}")),
    };
    compare::notes("warn", &eval.warn, &output.warnings)?;
    compare::notes("info", &eval.info, &output.infos)?;
    compare::value(eval, &output.value)?;
    Ok(Some(output))
}
