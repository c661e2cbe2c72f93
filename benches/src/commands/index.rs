//! `index`: selectors to series, over the labels of a block.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use skopos_index::{Filter, MemoryIndex, SeriesIds};
use skopos_promql::parse_selector;

use super::lines;
use crate::block::Block;
use crate::measure::{Plan, max_rss_bytes, measure, median};
use crate::report::{emit, emit_allocations, emit_time, number};

/// Measures each case of a file of `name<TAB>selector` lines, over an index in memory that holds the
/// block's series.
///
/// # Errors
///
/// Where a file cannot be read or a selector is wrong.
pub fn run(plan: Plan, block: &Path, cases: &Path) -> Result<()> {
    let block = Block::open(block)?;
    measure_insert(plan, &block)?;
    let (mut wall, mut cpu) = (0.0, 0.0);
    let cases = lines(cases)?;
    for case in &cases {
        let (name, selector) =
            case.split_once('\t').with_context(|| format!("want name<TAB>selector: {case:?}"))?;
        let count = |filter: &Filter| deliver(&block.index().select(filter));
        let filter = Filter::new(&parse_selector(selector)?)?;
        let series = count(&filter);
        let measured = measure(plan, 1, || {
            black_box(count(&filter));
        });
        let short = Plan::new(3, Duration::from_nanos((plan.min_time.as_nanos() / 3) as u64));
        let whole = measure(short, 1, || {
            let matchers = parse_selector(selector).expect("it parsed before");
            black_box(count(&Filter::new(&matchers).expect("it was made before")));
        });
        let fields = json!({
            "selector": selector, "series": series,
            "with_parse_us": number(median(&whole.wall()) / 1e3),
            "alloc_bytes": measured.tally.bytes, "allocs": measured.tally.count,
        });
        emit_time(&measured, &format!("index/head/{name}"), "us", 1e3, fields);
        wall += median(&measured.wall());
        cpu += median(&measured.cpu());
    }
    let fields = json!({
        "cases": cases.len(), "cpu": number(cpu / 1e3), "max_rss_bytes": max_rss_bytes(),
        "index_heap_bytes": block.index().heap_bytes(),
    });
    emit("index/head/total", wall / 1e3, "us", fields);
    Ok(())
}

/// Takes all ids in batches, as the store does that turns them into series; returns how many.
pub(super) fn deliver(selected: &SeriesIds) -> usize {
    let mut delivered = 0;
    selected.for_each_batch(|batch| delivered += black_box(batch).len());
    delivered
}

/// The building of the inverted index alone.
fn measure_insert(plan: Plan, block: &Block) -> Result<()> {
    let build = || -> Result<MemoryIndex> {
        let mut index = MemoryIndex::new();
        for labels in block.labels() {
            index.insert(labels)?;
        }
        Ok(index)
    };
    build()?;
    let measured = measure(plan, block.len(), || {
        black_box(build().expect("it was built before"));
    });
    let name = "index/mempostings-add";
    emit_time(&measured, name, "ns/series", 1.0, json!({"series": block.len()}));
    emit_allocations(&measured, name, "series");
    let bytes = block.index().heap_bytes() as f64 / block.len() as f64;
    emit("index/heap", bytes, "bytes/series", Value::Null);
    Ok(())
}
