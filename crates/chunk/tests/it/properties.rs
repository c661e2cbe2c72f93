//! Round trips, and bytes that nobody encoded.

use proptest::prelude::*;
use skopos_chunk::{Encoding, XorDecoder, XorEncoder, codec};
use skopos_core::{Columns, Sample, TimeRange, Timestamp};

fn encode(samples: &[(i64, u64)]) -> XorEncoder {
    let mut encoder = XorEncoder::new();
    for (t, v) in samples {
        encoder.push(*t, f64::from_bits(*v)).unwrap();
    }
    encoder
}

/// Any samples, but mostly ones that resemble each other, so that all forms come up.
fn samples() -> impl Strategy<Value = Vec<(i64, u64)>> {
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
    (any::<i64>(), any::<u64>(), prop::collection::vec((step, flip), 0..150)).prop_map(
        |(mut t, mut v, steps)| {
            let next = |(step, flip): (i64, u64)| {
                (t, v) = (t.wrapping_add(step), v ^ flip);
                (t, v)
            };
            steps.into_iter().map(next).collect()
        },
    )
}

proptest! {
    #[test]
    fn samples_come_back(samples in samples()) {
        let encoder = encode(&samples);
        let decoded: Result<Vec<_>, _> = XorDecoder::new(encoder.bytes()).unwrap().collect();
        let expected: Vec<_> =
            samples.iter().map(|(t, v)| Sample::new(*t, f64::from_bits(*v))).collect();
        prop_assert_eq!(decoded.unwrap(), expected);
        let mut columns = Columns::new();
        XorDecoder::new(encoder.bytes()).unwrap().read_all(&mut columns).unwrap();
        let bits = columns.values.iter().map(|v| v.to_bits());
        let pairs: Vec<_> = columns.timestamps.iter().copied().zip(bits).collect();
        prop_assert_eq!(pairs, samples);
    }

    #[test]
    fn reopening_leaves_no_trace(samples in samples(), at in any::<prop::sample::Index>(), junk in 0_usize..20) {
        let whole = encode(&samples);
        let (before, after) = samples.split_at(at.index(samples.len() + 1));
        let mut chunk = encode(before).finish();
        chunk.extend(std::iter::repeat_n(0xa5, junk));
        let mut reopened = XorEncoder::reopen(&chunk).unwrap();
        prop_assert_eq!(reopened.len(), before.len());
        for (t, v) in after {
            reopened.push(*t, f64::from_bits(*v)).unwrap();
        }
        prop_assert_eq!(reopened.bytes(), whole.bytes());
    }

    #[test]
    fn a_shortened_chunk_gives_the_samples_that_it_holds(samples in samples(), at in any::<prop::sample::Index>()) {
        let chunk = encode(&samples).finish();
        let cut = &chunk[..2 + at.index(chunk.len() - 1)];
        let decoded: Vec<_> = XorDecoder::new(cut).unwrap().map_while(Result::ok).collect();
        prop_assert!(decoded.len() < samples.len() || cut.len() == chunk.len());
        for (sample, (t, v)) in decoded.iter().zip(&samples) {
            prop_assert_eq!(*sample, Sample::new(*t, f64::from_bits(*v)));
        }
    }

    #[test]
    fn any_bytes_decode_alike_in_every_way(bytes in prop::collection::vec(any::<u8>(), 2..300), count in any::<u16>(), t in any::<i64>()) {
        let mut chunk = bytes;
        chunk[..2].copy_from_slice(&(count % 300).to_be_bytes());
        let one_by_one: Vec<_> = XorDecoder::new(&chunk).unwrap().collect();
        let mut columns = Columns::new();
        let result = XorDecoder::new(&chunk).unwrap().read_all(&mut columns);
        prop_assert_eq!(one_by_one.iter().find_map(|s| s.clone().err()), result.err());
        let samples: Vec<_> = one_by_one.iter().filter_map(|s| s.clone().ok()).collect();
        prop_assert_eq!(samples.len(), columns.len());
        for (i, sample) in samples.iter().enumerate() {
            prop_assert_eq!(*sample, Sample::new(columns.timestamps[i], columns.values[i]));
        }
        let sought = XorDecoder::new(&chunk).unwrap().seek(t);
        if let Some(found) = samples.iter().find(|s| t <= s.t.as_millis()) {
            prop_assert_eq!(sought, Ok(Some(*found)));
        } else {
            prop_assert!(matches!(sought, Ok(None) | Err(_)));
        }
    }

    #[test]
    fn a_codec_reads_what_lies_in_the_range(steps in prop::collection::vec(1_i64..100_000, 1..150), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let times: Vec<i64> = steps.iter().scan(0, |t, step| { *t += step; Some(*t) }).collect();
        let samples: Vec<_> = times.iter().map(|t| (*t, *t as u64)).collect();
        let chunk = encode(&samples).finish();
        let xor = codec(Encoding::Xor).unwrap();
        let ends = (times[from.index(times.len())] + 1, times[to.index(times.len())]);
        let range = TimeRange::new(Timestamp::from_millis(ends.0), Timestamp::from_millis(ends.1));
        let mut columns = Columns::new();
        let mut cursor = xor.cursor(&chunk, range);
        while cursor.read(&mut columns).unwrap() {}
        let expected: Vec<_> =
            times.iter().copied().filter(|t| range.contains(Timestamp::from_millis(*t))).collect();
        prop_assert_eq!(columns.timestamps, expected);
        let whole = xor.time_range(&chunk).unwrap().unwrap();
        prop_assert_eq!(whole.start.as_millis(), times[0]);
        prop_assert_eq!(whole.end.as_millis(), times[times.len() - 1]);
    }
}
