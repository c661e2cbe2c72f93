//! The samples of chunks that overlap: decoded, put in order, encoded again.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use alloc::vec::Vec;

use skopos_core::{Columns, FloatHistogram, Histogram, ResetHint, TimeRange, Timestamp};

use super::Chunk;
use crate::codec::{Codec, codec};
use crate::cut::TARGET_SAMPLES;
use crate::encoding::{Encoding, SampleKind};
use crate::error::{Error, Problem};
use crate::histogram::{HistogramDecoder, HistogramEncoder, NativeHistogram, Outcome};

/// The samples of overlapping chunks, by kind.
#[derive(Default)]
pub(super) struct Samples {
    floats: Columns,
    // Typed, since columns would lose counts beyond 2^53.
    histograms: Vec<Started<Histogram>>,
    float_histograms: Vec<Started<FloatHistogram>>,
    entries: Vec<Entry>,
    has_start_times: bool,
}

/// A histogram with its start timestamp, 0 for none.
struct Started<H> {
    start: i64,
    histogram: H,
}

/// Where a sample is.
#[derive(Clone, Copy)]
struct Entry {
    t: i64,
    /// Which chunk it came from.
    source: usize,
    kind: SampleKind,
    /// Its place among those of its kind.
    at: usize,
}

impl Samples {
    /// Decodes a chunk.
    pub(super) fn add(&mut self, source: usize, chunk: &Chunk<'_>) -> Result<(), Error> {
        let codec = codec(chunk.encoding)?;
        let before = self.entries.len();
        self.has_start_times |= chunk.encoding.has_start_times();
        match codec.kind() {
            SampleKind::Float => self.add_floats(source, codec, &chunk.bytes)?,
            kind @ SampleKind::Histogram => {
                let (to, entries) = (&mut self.histograms, &mut self.entries);
                add_histograms(chunk, to, |t, at| entries.push(Entry { t, source, kind, at }))?;
            }
            kind @ SampleKind::FloatHistogram => {
                let (to, entries) = (&mut self.float_histograms, &mut self.entries);
                add_histograms(chunk, to, |t, at| entries.push(Entry { t, source, kind, at }))?;
            }
        }
        let new = self.entries.get(before..).unwrap_or_default();
        check(new, chunk.range)
    }

    fn add_floats(&mut self, source: usize, codec: &dyn Codec, chunk: &[u8]) -> Result<(), Error> {
        let before = self.floats.timestamps.len();
        codec.decode(chunk, &mut self.floats)?;
        let new = self.floats.timestamps.get(before..).unwrap_or_default();
        let kind = SampleKind::Float;
        let entries = new.iter().zip(before..).map(|(t, at)| Entry { t: *t, source, kind, at });
        self.entries.extend(entries);
        Ok(())
    }

