//! What is written as protobuf reads back the same, and so does what text says.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;
use skopos_core::{
    Exemplar, FloatHistogram, Histogram, HistogramSample, Ingest as _, Labels, Metadata,
    MetricType, Sample, Selection, SeriesSource as _, Span, TimeRange, Timestamp,
};
use skopos_exposition::{
    ClassicHistograms, Entry, EscapingScheme, Family, FamilyHistogram, FamilySample, OutputFormat,
    ParserOptions, ProtobufParser, TextFormat, encode, encode_protobuf, families, newest_families,
    protobuf_families,
};
use skopos_testkit::MemoryStore;

fn written(families: &[Family]) -> Vec<u8> {
    let mut page = Vec::new();
    let writable = |f: &&Family| !f.samples.is_empty() || !f.histograms.is_empty();
    let families = families.iter().filter(writable);
    encode_protobuf(EscapingScheme::AllowUtf8, families, &mut page).unwrap();
    page
}

fn sample(labels: &[(&str, &str)], value: f64) -> FamilySample {
    FamilySample::new(labels.iter().copied().collect(), value)
}

/// The samples as text, in one order.
fn shown(families: &[Family]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for family in families {
        lines.extend(family.samples.iter().map(|s| {
            let (bits, t, start) = (s.value.to_bits(), s.timestamp, s.start_timestamp);
            format!("{} {bits:x} {t:?} {:?} {start:?}", s.labels, s.exemplar)
        }));
        lines.extend(family.histograms.iter().map(|h| {
            let (t, start) = (h.timestamp, h.start_timestamp);
            format!("{} {:?} {t:?} {:?} {start:?}", h.labels, h.histogram, h.exemplars)
        }));
    }
    lines.sort();
    lines
}

#[track_caller]
fn check(families: &[Family]) -> Vec<Family> {
    let read = protobuf_families(&written(families)).unwrap();
    assert_eq!(shown(&read), shown(families));
    read
}

fn exemplar(value: f64) -> Exemplar {
    Exemplar {
        labels: Labels::from_pairs([("trace_id", "abc")]),
        value,
        timestamp: Some(Timestamp::from_millis(-1_001)),
    }
}

#[test]
fn every_type_reads_back_as_it_was() {
    let mut counter = Family::new("hits_total", MetricType::Counter).with_help("Hits.");
    counter.samples.push(sample(&[("__name__", "hits_total"), ("a", "1")], 3.5));
    counter.samples[0].exemplar = Some(exemplar(1.0));
    counter.samples[0].start_timestamp = Some(Timestamp::from_millis(1_234));
    let mut gauge = Family::new("temp.c", MetricType::Gauge).with_unit("c");
    gauge.samples.push(sample(&[("__name__", "temp.c"), ("l.1", "x")], f64::NEG_INFINITY));
    gauge.samples[0].timestamp = Some(Timestamp::from_millis(-77));
    let mut summary = Family::new("rpc", MetricType::Summary);
    summary.samples.push(sample(&[("__name__", "rpc_count")], 4.0));
    summary.samples.push(sample(&[("__name__", "rpc_sum")], 0.5));
    summary.samples.push(sample(&[("__name__", "rpc"), ("quantile", "0.99")], f64::INFINITY));
    let mut histogram = Family::new("h", MetricType::Histogram);
    for (suffix, le, value) in
        [("count", "", 4.0), ("sum", "", 9.0), ("bucket", "1.0", 1.5), ("bucket", "+Inf", 4.0)]
    {
        let name = format!("h_{suffix}");
        histogram.samples.push(sample(&[("__name__", &name), ("le", le)], value));
    }
    histogram.samples[2].exemplar = Some(exemplar(0.25));
    let untyped = {
        let mut family = Family::new("u", MetricType::Unknown);
        family.samples.push(sample(&[("__name__", "u")], -0.0));
        family
    };
    let all = [counter, gauge, summary, histogram, untyped];
    assert_eq!(check(&all), all);
}

