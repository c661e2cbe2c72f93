//! The parser, the choice of it, and the escapes against what the Go implementation gives.
//!
//! Differences kept on purpose: a quoted name that is not UTF-8 is an error here, and in the labels of a
//! protobuf page's exemplars such bytes are replaced.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use skopos_core::text::{is_legacy_label_name, is_legacy_metric_name};
use skopos_core::{Exemplar, HistogramSample, Labels, ResetHint, Span};
use skopos_exposition::{
    ClassicHistograms, CreatedLines, Entry, Error, EscapingScheme, HistogramEntry,
    NativeHistograms, PageFormat, Parser, ParserOptions, TextFormat, choose_format,
};

/// Where the vectors are, if they are asked for.
#[expect(clippy::disallowed_methods, reason = "the vectors' place is told by the environment")]
fn vectors(path: &str) -> Option<PathBuf> {
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        println!("skipped: SKOPOS_CONFORMANCE is not set");
        return None;
    };
    Some(Path::new(&root).join("vectors").join(path))
}

fn load(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

fn text_or_hex(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "hex": bytes.iter().map(|b| format!("{b:02x}")).collect::<String>() }),
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

/// What is read.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text(TextFormat),
    #[cfg(feature = "protobuf")]
    Protobuf,
}

pub(crate) const PROMETHEUS: Kind = Kind::Text(TextFormat::Prometheus);
pub(crate) const OPENMETRICS: Kind = Kind::Text(TextFormat::OpenMetrics);

/// All entries in the vectors' form, and the error.
pub(crate) fn read(
    kind: Kind,
    page: &[u8],
    options: ParserOptions,
) -> (Vec<Value>, Option<String>) {
    match kind {
        Kind::Text(format) => {
            let mut parser = Parser::new(format, page, options);
            collect(|entries| {
                Ok(parser.next()?.map(|entry| entries.push(entry_value(entry, options))))
            })
        }
        #[cfg(feature = "protobuf")]
        Kind::Protobuf => {
            // Prometheus asks for start timestamps of all protobuf pages.
            let shown = options.with_created_lines(CreatedLines::StartTimestamps);
            let mut parser = skopos_exposition::ProtobufParser::new(page, options);
            collect(|entries| {
                Ok(parser.next()?.map(|entry| entries.push(entry_value(entry, shown))))
            })
        }
    }
}

fn collect(
    mut next: impl FnMut(&mut Vec<Value>) -> Result<Option<()>, Error>,
) -> (Vec<Value>, Option<String>) {
    let mut entries = Vec::new();
    loop {
        match next(&mut entries) {
            Ok(Some(())) => {}
            Ok(None) => return (entries, None),
            Err(error) => {
                assert!(matches!(next(&mut entries), Ok(None)), "an error ends the page");
                return (entries, Some(error.to_string()));
            }
        }
    }
}

fn entry_value(entry: Entry<'_, '_>, options: ParserOptions) -> Value {
    let mut sample = match entry {
        Entry::Type { name, metric_type } => {
            return json!({"e": "type", "name": name, "type": metric_type.as_str()});
        }
        Entry::Help { name, help } => return json!({"e": "help", "name": name, "help": help}),
        Entry::Unit { name, unit } => return json!({"e": "unit", "name": name, "unit": unit}),
        Entry::Comment(text) => return json!({"e": "comment", "text": text_or_hex(text)}),
        Entry::Histogram(entry) => return histogram_value(entry, options),
        Entry::Series(sample) => sample,
        other => panic!("unexpected {other:?}"),
    };
    let mut value = json!({
        "e": "series",
        "series": text_or_hex(sample.series()),
        "v": format!("{:016x}", sample.value().to_bits()),
    });
    if let Some(t) = sample.timestamp() {
        value["t"] = json!(t.as_millis());
    }
    assert_eq!(sample.owned_labels(), Labels::from_pairs(sample.labels().iter()));
    let labels: Vec<_> = sample.labels().iter().map(|(name, value)| json!([name, value])).collect();
    value["labels"] = json!(labels);
    if let Some(exemplar) = sample.exemplar() {
        // The owned form has each name once and no empty values; Prometheus has them all.
        let mut labels: Vec<_> = sample.raw_exemplar_labels().collect();
        labels.sort_by_key(|(name, _)| *name);
        let mut shown =
            json!({"labels": labels, "v": format!("{:016x}", exemplar.value.to_bits())});
        if let Some(t) = exemplar.timestamp {
            shown["t"] = json!(t.as_millis());
        }
        value["exemplars"] = json!([shown]);
    }
    let asked = options.created_lines() == CreatedLines::StartTimestamps;
    if let Some(start) = sample.start_timestamp().filter(|_| asked) {
        value["st"] = json!(start.as_millis());
    }
    value
}

