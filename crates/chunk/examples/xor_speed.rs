//! Measures the XOR encodings on samples from a file: lines of `series,milliseconds,value`.
//!
//! Prints a table of bytes and of times in ns a sample, the least of several rounds over all series
//! in chunks of 120 samples: pushing samples one by one, encoding columns, decoding into columns as
//! they are and by range, and iterating. A series' name up to the slash is its shape, and each shape
//! is measured for itself as well. XOR2 is measured without start timestamps, with one start for the
//! whole series, and with the sample before as each one's start, as delta counters have it.
//!
//! ```text
//! cargo run --release -p skopos-chunk --example xor_speed -- series.csv
//! ```
//!
//! Prometheus' own encoder and iterator for the first of these are measured in the same shapes by
//! `gobench -runs 3 -min-time 50ms xor-append series.csv`, and the same with `xor-iterate`. Times
//! here are of the thread's processor if the machine is otherwise idle: compare them with the least
//! `cpu` figures there, in turns.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use skopos_chunk::{Codec, Xor2Codec, Xor2Decoder, Xor2Encoder, XorCodec, XorDecoder, XorEncoder};
use skopos_core::{Columns, TimeRange};

const SAMPLES_A_CHUNK: usize = 120;
const ROUNDS: usize = 60;

/// Start, time and value.
type Series = Vec<(i64, i64, f64)>;

/// What is measured.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Xor,
    Xor2(Starts),
}

/// The start timestamps that samples have.
#[derive(Clone, Copy, PartialEq)]
enum Starts {
    None,
    One,
    Before,
}

const FORMATS: [(&str, Format); 4] = [
    ("xor", Format::Xor),
    ("xor2", Format::Xor2(Starts::None)),
    ("xor2/one start", Format::Xor2(Starts::One)),
    ("xor2/starts", Format::Xor2(Starts::Before)),
];

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("give a file of series,milliseconds,value lines")?;
    println!("codec           shape             bytes    push  encode  decode    read iterate");
    for (name, format) in FORMATS {
        for (shape, series) in read(&file, format)? {
            let row = measure(format, &series)?;
            println!("{name:15} {shape:15} {row}");
        }
    }
    Ok(())
}

fn read(file: &str, format: Format) -> Result<BTreeMap<String, Vec<Series>>, Box<dyn Error>> {
    let mut by_name: BTreeMap<String, Series> = BTreeMap::new();
    for line in std::fs::read_to_string(file)?.lines() {
        let mut fields = line.split(',');
        let (Some(name), Some(t), Some(v)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(format!("not three fields: {line}").into());
        };
        // A header has no number here.
        let Ok(t) = t.parse() else { continue };
        let series = by_name.entry(name.into()).or_default();
        let start = match format {
            Format::Xor | Format::Xor2(Starts::None) => 0,
            Format::Xor2(Starts::One) => series.first().map_or(t - 1, |(start, ..)| *start),
            Format::Xor2(Starts::Before) => series.last().map_or(t - 1, |(_, before, _)| *before),
        };
        series.push((start, t, v.parse()?));
    }
    let mut shapes: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    for (name, series) in by_name {
        let shape = name.split('/').next().unwrap_or_default();
        shapes.entry("all".into()).or_default().push(series.clone());
        shapes.entry(shape.into()).or_default().push(series);
    }
    Ok(shapes)
}

fn measure(format: Format, series: &[Series]) -> Result<String, Box<dyn Error>> {
    let (xor, xor2) = (XorCodec::default(), Xor2Codec::default());
    let codec: &dyn Codec = if format == Format::Xor { &xor } else { &xor2 };
    let samples: usize = series.iter().map(Vec::len).sum();
    let parts = split(series);
    let mut chunks = Vec::new();
    for columns in &parts {
        let mut chunk = Vec::new();
        codec.encode(columns, 0..columns.len(), &mut chunk)?;
        chunks.push(chunk);
    }
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let density = bytes as f64 / samples as f64;
    let mut columns = Columns::new();
    let mut chunk = Vec::new();
    let pushed = best(samples, || push(format, series))?;
    let encoded = best(samples, || encode(codec, &parts, &mut chunk))?;
    let decoded = best(samples, || decode(codec, &chunks, &mut columns))?;
    let read = best(samples, || read_range(codec, &chunks, &mut columns))?;
    let iterated = best(samples, || iterate(format, &chunks))?;
    Ok(format!("{density:7.3} {pushed:7.2} {encoded:7.2} {decoded:7.2} {read:7.2} {iterated:7.2}"))
}

/// Chunks' worth of columns.
fn split(series: &[Series]) -> Vec<Columns> {
    let parts = series.iter().flat_map(|series| series.chunks(SAMPLES_A_CHUNK));
    let columns = parts.map(|part| {
        let mut columns = Columns::new();
        for (start, t, v) in part {
            columns.push(*t, *v);
            columns.start_timestamps.push(*start);
        }
        if columns.start_timestamps.iter().all(|start| *start == 0) {
            columns.start_timestamps.clear();
        }
        columns
    });
    columns.collect()
}

fn push(format: Format, series: &[Series]) -> Result<(), Box<dyn Error>> {
    for part in series.iter().flat_map(|series| series.chunks(SAMPLES_A_CHUNK)) {
        match format {
            Format::Xor => {
                let mut encoder = XorEncoder::with_capacity(128);
                for (_, t, v) in part {
                    encoder.push(*t, *v)?;
                }
                black_box(encoder.bytes());
            }
            Format::Xor2(Starts::None) => {
                let mut encoder = Xor2Encoder::with_capacity(128);
                for (_, t, v) in part {
                    encoder.push(*t, *v)?;
                }
                black_box(encoder.bytes());
            }
            Format::Xor2(_) => {
                let mut encoder = Xor2Encoder::with_capacity(128);
                for (start, t, v) in part {
                    encoder.push_started(*start, *t, *v)?;
                }
                black_box(encoder.bytes());
            }
        }
    }
    Ok(())
}

fn encode(codec: &dyn Codec, parts: &[Columns], chunk: &mut Vec<u8>) -> Result<(), Box<dyn Error>> {
    for columns in parts {
        chunk.clear();
        codec.encode(columns, 0..columns.len(), chunk)?;
        black_box(chunk.last());
    }
    Ok(())
}

fn decode(
    codec: &dyn Codec,
    chunks: &[Vec<u8>],
    columns: &mut Columns,
) -> Result<(), Box<dyn Error>> {
    for chunk in chunks {
        columns.clear();
        codec.decode(chunk, columns)?;
        black_box(columns.values.last());
    }
    Ok(())
}

fn read_range(
    codec: &dyn Codec,
    chunks: &[Vec<u8>],
    columns: &mut Columns,
) -> Result<(), Box<dyn Error>> {
    for chunk in chunks {
        columns.clear();
        codec.read(chunk, TimeRange::ALL, columns)?;
        black_box(columns.values.last());
    }
    Ok(())
}

fn iterate(format: Format, chunks: &[Vec<u8>]) -> Result<(), Box<dyn Error>> {
    let (mut t, mut v) = (0_i64, 0.0);
    for chunk in chunks {
        if format == Format::Xor {
            for sample in XorDecoder::new(chunk)? {
                let sample = sample?;
                t = t.wrapping_add(sample.t.as_millis());
                v += sample.v;
            }
        } else {
            for sample in Xor2Decoder::new(chunk)? {
                let sample = sample?.sample;
                t = t.wrapping_add(sample.t.as_millis());
                v += sample.v;
            }
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
