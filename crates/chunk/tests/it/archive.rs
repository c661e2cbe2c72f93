//! The archive encoding: round trips, its document, and bytes that nobody encoded.

use proptest::prelude::*;
use skopos_chunk::archive::{self, ArchiveCodec, ArchiveDecoder, Tier};
use skopos_chunk::{Codec, Encoding, Error, ErrorKind, XorEncoder, codec};
use skopos_core::{Columns, Sample, TimeRange, Timestamp, stale_nan};
use skopos_testkit::{archive as naive, conformance};

const TIERS: [Tier; 2] = [Tier::Hot, Tier::Cold];

type Samples = Vec<(i64, u64)>;

fn columns(samples: &[(i64, u64)]) -> Columns {
    let mut columns = Columns::new();
    for (t, v) in samples {
        columns.push(*t, f64::from_bits(*v));
    }
    columns
}

fn encode(columns: &Columns, tier: Tier) -> Vec<u8> {
    let mut chunk = Vec::new();
    let n = columns.timestamps.len();
    assert_eq!(archive::encode(columns, 0..n, tier, &mut chunk).unwrap(), n);
    chunk
}

fn samples_of(columns: &Columns) -> Samples {
    let bits = columns.values.iter().map(|v| v.to_bits());
    columns.timestamps.iter().copied().zip(bits).collect()
}

fn decode(chunk: &[u8]) -> (Samples, Result<(), Error>) {
    let mut columns = Columns::new();
    let result = ArchiveDecoder::new(chunk).and_then(|decoder| decoder.read_all(&mut columns));
    (samples_of(&columns), result)
}

#[track_caller]
fn check_round_trip(columns: &Columns) {
    for tier in TIERS {
        let chunk = encode(columns, tier);
        let mut again = Columns::new();
        ArchiveDecoder::new(&chunk).unwrap().read_all(&mut again).unwrap();
        assert_eq!(samples_of(&again), samples_of(columns), "{tier:?}");
        assert_eq!(again.start_timestamps, columns.start_timestamps, "{tier:?}");
        let second = naive::decode(&chunk).unwrap();
        assert_eq!(second.times, columns.timestamps, "{tier:?}");
        let bits: Vec<u64> = columns.values.iter().map(|v| v.to_bits()).collect();
        assert_eq!(second.values, bits, "{tier:?}");
        assert_eq!(second.starts.unwrap_or_default(), columns.start_timestamps, "{tier:?}");
    }
}

/// Columns as monitoring has them, and stranger ones.
fn blocks() -> impl Strategy<Value = Samples> {
    (times(), values()).prop_map(|(times, values)| times.into_iter().zip(values).collect())
}

fn times() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        8 => Just(15_000_i64),
        2 => 14_990_i64..15_010,
        1 => 0_i64..600_000,
    ];
    prop_oneof![
        3 => (any::<i32>(), prop::collection::vec(step, 400)).prop_map(|(start, steps)| {
            let mut t = i64::from(start);
            steps.into_iter().map(|step| { t += step; t }).collect()
        }),
        2 => prop::collection::vec(-10_i64..=10, 400)
            .prop_map(|by| (0..400).zip(by).map(|(i, by)| i * 15_000 + by).collect()),
        1 => prop::collection::vec(any::<i64>(), 400),
    ]
}

