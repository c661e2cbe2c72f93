//! Bytes as an XOR2 chunk: the ways of reading agree, and what was read encodes to the same samples.

use skopos_chunk::{Xor2Decoder, Xor2Encoder};
use skopos_core::Columns;

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(decoder) = Xor2Decoder::new(data) else { return };
    let (samples, failed) = walk(decoder);
    let mut columns = Columns::new();
    let at_once = Xor2Decoder::new(data).and_then(|mut decoder| decoder.read_all(&mut columns));
    assert_eq!(at_once.is_err(), failed);
    if let Err(error) = at_once {
        assert_eq!(error.sound_samples(), samples.len());
    }
    assert_eq!(columns.timestamps.len(), samples.len());
    let n_starts = columns.start_timestamps.len();
    assert!(n_starts == 0 || n_starts == samples.len());
    for (i, (start, t, v)) in samples.iter().enumerate() {
        assert_eq!(columns.start_timestamps.get(i).copied().unwrap_or(0), *start);
        assert_eq!((columns.timestamps[i], columns.values[i].to_bits()), (*t, *v));
    }

    let mut encoder = Xor2Encoder::new();
    for (start, t, v) in &samples {
        if encoder.push_started(*start, *t, f64::from_bits(*v)).is_err() {
            return;
        }
    }
    let chunk = encoder.finish();
    let decoder = Xor2Decoder::new(&chunk).expect("an encoder's chunk has a header");
    assert_eq!(walk(decoder), (samples, false));
    if !failed && let Ok(mut reopened) = Xor2Encoder::reopen(data) {
        assert!(reopened.push(0, 0.5).is_ok() || reopened.len() == usize::from(u16::MAX));
    }
}

/// Start, time and the value's bits of each sample, and whether there was an error.
fn walk(decoder: Xor2Decoder<'_>) -> (Vec<(i64, i64, u64)>, bool) {
    let mut samples = Vec::new();
    for step in decoder {
        match step {
            Ok(s) => samples.push((s.start, s.sample.t.as_millis(), s.sample.v.to_bits())),
            Err(_) => return (samples, true),
        }
    }
    (samples, false)
}
