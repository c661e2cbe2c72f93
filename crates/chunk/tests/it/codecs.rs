//! What every codec promises, whatever its encoding.

use proptest::prelude::*;
use skopos_chunk::{Codec, Encoding, SampleKind, codecs};
use skopos_core::{Columns, FloatHistogram, ResetHint, Span, TimeRange, Timestamp};

/// Samples as their bits: time, start, value or what matters of a histogram.
type Bits = Vec<(i64, i64, Vec<u64>)>;

fn bits(columns: &Columns, kind: SampleKind) -> Bits {
    let start = |starts: &[i64], i: usize| starts.get(i).copied().unwrap_or(0);
    if kind.is_float() {
        assert_eq!(columns.timestamps.len(), columns.values.len());
        let samples = columns.timestamps.iter().zip(&columns.values).enumerate();
        let starts = &columns.start_timestamps;
        return samples.map(|(i, (t, v))| (*t, start(starts, i), vec![v.to_bits()])).collect();
    }
    assert_eq!(columns.histogram_timestamps.len(), columns.histograms.len());
    let samples = columns.histogram_timestamps.iter().zip(&columns.histograms).enumerate();
    let starts = &columns.histogram_start_timestamps;
    let fields = |h: &FloatHistogram| {
        let mut fields = vec![h.sum.to_bits(), h.count.to_bits(), h.zero_count.to_bits()];
        fields.extend(h.positive_buckets.iter().chain(&h.negative_buckets).map(|b| b.to_bits()));
        fields
    };
    samples.map(|(i, (t, h))| (*t, start(starts, i), fields(h))).collect()
}

/// What all ways of reading a chunk have in common; returns the samples.
fn check_reading(codec: &dyn Codec, chunk: &[u8], range: TimeRange) -> Columns {
    let name = codec.encoding();
    let kind = codec.kind();
    let mut whole = Columns::new();
    let decoded = codec.decode(chunk, &mut whole);
    let samples = bits(&whole, kind);
    match &decoded {
        Ok(()) => assert_eq!(codec.count(chunk), Ok(samples.len()), "{name}"),
        Err(error) => assert_eq!(error.sound_samples(), samples.len(), "{name}: {error}"),
    }
    if let Err(error) = &decoded {
        assert!(error.offset() <= chunk.len(), "{name}: {error}");
        // A codec that has the times apart need not look at the rest.
        let range = codec.time_range(chunk);
        assert!(range.is_err() || name == Encoding::Archive, "{name}: {range:?}");
    } else {
        let times = || samples.iter().map(|(t, ..)| *t);
        let ends = times().min().zip(times().max());
        let found = codec.time_range(chunk).unwrap();
        assert_eq!(found.map(|r| (r.start.as_millis(), r.end.as_millis())), ends, "{name}");
    }
    let ascending = 1 + samples.windows(2).take_while(|pair| pair[0].0 < pair[1].0).count();
    let sound = &samples[..samples.len().min(ascending)];
    let disorder = sound.len() < samples.len();
    for range in [TimeRange::ALL, range] {
        let mut columns = Columns::new();
        let read = codec.read(chunk, range, &mut columns);
        let inside = |(t, ..): &&(i64, i64, Vec<u64>)| range.contains(Timestamp::from_millis(*t));
        let expected: Bits = sound.iter().filter(inside).cloned().collect();
        assert_eq!(bits(&columns, kind), expected, "{name}");
        if range == TimeRange::ALL {
            assert_eq!(read.is_err(), decoded.is_err() || disorder, "{name}");
        }
        if let Err(error) = &read {
            assert_eq!(error.sound_samples(), sound.len(), "{name}: {error}");
        }
        let mut by_cursor = Columns::new();
        let mut cursor = codec.cursor(chunk, range);
        let result = loop {
            match cursor.read(&mut by_cursor) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        assert_eq!(result.is_err(), read.is_err(), "{name}");
        assert_eq!(bits(&by_cursor, kind), expected, "{name}");
    }
    whole
}

/// Encodes all samples, in as many chunks as they need.
fn encode(codec: &dyn Codec, columns: &Columns) -> Vec<Vec<u8>> {
    let len = if codec.kind().is_float() {
        columns.timestamps.len()
    } else {
        columns.histogram_timestamps.len()
    };
    let mut chunks = Vec::new();
    let mut from = 0;
    while from < len {
        let mut chunk = vec![0xa5];
        let taken = codec.encode(columns, from..len, &mut chunk).unwrap();
        assert!(0 < taken && chunk[0] == 0xa5, "{}", codec.encoding());
        chunks.push(chunk.split_off(1));
        assert_eq!(codec.count(&chunks[chunks.len() - 1]), Ok(taken), "{}", codec.encoding());
        from += taken;
    }
    chunks
}

/// Values that are easily lost: NaNs of several kinds, a negative zero, extremes.
const ODD: [f64; 9] = [
    f64::NAN,
    f64::from_bits(0x7ff0_0000_0000_0002),
    f64::from_bits(0x7ff8_0000_0000_0001),
    f64::from_bits(u64::MAX),
    -0.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::from_bits(1),
];

/// Any samples, but mostly ones that resemble each other, so that all forms come up.
fn floats() -> impl Strategy<Value = Columns> {
    let step = prop_oneof![
        6 => Just(15_000_i64),
        3 => 14_990_i64..15_010,
        1 => 1_i64..6_000_000,
        1 => any::<i64>(),
    ];
    let value = prop_oneof![
        4 => Just(None),
        3 => (-1_000_i64..1_000_000).prop_map(|n| Some((n as f64 / 100.0).to_bits())),
        1 => any::<u64>().prop_map(Some),
        1 => prop::sample::select(&ODD[..]).prop_map(|v: f64| Some(v.to_bits())),
    ];
    let start = prop_oneof![3 => Just(None), 1 => any::<i64>().prop_map(Some)];
    let first = prop_oneof![3 => Just(1_700_000_000_000_i64), 1 => any::<i64>()];
    (first, any::<bool>(), prop::collection::vec((step, value, start), 0..300)).prop_map(
        |(mut t, has_starts, steps)| {
            let (mut v, mut start) = (0, 0);
            let mut columns = Columns::new();
            for (step, value, started) in steps {
                t = t.wrapping_add(step);
                v = value.unwrap_or(v);
                start = started.unwrap_or(start);
                columns.push(t, f64::from_bits(v));
                if has_starts {
                    columns.start_timestamps.push(start);
                }
            }
            columns
        },
    )
}

/// Counters in three buckets, with resets and stale samples.
fn histograms() -> impl Strategy<Value = Columns> {
    let sample = (1_i64..100_000, [0_u32..50, 0_u32..3, 0_u32..1_000], 0_u8..40, any::<f64>());
    prop::collection::vec(sample, 0..150).prop_map(|samples| {
        let (mut t, mut buckets) = (1_700_000_000_000, [0.0; 3]);
        let mut columns = Columns::new();
        for (step, more, event, sum) in samples {
            t += step;
            if event == 0 {
                buckets = [0.0; 3];
            }
            for (bucket, more) in buckets.iter_mut().zip(more) {
                *bucket += f64::from(more);
            }
            let stale = FloatHistogram { sum: skopos_core::stale_nan(), ..Default::default() };
            let whole = FloatHistogram {
                reset_hint: if event == 1 { ResetHint::Gauge } else { ResetHint::Unknown },
                count: buckets.iter().sum(),
                sum,
                positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 5, length: 1 }],
                positive_buckets: buckets.to_vec(),
                ..Default::default()
            };
            columns.push_histogram(t, if event == 2 { stale } else { whole });
            columns.histogram_start_timestamps.push(t - i64::from(event) * 1_000);
        }
        columns
    })
}

