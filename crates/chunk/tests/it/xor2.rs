//! Prometheus' own XOR2 chunks, and properties of ours.

use proptest::prelude::*;
use serde_json::Value;
use skopos_chunk::{Error, ErrorKind, Xor2Decoder, Xor2Encoder};
use skopos_core::{Columns, STALE_NAN_BITS};

use crate::vectors::{float, list, read, start, unhex};

/// Start, time and the value's bits.
type Sample = (i64, i64, u64);

const FILES: [&str; 2] = ["xor2.json", "xor2_st.json"];

fn samples(json: &Value) -> Vec<Sample> {
    let sample = |s: &Value| (start(s), s["t"].as_i64().unwrap(), float(&s["v"]).to_bits());
    list(json).iter().map(sample).collect()
}

fn push(encoder: &mut Xor2Encoder, samples: &[Sample]) {
    for (start, t, v) in samples {
        encoder.push_started(*start, *t, f64::from_bits(*v)).unwrap();
    }
}

fn encode(samples: &[Sample]) -> Xor2Encoder {
    let mut encoder = Xor2Encoder::new();
    push(&mut encoder, samples);
    encoder
}

fn decode(chunk: &[u8]) -> (Vec<Sample>, Option<Error>) {
    let decoder = match Xor2Decoder::new(chunk) {
        Ok(decoder) => decoder,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut samples = Vec::new();
    for step in decoder {
        match step {
            Ok(s) => samples.push((s.start, s.sample.t.as_millis(), s.sample.v.to_bits())),
            Err(error) => return (samples, Some(error)),
        }
    }
    (samples, None)
}

fn decode_columns(chunk: &[u8]) -> (Vec<Sample>, Option<Error>) {
    let mut columns = Columns::new();
    let error = Xor2Decoder::new(chunk).and_then(|mut d| d.read_all(&mut columns)).err();
    let sample = |i: usize| {
        let start = columns.start_timestamps.get(i).copied().unwrap_or(0);
        (start, columns.timestamps[i], columns.values[i].to_bits())
    };
    ((0..columns.len()).map(sample).collect(), error)
}

#[test]
fn samples_have_prometheus_bytes_and_come_back() {
    for file in FILES {
        let Some(vectors) = read(file) else { return };
        for case in list(&vectors["cases"]) {
            let (name, expected) = (&case["name"], samples(&case["samples"]));
            let chunk = unhex(&case["encoded"]);
            assert_eq!(encode(&expected).bytes(), chunk, "{name}");
            assert_eq!(decode(&chunk), (expected.clone(), None), "{name}");
            assert_eq!(decode_columns(&chunk), (expected, None), "{name}");
        }
        println!("{} chunks in {file}", list(&vectors["cases"]).len());
        assert!(100 < list(&vectors["cases"]).len());
    }
}

#[test]
fn reopened_chunks_go_on_as_prometheus_does() {
    let mut differing = 0;
    for file in FILES {
        let Some(vectors) = read(file) else { return };
        for case in list(&vectors["cases"]) {
            let all = samples(&case["samples"]);
            // The vectors were reopened in the middle, and not where that is the first sample.
            if all.len() < 4 {
                continue;
            }
            let other = case.get("encoded_when_reopened_at");
            let at = other.map_or(all.len() / 2, |o| o["index"].as_u64().unwrap() as usize);
            let mut encoder = Xor2Encoder::reopen(encode(&all[..at]).bytes()).unwrap();
            push(&mut encoder, &all[at..]);
            differing += usize::from(other.is_some());
            let expected = unhex(other.map_or(&case["encoded"], |other| &other["encoded"]));
            assert_eq!(encoder.bytes(), expected, "{} at {at}", case["name"]);
        }
    }
    assert!(50 < differing, "{differing} chunks differ when they are reopened");
}

#[test]
fn seeking_finds_what_prometheus_finds() {
    let mut sought = 0;
    for file in FILES {
        let Some(vectors) = read(file) else { return };
        for case in list(&vectors["cases"]) {
            let chunk = unhex(&case["encoded"]);
            for seek in list(&case["seeks"]) {
                let found = Xor2Decoder::new(&chunk).unwrap().seek(seek["seek"].as_i64().unwrap());
                let found = found.unwrap().map(|s| s.sample.t.as_millis());
                assert_eq!(found, seek["found"].as_i64(), "{}: {seek}", case["name"]);
                sought += 1;
            }
        }
    }
    assert!(100 < sought, "{sought} seeks");
}

/// As for XOR: the same samples, or fewer and `Truncated` where Prometheus makes some up.
#[test]
fn damaged_chunks_give_prometheus_samples_or_an_error() {
    for file in FILES {
        let Some(vectors) = read(file) else { return };
        let cases = list(&vectors["malformed"]);
        let mut stricter = 0;
        for case in cases {
            let (found, error) = decode(&unhex(&case["bytes"]));
            let count = case["num_before_error"].as_u64().unwrap() as usize;
            let what = format!("{} of {}: {error:?}", case["how"], case["from"]);
            let fails = case.get("error").is_some() || case.get("panic").is_some();
            if let Some(last) = case.get("last_sample") {
                assert_eq!(
                    found.last(),
                    samples(&Value::Array(vec![last.clone()])).last(),
                    "{what}"
                );
                assert_eq!((found.len(), error.is_some()), (count, fails), "{what}");
                continue;
            }
            let expected = samples(&case["samples"]);
            if let Some(error) = &error {
                assert_eq!(error.sound_samples(), found.len(), "{what}");
            }
            if found == expected && error.is_some() == fails {
                continue;
            }
            stricter += 1;
            assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::Truncated), "{what}");
            assert!(found.len() < expected.len() && expected.starts_with(&found), "{what}");
        }
        println!("{} damaged chunks in {file}, {stricter} refused more strictly", cases.len());
        assert!(150 < cases.len(), "{} cases", cases.len());
    }
}

