//! Bytes as an XOR chunk: the ways of reading agree, and what was read encodes to the same samples.

use skopos_chunk::{XorDecoder, XorEncoder};
use skopos_core::Columns;

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(decoder) = XorDecoder::new(data) else { return };
    let mut singly = Vec::new();
    let mut failed = false;
    for sample in decoder {
        match sample {
            Ok(sample) => singly.push((sample.t.as_millis(), sample.v.to_bits())),
            Err(_) => {
                failed = true;
                break;
            }
        }
    }
    let mut columns = Columns::new();
    let at_once = XorDecoder::new(data).and_then(|mut decoder| decoder.read_all(&mut columns));
    assert_eq!(at_once.is_err(), failed);
    let values = columns.values.iter().map(|value| value.to_bits());
    let read: Vec<_> = columns.timestamps.iter().copied().zip(values).collect();
    assert_eq!(read, singly);

    let mut encoder = XorEncoder::new();
    for &(t, v) in &singly {
        if encoder.push(t, f64::from_bits(v)).is_err() {
            return;
        }
    }
    let mut again = Columns::new();
    let chunk = encoder.finish();
    let decoded = XorDecoder::new(&chunk).and_then(|mut decoder| decoder.read_all(&mut again));
    assert!(decoded.is_ok());
    assert_eq!(again.timestamps, columns.timestamps);
}
