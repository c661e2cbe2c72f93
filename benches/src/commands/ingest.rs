//! `ingest`: samples into the head, as a scrape loop brings them.
//!
//! A target's 100 series are one commit, and references are kept from the first round on. The head
//! has no log yet, so this is named `ingest/no-log`, and a log that is asked for is refused.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use skopos_core::{Ingest as _, Labels, Sample, SeriesRef};
use skopos_tsdb::{Head, HeadOptions};

use crate::alloc::tally;
use crate::measure::{Measured, Plan, Stopwatch, max_rss_bytes};
use crate::report::{emit, emit_allocations, emit_rate, emit_time};

/// The time of the first round, as in the peer's benchmark.
const START: i64 = 1_704_067_200_000;
const INTERVAL: i64 = 15_000;
const SERIES_PER_COMMIT: usize = 100;

/// Measures `series` times `samples`.
///
/// # Errors
///
/// Where a log is asked for, or the numbers make no sense.
pub fn run(
    plan: Plan,
    log: Option<&str>,
    folder: Option<&Path>,
    series: usize,
    samples: usize,
) -> Result<()> {
    if let Some(log) = log.filter(|&log| log != "no-log") {
        bail!("a write-ahead log ({log}) is not provided yet; leave --wal out");
    }
    ensure!(folder.is_none(), "nothing is written to disk yet; leave --dir out");
    ensure!(0 < series && 1 < samples, "want at least 1 series and 2 samples");
    let labels: Vec<Labels> = (0..series).map(series_labels).collect();
    let (mut create, mut steady) = (Measured::default(), Measured::default());
    let runs = plan.runs.min(3);
    // The first run warms up.
    for run in 0..=runs {
        let mut loader = Loader::new(&labels);
        let stopwatch = Stopwatch::start();
        loader.round(0)?;
        let created = stopwatch.stop(series as f64);
        let stopwatch = Stopwatch::start();
        for round in 1..samples {
            loader.round(round)?;
        }
        let appended = stopwatch.stop((series * (samples - 1)) as f64);
        if 0 < run {
            create.points.push(created);
            steady.points.push(appended);
        }
    }
    let name = format!("ingest/no-log/{series}x{samples}");
    emit_time(&create, &format!("{name}/create"), "ns/series", 1.0, json!({"series": series}));
    emit_rate(&create, &format!("{name}/create"), "series/s", 1e9, Value::Null);
    let fields = json!({"samples": series * (samples - 1)});
    emit_rate(&steady, &format!("{name}/append"), "samples/s", 1e9, fields);
    emit_time(&steady, &format!("{name}/append"), "ns/sample", 1.0, Value::Null);
    report_memory(&name, &labels, samples, steady)
}

/// What is allocated on the way, and kept at the end.
fn report_memory(
    name: &str,
    labels: &[Labels],
    samples: usize,
    mut steady: Measured,
) -> Result<()> {
    let mut outcome = Ok(());
    let mut loader = None;
    let first = tally(|| {
        let mut new = Loader::new(labels);
        outcome = new.round(0);
        loader = Some(new);
    });
    outcome?;
    let mut loader = loader.expect("it was made above");
    let mut outcome = Ok(());
    steady.tally = tally(|| outcome = (1..samples).try_for_each(|round| loader.round(round)));
    outcome?;
    steady.operations = (labels.len() * (samples - 1)) as f64;
    emit_allocations(&steady, &format!("{name}/append"), "sample");
    let heap = first.kept + steady.tally.kept;
    let fields = json!({"heap_bytes": heap, "max_rss_bytes": max_rss_bytes()});
    emit(&format!("{name}/heap"), heap as f64 / labels.len() as f64, "heap-B/series", fields);
    Ok(())
}

struct Loader<'l> {
    head: Head,
    labels: &'l [Labels],
    references: Vec<Option<SeriesRef>>,
    values: Vec<f64>,
    random: u64,
}

impl<'l> Loader<'l> {
    fn new(labels: &'l [Labels]) -> Self {
        Self {
            head: Head::new(HeadOptions::new()),
            labels,
            references: vec![None; labels.len()],
            values: vec![0.0; labels.len()],
            random: 1,
        }
    }

    /// One sample for each series.
    fn round(&mut self, round: usize) -> Result<()> {
        let t = START + round as i64 * INTERVAL;
        for first in (0..self.labels.len()).step_by(SERIES_PER_COMMIT) {
            let mut appender = self.head.appender();
            let last = self.labels.len().min(first + SERIES_PER_COMMIT);
            for series in first..last {
                // Knuth's multiplier; the high bits are the random ones.
                self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                self.values[series] += (self.random >> 58) as f64;
                let sample = Sample::new(t, self.values[series]);
                let known = self.references[series];
                let reference = appender.append(known, &self.labels[series], sample)?;
                self.references[series] = Some(reference);
            }
            appender.commit()?;
        }
        Ok(())
    }
}

/// A series' labels, as in the peer's benchmark: 100 series a target.
fn series_labels(series: usize) -> Labels {
    let (target, slot) = (series / 100, series % 100);
    let name = format!("bench_metric_{:02}_total", slot % 25);
    let instance = format!("10.{}.{}.{}:9100", target >> 16 & 255, target >> 8 & 255, target & 255);
    let job = format!("job-{:02}", target % 20);
    Labels::from_pairs([
        ("__name__", name.as_str()),
        ("code", ["200", "404", "500", "503"][slot / 25]),
        ("env", "prod"),
        ("instance", &instance),
        ("job", &job),
        ("region", ["eu-west-1", "us-east-1", "ap-south-1"][target % 3]),
    ])
}
