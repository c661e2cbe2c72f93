//! Measures the XOR encoding on samples from a file: lines of `series,milliseconds,value`.
//!
//! Prints a table of bytes and of times in ns a sample, the least of several rounds over all series
//! in chunks of 120 samples: pushing samples one by one, encoding columns, decoding into columns as
//! they are and by range, and iterating. A series' name up to the slash is its shape, and each shape
//! is measured for itself as well.
//!
//! ```text
//! cargo run --release -p skopos-chunk --example xor_speed -- series.csv
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use skopos_chunk::{Codec as _, XorCodec, XorDecoder, XorEncoder};
use skopos_core::{Columns, TimeRange};

const SAMPLES_A_CHUNK: usize = 120;
const ROUNDS: usize = 60;

type Series = Vec<(i64, f64)>;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("give a file of series,milliseconds,value lines")?;
    println!("shape             bytes    push  encode  decode    read iterate");
    for (shape, series) in read(&file)? {
        measure(&shape, &series)?;
    }
    Ok(())
}

fn read(file: &str) -> Result<BTreeMap<String, Vec<Series>>, Box<dyn Error>> {
    let mut by_name: BTreeMap<String, Series> = BTreeMap::new();
    for line in std::fs::read_to_string(file)?.lines() {
        let mut fields = line.split(',');
        let (Some(name), Some(t), Some(v)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(format!("not three fields: {line}").into());
        };
        // A header has no number here.
        let Ok(t) = t.parse() else { continue };
        by_name.entry(name.into()).or_default().push((t, v.parse()?));
    }
    let mut shapes: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    for (name, series) in by_name {
        let shape = name.split('/').next().unwrap_or_default();
        shapes.entry("all".into()).or_default().push(series.clone());
        shapes.entry(shape.into()).or_default().push(series);
    }
    Ok(shapes)
}

fn measure(shape: &str, series: &[Series]) -> Result<(), Box<dyn Error>> {
    let mut chunks = Vec::new();
    push(series, |encoder| chunks.push(encoder.finish()))?;
    let samples: usize = series.iter().map(Vec::len).sum();
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let mut columns = Columns::new();
    let pushed = best(samples, || push(series, |encoder| drop(black_box(encoder))))?;
    let parts = split(series);
    let mut chunk = Vec::new();
    let encoded = best(samples, || encode(&parts, &mut chunk))?;
    let decoded = best(samples, || decode(&chunks, &mut columns))?;
    let read = best(samples, || read_range(&chunks, &mut columns))?;
    let iterated = best(samples, || iterate(&chunks))?;
    let density = bytes as f64 / samples as f64;
    println!(
        "{shape:15} {density:7.3} {pushed:7.2} {encoded:7.2} {decoded:7.2} {read:7.2} {iterated:7.2}"
    );
    Ok(())
}

/// Chunks' worth of columns.
fn split(series: &[Series]) -> Vec<Columns> {
    let parts = series.iter().flat_map(|series| series.chunks(SAMPLES_A_CHUNK));
    let columns = parts.map(|part| {
        let mut columns = Columns::new();
        part.iter().for_each(|(t, v)| columns.push(*t, *v));
        columns
    });
    columns.collect()
}

fn encode(parts: &[Columns], chunk: &mut Vec<u8>) -> Result<(), Box<dyn Error>> {
    for columns in parts {
        chunk.clear();
        XorCodec::default().encode(columns, 0..columns.len(), chunk)?;
        black_box(chunk.last());
    }
    Ok(())
}

fn read_range(chunks: &[Vec<u8>], columns: &mut Columns) -> Result<(), Box<dyn Error>> {
    for chunk in chunks {
        columns.clear();
        XorCodec::default().read(chunk, TimeRange::ALL, columns)?;
        black_box(columns.values.last());
    }
    Ok(())
}

fn push(series: &[Series], mut done: impl FnMut(XorEncoder)) -> Result<(), Box<dyn Error>> {
    for part in series.iter().flat_map(|series| series.chunks(SAMPLES_A_CHUNK)) {
        let mut encoder = XorEncoder::with_capacity(128);
        for (t, v) in part {
            encoder.push(*t, *v)?;
        }
        done(encoder);
    }
    Ok(())
}

fn decode(chunks: &[Vec<u8>], columns: &mut Columns) -> Result<(), Box<dyn Error>> {
    for chunk in chunks {
        columns.clear();
        XorDecoder::new(chunk)?.read_all(columns)?;
        black_box(columns.values.last());
    }
    Ok(())
}

fn iterate(chunks: &[Vec<u8>]) -> Result<(), Box<dyn Error>> {
    let (mut t, mut v) = (0_i64, 0.0);
    for chunk in chunks {
        for sample in XorDecoder::new(chunk)? {
            let sample = sample?;
            t = t.wrapping_add(sample.t.as_millis());
            v += sample.v;
        }
    }
    black_box((t, v));
    Ok(())
}

fn best(
    samples: usize,
    mut body: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        #[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
        let start = Instant::now();
        body()?;
        least = least.min(start.elapsed().as_nanos() as f64 / samples as f64);
    }
    Ok(least)
}
