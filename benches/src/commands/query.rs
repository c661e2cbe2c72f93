//! `promql-range` and `promql-instant`: queries over a block.
//!
//! The first execution of each query sums its result up, so that both sides' results can be compared
//! without being written out.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use skopos_core::{QueryEngine, QueryOutput, QueryRequest, QueryValue, SampleValue, Timestamp};
use skopos_promql::{Engine, EngineOptions};

use super::lines;
use crate::block::Block;
use crate::measure::{Plan, Stopwatch, max_rss_bytes, measure, median};
use crate::report::{emit, emit_time, number};

/// Slower queries than this, in nanoseconds, run three times at most.
const SLOW: f64 = 2e9;

/// When queries are evaluated.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Times {
    start: Timestamp,
    end: Timestamp,
    /// Milliseconds; 0 for an instant.
    step: i64,
}

impl Times {
    /// From Unix seconds, and a step such as `15s` or a number of seconds.
    ///
    /// ```
    /// # use skopos_bench::commands::query::Times;
    /// assert!(Times::range(0.0, 60.0, "15s").is_ok());
    /// assert!(Times::range(0.0, 60.0, "soon").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// Where the step is not a positive duration.
    pub fn range(start: f64, end: f64, step: &str) -> Result<Self> {
        let millis = match step.parse::<f64>() {
            Ok(seconds) => (seconds * 1000.0) as i64,
            Err(_) => skopos_promql::parse_duration(step).with_context(|| step.to_owned())?,
        };
        if millis <= 0 {
            bail!("the step must be positive, not {step}");
        }
        let (start, end) = (Timestamp::from_seconds(start), Timestamp::from_seconds(end));
        Ok(Self { start, end, step: millis })
    }

    /// One moment, in Unix seconds.
    #[must_use]
    pub fn instant(at: f64) -> Self {
        let at = Timestamp::from_seconds(at);
        Self { start: at, end: at, step: 0 }
    }

    fn request<'q>(&self, text: &'q str) -> QueryRequest<'q> {
        match self.step {
            0 => QueryRequest::instant(text, self.start),
            step => QueryRequest::range(text, self.start, self.end, step),
        }
    }
}

/// What a result holds.
#[derive(Debug, Default)]
struct Sum {
    series: usize,
    points: usize,
    /// Of the finite values.
    sum: f64,
    nan: usize,
    infinite: usize,
}

impl Sum {
    fn of(output: &QueryOutput) -> Self {
        let mut sum = Self::default();
        match &output.value {
            QueryValue::Matrix(matrix) => {
                sum.series = matrix.len();
                for series in matrix {
                    series.floats.iter().for_each(|sample| sum.add(sample.v));
                }
            }
            QueryValue::Vector(vector) => {
                sum.series = vector.len();
                for sample in vector {
                    if let SampleValue::Float(v) = sample.value {
                        sum.add(v);
                    }
                }
            }
            QueryValue::Scalar(sample) => sum.add(sample.v),
            QueryValue::String(..) => {}
        }
        sum
    }

    fn add(&mut self, v: f64) {
        self.points += 1;
        match v {
            _ if v.is_nan() => self.nan += 1,
            _ if v.is_infinite() => self.infinite += 1,
            _ => self.sum += v,
        }
    }
}

/// Measures each query of a file over a block.
///
/// # Errors
///
/// Where a file cannot be read. A query that fails has a line of its own that says so.
pub fn run(
    (bench, plan): (&str, Plan),
    options: EngineOptions,
    (folder, queries): (&Path, &Path),
    times: Times,
) -> Result<()> {
    let queries = lines(queries)?;
    let engine = Engine::new(Block::open(folder)?, options);
    let (mut wall, mut cpu, mut bytes, mut peak, mut failed) = (0.0, 0.0, 0, 0, 0);
    for (i, text) in queries.iter().enumerate() {
        let name = format!("{bench}/q{:02}", i + 1);
        let request = times.request(text);
        let stopwatch = Stopwatch::start();
        let sum = match engine.query(&request) {
            Ok(output) => Sum::of(&output),
            Err(error) => {
                failed += 1;
                let fields = json!({"query": text, "error": error.to_string()});
                emit(&name, f64::NAN, "error", fields);
                continue;
            }
        };
        let slow = SLOW < stopwatch.stop(1.0).wall;
        let plan = if slow { Plan::new(plan.runs.min(3), plan.min_time) } else { plan };
        let measured = measure(plan, 1, || {
            black_box(engine.query(&request).expect("it was answered before"));
        });
        let fields = json!({
            "query": text, "series": sum.series, "points": sum.points, "sum": sum.sum,
            "nan": sum.nan, "inf": sum.infinite, "alloc_bytes": measured.tally.bytes,
            "allocs": measured.tally.count, "peak_heap_bytes": measured.tally.peak,
        });
        emit_time(&measured, &name, "ms", 1e6, fields);
        wall += median(&measured.wall());
        cpu += median(&measured.cpu());
        bytes += measured.tally.bytes;
        peak = peak.max(measured.tally.peak);
    }
    let cpu = if cpu.is_finite() { number(cpu / 1e6) } else { Value::Null };
    let fields = json!({
        "queries": queries.len(), "failed": failed, "cpu": cpu, "alloc_bytes": bytes,
        "max_peak_heap_bytes": peak, "max_rss_bytes": max_rss_bytes(),
    });
    emit(&format!("{bench}/total"), wall / 1e6, "ms", fields);
    Ok(())
}