fn check_round_trip(codec: &dyn Codec, columns: &Columns) {
    let (mut found, range) = (Bits::new(), TimeRange::ALL);
    for chunk in encode(codec, columns) {
        found.extend(bits(&check_reading(codec, &chunk, range), codec.kind()));
    }
    let mut expected = bits(columns, codec.kind());
    if !codec.encoding().has_start_times() {
        expected.iter_mut().for_each(|(_, start, _)| *start = 0);
    }
    assert_eq!(found, expected, "{}", codec.encoding());
}

fn chunk_bytes() -> impl Strategy<Value = Vec<u8>> {
    // Small counts, so that chunks can be whole.
    (0_u16..400, prop::collection::vec(any::<u8>(), 0..400)).prop_map(|(count, rest)| {
        let mut bytes = count.to_be_bytes().to_vec();
        bytes.extend(rest);
        bytes
    })
}

proptest! {
    #[test]
    fn floats_come_back(columns in floats()) {
        for codec in codecs().iter().filter(|codec| codec.kind().is_float()) {
            check_round_trip(*codec, &columns);
        }
    }

    #[test]
    fn histograms_come_back(columns in histograms()) {
        for codec in codecs().iter().filter(|codec| !codec.kind().is_float()) {
            check_round_trip(*codec, &columns);
        }
    }

    #[test]
    fn any_bytes_are_read_alike_in_every_way(bytes in chunk_bytes(), plain in prop::collection::vec(any::<u8>(), 0..300), ends in any::<(i64, i64)>()) {
        let range =
            TimeRange::new(Timestamp::from_millis(ends.0), Timestamp::from_millis(ends.1));
        for codec in codecs() {
            check_reading(*codec, &bytes, range);
            check_reading(*codec, &plain, range);
        }
    }

    #[test]
    fn damaged_chunks_are_read_alike_in_every_way(floats in floats(), histograms in histograms(), flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 0..4), cut in any::<prop::sample::Index>(), shorter in any::<bool>(), steps in 0_i64..3_000_000) {
        let start = Timestamp::from_millis(1_700_000_000_000 + steps / 2);
        let range = TimeRange::new(start, Timestamp::from_millis(1_700_000_000_000 + steps));
        for codec in codecs() {
            let columns = if codec.kind().is_float() { &floats } else { &histograms };
            let Some(mut chunk) = encode(*codec, columns).into_iter().next() else { continue };
            for (at, bit) in &flips {
                let at = at.index(chunk.len());
                chunk[at] ^= 1 << bit;
            }
            if shorter {
                chunk.truncate(cut.index(chunk.len() + 1));
            }
            check_reading(*codec, &chunk, range);
        }
    }
}