    /// Encodes the samples into chunks behind those that are there.
    pub(super) fn write(mut self, merged: &mut Vec<Chunk<'_>>) -> Result<(), Error> {
        // Stable, so that of equal times the first chunk's stays first.
        self.entries.sort_by_key(|entry| entry.t);
        self.entries.dedup_by_key(|entry| entry.t);
        self.forget_resets();
        for run in self.entries.chunk_by(|a, b| a.kind == b.kind) {
            match run.first().map(|entry| entry.kind) {
                Some(SampleKind::Float) => self.write_floats(run, merged)?,
                Some(SampleKind::Histogram) => {
                    write_histograms(run, &self.histograms, self.has_start_times, merged)?;
                }
                Some(SampleKind::FloatHistogram) => {
                    write_histograms(run, &self.float_histograms, self.has_start_times, merged)?;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Where a histogram follows another one than in its chunk, nothing is known of a reset.
    fn forget_resets(&mut self) {
        let mut before: Option<Entry> = None;
        for entry in &self.entries {
            let follows = before.is_some_and(|before| {
                (before.source, before.kind) == (entry.source, entry.kind)
                    && before.at.checked_add(1) == Some(entry.at)
            });
            before = Some(*entry);
            let hint = match entry.kind {
                SampleKind::Float => None,
                SampleKind::Histogram => {
                    self.histograms.get_mut(entry.at).map(|h| &mut h.histogram.reset_hint)
                }
                SampleKind::FloatHistogram => {
                    self.float_histograms.get_mut(entry.at).map(|h| &mut h.histogram.reset_hint)
                }
            };
            if let Some(hint) = hint.filter(|hint| !follows && **hint != ResetHint::Gauge) {
                *hint = ResetHint::Unknown;
            }
        }
    }

    fn write_floats(&self, run: &[Entry], merged: &mut Vec<Chunk<'_>>) -> Result<(), Error> {
        let encoding = if self.has_start_times { Encoding::Xor2 } else { Encoding::Xor };
        let codec = codec(encoding)?;
        let from = &self.floats;
        for part in run.chunks(TARGET_SAMPLES) {
            let mut columns = Columns::new();
            for entry in part {
                if let Some(v) = from.values.get(entry.at) {
                    columns.push(entry.t, *v);
                }
                if self.has_start_times {
                    let start = from.start_timestamps.get(entry.at).copied();
                    columns.start_timestamps.push(start.unwrap_or(0));
                }
            }
            let mut bytes = Vec::new();
            codec.encode(&columns, 0..columns.len(), &mut bytes)?;
            merged.extend(chunk(encoding, part, bytes));
        }
        Ok(())
    }
}

/// Decodes a chunk of histograms; `add` is told the time and place of each.
fn add_histograms<H: NativeHistogram>(
    chunk: &Chunk<'_>,
    to: &mut Vec<Started<H>>,
    mut add: impl FnMut(i64, usize),
) -> Result<(), Error> {
    let mut decoder = match chunk.encoding.has_start_times() {
        true => HistogramDecoder::<H>::with_starts(&chunk.bytes)?,
        false => HistogramDecoder::<H>::new(&chunk.bytes)?,
    };
    while let Some(sample) = decoder.next_sample()? {
        add(sample.time(), to.len());
        to.push(Started { start: sample.start(), histogram: sample.histogram() });
    }
    Ok(())
}

/// Encodes histograms of one kind.
fn write_histograms<H: NativeHistogram>(
    run: &[Entry],
    from: &[Started<H>],
    has_start_times: bool,
    merged: &mut Vec<Chunk<'_>>,
) -> Result<(), Error> {
    let fresh = || match has_start_times {
        true => HistogramEncoder::with_starts(),
        false => HistogramEncoder::new(),
    };
    let mut encoder = fresh();
    let encoding = encoder.encoding();
    let mut first: usize = 0;
    for (at, entry) in run.iter().enumerate() {
        if encoder.len() == TARGET_SAMPLES {
            let bytes = core::mem::replace(&mut encoder, fresh()).finish();
            merged.extend(chunk(encoding, run.get(first..at).unwrap_or_default(), bytes));
            first = at;
        }
        let Some(Started { start, histogram }) = from.get(entry.at) else { continue };
        if let Outcome::NewChunk(bytes) = encoder.push_started(*start, entry.t, histogram)? {
            merged.extend(chunk(encoding, run.get(first..at).unwrap_or_default(), bytes));
            first = at;
        }
    }
    merged.extend(chunk(encoding, run.get(first..).unwrap_or_default(), encoder.finish()));
    Ok(())
}

/// A chunk of these samples; `None` without any.
fn chunk(encoding: Encoding, part: &[Entry], bytes: Vec<u8>) -> Option<Chunk<'static>> {
    let (first, last) = part.first().zip(part.last())?;
    let range = TimeRange::new(Timestamp::from_millis(first.t), Timestamp::from_millis(last.t));
    Some(Chunk::new(encoding, range, bytes))
}

/// Whether a chunk's samples ascend and lie in its range.
fn check(samples: &[Entry], range: TimeRange) -> Result<(), Error> {
    let mut before: Option<i64> = None;
    for (entry, sound) in samples.iter().zip(0_usize..) {
        if before.is_some_and(|before| entry.t <= before) {
            let number = sound.saturating_add(1);
            return Err(Error::new(Problem::NotAscending { number }, 0).after(sound));
        }
        if !range.contains(Timestamp::from_millis(entry.t)) {
            return Err(Error::new(Problem::OutsideRange { t: entry.t }, 0).after(sound));
        }
        before = Some(entry.t);
    }
    Ok(())
}