fn values() -> impl Strategy<Value = Vec<u64>> {
    let special = prop_oneof![
        Just(stale_nan().to_bits()),
        Just((-0.0_f64).to_bits()),
        Just(f64::INFINITY.to_bits()),
        any::<u64>(),
    ];
    let plain = prop_oneof![
        (0_u32..9, 1_i64..1000).prop_flat_map(|(decimals, factor)| {
            let power = 10_f64.powi(decimals as i32);
            let value = move |n: i64| ((n * factor) as f64 / power).to_bits();
            prop_oneof![
                prop::collection::vec((-1000_i64..100_000).prop_map(value), 400),
                prop::collection::vec(prop_oneof![9 => Just(0_i64), 1 => 1_i64..5], 400).prop_map(
                    move |steps| {
                        let mut n = 0;
                        steps
                            .into_iter()
                            .map(|step| {
                                n += step;
                                value(n)
                            })
                            .collect::<Vec<_>>()
                    }
                ),
                prop::collection::vec((-(1_i64 << 53)..1 << 53).prop_map(value), 400),
            ]
        }),
        (-1e6_f64..1e6, 0_u32..52).prop_flat_map(|(center, width)| {
            let bits = center.to_bits();
            prop::collection::vec((0..1_u64 << width).prop_map(move |low| bits ^ low), 400)
        }),
        prop::collection::vec(any::<f64>().prop_map(f64::to_bits), 400),
    ];
    let n_special = prop_oneof![3 => Just(0_usize), 1 => 0_usize..20];
    (plain, special, n_special, any::<prop::sample::Index>(), 0_usize..=400).prop_map(
        |(mut values, special, n_special, at, len)| {
            values.truncate(len);
            if !values.is_empty() {
                let at = at.index(values.len());
                for v in values.iter_mut().skip(at).take(n_special) {
                    *v = special;
                }
            }
            values
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn samples_come_back_from_both_decoders(samples in blocks()) {
        check_round_trip(&columns(&samples));
    }

    #[test]
    fn any_samples_come_back(samples in prop::collection::vec((any::<i64>(), any::<u64>()), 0..300)) {
        check_round_trip(&columns(&samples));
    }

    #[test]
    fn both_decoders_judge_damaged_chunks_alike(
        samples in blocks(),
        cold in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let tier = if cold { Tier::Cold } else { Tier::Hot };
        let mut chunk = encode(&columns(&samples), tier);
        for (at, byte) in damage {
            let at = at.index(chunk.len());
            chunk[at] = byte;
        }
        check_agreement(&chunk);
    }

    #[test]
    fn both_decoders_judge_any_bytes_alike(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_agreement(&bytes);
        // The same as the columns of a chunk of few samples.
        bytes.splice(0..0, [0xa1, 0, 9, 0]);
        check_agreement(&bytes);
    }

    #[test]
    fn a_cut_chunk_is_truncated_and_its_sound_samples_are_right(
        samples in blocks(),
        cold in any::<bool>(),
        at in any::<prop::sample::Index>(),
    ) {
        let tier = if cold { Tier::Cold } else { Tier::Hot };
        let chunk = encode(&columns(&samples), tier);
        let (read, result) = decode(&chunk[..at.index(chunk.len())]);
        let error = result.unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::Truncated);
        prop_assert_eq!(error.sound_samples(), read.len());
        prop_assert!(error.offset() <= chunk.len());
        prop_assert_eq!(&read, &samples[..read.len()]);
    }

    #[test]
    fn xor_chunks_come_back_to_the_byte(samples in blocks()) {
        let mut encoder = XorEncoder::new();
        for (t, v) in &samples {
            encoder.push(*t, f64::from_bits(*v)).unwrap();
        }
        let before = encoder.finish();
        let xor = codec(Encoding::Xor).unwrap();
        let mut columns = Columns::new();
        xor.decode(&before, &mut columns).unwrap();
        for archive in [ArchiveCodec::HOT, ArchiveCodec::COLD] {
            let (mut sealed, mut again, mut after) = (Vec::new(), Columns::new(), Vec::new());
            archive.encode(&columns, 0..samples.len(), &mut sealed).unwrap();
            archive.decode(&sealed, &mut again).unwrap();
            xor.encode(&again, 0..samples.len(), &mut after).unwrap();
            prop_assert_eq!(&after, &before);
        }
    }
}

/// Both decoders find the same samples, or both find fault.
#[track_caller]
fn check_agreement(chunk: &[u8]) {
    let (samples, result) = decode(chunk);
    match naive::decode(chunk) {
        Ok(second) => {
            assert_eq!(result.map_err(|error| error.to_string()), Ok(()));
            let second: Samples = second.times.into_iter().zip(second.values).collect();
            assert_eq!(samples, second);
        }
        Err(rule) => {
            let error = result.expect_err(rule);
            assert_eq!(error.sound_samples(), samples.len());
            assert!(error.offset() <= chunk.len());
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[track_caller]
fn check_document(chunk: &str, samples: &[(i64, f64)]) -> (Vec<u8>, Columns) {
    let chunk = hex(chunk);
    let expected: Samples = samples.iter().map(|(t, v)| (*t, v.to_bits())).collect();
    let (read, result) = decode(&chunk);
    result.unwrap();
    assert_eq!(read, expected);
    check_agreement(&chunk);
    (chunk, columns(&expected))
}

#[test]
fn the_documents_packed_example_is_what_is_written() {
    let (chunk, columns) = check_document(
        "a1000800 09d00f0ab8170202020006 0201030102000000 0000f07f 05ac021906 0417 7c99fa00",
        &[
            (1_000, 1.5),
            (16_000, 2.25),
            (31_000, 1.75),
            (46_010, stale_nan()),
            (61_000, stale_nan()),
            (76_000, 2.0),
            (91_000, 3.5),
            (106_000, 1.25),
        ],
    );
    assert_eq!(encode(&columns, Tier::Hot), chunk);
}

#[test]
fn the_documents_entropy_coded_example_is_read() {
    let values = [0.0, 0.0, 5.0, 0.0, 0.0, 7.0, 0.0, 0.0];
    let samples: Vec<(i64, f64)> = (0..8).map(|i| 1_000 + i * 15_000).zip(values).collect();
    check_document("a1000800 00d00f01b0ea0100 0000 0c00010000 040103 0bc0080a add681", &samples);
}

#[test]
fn chunks_of_any_length_come_back() {
    for n in (0..400).chain([4_096, 65_535]) {
        let samples: Samples =
            (0..n).map(|i| (i * 15_000 + i % 3, ((i * i % 97) as f64 / 10.0).to_bits())).collect();
        check_round_trip(&columns(&samples));
    }
}

#[test]
fn start_times_come_back() {
    let mut columns = columns(&[(1_000, 0), (2_000, 1), (3_000, 2)]);
    columns.start_timestamps = vec![0, 500, 500];
    check_round_trip(&columns);
    let mut before = Columns::new();
    before.push(5, 0.5);
    for tier in TIERS {
        let mut both = before.clone();
        ArchiveDecoder::new(&encode(&columns, tier)).unwrap().read_all(&mut both).unwrap();
        assert_eq!(both.start_timestamps, [0, 0, 500, 500]);
    }
}

#[test]
fn a_chunk_takes_as_many_samples_as_it_counts() {
    let mut columns = Columns::new();
    for t in 0..70_000 {
        columns.push(t, 1.0);
    }
    for tier in TIERS {
        let mut chunk = Vec::new();
        assert_eq!(archive::encode(&columns, 0..70_000, tier, &mut chunk).unwrap(), 65_535);
        assert!(chunk.len() < 30);
        assert_eq!(decode(&chunk).0.len(), 65_535);
    }
}

#[test]
fn monitoring_shapes_are_small() {
    #[track_caller]
    fn check(shape: &str, value: impl Fn(i64) -> f64, hot: usize, cold: usize) {
        let samples: Samples = (0..4_096).map(|i| (i * 15_000, value(i).to_bits())).collect();
        let columns = columns(&samples);
        let sizes = TIERS.map(|tier| encode(&columns, tier).len());
        assert!(sizes[0] <= hot && sizes[1] <= cold, "{shape}: {sizes:?}");
    }
    // A hash, so that nothing but the distribution helps.
    let noise = |i: i64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) >> 40) & 0xff;
    check("constant", |_| 2.75, 30, 30);
    check("steady counter", |i| (i * 7) as f64, 30, 30);
    check("pages", |i| ((1_000_000 + noise(i)) * 4096) as f64, 4_300, 4_300);
    check("decimals", |i| (100 + noise(i)) as f64 / 100.0, 4_300, 4_300);
    check("rarely changing", |i| (i / 50) as f64, 250, 250);
    check("skewed", |i| if noise(i) < 200 { 0.0 } else { noise(i) as f64 }, 4_400, 2_700);
}

#[test]
fn what_is_not_an_archive_chunk_is_refused_by_name() {
    #[track_caller]
    fn check(chunk: &[u8], kind: ErrorKind, text: &str) {
        let error = ArchiveDecoder::new(chunk).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
    }
    check(
        &[0xa2, 0, 0, 0],
        ErrorKind::Unsupported,
        "chunk begins with 0xa2, which is no version of archive chunks",
    );
    check(&[0xa1, 2, 0, 0], ErrorKind::Unsupported, "archive chunk has unknown flags 0x02");
    check(&[0xa1, 0, 0], ErrorKind::Truncated, "chunk ends at byte 3, inside its header");
    let error = decode(&[0xa1, 0, 1, 0, 0x10]).1.unwrap_err();
    assert_eq!(error.to_string(), "chunk has an invalid form of a column at byte 4");
    let error = decode(&[0xa1, 0, 0, 0, 0]).1.unwrap_err();
    assert_eq!(error.to_string(), "chunk has an invalid end at byte 4");
}

#[test]
fn a_chunks_cursor_keeps_the_laws_of_cursors() {
    let samples: Vec<Sample> =
        (0..300_i32).map(|i| Sample::new(i64::from(i) * 15_000, f64::from(i).sqrt())).collect();
    let mut columns = Columns::new();
    for sample in &samples {
        columns.push(sample.t.as_millis(), sample.v);
    }
    for archive in [ArchiveCodec::HOT, ArchiveCodec::COLD] {
        let mut chunk = Vec::new();
        archive.encode(&columns, 0..300, &mut chunk).unwrap();
        assert_eq!(archive.count(&chunk).unwrap(), 300);
        let whole = TimeRange::new(samples[0].t, samples[299].t);
        assert_eq!(archive.time_range(&chunk).unwrap(), Some(whole));
        conformance::sample_cursor(|| archive.cursor(&chunk, TimeRange::ALL), &samples);
        let range = TimeRange::new(samples[7].t, Timestamp::from_millis(1_000_000));
        let inside: Vec<Sample> = samples.iter().filter(|s| range.contains(s.t)).copied().collect();
        conformance::sample_cursor(|| archive.cursor(&chunk, range), &inside);
    }
}
