//! Every chunk codec on built-in series: whole chunks from columns, and back.
//!
//! Before anything is measured, each codec's samples must come back to the bit.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use skopos_bench::data::{SHAPES, histograms, shape};
use skopos_chunk::{Codec, codecs};
use skopos_core::Columns;

const SAMPLES: usize = 120;

fn floats(criterion: &mut Criterion) {
    for name in SHAPES {
        let columns = shape(name, SAMPLES);
        for codec in codecs().iter().filter(|codec| codec.kind().is_float()) {
            measure(criterion, *codec, name, &columns);
        }
    }
}

fn histogram(criterion: &mut Criterion) {
    for buckets in [8, 32] {
        let columns = histograms(SAMPLES, buckets);
        for codec in codecs().iter().filter(|codec| !codec.kind().is_float()) {
            measure(criterion, *codec, &format!("buckets_{buckets}"), &columns);
        }
    }
}

fn measure(criterion: &mut Criterion, codec: &dyn Codec, shape: &str, columns: &Columns) {
    let chunk = encode(codec, columns);
    let mut found = Columns::new();
    codec.decode(&chunk, &mut found).expect("the chunk is whole");
    assert_eq!(bits(&found), bits(columns), "{} on {shape}", codec.encoding());
    assert!(chunk.len() < 20 * SAMPLES || !codec.kind().is_float());

    let mut group = criterion.benchmark_group("chunk");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    let id = |what: &str| BenchmarkId::new(format!("{what}/{}", codec.encoding()), shape);
    group.bench_function(id("encode"), |bencher| bencher.iter(|| encode(codec, columns)));
    group.bench_function(id("decode"), |bencher| {
        bencher.iter(|| {
            found.clear();
            codec.decode(&chunk, &mut found).expect("the chunk is whole");
            found.len()
        });
    });
    group.finish();
}

fn encode(codec: &dyn Codec, columns: &Columns) -> Vec<u8> {
    let mut chunk = Vec::new();
    let taken = codec.encode(columns, 0..SAMPLES, &mut chunk).expect("the samples fit");
    assert_eq!(taken, SAMPLES);
    chunk
}

/// Times and values; of histograms their sums and buckets.
fn bits(columns: &Columns) -> Vec<(i64, Vec<u64>)> {
    let floats = columns.timestamps.iter().zip(&columns.values);
    let floats = floats.map(|(t, v)| (*t, vec![v.to_bits()]));
    let histograms = columns.histogram_timestamps.iter().zip(&columns.histograms);
    let histograms = histograms.map(|(t, h)| {
        let buckets = h.positive_buckets.iter().map(|b| b.to_bits());
        (*t, [h.sum.to_bits(), h.count.to_bits()].into_iter().chain(buckets).collect())
    });
    floats.chain(histograms).collect()
}

criterion_group!(benches, floats, histogram);
criterion_main!(benches);
