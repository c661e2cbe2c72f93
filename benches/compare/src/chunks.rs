//! `pco` beside the chunk codecs, on whole series by shape.
//!
//! `pco` packs times as integers and values as floats, each series' columns for themselves, at its
//! default level, 8. It knows no samples, so the two columns' bytes are added up. The archive codec
//! takes each series as one chunk, XOR takes 120 samples a chunk.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;

use anyhow::{Result, ensure};
use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress_into};
use serde_json::json;
use skopos_bench::commands::xor::read_csv;
use skopos_bench::measure::{Plan, measure};
use skopos_bench::report::{emit, emit_time};
use skopos_chunk::archive::{ArchiveCodec, MAX_SAMPLES};
use skopos_chunk::{Codec, Encoding, codec};
use skopos_core::Columns;

const SAMPLES_PER_XOR_CHUNK: usize = 120;
const PCO_LEVEL: usize = 8;

/// Measures all codecs on the series of a file.
pub(crate) fn compare(plan: Plan, file: &Path) -> Result<()> {
    let mut shapes: BTreeMap<String, Vec<Columns>> = BTreeMap::new();
    for series in read_csv(file)? {
        let shape = series.id.split('/').next().unwrap_or_default();
        let mut columns = Columns::new();
        for &(t, v) in &series.samples {
            columns.push(t, v);
        }
        shapes.entry(shape.to_owned()).or_default().push(columns);
    }
    for (shape, series) in &shapes {
        ours(plan, "xor", codec(Encoding::Xor)?, SAMPLES_PER_XOR_CHUNK, shape, series)?;
        ours(plan, "archive-hot", &ArchiveCodec::HOT, MAX_SAMPLES, shape, series)?;
        ours(plan, "archive-cold", &ArchiveCodec::COLD, MAX_SAMPLES, shape, series)?;
        pco(plan, shape, series)?;
    }
    Ok(())
}

fn samples_of(series: &[Columns]) -> usize {
    series.iter().map(|columns| columns.timestamps.len()).sum()
}

fn encode(codec: &dyn Codec, size: usize, series: &[Columns]) -> Result<Vec<Vec<u8>>> {
    let mut chunks = Vec::new();
    for columns in series {
        let (mut start, len) = (0, columns.timestamps.len());
        while start < len {
            let mut chunk = Vec::new();
            start += codec.encode(columns, start..len.min(start + size), &mut chunk)?;
            chunks.push(chunk);
        }
    }
    Ok(chunks)
}

fn ours(
    plan: Plan,
    name: &str,
    codec: &dyn Codec,
    size: usize,
    shape: &str,
    series: &[Columns],
) -> Result<()> {
    let samples = samples_of(series);
    let chunks = encode(codec, size, series)?;
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let fields = json!({ "bytes": bytes, "samples": samples });
    let size_name = format!("chunks/{name}/{shape}");
    emit(&size_name, bytes as f64 / samples as f64, "bytes/sample", fields);
    let encoding = measure(plan, samples, || {
        black_box(encode(codec, size, series).expect("it was encoded before"));
    });
    emit_time(&encoding, &format!("chunks-encode/{name}/{shape}"), "ns/sample", 1.0, json!({}));
    let mut columns = Columns::new();
    let decoding = measure(plan, samples, || {
        let mut count = 0;
        for chunk in &chunks {
            columns.clear();
            codec.decode(chunk, &mut columns).expect("it was just encoded");
            count += black_box(&columns).timestamps.len();
        }
        assert_eq!(count, samples);
    });
    emit_time(&decoding, &format!("chunks-decode/{name}/{shape}"), "ns/sample", 1.0, json!({}));
    Ok(())
}

type Packed = Vec<(Vec<u8>, Vec<u8>)>;

fn pco_encode(series: &[Columns]) -> Result<Packed> {
    let config = ChunkConfig::default().with_compression_level(PCO_LEVEL);
    let pack = |columns: &Columns| {
        let times = simple_compress(&columns.timestamps, &config)?;
        Ok((times, simple_compress(&columns.values, &config)?))
    };
    series.iter().map(pack).collect()
}

fn pco(plan: Plan, shape: &str, series: &[Columns]) -> Result<()> {
    let samples = samples_of(series);
    let packed = pco_encode(series)?;
    let bytes: usize = packed.iter().map(|(ts, vs)| ts.len() + vs.len()).sum();
    let fields = json!({ "bytes": bytes, "samples": samples });
    emit(&format!("chunks/pco/{shape}"), bytes as f64 / samples as f64, "bytes/sample", fields);
    let encoding = measure(plan, samples, || {
        black_box(pco_encode(series).expect("it was encoded before"));
    });
    emit_time(&encoding, &format!("chunks-encode/pco/{shape}"), "ns/sample", 1.0, json!({}));
    let longest = series.iter().map(|columns| columns.timestamps.len()).max().unwrap_or(0);
    let (mut times, mut values) = (vec![0_i64; longest], vec![0.0_f64; longest]);
    let mut unpack = |(ts, vs): &(Vec<u8>, Vec<u8>)| -> Result<usize> {
        let n = simple_decompress_into(ts, &mut times)?.n_processed;
        ensure!(n == simple_decompress_into(vs, &mut values)?.n_processed, "columns differ");
        black_box((&times, &values));
        Ok(n)
    };
    let decoding = measure(plan, samples, || {
        let count: usize = packed.iter().map(|p| unpack(p).expect("it was just encoded")).sum();
        assert_eq!(count, samples);
    });
    emit_time(&decoding, &format!("chunks-decode/pco/{shape}"), "ns/sample", 1.0, json!({}));
    Ok(())
}
