//! Prometheus' own chunks: the same bytes out, the same samples back.

use std::path::PathBuf;

use serde_json::Value;
use skopos_chunk::{XorDecoder, XorEncoder};
use skopos_core::{Columns, Sample};

/// The golden vectors for XOR chunks; `None` where none were asked for.
fn vectors() -> Option<Value> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test data's place is told in the environment"
    )]
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        println!("skipped: SKOPOS_CONFORMANCE does not name the folder of golden vectors");
        return None;
    };
    let path = PathBuf::from(root).join("vectors/chunks/xor.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).unwrap())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|d| u8::from_str_radix(str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

fn sample(json: &Value) -> Sample {
    let bits = u64::from_str_radix(json["v"].as_str().unwrap(), 16).unwrap();
    Sample::new(json["t"].as_i64().unwrap(), f64::from_bits(bits))
}

fn samples(json: &Value) -> Vec<Sample> {
    json.as_array().unwrap().iter().map(sample).collect()
}

fn encode(samples: &[Sample]) -> XorEncoder {
    let mut encoder = XorEncoder::new();
    for sample in samples {
        encoder.push(sample.t.as_millis(), sample.v).unwrap();
    }
    encoder
}

fn decode(chunk: &[u8]) -> (Vec<Sample>, Option<skopos_chunk::Error>) {
    let Ok(decoder) = XorDecoder::new(chunk) else {
        return (Vec::new(), XorDecoder::new(chunk).err());
    };
    let steps: Vec<_> = decoder.collect();
    let error = steps.iter().find_map(|step| step.clone().err());
    (steps.into_iter().filter_map(Result::ok).collect(), error)
}

#[test]
fn samples_have_prometheus_bytes_and_come_back() {
    let Some(vectors) = vectors() else { return };
    let cases = vectors["cases"].as_array().unwrap();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let expected = samples(&case["samples"]);
        let chunk = unhex(case["encoded"].as_str().unwrap());
        assert_eq!(encode(&expected).bytes(), chunk, "{name}");
        assert_eq!(decode(&chunk), (expected.clone(), None), "{name}");
        let mut columns = Columns::new();
        XorDecoder::new(&chunk).unwrap().read_all(&mut columns).unwrap();
        let pairs = columns.timestamps.iter().zip(&columns.values);
        let columns: Vec<_> = pairs.map(|(t, v)| Sample::new(*t, *v)).collect();
        assert_eq!(columns, expected, "{name}");
    }
    assert!(200 < cases.len(), "{} cases", cases.len());
}

#[test]
fn reopened_chunks_go_on_as_if_never_closed() {
    let Some(vectors) = vectors() else { return };
    for case in vectors["cases"].as_array().unwrap() {
        let all = samples(&case["samples"]);
        let chunk = unhex(case["encoded"].as_str().unwrap());
        let mut reopened = XorEncoder::new();
        for sample in all {
            reopened = XorEncoder::reopen(reopened.bytes()).unwrap();
            reopened.push(sample.t.as_millis(), sample.v).unwrap();
        }
        assert_eq!(reopened.bytes(), chunk, "{}", case["name"]);
    }
}

#[test]
fn seeking_finds_what_prometheus_finds() {
    let Some(vectors) = vectors() else { return };
    let mut sought = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let chunk = unhex(case["encoded"].as_str().unwrap());
        for seek in case["seeks"].as_array().into_iter().flatten() {
            let found = XorDecoder::new(&chunk).unwrap().seek(seek["seek"].as_i64().unwrap());
            let found = found.unwrap().map(|sample| sample.t.as_millis());
            assert_eq!(found, seek["found"].as_i64(), "{}: {seek}", case["name"]);
            sought += 1;
        }
    }
    assert!(100 < sought, "{sought} seeks");
}

/// Where Prometheus reports an error, so do we, after the same samples. Where it reports none, we
/// give the same samples, but for a chunk that ends inside a sample: Prometheus may read what is
/// missing as other bits, while we give the samples before and say that it is truncated.
#[test]
fn damaged_chunks_give_prometheus_samples_or_an_error() {
    let Some(vectors) = vectors() else { return };
    let cases = vectors["malformed"].as_array().unwrap();
    let mut stricter = 0;
    for case in cases {
        let (found, error) = decode(&unhex(case["bytes"].as_str().unwrap()));
        let count = case["num_before_error"].as_u64().unwrap() as usize;
        let what = format!("{} of {}: {error:?}", case["how"], case["from"]);
        let fails = case.get("error").is_some() || case.get("panic").is_some();
        if let Some(last) = case.get("last_sample") {
            assert_eq!(found.last(), Some(&sample(last)), "{what}");
            assert_eq!((found.len(), error.is_some()), (count, fails), "{what}");
            continue;
        }
        let expected = samples(&case["samples"]);
        if found == expected && error.is_some() == fails {
            continue;
        }
        stricter += 1;
        let kind = error.map(|e| e.kind());
        assert_eq!(kind, Some(skopos_chunk::ErrorKind::Truncated), "{what}");
        assert!(found.len() < expected.len() && expected.starts_with(&found), "{what}");
    }
    println!("{} damaged chunks, {stricter} of them refused more strictly", cases.len());
    assert!(300 < cases.len(), "{} cases", cases.len());
}