pub(crate) fn native() -> FamilyHistogram {
    let labels = Labels::from_pairs([("__name__", "h"), ("a", "b")]);
    let histogram = Histogram {
        schema: 3,
        zero_threshold: 1e-9,
        zero_count: 2,
        count: 9,
        sum: 1.5,
        positive_spans: vec![Span { offset: -4, length: 2 }, Span { offset: 3, length: 1 }],
        positive_buckets: vec![1, 1, -1],
        negative_spans: vec![Span { offset: 0, length: 1 }],
        negative_buckets: vec![3],
        ..Histogram::default()
    };
    FamilyHistogram::new(labels, HistogramSample::Integer(histogram))
}

#[test]
fn native_histograms_read_back_with_and_without_classic_buckets() {
    let mut family = Family::new("h", MetricType::Histogram);
    family.histograms.push(native());
    family.histograms[0].exemplars.push(exemplar(1.0));
    family.histograms[0].start_timestamp = Some(Timestamp::from_millis(5));
    let mut empty = native();
    empty.labels = Labels::from_pairs([("__name__", "h")]);
    empty.histogram = HistogramSample::Integer(Histogram::default());
    family.histograms.push(empty);
    let mut float = native();
    let HistogramSample::Integer(integer) = &float.histogram else { unreachable!() };
    let mut counts = integer.to_float();
    counts.positive_buckets[0] = 0.5;
    float.histogram = HistogramSample::Float(FloatHistogram { count: 8.5, ..counts });
    float.labels = Labels::from_pairs([("__name__", "h"), ("a", "float")]);
    family.histograms.push(float);
    check(&[family.clone()]);

    let classic = [("h_count", "", 9.0), ("h_sum", "", 1.5), ("h_bucket", "+Inf", 9.0)];
    for (name, le, value) in classic {
        let mut sample = sample(&[("__name__", name), ("a", "b"), ("le", le)], value);
        sample.start_timestamp = Some(Timestamp::from_millis(5));
        family.samples.push(sample);
    }
    check(&[family.clone()]);
    let page = written(&[family]);
    let mut parser = ProtobufParser::new(&page, ParserOptions::default());
    while let Some(entry) = parser.next().unwrap() {
        assert!(!matches!(entry, Entry::Series(_)), "one message has both sides");
    }
}

/// The families of stored series: counters, gauges, and native histograms.
pub(crate) fn stored_families() -> Vec<Family> {
    let store = MemoryStore::new();
    let mut batch = store.appender();
    for (at, zone) in ["north", "\"south\"\n", "é"].into_iter().enumerate() {
        for (name, value) in [("hits_total", 7.0), ("temp.c", -0.5), ("up", f64::INFINITY)] {
            let labels = Labels::from_pairs([("__name__", name), ("the.zone", zone)]);
            batch.append(None, &labels, Sample::new(1_000, 0.0)).unwrap();
            batch.append(None, &labels, Sample::new(2_000 + at as i64, value)).unwrap();
        }
        let FamilyHistogram { histogram, .. } = native();
        let labels = Labels::from_pairs([("__name__", "h"), ("zone", zone)]);
        batch.append_histogram(None, &labels, Timestamp::from_millis(3_000), &histogram).unwrap();
    }
    batch.commit().unwrap();
    let mut set = store.select(&Selection::new([], TimeRange::ALL)).unwrap();
    let metadata = |name: &str| {
        let metric_type = match name {
            "hits_total" => MetricType::Counter,
            "temp.c" => MetricType::Gauge,
            _ => return None,
        };
        Some(Metadata { metric_type, help: "A help.".into(), ..Metadata::default() })
    };
    newest_families(&mut *set, metadata).unwrap()
}

#[test]
fn stored_series_read_back_from_every_format() {
    let stored = stored_families();
    let lengths: Vec<_> = stored.iter().map(|f| (f.samples.len(), f.histograms.len())).collect();
    assert_eq!(lengths, [(0, 3), (3, 0), (3, 0), (3, 0)]);
    check(&stored);
    // Text has no native histograms.
    let floats: Vec<Family> = stored.into_iter().filter(|f| f.histograms.is_empty()).collect();
    for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
        let mut text = String::new();
        encode(OutputFormat::new(format, EscapingScheme::AllowUtf8), &floats, &mut text).unwrap();
        let read = families(format, text.as_bytes()).unwrap();
        assert_eq!(shown(&read), shown(&floats), "{text}");
    }
}