/// Any samples, but mostly ones that resemble each other, so that all forms come up.
fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    let step = prop_oneof![
        4 => Just(15_000_i64),
        2 => 14_990_i64..15_010,
        1 => -600_000_i64..600_000,
        1 => any::<i64>(),
    ];
    let flip = prop_oneof![
        4 => Just(0_u64),
        2 => (0_u32..64).prop_map(|bit| 1 << bit),
        2 => (any::<u32>(), 0_u32..40).prop_map(|(bits, by)| u64::from(bits) << by),
        1 => any::<u64>(),
    ];
    let start = prop_oneof![6 => Just(None), 1 => any::<i64>().prop_map(Some), 1 => Just(Some(0))];
    let value = (flip, prop::bool::weighted(0.1));
    let steps = prop::collection::vec((step, value, start), 0..150);
    (any::<i64>(), any::<u64>(), 0..3, steps).prop_map(|(mut t, mut v, started, steps)| {
        let mut st = 0;
        let next = |(step, (flip, stale), start): (i64, (u64, bool), Option<i64>)| {
            // As delta counters have it: the sample before, with exceptions.
            st = if started == 2 { t } else { st };
            (t, v) = (t.wrapping_add(step), v ^ flip);
            st = start.filter(|_| started != 0).unwrap_or(st);
            (st, t, if stale { STALE_NAN_BITS } else { v })
        };
        steps.into_iter().map(next).collect()
    })
}

proptest! {
    #[test]
    fn samples_come_back(samples in any_samples()) {
        let chunk = encode(&samples).finish();
        prop_assert_eq!(decode(&chunk), (samples.clone(), None));
        prop_assert_eq!(decode_columns(&chunk), (samples, None));
    }

    #[test]
    fn reopening_keeps_the_samples(samples in any_samples(), at in any::<prop::sample::Index>(), junk in 0_usize..20) {
        let (before, after) = samples.split_at(at.index(samples.len() + 1));
        let mut chunk = encode(before).finish();
        chunk.extend(std::iter::repeat_n(0xa5, junk));
        let mut encoder = Xor2Encoder::reopen(&chunk).unwrap();
        prop_assert_eq!(encoder.len(), before.len());
        push(&mut encoder, after);
        prop_assert_eq!(decode(encoder.bytes()), (samples, None));
    }

    #[test]
    fn any_bytes_decode_alike_in_every_way(bytes in prop::collection::vec(any::<u8>(), 3..300), count in any::<u16>()) {
        let mut chunk = bytes;
        chunk[..2].copy_from_slice(&(count % 300).to_be_bytes());
        let one_by_one = decode(&chunk);
        if let Some(error) = &one_by_one.1 {
            prop_assert_eq!(error.sound_samples(), one_by_one.0.len());
        }
        prop_assert_eq!(one_by_one, decode_columns(&chunk));
    }
}