fn histogram_value(mut entry: HistogramEntry<'_, '_>, options: ParserOptions) -> Value {
    let bits = |values: &[f64]| -> Vec<String> { values.iter().map(|&v| bits_of(v)).collect() };
    let spans =
        |spans: &[Span]| -> Vec<_> { spans.iter().map(|s| json!([s.offset, s.length])).collect() };
    let labels: Vec<_> = entry.labels().iter().map(|(name, value)| json!([name, value])).collect();
    let mut value =
        json!({"e": "histogram", "series": text_or_hex(entry.series()), "labels": labels});
    if let Some(t) = entry.timestamp() {
        value["t"] = json!(t.as_millis());
    }
    let asked = options.created_lines() == CreatedLines::StartTimestamps;
    if let Some(start) = entry.start_timestamp().filter(|_| asked) {
        value["st"] = json!(start.as_millis());
    }
    let exemplars: Vec<_> = entry.exemplars().iter().map(exemplar_value).collect();
    if !exemplars.is_empty() {
        value["exemplars"] = json!(exemplars);
    }
    let (kind, mut shown, bounds, hint) = match entry.histogram() {
        HistogramSample::Integer(h) => {
            let mut shown = json!({
                "zc": h.zero_count, "zt": bits_of(h.zero_threshold), "count": h.count,
                "sum": bits_of(h.sum), "schema": h.schema,
                "ps": spans(&h.positive_spans), "pb": h.positive_buckets,
            });
            if !h.negative_spans.is_empty() {
                shown["ns"] = json!(spans(&h.negative_spans));
                shown["nb"] = json!(h.negative_buckets);
            }
            ("h", shown, &h.custom_values, h.reset_hint)
        }
        HistogramSample::Float(h) => {
            let mut shown = json!({
                "zc": bits_of(h.zero_count), "zt": bits_of(h.zero_threshold),
                "count": bits_of(h.count), "sum": bits_of(h.sum), "schema": h.schema,
                "ps": spans(&h.positive_spans), "pb": bits(&h.positive_buckets),
            });
            if !h.negative_spans.is_empty() {
                shown["ns"] = json!(spans(&h.negative_spans));
                shown["nb"] = json!(bits(&h.negative_buckets));
            }
            ("fh", shown, &h.custom_values, h.reset_hint)
        }
    };
    shown["crh"] = json!(if hint == ResetHint::Gauge { "gauge" } else { "unknown" });
    if !bounds.is_empty() {
        shown["cv"] = json!(bits(bounds));
    }
    value[kind] = shown;
    value
}

fn bits_of(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}

fn exemplar_value(exemplar: &Exemplar) -> Value {
    let labels: Vec<_> = exemplar.labels.iter().map(|(n, v)| json!([n, v])).collect();
    let mut shown = json!({"labels": labels, "v": bits_of(exemplar.value)});
    if let Some(t) = exemplar.timestamp {
        shown["t"] = json!(t.as_millis());
    }
    shown
}

/// Whether the vector has a label or a metric name that is no string here.
fn has_name_outside_utf8(entries: &Value) -> bool {
    let labels = entries.as_array().into_iter().flatten().filter_map(|e| e["labels"].as_array());
    labels.flatten().any(|pair| pair[0].is_object() || pair[1].is_object())
}

/// The vector's entries with replacement characters in exemplars where it has bytes that are no string.
fn with_replaced_exemplar_bytes(entries: &Value) -> Value {
    let mut entries = entries.clone();
    for entry in entries.as_array_mut().into_iter().flatten() {
        let exemplars = entry.get_mut("exemplars").and_then(Value::as_array_mut);
        let pairs = exemplars.into_iter().flatten().filter_map(|e| e["labels"].as_array_mut());
        for text in pairs.flatten().filter_map(Value::as_array_mut).flatten() {
            if let Some(hex) = text.get("hex").and_then(Value::as_str) {
                *text = json!(String::from_utf8_lossy(&from_hex(hex)));
            }
        }
    }
    entries
}

