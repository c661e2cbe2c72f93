//! Rival Rust crates, measured as `skopos-bench` measures ours, under the same names.
//!
//! `pco` packs columns of numbers, `prometheus-parse` reads text pages into owned values, `tsz` packs samples after the Gorilla paper
//! (its bytes are not Prometheus'), `promql-parser` parses queries. A crate under a copyleft licence,
//! `openmetrics-parser`, is left out.

mod chunks;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use serde_json::{Value, json};
use skopos_bench::commands::xor::{CsvSeries, read_csv};
use skopos_bench::measure::{Plan, measure};
use skopos_bench::report::{emit, emit_allocations, emit_rate, emit_time};
use tsz::stream::{BufferedReader, BufferedWriter};
use tsz::{DataPoint, Decode as _, Encode as _, StdDecoder, StdEncoder};

const SAMPLES_PER_CHUNK: usize = 120;

/// Measures rival crates; every figure is a JSON object on a line of its own.
#[derive(Debug, Parser)]
struct Arguments {
    /// Timed runs of each measurement; the median is reported.
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Repeat the body until one run lasts so many milliseconds.
    #[arg(long, default_value_t = 300)]
    min_time_ms: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// `pco` beside the archive and XOR chunks: bytes a sample, packing and unpacking, by shape.
    Chunks {
        /// Lines of series, milliseconds and value.
        file: PathBuf,
    },
    /// `prometheus-parse` over text pages.
    Parse {
        /// Pages.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// `tsz` packing, 120 samples a chunk.
    XorAppend {
        /// Lines of series, milliseconds and value.
        file: PathBuf,
    },
    /// `tsz` unpacking.
    XorIterate {
        /// Lines of series, milliseconds and value.
        file: PathBuf,
    },
    /// `promql-parser` over queries.
    PromqlParse {
        /// One query a line.
        file: PathBuf,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let plan = Plan::new(arguments.runs, Duration::from_millis(arguments.min_time_ms));
    match arguments.command {
        Command::Chunks { file } => chunks::compare(plan, &file),
        Command::Parse { files } => files.iter().try_for_each(|file| parse(plan, file)),
        Command::XorAppend { file } => xor_append(plan, &file),
        Command::XorIterate { file } => xor_iterate(plan, &file),
        Command::PromqlParse { file } => promql_parse(plan, &file),
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn parse(plan: Plan, file: &Path) -> Result<()> {
    let page = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let read = || prometheus_parse::Scrape::parse(page.lines().map(|line| Ok(line.to_owned())));
    // It makes one sample of a histogram's buckets; lines are what both sides read.
    let samples = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    let made = read()?.samples.len();
    ensure!(0 < made, "nothing was read");
    let measured = measure(plan, samples, || {
        black_box(read().expect("it was read before"));
    });
    let name = format!("parse/promtext/labels/{}", name_of(file));
    let fields = json!({"samples": samples, "made": made, "bytes": page.len()});
    emit_time(&measured, &name, "ns/sample", 1.0, fields);
    emit_allocations(&measured, &name, "sample");
    Ok(())
}

fn encode(series: &[CsvSeries], mut done: impl FnMut(Box<[u8]>)) {
    for series in series {
        for samples in series.samples.chunks(SAMPLES_PER_CHUNK) {
            let start = samples[0].0 as u64;
            let mut encoder = StdEncoder::new(start, BufferedWriter::new());
            for &(t, v) in samples {
                encoder.encode(DataPoint::new(t as u64, v));
            }
            done(encoder.close());
        }
    }
}

fn xor_append(plan: Plan, file: &Path) -> Result<()> {
    let all = read_csv(file)?;
    let samples: usize = all.iter().map(|series| series.samples.len()).sum();
    let mut bytes = 0;
    encode(&all, |chunk| bytes += chunk.len());
    let measured = measure(plan, samples, || encode(&all, |chunk| drop(black_box(chunk))));
    emit_time(&measured, "xor-append/all", "ns/sample", 1.0, json!({"samples": samples}));
    emit_allocations(&measured, "xor-append/all", "sample");
    let fields = json!({ "bytes": bytes });
    emit("xor-append/all", bytes as f64 / samples as f64, "bytes/sample", fields);
    Ok(())
}

fn xor_iterate(plan: Plan, file: &Path) -> Result<()> {
    let all = read_csv(file)?;
    let samples: usize = all.iter().map(|series| series.samples.len()).sum();
    let mut chunks = Vec::new();
    encode(&all, |chunk| chunks.push(chunk));
    let measured = measure(plan, samples, || {
        let (mut count, mut times, mut values) = (0, 0_u64, 0.0);
        for chunk in &chunks {
            // The reader takes the bytes, so they must be copied.
            let mut decoder = StdDecoder::new(BufferedReader::new(chunk.clone()));
            while let Ok(point) = decoder.next() {
                count += 1;
                times = times.wrapping_add(point.get_time());
                values += point.get_value();
            }
        }
        black_box((times, values));
        assert_eq!(count, samples);
    });
    emit_time(&measured, "xor-iterate/all", "ns/sample", 1.0, json!({"samples": samples}));
    emit_allocations(&measured, "xor-iterate/all", "sample");
    Ok(())
}

fn promql_parse(plan: Plan, file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let all: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
    // What it does not know is left out, and told.
    let (queries, refused): (Vec<&str>, Vec<&str>) =
        all.iter().partition(|query| promql_parser::parser::parse(query).is_ok());
    ensure!(!queries.is_empty(), "no query was parsed");
    let measured = measure(plan, queries.len(), || {
        for query in &queries {
            black_box(promql_parser::parser::parse(query).expect("it parsed before"));
        }
    });
    let name = format!("promql-parse/{}", name_of(file));
    let fields = json!({"queries": queries.len(), "refused": refused});
    emit_time(&measured, &name, "ns/query", 1.0, fields);
    emit_rate(&measured, &name, "queries/s", 1e9, Value::Null);
    emit_allocations(&measured, &name, "query");
    Ok(())
}
