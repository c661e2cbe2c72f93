//! Measures a head that is filled like a scraper fills it: time a sample, memory a series.
//!
//! `cargo run --release -p skopos-tsdb --example measure_head [SERIES [MINUTES]]`
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::error::Error;
use std::time::{Duration, Instant};

use skopos_core::{
    Columns, Ingest, Labels, Matcher, Sample, Selection, SeriesRef, SeriesSource, TimeRange,
};
use skopos_tsdb::{Head, HeadOptions};

/// Series of a target; a scrape is a batch.
const TARGET: usize = 500;
/// Milliseconds between scrapes.
const INTERVAL: i64 = 5_000;
const START: i64 = 1_700_000_000_000;

struct Target {
    series: Vec<(Labels, Option<SeriesRef>)>,
    v: f64,
}

fn target(i: usize) -> Target {
    let series = (0..TARGET).map(|metric| {
        let labels = Labels::from_pairs([
            ("__name__", format!("container_metric_{metric:03}_total")),
            ("cluster", "eu-west-1".to_owned()),
            ("container", format!("container-{}", i % 50)),
            ("instance", format!("10.0.{}.{}:8080", i / 250, i % 250)),
            ("job", format!("job-{}", i % 40)),
            ("namespace", format!("namespace-{}", i % 25)),
            ("pod", format!("deployment-{}-7d9f8b6c5-{i:05}", i % 300)),
        ]);
        (labels, None)
    });
    Target { series: series.collect(), v: 0.0 }
}

/// Appends one scrape: counters at different speeds.
fn scrape(head: &Head, target: &mut Target, t: i64) -> Result<(), skopos_core::Error> {
    target.v += 1.0;
    let mut batch = head.appender();
    for (i, (labels, reference)) in target.series.iter_mut().enumerate() {
        let sample = Sample::new(t, target.v * (i % 7) as f64);
        *reference = Some(batch.append(*reference, labels, sample)?);
    }
    batch.commit()
}

fn per(duration: Duration, count: usize) -> u128 {
    duration.as_nanos() / count.max(1) as u128
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let series = arguments.next().transpose()?.unwrap_or(100_000);
    let minutes = arguments.next().transpose()?.unwrap_or(20);
    let mut targets: Vec<Target> = (0..series.div_ceil(TARGET)).map(target).collect();
    let head = Head::new(HeadOptions::new());

    let start = Instant::now();
    for target in &mut targets {
        scrape(&head, target, START)?;
    }
    let count = head.stats().series;
    println!("{count} series in batches of {TARGET}");
    println!("first scrape: {} ns a series", per(start.elapsed(), count));
    println!("after it:  {} bytes a series", head.memory().bytes_per_series());
    let index_bytes = || head.memory().index_bytes / count.max(1);
    let grown = index_bytes();
    head.maintain();
    let start = Instant::now();
    head.maintain();
    let took = start.elapsed();
    println!("index: {grown} bytes a series, sealed {} in {took:?}", index_bytes());

    let scrapes = minutes * 12;
    let start = Instant::now();
    for round in 1..=scrapes {
        let t = START + i64::try_from(round)? * INTERVAL;
        targets.iter_mut().try_for_each(|target| scrape(&head, target, t))?;
    }
    let samples = scrapes * count;
    println!("{scrapes} more scrapes: {} ns a sample", per(start.elapsed(), samples));
    let memory = head.memory();
    println!("after them: {} bytes a series: {memory:?}", memory.bytes_per_series());
    let chunks = memory.chunk_bytes as f64 / head.stats().samples_appended as f64;
    println!("            {chunks:.2} bytes of chunks a sample");

    let matchers = [Matcher::equal("__name__", "container_metric_007_total")];
    let start = Instant::now();
    let mut set = head.select(&Selection::new(matchers, TimeRange::ALL).sorted())?;
    println!("select: {:?}", start.elapsed());
    let (mut columns, mut read, mut found) = (Columns::new(), 0, 0);
    let start = Instant::now();
    while let Some(series) = set.advance()? {
        columns.clear();
        series.read_all(&mut columns)?;
        read += columns.len();
        found += 1;
    }
    println!("read: {} ns a sample, {found} series", per(start.elapsed(), read));

    let start = Instant::now();
    drop(set);
    println!("{:?} in {:?}", head.truncate(skopos_core::Timestamp::MAX), start.elapsed());
    println!("after it: {:?}", head.memory());
    Ok(())
}
