//! Bytes as a histogram chunk of each encoding: the ways of reading agree, and what was read encodes
//! to the same samples. The first byte says which encoding.

use skopos_chunk::{HistogramDecoder, HistogramEncoder, NativeHistogram, Outcome};
use skopos_core::{Columns, FloatHistogram, Histogram};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Some((kind, chunk)) = data.split_first() else { return };
    match kind & 3 {
        0 => check::<Histogram>(chunk, false),
        1 => check::<FloatHistogram>(chunk, false),
        2 => check::<Histogram>(chunk, true),
        _ => check::<FloatHistogram>(chunk, true),
    }
}

fn decoder<H: NativeHistogram>(chunk: &[u8], started: bool) -> Option<HistogramDecoder<'_, H>> {
    if started { HistogramDecoder::with_starts(chunk) } else { HistogramDecoder::new(chunk) }.ok()
}

fn check<H: NativeHistogram + PartialEq + std::fmt::Debug>(chunk: &[u8], started: bool) {
    let Some(walk) = decoder::<H>(chunk, started) else { return };
    let (samples, failed) = read(walk);
    let mut columns = Columns::new();
    let at_once = decoder::<H>(chunk, started).map(|mut decoder| decoder.read_all(&mut columns));
    assert_eq!(at_once.is_some_and(|result| result.is_err()), failed);
    assert_eq!(columns.histogram_timestamps.len(), samples.len());
    for (t, (_, expected, _)) in columns.histogram_timestamps.iter().zip(&samples) {
        assert_eq!(t, expected);
    }

    // What was read may be anything, such as a counter that falls: then other chunks begin, but what
    // was said by those is the same.
    let mut encoder =
        if started { HistogramEncoder::with_starts() } else { HistogramEncoder::new() };
    let mut chunks = Vec::new();
    for (start, t, histogram) in &samples {
        match encoder.push_started(*start, *t, histogram) {
            Ok(Outcome::NewChunk(whole)) => chunks.push(whole),
            Ok(_) => {}
            Err(_) => return,
        }
    }
    chunks.extend(encoder.cut());
    let mut times = Vec::new();
    for chunk in &chunks {
        let walk = decoder::<H>(chunk, started).expect("an encoder's chunk has a header");
        let (found, failed) = read(walk);
        assert!(!failed);
        times.extend(found.into_iter().map(|(start, t, _)| (start, t)));
    }
    let expected: Vec<_> = samples.iter().map(|(start, t, _)| (*start, *t)).collect();
    assert_eq!(times, expected);
}

/// Start, time and histogram of each sample, and whether there was an error.
fn read<H: NativeHistogram>(mut decoder: HistogramDecoder<'_, H>) -> (Vec<(i64, i64, H)>, bool) {
    let mut samples = Vec::new();
    loop {
        match decoder.next_sample() {
            Ok(Some(s)) => samples.push((s.start(), s.time(), s.histogram())),
            Ok(None) => return (samples, false),
            Err(_) => return (samples, true),
        }
    }
}