#[test]
fn custom_buckets_are_written_as_classic_ones() {
    let histogram = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: 7,
        sum: 4.0,
        positive_spans: vec![Span { offset: 1, length: 2 }],
        positive_buckets: vec![3, 1],
        custom_values: [0.5, 1.0, 2.0].into(),
        ..Histogram::default()
    };
    let labels = Labels::from_pairs([("__name__", "h")]);
    let mut family = Family::new("h", MetricType::Histogram);
    let native = FamilyHistogram::new(labels, HistogramSample::Integer(histogram));
    family.histograms.push(native.clone());
    let page = written(&[family.clone()]);
    let options = ParserOptions::default().with_classic_histograms(ClassicHistograms::Native);
    let mut parser = ProtobufParser::new(&page, options);
    let mut seen = 0;
    while let Some(entry) = parser.next().unwrap() {
        if let Entry::Histogram(entry) = entry {
            assert_eq!(entry.histogram(), &native.histogram);
            seen += 1;
        }
    }
    assert_eq!(seen, 1);
    let output = OutputFormat::new(TextFormat::OpenMetrics, EscapingScheme::AllowUtf8);
    let mut text = String::new();
    encode(output, [&family], &mut text).unwrap();
    let expected = "# TYPE h histogram\nh_bucket{le=\"0.5\"} 0\nh_bucket{le=\"1.0\"} 3\n\
                    h_bucket{le=\"2.0\"} 7\nh_bucket{le=\"+Inf\"} 7\nh_sum 4.0\nh_count 7\n# EOF\n";
    assert_eq!(text, expected);
}

#[test]
fn samples_without_a_whole_metric_are_not_lost() {
    let mut family = Family::new("h", MetricType::Histogram);
    family.samples.push(sample(&[("__name__", "h_bucket"), ("le", "1.0")], 1.0));
    family.samples.push(sample(&[("__name__", "h_sum"), ("a", "b")], 1.0));
    family.samples.push(sample(&[("__name__", "h")], 1.0));
    let read = check(&[family]);
    assert!(read.iter().all(|family| family.metric_type == MetricType::Unknown));
}

#[test]
fn a_metric_that_is_there_twice_is_written_twice() {
    let mut family = Family::new("s", MetricType::Summary);
    for value in [1.0, 2.0] {
        for labels in [
            &[("__name__", "s"), ("quantile", "0.5")][..],
            &[("__name__", "s_sum")],
            &[("__name__", "s_count")],
        ] {
            let mut sample = sample(labels, value);
            sample.start_timestamp = Some(Timestamp::from_millis(7_000));
            family.samples.push(sample);
        }
    }
    let read = check(&[family]);
    assert!(read.iter().all(|family| family.metric_type == MetricType::Summary));
}

#[test]
fn what_no_family_can_hold_is_refused() {
    let mut family = Family::new("h", MetricType::Gauge);
    family.histograms.push(native());
    let mut page = Vec::new();
    let error = encode_protobuf(EscapingScheme::AllowUtf8, [&family], &mut page).unwrap_err();
    let expected = "metric family \"h\" of type gauge has a native histogram that is not its own";
    assert_eq!(error.to_string(), expected);
    let mut family = Family::new("h", MetricType::Histogram);
    let custom = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: 1,
        negative_spans: vec![Span { offset: 0, length: 1 }],
        negative_buckets: vec![1],
        custom_values: [0.5].into(),
        ..Histogram::default()
    };
    let labels = Labels::from_pairs([("__name__", "h")]);
    family.histograms.push(FamilyHistogram::new(labels, HistogramSample::Integer(custom)));
    let error = encode_protobuf(EscapingScheme::AllowUtf8, [&family], &mut page).unwrap_err();
    let expected =
        "metric family \"h\": histogram with custom buckets must not have negative buckets";
    assert_eq!(error.to_string(), expected);
    let mut family = Family::new("g", MetricType::Gauge);
    family.samples.push(sample(&[("__name__", "g"), ("", "nobody")], 1.0));
    let error = encode_protobuf(EscapingScheme::AllowUtf8, [&family], &mut page).unwrap_err();
    let expected = "sample of metric family \"g\" has a label without a name";
    assert_eq!((error.to_string().as_str(), page.as_slice()), (expected, &[][..]));
}

