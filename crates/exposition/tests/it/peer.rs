//! What our encoders write, read by Prometheus' Go parser: entry for entry what ours reads.
//!
//! `SKOPOS_PEERS` names the folder of the program `gopeers` (`benches/go` has its source); without it these
//! tests are skipped and say so.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use skopos_core::{HistogramSample, Labels, MetricType};
use skopos_exposition::{
    EscapingScheme, Family, NativeHistograms, OutputFormat, ParserOptions, TextFormat, encode,
    encode_protobuf,
};

use crate::conformance::{Kind, OPENMETRICS, PROMETHEUS, read};
use crate::protobuf::{native, page_families, pages, stored_families};

fn gopeers() -> Option<PathBuf> {
    let program =
        std::env::var_os("SKOPOS_PEERS").map(|folder| PathBuf::from(folder).join("gopeers"));
    let program = program.filter(|program| program.is_file());
    if program.is_none() {
        println!("skipped: no gopeers in the folder that SKOPOS_PEERS names");
    }
    program
}

fn read_by_go(gopeers: &PathBuf, media_type: &str, page: &[u8]) -> Vec<Value> {
    let mut program = Command::new(gopeers)
        .args(["read-page", media_type, "/dev/stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(page).unwrap();
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "{media_type} is not read");
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// Writes the families in every format; how many entries were compared.
#[track_caller]
fn check(gopeers: &PathBuf, families: &[Family], name: &str) -> usize {
    let mut pages = Vec::new();
    for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
        let mut text = String::new();
        let families = families.iter().filter(|family| !family.samples.is_empty());
        encode(OutputFormat::new(format, EscapingScheme::AllowUtf8), families, &mut text).unwrap();
        let kind = if format == TextFormat::Prometheus { PROMETHEUS } else { OPENMETRICS };
        pages.push((kind, format.media_type(), text.into_bytes()));
    }
    let mut page = Vec::new();
    let written = families.iter().filter(|f| !f.samples.is_empty() || !f.histograms.is_empty());
    encode_protobuf(EscapingScheme::AllowUtf8, written, &mut page).unwrap();
    pages.push((Kind::Protobuf, "application/vnd.google.protobuf", page));
    let options = ParserOptions::default().with_native_histograms(NativeHistograms::WithClassic);
    let mut compared = 0;
    for (kind, media_type, page) in pages {
        let (entries, error) = read(kind, &page, options);
        assert_eq!(error, None, "{name} as {media_type}");
        let theirs = read_by_go(gopeers, media_type, &page);
        for (ours, theirs) in entries.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{name} as {media_type}");
        }
        assert_eq!(entries.len(), theirs.len(), "{name} as {media_type}");
        compared += entries.len();
    }
    compared
}

#[test]
fn go_reads_pages_of_exporters_as_we_wrote_them() {
    let (Some(folder), Some(gopeers)) = (pages(), gopeers()) else { return };
    let (mut seen, mut compared) = (0, 0);
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let Some(families) = page_families(&path) else { continue };
        compared += check(&gopeers, &families, &path.display().to_string());
        seen += 1;
    }
    println!("{compared} entries of {seen} pages agree");
    assert_eq!(seen, 13);
}

#[test]
fn go_reads_native_histograms_as_we_wrote_them() {
    let Some(gopeers) = gopeers() else { return };
    let mut family = Family::new("h", MetricType::Histogram).with_help("a\\b\n");
    for (at, hint) in [(0, "zero"), (1, "one"), (2, "two")] {
        let mut one = native();
        one.labels = Labels::from_pairs([("__name__", "h"), ("é.x", hint)]);
        if let (1, HistogramSample::Integer(integer)) = (at, &one.histogram) {
            one.histogram = HistogramSample::Float(integer.to_float());
        }
        family.histograms.push(one);
    }
    let mut gauge = family.clone();
    gauge.metric_type = MetricType::GaugeHistogram;
    assert_eq!(check(&gopeers, &[family], "histograms"), 5);
    assert_eq!(check(&gopeers, &[gauge], "gauge histograms"), 5);
}

#[test]
fn go_reads_stored_series_as_we_wrote_them() {
    let Some(gopeers) = gopeers() else { return };
    let compared = check(&gopeers, &stored_families(), "stored series");
    println!("{compared} entries of stored series agree");
    // Nine floats in three formats, three histograms in one; the rest is metadata.
    assert_eq!(compared, 48);
}
