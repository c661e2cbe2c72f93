//! `chunks`: bytes, encoding and decoding of whole chunks, by codec and shape.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use skopos_chunk::{Codec, codecs};
use skopos_core::Columns;

use crate::commands::xor::{SAMPLES_PER_CHUNK, read_csv};
use crate::data::histograms;
use crate::measure::{Plan, measure};
use crate::report::{emit, emit_allocations, emit_rate, emit_time};

/// Samples of an archived chunk: sealed data is not cut for appending.
const SAMPLES_PER_ARCHIVED_CHUNK: usize = 2_880;
/// Series of histograms, of each number of buckets.
const HISTOGRAM_SERIES: usize = 40;
const HISTOGRAM_SAMPLES: usize = 960;
const BUCKETS: [u32; 3] = [8, 32, 160];

/// Series measured together.
struct Shape {
    name: String,
    series: Vec<Columns>,
}

impl Shape {
    fn samples(&self) -> usize {
        self.series.iter().map(Columns::len).sum()
    }
}

/// Measures every codec on the series of `file`, and on histograms that are made here.
///
/// # Errors
///
/// Where the file cannot be read, or samples do not come back.
pub fn run(plan: Plan, file: &Path) -> Result<()> {
    let (floats, histograms) = (float_shapes(file)?, histogram_shapes());
    for codec in codecs() {
        let shapes = if codec.kind().is_float() { &floats } else { &histograms };
        for shape in shapes {
            measure_codec(plan, *codec, shape)?;
        }
    }
    Ok(())
}

fn float_shapes(file: &Path) -> Result<Vec<Shape>> {
    let mut shapes: Vec<Shape> = Vec::new();
    for series in read_csv(file)? {
        let name = series.id.split('/').next().unwrap_or_default();
        let mut columns = Columns::new();
        series.samples.iter().for_each(|(t, v)| columns.push(*t, *v));
        match shapes.iter_mut().find(|shape| shape.name == name) {
            Some(shape) => shape.series.push(columns),
            None => shapes.push(Shape { name: name.into(), series: vec![columns] }),
        }
    }
    shapes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(shapes)
}

fn histogram_shapes() -> Vec<Shape> {
    let shape = |buckets| Shape {
        name: format!("buckets_{buckets}"),
        series: vec![histograms(HISTOGRAM_SAMPLES, buckets); HISTOGRAM_SERIES],
    };
    BUCKETS.map(shape).into()
}

fn measure_codec(plan: Plan, codec: &dyn Codec, shape: &Shape) -> Result<()> {
    let chunks = encode_all(codec, shape)?;
    let samples = shape.samples();
    let mut columns = Columns::new();
    chunks.iter().try_for_each(|chunk| codec.decode(chunk, &mut columns))?;
    ensure!(columns.len() == samples, "{}: samples were lost", codec.encoding());
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let name = |what: &str| format!("chunk-{what}/{}/{}", codec.encoding(), shape.name);
    let fields = json!({"samples": samples, "chunks": chunks.len()});

    let mut chunk = Vec::new();
    let measured = measure(plan, samples, || {
        each_chunk(codec, shape, &mut chunk, |chunk| {
            black_box(chunk);
        })
        .expect("they were encoded before");
    });
    emit_time(&measured, &name("encode"), "ns/sample", 1.0, fields.clone());
    emit_rate(&measured, &name("encode"), "Msamples/s", 1e3, Value::Null);
    emit_allocations(&measured, &name("encode"), "sample");
    let density = bytes as f64 / samples as f64;
    emit(&name("encode"), density, "bytes/sample", json!({ "bytes": bytes }));

    let measured = measure(plan, samples, || {
        let mut count = 0;
        for chunk in &chunks {
            columns.clear();
            codec.decode(chunk, &mut columns).expect("the chunk is whole");
            count += black_box(&columns).len();
        }
        assert_eq!(count, samples);
    });
    emit_time(&measured, &name("decode"), "ns/sample", 1.0, fields);
    emit_rate(&measured, &name("decode"), "Msamples/s", 1e3, Value::Null);
    emit_allocations(&measured, &name("decode"), "sample");
    Ok(())
}

fn encode_all(codec: &dyn Codec, shape: &Shape) -> Result<Vec<Vec<u8>>> {
    let mut chunks = Vec::new();
    each_chunk(codec, shape, &mut Vec::new(), |chunk| chunks.push(chunk.to_vec()))?;
    Ok(chunks)
}

/// Hands each chunk to `done`.
fn each_chunk(
    codec: &dyn Codec,
    shape: &Shape,
    chunk: &mut Vec<u8>,
    mut done: impl FnMut(&[u8]),
) -> Result<()> {
    let most = match codec.encoding().is_prometheus() {
        true => SAMPLES_PER_CHUNK,
        false => SAMPLES_PER_ARCHIVED_CHUNK,
    };
    for columns in &shape.series {
        let mut from = 0;
        while from < columns.len() {
            chunk.clear();
            from += codec.encode(columns, from..columns.len().min(from + most), chunk)?;
            done(chunk);
        }
    }
    Ok(())
}
