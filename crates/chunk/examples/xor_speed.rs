//! Measures the XOR encoding on samples from a file: lines of `series,milliseconds,value`.
//!
//! Prints one JSON object a line, with CPU-bound times in ns a sample: the least of several rounds
//! over all series, in chunks of 120 samples. A series' name up to the slash is its shape, and each
//! shape is measured for itself as well.
//!
//! ```text
//! cargo run --release -p skopos-chunk --example xor_speed -- series.csv
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use skopos_chunk::{XorDecoder, XorEncoder};
use skopos_core::Columns;

const SAMPLES_A_CHUNK: usize = 120;
const ROUNDS: usize = 9;

type Series = Vec<(i64, f64)>;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("give a file of series,milliseconds,value lines")?;
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
    encode(series, |encoder| chunks.push(encoder.finish()))?;
    let samples: usize = series.iter().map(Vec::len).sum();
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let mut columns = Columns::new();
    print(
        "xor-append",
        shape,
        best(samples, || encode(series, |encoder| drop(black_box(encoder))))?,
    );
    print("xor-columns", shape, best(samples, || columns_of(&chunks, &mut columns))?);
    print("xor-iterate", shape, best(samples, || iterate(&chunks))?);
    let density = bytes as f64 / samples as f64;
    println!(r#"{{"bench":"xor-append/{shape}","value":{density:.3},"unit":"bytes/sample"}}"#);
    Ok(())
}

fn encode(series: &[Series], mut done: impl FnMut(XorEncoder)) -> Result<(), Box<dyn Error>> {
    for part in series.iter().flat_map(|series| series.chunks(SAMPLES_A_CHUNK)) {
        let mut encoder = XorEncoder::with_capacity(128);
        for (t, v) in part {
            encoder.push(*t, *v)?;
        }
        done(encoder);
    }
    Ok(())
}

fn columns_of(chunks: &[Vec<u8>], columns: &mut Columns) -> Result<(), Box<dyn Error>> {
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

fn print(bench: &str, shape: &str, value: f64) {
    println!(r#"{{"bench":"{bench}/{shape}","value":{value:.2},"unit":"ns/sample"}}"#);
}
