//! Bytes as an archive chunk, as its columns, and as samples: what is read encodes to the same
//! samples, what is not gives its sound samples.

use skopos_chunk::archive::{self, ArchiveDecoder, Tier};
use skopos_core::Columns;

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    reads(data);
    let columns: Vec<u8> = [0xa1, 0, 200, 0].iter().chain(data).copied().collect();
    reads(&columns);
    comes_back(&samples(data));
}

fn reads(chunk: &[u8]) {
    let Ok(decoder) = ArchiveDecoder::new(chunk) else { return };
    let mut columns = Columns::new();
    match decoder.read_all(&mut columns) {
        Ok(()) => {
            assert_eq!(columns.timestamps.len(), decoder.len());
            let mut times = Vec::new();
            assert!(decoder.read_times(&mut times).is_ok());
            assert_eq!(times, columns.timestamps);
        }
        Err(error) => {
            assert_eq!(error.sound_samples(), columns.timestamps.len());
            assert!(error.offset() <= chunk.len());
        }
    }
    assert_eq!(columns.timestamps.len(), columns.values.len());
    comes_back(&columns);
}

fn comes_back(columns: &Columns) {
    let n = columns.timestamps.len();
    for tier in [Tier::Hot, Tier::Cold] {
        let mut chunk = Vec::new();
        assert_eq!(archive::encode(columns, 0..n, tier, &mut chunk), Ok(n));
        let mut again = Columns::new();
        let read = ArchiveDecoder::new(&chunk).and_then(|decoder| decoder.read_all(&mut again));
        assert_eq!(read, Ok(()));
        assert_eq!(again.timestamps, columns.timestamps);
        let bits = |columns: &Columns| -> Vec<u64> {
            columns.values.iter().map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&again), bits(columns));
    }
}

/// Samples that resemble each other as far as the bytes want: each takes a byte, and more where it
/// says so.
fn samples(data: &[u8]) -> Columns {
    let mut columns = Columns::new();
    let mut bytes = data.iter().copied();
    let (mut t, mut n, mut v) = (0_i64, 0_i64, 0.0_f64);
    let power = 10_f64.powi(i32::from(bytes.next().unwrap_or(0) % 12));
    while let Some(control) = bytes.next() {
        let mut word = |len: u8| {
            (0..len).fold(0_u64, |word, _| word << 8 | u64::from(bytes.next().unwrap_or(0)))
        };
        t = t.wrapping_add(15_000).wrapping_add(word(control & 1).cast_signed());
        match control >> 1 & 7 {
            0 | 1 => n = n.wrapping_add(word(1).cast_signed()),
            2 => n = n.wrapping_sub(word(control >> 5).cast_signed()),
            3 => v = f64::from_bits(v.to_bits() ^ word(1 + (control >> 5))),
            4 => v = f64::from_bits(word(8)),
            _ => {}
        }
        if control >> 1 & 7 < 3 {
            v = n as f64 / power;
        }
        for _ in 0..=control >> 6 {
            columns.push(t, v);
        }
    }
    columns
}