fn check_case(kind: Kind, options: ParserOptions, case: &Value) -> Result<(), String> {
    let page = match case["input"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => from_hex(case["input_hex"].as_str().unwrap()),
    };
    let (entries, error) = read(kind, &page, options);
    if has_name_outside_utf8(&case["entries"]) {
        let error = error.unwrap_or_default();
        return if error.starts_with("invalid UTF-8 ") { Ok(()) } else { Err(error) };
    }
    let expected = case.get("error").map(|error| match error["hex"].as_str() {
        Some(hex) => String::from_utf8_lossy(&from_hex(hex)).into_owned(),
        None => error.as_str().unwrap().to_owned(),
    });
    if json!(entries) == with_replaced_exemplar_bytes(&case["entries"]) && error == expected {
        return Ok(());
    }
    Err(format!(
        "{:?}\n  got  {} {error:?}\n  want {} {expected:?}",
        String::from_utf8_lossy(&page),
        json!(entries),
        case["entries"],
    ))
}

#[track_caller]
fn check_mode(file: &str, mode: &str, kind: Kind, options: ParserOptions) {
    let Some(path) = vectors(&format!("exposition/{file}")) else { return };
    let vectors = load(&path);
    let cases = vectors[mode].as_array().unwrap();
    let failures: Vec<String> =
        cases.iter().filter_map(|case| check_case(kind, options, case).err()).collect();
    println!("{mode}: {} of {} agree", cases.len() - failures.len(), cases.len());
    assert!(!cases.is_empty() && failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn prometheus_text_is_read_as_prometheus_reads_it() {
    let options = ParserOptions::default();
    check_mode("edge_promtext.json", "promtext", PROMETHEUS, options);
}

#[test]
fn prometheus_text_with_type_and_unit_labels() {
    let options = ParserOptions::default().with_type_and_unit_labels(true);
    let mode = "promtext+type_and_unit_labels";
    check_mode("edge_promtext.json", mode, PROMETHEUS, options);
}

#[test]
fn openmetrics_is_read_as_prometheus_reads_it() {
    let options = ParserOptions::default();
    check_mode("edge_openmetrics.json", "openmetrics", OPENMETRICS, options);
}

#[test]
fn openmetrics_with_type_and_unit_labels() {
    let options = ParserOptions::default().with_type_and_unit_labels(true);
    let mode = "openmetrics+type_and_unit_labels";
    check_mode("edge_openmetrics.json", mode, OPENMETRICS, options);
}

#[test]
fn openmetrics_with_start_timestamps() {
    let options = ParserOptions::default().with_created_lines(CreatedLines::StartTimestamps);
    let mode = "openmetrics+skip_st_series";
    check_mode("edge_openmetrics.json", mode, OPENMETRICS, options);
}

#[test]
fn classic_histograms_become_native_as_in_prometheus() {
    let native = ParserOptions::default().with_classic_histograms(ClassicHistograms::Native);
    let both = ParserOptions::default().with_classic_histograms(ClassicHistograms::Both);
    let started = native.with_created_lines(CreatedLines::StartTimestamps);
    check_mode("edge_promtext.json", "promtext+nhcb", PROMETHEUS, native);
    check_mode("edge_promtext.json", "promtext+nhcb+keep_classic", PROMETHEUS, both);
    check_mode("edge_openmetrics.json", "openmetrics+nhcb", OPENMETRICS, native);
    let mode = "openmetrics+nhcb+skip_st_series";
    check_mode("edge_openmetrics.json", mode, OPENMETRICS, started);
    let mode = "openmetrics+nhcb+keep_classic";
    check_mode("edge_openmetrics.json", mode, OPENMETRICS, both);
}

/// The options that a mode's parts ask for.
fn options_of<'m>(parts: impl Iterator<Item = &'m str>) -> ParserOptions {
    parts.fold(ParserOptions::default(), |options, part| match part {
        "type_and_unit_labels" => options.with_type_and_unit_labels(true),
        "skip_st_series" => options.with_created_lines(CreatedLines::StartTimestamps),
        "nhcb" => options.with_classic_histograms(ClassicHistograms::Native),
        "ignore_native" => options.with_native_histograms(NativeHistograms::Ignored),
        "keep_classic" => {
            let converts = options.classic_histograms() == ClassicHistograms::Native;
            let options = options.with_native_histograms(NativeHistograms::WithClassic);
            if converts {
                options.with_classic_histograms(ClassicHistograms::Both)
            } else {
                options
            }
        }
        part => panic!("unknown mode {part}"),
    })
}

#[cfg(feature = "protobuf")]
#[test]
fn protobuf_is_read_as_prometheus_reads_it() {
    let modes = [
        "protobuf",
        "protobuf+keep_classic",
        "protobuf+ignore_native",
        "protobuf+nhcb",
        "protobuf+nhcb+keep_classic",
        "protobuf+nhcb+ignore_native",
        "protobuf+type_and_unit_labels",
    ];
    for mode in modes {
        let options = options_of(mode.split('+').skip(1));
        check_mode("edge_protobuf.json", mode, Kind::Protobuf, options);
    }
}

#[test]
fn pages_of_real_exporters_are_read_as_prometheus_reads_them() {
    let Some(folder) = vectors("exposition/pages") else { return };
    let mut seen = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let expected = load(&path);
        let mode = expected["mode"].as_str().unwrap();
        let mut parts = mode.split('+');
        let kind = match parts.next() {
            Some("promtext") => PROMETHEUS,
            Some("openmetrics") => OPENMETRICS,
            #[cfg(feature = "protobuf")]
            Some("protobuf") => Kind::Protobuf,
            _ => continue,
        };
        let options = options_of(parts);
        let page = fs::read(folder.join(expected["page"].as_str().unwrap())).unwrap();
        let (entries, error) = read(kind, &page, options);
        assert_eq!(error, None, "{}", path.display());
        let expected = expected["entries"].as_array().unwrap();
        for (got, want) in entries.iter().zip(expected) {
            assert_eq!(got, want, "{}", path.display());
        }
        assert_eq!(entries.len(), expected.len(), "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, if cfg!(feature = "protobuf") { 35 } else { 24 });
}

#[test]
fn the_parser_is_chosen_as_prometheus_chooses_it() {
    let Some(path) = vectors("exposition/content_type.json") else { return };
    let vectors = load(&path);
    for case in vectors["cases"].as_array().unwrap() {
        let fallback = case["fallback"].as_str().filter(|fallback| !fallback.is_empty());
        let chosen = choose_format(case["content_type"].as_str().unwrap(), fallback);
        let error = case.get("error").and_then(Value::as_str);
        match case["parser"].as_str() {
            Some(parser) => {
                let chosen = chosen.unwrap();
                let name = match chosen.format {
                    PageFormat::Text(TextFormat::Prometheus) => "promtext",
                    PageFormat::Text(_) => "openmetrics",
                    _ => "protobuf",
                };
                assert_eq!((name, chosen.warning.as_deref()), (parser, error), "{case}");
            }
            None => assert_eq!(Some(chosen.unwrap_err().to_string().as_str()), error, "{case}"),
        }
    }
}

const SCHEMES: [EscapingScheme; 4] = [
    EscapingScheme::AllowUtf8,
    EscapingScheme::Underscores,
    EscapingScheme::Dots,
    EscapingScheme::Values,
];

#[test]
fn names_are_escaped_as_prometheus_escapes_them() {
    let Some(path) = vectors("labels/labels.json") else { return };
    let vectors = load(&path);
    let check = |list: &str, escape: fn(EscapingScheme, &str) -> String| {
        let mut seen = 0;
        for case in vectors[list].as_array().unwrap() {
            let Some(name) = case["name"].as_str() else { continue };
            for scheme in SCHEMES {
                if let Some(expected) = case[scheme.as_str()].as_str() {
                    assert_eq!(escape(scheme, name), expected, "{list} {name:?} {scheme}");
                    seen += 1;
                }
            }
        }
        assert!(300 < seen, "{list}: {seen}");
    };
    check("escape", |scheme, name| scheme.escape(name).into_owned());
    check("unescape", |scheme, name| scheme.unescape(name).into_owned());
    for case in vectors["escaping_schemes"].as_array().unwrap() {
        match case["input"].as_str().unwrap().parse::<EscapingScheme>() {
            Ok(scheme) => assert_eq!(case["scheme"], scheme.as_str()),
            Err(error) => assert_eq!(case["error"], error.to_string()),
        }
    }
    for case in vectors["names"].as_array().unwrap() {
        let Some(name) = case["name"].as_str() else { continue };
        assert_eq!(case["legacy_label"], is_legacy_label_name(name), "{name:?}");
        assert_eq!(case["legacy_metric"], is_legacy_metric_name(name), "{name:?}");
    }
}
