//! The laws of the traits that the crate implements.

use skopos_chunk::{Encoding, XorEncoder, codec};
use skopos_core::{Sample, TimeRange, Timestamp};
use skopos_testkit::conformance;

#[test]
fn a_chunks_cursor_keeps_the_laws_of_cursors() {
    let samples: Vec<Sample> =
        (0..300_i32).map(|i| Sample::new(i64::from(i) * 15_000, f64::from(i).sqrt())).collect();
    let mut encoder = XorEncoder::new();
    for sample in &samples {
        encoder.push(sample.t.as_millis(), sample.v).unwrap();
    }
    let (chunk, xor) = (encoder.finish(), codec(Encoding::Xor).unwrap());
    conformance::sample_cursor(|| xor.cursor(&chunk, TimeRange::ALL), &samples);
    let range = TimeRange::new(samples[7].t, Timestamp::from_millis(1_000_000));
    let inside: Vec<Sample> = samples.iter().filter(|s| range.contains(s.t)).copied().collect();
    conformance::sample_cursor(|| xor.cursor(&chunk, range), &inside);
    let nothing = TimeRange::new(Timestamp::from_millis(-9), Timestamp::from_millis(-1));
    conformance::sample_cursor(|| xor.cursor(&chunk, nothing), &[]);
}
