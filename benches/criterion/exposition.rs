//! The exposition parser on a built-in page.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use skopos_bench::commands::parse::{Labels, parse_page};
use skopos_bench::data;
use skopos_exposition::{TextFormat, families, lint};

fn parse(criterion: &mut Criterion) {
    let page = data::page(10);
    let mut group = criterion.benchmark_group("exposition/parse");
    group.throughput(Throughput::Bytes(page.len() as u64));
    for (name, labels, expected) in [
        ("labels", Labels::Owned, 2100),
        ("labels-view", Labels::View, 2100),
        ("labels-raw", Labels::Raw, 2100),
        ("nolabels", Labels::Skipped, 26_300),
    ] {
        let read = || parse_page(TextFormat::Prometheus, page.as_bytes(), labels);
        let count = read().expect("the page is right");
        assert_eq!((count.samples, count.labels), (600, expected), "{name}");
        group.bench_function(name, |bencher| bencher.iter(read));
    }
    group.finish();
}

fn whole_page(criterion: &mut Criterion) {
    let page = data::page(10);
    let mut group = criterion.benchmark_group("exposition/page");
    let group_page = || families(TextFormat::Prometheus, page.as_bytes());
    assert_eq!(group_page().map(|families| families.len()), Ok(4));
    group.bench_function("families", |bencher| bencher.iter(group_page));
    let lint_page = || lint(page.as_bytes());
    assert_eq!(lint_page().map(|problems| problems.len()), Ok(0));
    group.bench_function("lint", |bencher| bencher.iter(lint_page));
    group.finish();
}

criterion_group!(benches, parse, whole_page);
criterion_main!(benches);
