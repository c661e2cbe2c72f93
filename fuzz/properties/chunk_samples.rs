//! Bytes as a program that makes float samples: every codec gives them back to the bit, also from
//! an encoder that was reopened in between.

use skopos_chunk::{XorDecoder, XorEncoder, codecs};
use skopos_core::Columns;

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let columns = samples(data);
    let len = columns.timestamps.len();
    for codec in codecs().iter().filter(|codec| codec.kind().is_float()) {
        let mut found = Columns::new();
        let mut from = 0;
        while from < len {
            let mut chunk = Vec::new();
            let taken = codec.encode(&columns, from..len, &mut chunk).expect("floats fit");
            assert!(0 < taken);
            from += taken;
            codec.decode(&chunk, &mut found).expect("what was written can be read");
        }
        assert_eq!(found.timestamps, columns.timestamps);
        assert_eq!(bits(&found), bits(&columns));
        if codec.encoding().has_start_times() {
            found.start_timestamps.resize(len, 0);
            assert_eq!(found.start_timestamps, columns.start_timestamps);
        }
    }
    check_reopening(&columns);
}

fn bits(columns: &Columns) -> Vec<u64> {
    columns.values.iter().map(|v| v.to_bits()).collect()
}

/// Each sample is a byte that says how many bytes of the time's, the start's and the value's change
/// follow: 0, 1, 2 or 8.
fn samples(data: &[u8]) -> Columns {
    let mut columns = Columns::new();
    let (mut t, mut start, mut v) = (1_700_000_000_000_i64, 0_i64, 0_u64);
    let (mut delta, mut rest) = (15_000_i64, data);
    while let Some((control, after)) = rest.split_first() {
        rest = after;
        let mut number = |shift: u8| {
            let n = [0, 1, 2, 8][usize::from(*control >> shift & 3)].min(rest.len());
            let (bytes, after) = rest.split_at(n);
            rest = after;
            bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        delta = delta.wrapping_add(number(0).cast_signed());
        start = start.wrapping_add(number(2).cast_signed());
        v ^= number(4) << (u32::from(*control >> 6) * 16);
        t = t.wrapping_add(delta);
        columns.push(t, f64::from_bits(v));
        columns.start_timestamps.push(start);
    }
    columns
}

fn check_reopening(columns: &Columns) {
    let (ts, vs) = (&columns.timestamps, &columns.values);
    let middle = ts.len() / 2;
    let mut encoder = XorEncoder::new();
    encoder.push_columns(&ts[..middle], &vs[..middle]).expect("they are few");
    let mut encoder = XorEncoder::reopen(encoder.bytes()).expect("it was written");
    let mut whole = XorEncoder::new();
    for (t, v) in ts.iter().zip(vs) {
        whole.push(*t, *v).expect("they are few");
    }
    encoder.push_columns(&ts[middle..], &vs[middle..]).expect("they are few");
    assert_eq!(encoder.bytes(), whole.bytes());
    let singly = XorDecoder::new(whole.bytes()).expect("it has a header");
    assert_eq!(singly.filter(Result::is_ok).count(), ts.len());
}
