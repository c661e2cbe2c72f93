//! Chunks, the index and the query parser on built-in data.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use skopos_bench::data;
use skopos_chunk::{XorDecoder, XorEncoder};
use skopos_core::Columns;
use skopos_index::{Filter, MemoryIndex};
use skopos_promql::{ParseOptions, parse, parse_selector};

fn chunk(criterion: &mut Criterion) {
    let samples = data::samples(120);
    let encode = || {
        let mut encoder = XorEncoder::new();
        for &(t, v) in &samples {
            encoder.push(t, v).expect("there is room for 120 samples");
        }
        encoder.finish()
    };
    let encoded = encode();
    assert_eq!(encoded.len(), 308);
    let mut columns = Columns::new();
    let mut decode = || {
        columns.clear();
        let mut decoder = XorDecoder::new(&encoded).expect("the chunk has a header");
        decoder.read_all(&mut columns).expect("the chunk is whole");
        columns.len()
    };
    assert_eq!(decode(), 120);
    let mut group = criterion.benchmark_group("chunk/xor");
    group.throughput(Throughput::Elements(120));
    group.bench_function("encode", |bencher| bencher.iter(encode));
    group.bench_function("decode", |bencher| bencher.iter(&mut decode));
    group.finish();
}

fn index(criterion: &mut Criterion) {
    let mut index = MemoryIndex::new();
    for labels in data::label_sets(2_000) {
        index.insert(&labels).expect("there is room for 2000 series");
    }
    let mut group = criterion.benchmark_group("index/select");
    for (name, selector, expected) in [
        ("equal", r#"{__name__="metric_1",job="job-1"}"#, 25),
        ("prefix", r#"{host=~"host-1.*"}"#, 1_111),
        ("contains", r#"{host=~".*-1[0-9]9"}"#, 10),
        ("not-equal", r#"{__name__="metric_1",job!="job-1"}"#, 75),
    ] {
        let matchers = parse_selector(selector).expect("the selector is right");
        let filter = Filter::new(&matchers).expect("the matchers are right");
        assert_eq!(index.select(&filter).len(), expected, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| index.select(&filter).len()));
    }
    group.finish();
}

fn promql(criterion: &mut Criterion) {
    let query =
        r#"sum by (job) (rate(requests_total{code=~"5.."}[5m])) / sum(rate(requests_total[5m]))"#;
    let read = || parse(query, &ParseOptions::default()).expect("the query is right");
    let printed =
        r#"sum by (job) (rate(requests_total{code=~"5.."}[5m])) / sum(rate(requests_total[5m]))"#;
    assert_eq!(read().to_string(), printed);
    criterion.bench_function("promql/parse", |bencher| bencher.iter(read));
}

criterion_group!(benches, chunk, index, promql);
criterion_main!(benches);
