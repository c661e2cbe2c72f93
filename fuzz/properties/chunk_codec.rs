//! A byte that chooses a codec, and a chunk for it: the ways of reading agree and tell how much is
//! sound; what was read encodes to the same samples; merging the chunk with itself changes nothing.

use skopos_chunk::merge::{Chunk, merge};
use skopos_chunk::{Codec, codecs};
use skopos_core::{Columns, TimeRange, Timestamp};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Some((choice, chunk)) = data.split_first() else { return };
    let codec = codecs()[usize::from(*choice) % codecs().len()];
    let mut whole = Columns::new();
    let decoded = codec.decode(chunk, &mut whole);
    let times = times(codec, &whole);
    match &decoded {
        Ok(()) => assert_eq!(codec.count(chunk), Ok(times.len())),
        Err(error) => {
            assert_eq!(error.sound_samples(), times.len());
            assert!(error.offset() <= chunk.len());
        }
    }
    assert!(codec.time_range(chunk).is_ok() || decoded.is_err());
    check_reading(codec, chunk, times, TimeRange::ALL);
    if let Some(t) = times.get(times.len() / 2) {
        let from = TimeRange::new(Timestamp::from_millis(*t), Timestamp::from_millis(i64::MAX));
        check_reading(codec, chunk, times, from);
    }
    if codec.kind().is_float() {
        check_encoding(codec, &whole);
    }
    check_merging(codec, chunk, times);
}

fn times<'c>(codec: &dyn Codec, columns: &'c Columns) -> &'c [i64] {
    if codec.kind().is_float() { &columns.timestamps } else { &columns.histogram_timestamps }
}

/// What is read of a range are the samples before the first one that does not ascend.
fn check_reading(codec: &dyn Codec, chunk: &[u8], all: &[i64], range: TimeRange) {
    let mut columns = Columns::new();
    let read = codec.read(chunk, range, &mut columns);
    let ascending = 1 + all.windows(2).take_while(|pair| pair[0] < pair[1]).count();
    let sound = &all[..all.len().min(ascending)];
    let inside = |t: &&i64| range.contains(Timestamp::from_millis(**t));
    assert!(times(codec, &columns).iter().eq(sound.iter().filter(inside)));
    let mut by_cursor = Columns::new();
    let again = codec.cursor(chunk, range).read(&mut by_cursor);
    assert_eq!(again.is_err(), read.is_err());
    assert_eq!(times(codec, &by_cursor), times(codec, &columns));
}

fn check_encoding(codec: &dyn Codec, columns: &Columns) {
    let mut found = Columns::new();
    let mut from = 0;
    while from < columns.timestamps.len() {
        let mut chunk = Vec::new();
        let encoded = codec.encode(columns, from..columns.timestamps.len(), &mut chunk);
        from += encoded.expect("floats can be written");
        codec.decode(&chunk, &mut found).expect("what was written can be read");
    }
    assert_eq!(found.timestamps, columns.timestamps);
    let bits = |columns: &Columns| columns.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found), bits(columns));
}

fn check_merging(codec: &dyn Codec, chunk: &[u8], times: &[i64]) {
    let Some((first, last)) = times.first().zip(times.last()) else { return };
    let range = TimeRange::new(Timestamp::from_millis(*first), Timestamp::from_millis(*last));
    // A byte behind the samples makes it another chunk of the same samples.
    let longer = [chunk, &[0]].concat();
    let both = [chunk, &longer].map(|bytes| Chunk::new(codec.encoding(), range, bytes));
    let Ok(merged) = merge(both) else { return };
    let mut found = Vec::new();
    for chunk in merged {
        let codec = skopos_chunk::codec(chunk.encoding).expect("it was written");
        let mut columns = Columns::new();
        let read = codec.read(&chunk.bytes, chunk.range, &mut columns);
        read.expect("what was written can be read");
        found.extend_from_slice(self::times(codec, &columns));
    }
    assert_eq!(found, times);
}