#[expect(clippy::disallowed_methods, reason = "the vectors' place is told by the environment")]
pub(crate) fn pages() -> Option<PathBuf> {
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        println!("skipped: SKOPOS_CONFORMANCE is not set");
        return None;
    };
    Some(PathBuf::from(root).join("vectors/exposition/pages"))
}

/// What a page holds, if the file is one.
pub(crate) fn page_families(path: &Path) -> Option<Vec<Family>> {
    let page = fs::read(path).unwrap();
    let name = path.file_name()?.to_str()?;
    let read = match name.rsplit_once('.')? {
        (_, "pb") => protobuf_families(&page),
        (stem, "txt") if stem.ends_with(".om") => families(TextFormat::OpenMetrics, &page),
        (_, "txt") => families(TextFormat::Prometheus, &page),
        _ => return None,
    };
    Some(read.unwrap())
}

#[test]
fn pages_of_real_exporters_read_back_the_same() {
    let Some(folder) = pages() else { return };
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let Some(original) = page_families(&path) else { continue };
        let name = path.display();
        check(&original);
        let output = OutputFormat::new(TextFormat::OpenMetrics, EscapingScheme::AllowUtf8);
        let mut text = String::new();
        let writable: Vec<_> = original.iter().filter(|f| !f.samples.is_empty()).collect();
        encode(output, writable, &mut text).unwrap();
        let again = families(TextFormat::OpenMetrics, text.as_bytes()).unwrap();
        if original.iter().all(|family| family.histograms.is_empty()) {
            assert_eq!(shown(&again).len(), shown(&original).len(), "{name}");
        }
        check_by_promtool(&original);
        seen += 1;
    }
    assert_eq!(seen, 13);
}

/// The real promtool reads what we write as text; what it says of style is no matter.
#[expect(clippy::disallowed_methods, reason = "the peers' place is told by the environment")]
fn check_by_promtool(families: &[Family]) {
    let Ok(peers) = std::env::var("SKOPOS_PEERS") else {
        println!("skipped: SKOPOS_PEERS is not set");
        return;
    };
    let output = OutputFormat::new(TextFormat::Prometheus, EscapingScheme::Underscores);
    let mut text = String::new();
    encode(output, families.iter().filter(|f| !f.samples.is_empty()), &mut text).unwrap();
    let mut promtool = Command::new(PathBuf::from(peers).join("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("error while linting"), "{said}");
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
}

prop_compose! {
    fn integer_histograms()(
        schema in -4..=8i32,
        zero_count in 0..5u64,
        positive in proptest::collection::vec((1..9i32, 1..9i64), 1..6),
    ) -> Histogram {
        let mut before = 0;
        let mut histogram = Histogram { schema, zero_count, zero_threshold: 0.5, ..Histogram::default() };
        for (offset, count) in positive {
            histogram.positive_spans.push(Span { offset, length: 1 });
            histogram.positive_buckets.push(count - before);
            before = count;
            histogram.count += count.unsigned_abs();
        }
        histogram.count += zero_count;
        histogram
    }
}

proptest! {
    #[test]
    fn native_histograms_read_back(histogram in integer_histograms(), sum in any::<f64>()) {
        let mut family = Family::new("h", MetricType::GaugeHistogram);
        let mut histogram = histogram;
        histogram.sum = sum;
        histogram.reset_hint = skopos_core::histogram::ResetHint::Gauge;
        let labels = Labels::from_pairs([("__name__", "h")]);
        family.histograms.push(FamilyHistogram::new(labels, HistogramSample::Integer(histogram)));
        check(&[family]);
    }

    #[test]
    fn text_becomes_protobuf_without_loss(
        lines in proptest::collection::vec(
            ("(h|h_sum|h_count|h_bucket|h_total)", "(1\\.0|\\+Inf|x|)", 0..4i32),
            1..12,
        ),
        kind in "(counter|gauge|histogram|summary|untyped)",
    ) {
        let mut page = format!("# TYPE h {kind}\n");
        for (name, le, value) in lines {
            let key = if kind == "summary" { "quantile" } else { "le" };
            page.push_str(&format!("{name}{{{key}=\"{le}\"}} {value}\n"));
        }
        check(&families(TextFormat::Prometheus, page.as_bytes()).unwrap());
    }
}
