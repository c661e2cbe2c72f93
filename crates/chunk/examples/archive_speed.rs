//! Measures the archive encoding on samples from a file: lines of `series,milliseconds,value`.
//!
//! Prints one JSON object a line: bytes a sample and ns a sample, the least of several rounds over
//! all series, in chunks of up to 4,096 samples or as many as the second argument says. A series'
//! name up to the slash is its shape, and each shape is measured for itself.
//!
//! ```text
//! cargo run --release -p skopos-chunk --example archive_speed -- series.csv
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use skopos_chunk::archive::{self, ArchiveCodec, ArchiveDecoder};
use skopos_chunk::{Codec, Encoding, codec};
use skopos_core::Columns;

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("give a file of series,milliseconds,value lines")?;
    let size = arguments.next().map_or(Ok(archive::GOOD_SAMPLES), |size| size.parse())?;
    for (shape, series) in read(&file)? {
        measure("xor", codec(Encoding::Xor)?, 120, &shape, &series)?;
        measure("archive-hot", &ArchiveCodec::HOT, size, &shape, &series)?;
        measure("archive-cold", &ArchiveCodec::COLD, size, &shape, &series)?;
    }
    Ok(())
}

fn read(file: &str) -> Result<BTreeMap<String, Vec<Columns>>, Box<dyn Error>> {
    let mut by_name: BTreeMap<String, Columns> = BTreeMap::new();
    for line in std::fs::read_to_string(file)?.lines() {
        let mut fields = line.split(',');
        let (Some(name), Some(t), Some(v)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(format!("not three fields: {line}").into());
        };
        // A header has no number here.
        let Ok(t) = t.parse() else { continue };
        by_name.entry(name.into()).or_default().push(t, v.parse()?);
    }
    let mut shapes: BTreeMap<String, Vec<Columns>> = BTreeMap::new();
    for (name, series) in by_name {
        let shape = name.split('/').next().unwrap_or_default();
        shapes.entry(shape.into()).or_default().push(series);
    }
    Ok(shapes)
}

fn measure(
    name: &str,
    codec: &dyn Codec,
    size: usize,
    shape: &str,
    series: &[Columns],
) -> Result<(), Box<dyn Error>> {
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    let encoding = best(series, || {
        chunks.clear();
        for columns in series {
            let mut start = 0;
            while start < columns.len() {
                let end = columns.len().min(start + size);
                let mut chunk = Vec::new();
                start += codec.encode(columns, start..end, &mut chunk)?;
                chunks.push(chunk);
            }
        }
        Ok(())
    })?;
    let mut columns = Columns::new();
    let decoding = best(series, || {
        for chunk in &chunks {
            columns.clear();
            codec.decode(chunk, &mut columns)?;
            black_box(columns.values.last());
        }
        Ok(())
    })?;
    let mut times = Vec::new();
    if name != "xor" {
        let of_times = best(series, || {
            for chunk in &chunks {
                times.clear();
                ArchiveDecoder::new(chunk)?.read_times(&mut times)?;
                black_box(times.last());
            }
            Ok(())
        })?;
        print(name, "decode-times", shape, of_times, "ns/sample");
    }
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    print(name, "size", shape, bytes as f64 / samples(series), "bytes/sample");
    print(name, "encode", shape, encoding, "ns/sample");
    print(name, "decode", shape, decoding, "ns/sample");
    Ok(())
}

fn samples(series: &[Columns]) -> f64 {
    series.iter().map(Columns::len).sum::<usize>() as f64
}

fn best(
    series: &[Columns],
    mut body: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        #[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
        let start = Instant::now();
        body()?;
        least = least.min(start.elapsed().as_nanos() as f64 / samples(series));
    }
    Ok(least)
}

fn print(codec: &str, what: &str, shape: &str, value: f64, unit: &str) {
    println!(r#"{{"bench":"{codec}/{what}/{shape}","value":{value:.3},"unit":"{unit}"}}"#);
}
