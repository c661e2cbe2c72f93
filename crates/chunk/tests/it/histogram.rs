//! Prometheus' own histogram chunks, and properties of ours.

use serde_json::Value;
use skopos_chunk::{
    Error, ErrorKind, HistogramDecoder, HistogramEncoder, NativeHistogram, Outcome,
};
use skopos_core::{Columns, FloatHistogram, Histogram, ResetHint, Span};

use crate::vectors::{float, list, read, start, unhex};

/// Builds either kind of histogram from the vectors' JSON.
trait FromJson: NativeHistogram + PartialEq + std::fmt::Debug {
    const KEY: &'static str;
    const FILES: [(&'static str, bool); 2];
    fn from_json(json: &Value) -> Self;
    fn hint(&self) -> ResetHint;
    fn as_float(&self) -> FloatHistogram;
}

fn hint(json: &Value) -> ResetHint {
    match json.as_str().unwrap() {
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}

fn spans(json: &Value) -> Vec<Span> {
    let span = |pair: &Value| Span {
        offset: i32::try_from(pair[0].as_i64().unwrap()).unwrap(),
        length: u32::try_from(pair[1].as_u64().unwrap()).unwrap(),
    };
    list(json).iter().map(span).collect()
}

impl FromJson for Histogram {
    const FILES: [(&'static str, bool); 2] =
        [("histogram.json", false), ("histogram_st.json", true)];
    const KEY: &'static str = "h";

    fn from_json(json: &Value) -> Self {
        let buckets = |key: &str| list(&json[key]).iter().map(|n| n.as_i64().unwrap()).collect();
        Self {
            reset_hint: hint(&json["crh"]),
            schema: json["schema"].as_i64().unwrap() as i32,
            zero_threshold: float(&json["zt"]),
            zero_count: json["zc"].as_u64().unwrap(),
            count: json["count"].as_u64().unwrap(),
            sum: float(&json["sum"]),
            positive_spans: spans(&json["ps"]),
            negative_spans: spans(&json["ns"]),
            positive_buckets: buckets("pb"),
            negative_buckets: buckets("nb"),
            custom_values: list(&json["cv"]).iter().map(float).collect(),
        }
    }

    fn hint(&self) -> ResetHint {
        self.reset_hint
    }

    fn as_float(&self) -> FloatHistogram {
        self.to_float()
    }
}

impl FromJson for FloatHistogram {
    const FILES: [(&'static str, bool); 2] =
        [("float_histogram.json", false), ("float_histogram_st.json", true)];
    const KEY: &'static str = "fh";

    fn from_json(json: &Value) -> Self {
        Self {
            reset_hint: hint(&json["crh"]),
            schema: json["schema"].as_i64().unwrap() as i32,
            zero_threshold: float(&json["zt"]),
            zero_count: float(&json["zc"]),
            count: float(&json["count"]),
            sum: float(&json["sum"]),
            positive_spans: spans(&json["ps"]),
            negative_spans: spans(&json["ns"]),
            positive_buckets: list(&json["pb"]).iter().map(float).collect(),
            negative_buckets: list(&json["nb"]).iter().map(float).collect(),
            custom_values: list(&json["cv"]).iter().map(float).collect(),
        }
    }

    fn hint(&self) -> ResetHint {
        self.reset_hint
    }

    fn as_float(&self) -> FloatHistogram {
        self.clone()
    }
}

fn encoder<H: NativeHistogram>(started: bool) -> HistogramEncoder<H> {
    if started { HistogramEncoder::with_starts() } else { HistogramEncoder::new() }
}

fn decoder<H: NativeHistogram>(
    chunk: &[u8],
    started: bool,
) -> Result<HistogramDecoder<'_, H>, Error> {
    if started { HistogramDecoder::with_starts(chunk) } else { HistogramDecoder::new(chunk) }
}

/// Start, time and histogram of each sample.
type Samples<H> = Vec<(i64, i64, H)>;

fn decode<H: FromJson>(chunk: &[u8], started: bool) -> (Samples<H>, Option<Error>) {
    let mut samples = Vec::new();
    let mut decoder = match decoder::<H>(chunk, started) {
        Ok(decoder) => decoder,
        Err(error) => return (samples, Some(error)),
    };
    loop {
        match decoder.next_sample() {
            Ok(Some(sample)) => {
                samples.push((sample.start(), sample.time(), sample.histogram()));
            }
            Ok(None) => return (samples, None),
            Err(error) => return (samples, Some(error)),
        }
    }
}

fn decode_columns<H: NativeHistogram>(
    chunk: &[u8],
    started: bool,
) -> (Samples<FloatHistogram>, Option<Error>) {
    let mut columns = Columns::new();
    let error = decoder::<H>(chunk, started).and_then(|mut d| d.read_all(&mut columns)).err();
    let starts = columns.histogram_start_timestamps;
    let starts = starts.into_iter().chain(std::iter::repeat(0));
    let pairs = columns.histogram_timestamps.into_iter().zip(columns.histograms);
    (starts.zip(pairs).map(|(start, (t, h))| (start, t, h)).collect(), error)
}

/// Does what the vectors' generator did; returns the chunks.
fn replay<H: FromJson>(case: &Value, started: bool) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut current = encoder::<H>(started);
    for op in list(&case["ops"]) {
        let what = format!("{}: {op}", case["name"]);
        match op["cut"].as_str() {
            Some("prev") => chunks.extend(current.cut()),
            Some(_) => {
                let fresh = encoder(started);
                chunks.push(std::mem::replace(&mut current, fresh).finish());
            }
            None => {}
        }
        let histogram = H::from_json(&op[H::KEY]);
        let (start, t) = (start(op), op["t"].as_i64().unwrap());
        let result = op["result"].as_str().unwrap();
        if op["append_only"] == true {
            let before = current.bytes().to_vec();
            match current.push_in_place(start, t, &histogram) {
                Ok(()) => assert_eq!(result, "appended", "{what}"),
                Err(error) => {
                    assert_eq!(result, "error", "{what}");
                    assert_eq!(error.kind(), ErrorKind::NotAppendable, "{what}");
                    assert_eq!(error.to_string(), op["error"].as_str().unwrap(), "{what}");
                    assert_eq!(current.bytes(), before, "{what}");
                }
            }
        } else {
            let outcome = match current.push_started(start, t, &histogram).unwrap() {
                Outcome::Appended => "appended",
                Outcome::Recoded => "recoded",
                Outcome::NewChunk(finished) => {
                    chunks.push(finished);
                    "new_chunk"
                }
                _ => "unknown",
            };
            assert_eq!(outcome, result, "{what}");
        }
        assert_eq!(Some(chunks.len() as u64), op["chunk"].as_u64(), "{what}");
    }
    chunks.push(current.finish());
    chunks
}

fn check_cases<H: FromJson>() {
    for (file, started) in H::FILES {
        let Some(vectors) = read(file) else { return };
        let (mut ops, mut n_chunks) = (0, 0);
        for case in list(&vectors["cases"]) {
            let chunks = replay::<H>(case, started);
            ops += list(&case["ops"]).len();
            let name = &case["name"];
            assert_eq!(chunks.len(), list(&case["chunks"]).len(), "{name}");
            for (chunk, expected) in chunks.iter().zip(list(&case["chunks"])) {
                n_chunks += 1;
                assert_eq!(*chunk, unhex(&expected["encoded"]), "{name}");
                check_decoding::<H>(name, chunk, expected, started);
            }
        }
        println!("{ops} histograms in {n_chunks} chunks of {file}");
        assert!(900 < ops && 100 < n_chunks, "{ops} histograms in {n_chunks} chunks");
    }
}

#[track_caller]
fn check_decoding<H: FromJson>(name: &Value, chunk: &[u8], expected: &Value, started: bool) {
    let opened = decoder::<H>(chunk, started).unwrap();
    assert_eq!(Some(opened.len() as u64), expected["num_samples"].as_u64(), "{name}");
    assert_eq!(opened.reset_header(), hint(&expected["counter_reset_header"]), "{name}");
    let sample = |s: &Value| (start(s), s["t"].as_i64().unwrap(), H::from_json(&s[H::KEY]));
    let samples: Vec<_> = list(&expected["decoded"]).iter().map(sample).collect();
    let (decoded, error) = decode::<H>(chunk, started);
    assert_eq!((&decoded, error), (&samples, None), "{name}");
    let hints = |samples: &Samples<H>| samples.iter().map(|s| s.2.hint()).collect::<Vec<_>>();
    assert_eq!(hints(&decoded), hints(&samples), "{name}");
    let floats: Vec<_> = samples.iter().map(|(start, t, h)| (*start, *t, h.as_float())).collect();
    assert_eq!(decode_columns::<H>(chunk, started), (floats, None), "{name}");
    check_reopening(name, chunk, &samples, started);
}

/// A chunk goes on behind any of its samples and decodes to the same, though where a field had no
/// XOR before, as in Prometheus, not with the same bytes.
fn check_reopening<H: FromJson>(name: &Value, chunk: &[u8], samples: &Samples<H>, started: bool) {
    let Some((last, before)) = samples.split_last() else { return };
    // What is read back of a counter's first sample does not tell whether it was one's.
    let mut encoder = encoder::<H>(started);
    for (start, t, h) in before {
        encoder.push_started(*start, *t, h).unwrap();
    }
    if encoder.len() + 1 != samples.len() {
        return;
    }
    let mut reopened = if started {
        HistogramEncoder::<H>::reopen_with_starts(encoder.bytes()).unwrap()
    } else {
        HistogramEncoder::<H>::reopen(encoder.bytes()).unwrap()
    };
    assert_eq!(reopened.len(), before.len(), "{name}");
    assert_eq!(reopened.bytes(), encoder.bytes(), "{name}");
    let outcome = reopened.push_started(last.0, last.1, &last.2).unwrap();
    if outcome == Outcome::Appended {
        assert_eq!(decode::<H>(reopened.bytes(), started).0, *samples, "{name}");
        let whole = if started {
            HistogramEncoder::<H>::reopen_with_starts(chunk).unwrap()
        } else {
            HistogramEncoder::<H>::reopen(chunk).unwrap()
        };
        assert_eq!(whole.last_time(), Some(last.1), "{name}");
    }
}

#[test]
fn integer_histograms_have_prometheus_bytes_and_come_back() {
    check_cases::<Histogram>();
}

#[test]
fn float_histograms_have_prometheus_bytes_and_come_back() {
    check_cases::<FloatHistogram>();
}

/// The same number of samples, or fewer and an error where Prometheus makes some up from missing
/// bits, or takes a layout that would need much memory.
fn check_damaged<H: FromJson>() {
    for (file, started) in H::FILES {
        let Some(vectors) = read(file) else { return };
        let cases = list(&vectors["malformed"]);
        let mut stricter = 0;
        for case in cases {
            let chunk = unhex(&case["bytes"]);
            let (found, error) = decode::<H>(&chunk, started);
            assert_eq!(decode_columns::<H>(&chunk, started).1, error);
            let count = case["num_before_error"].as_u64().unwrap() as usize;
            let what = format!("{file}, {} of {}: {error:?}", case["how"], case["from"]);
            let fails = case.get("error").is_some() || case.get("panic").is_some();
            if let Some(error) = &error {
                assert_eq!(error.sound_samples(), found.len(), "{what}");
                let text = case["error"].as_str().unwrap_or_default();
                if text.contains("unknown schema") {
                    assert_eq!(error.to_string(), text, "{what}");
                }
            }
            if found.len() == count && error.is_some() == fails {
                continue;
            }
            stricter += 1;
            assert!(error.is_some() && found.len() < count, "{what}");
        }
        println!("{} damaged chunks in {file}, {stricter} refused more strictly", cases.len());
        assert!(300 < cases.len(), "{} cases", cases.len());
    }
}

#[test]
fn damaged_chunks_give_prometheus_samples_or_an_error() {
    check_damaged::<Histogram>();
    check_damaged::<FloatHistogram>();
}
