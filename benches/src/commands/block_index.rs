//! `index` without `--head`, and `index-values`: the index file of a block, mapped into memory.

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use memmap2::Mmap;
use serde_json::json;
use skopos_index::{BlockIndex, Filter};
use skopos_promql::parse_selector;

use super::index::deliver;
use super::lines;
use crate::block::block_folder;
use crate::measure::{Plan, max_rss_bytes, measure, median};
use crate::report::{emit, emit_time, number};

/// Measures each case of a file of `name<TAB>selector` lines, and the opening of the file with the
/// first case as the first question.
///
/// # Errors
///
/// Where a file cannot be read or a selector is wrong.
pub fn select(plan: Plan, block: &Path, cases: &Path) -> Result<()> {
    let path = index_file(block)?;
    let cases = lines(cases)?;
    measure_open(plan, &path, cases.first().context("there is no case")?)?;
    let index = open(&path)?;
    let (series, bytes) = (index.all()?.len(), index.bytes().len());
    let fields = json!({ "series": series, "bytes": bytes });
    emit("index/file", bytes as f64 / series as f64, "bytes/series", fields);
    let (mut wall, mut cpu) = (0.0, 0.0);
    for case in &cases {
        let (name, selector) = split(case)?;
        let filter = Filter::new(&parse_selector(selector)?)?;
        let series = count(&index, &filter)?;
        let measured = measure(plan, 1, || {
            black_box(count(&index, &filter).expect("it was selected before"));
        });
        let short = Plan::new(3, Duration::from_nanos((plan.min_time.as_nanos() / 3) as u64));
        let whole = measure(short, 1, || {
            let matchers = parse_selector(selector).expect("it parsed before");
            let filter = Filter::new(&matchers).expect("it was made before");
            black_box(count(&index, &filter).expect("it was selected before"));
        });
        let fields = json!({
            "selector": selector, "series": series,
            "with_parse_us": number(median(&whole.wall()) / 1e3),
            "alloc_bytes": measured.tally.bytes, "allocs": measured.tally.count,
        });
        emit_time(&measured, &format!("index/block/{name}"), "us", 1e3, fields);
        wall += median(&measured.wall());
        cpu += median(&measured.cpu());
    }
    let fields = json!({
        "cases": cases.len(), "cpu": number(cpu / 1e3), "max_rss_bytes": max_rss_bytes(),
        "index_heap_bytes": index.heap_bytes(),
    });
    emit("index/block/total", wall / 1e3, "us", fields);
    Ok(())
}

/// Measures each case of a file of `name<TAB>label<TAB>selector` lines.
///
/// # Errors
///
/// Where a file cannot be read or a selector is wrong.
pub fn values(plan: Plan, block: &Path, cases: &Path) -> Result<()> {
    let index = open(&index_file(block)?)?;
    for case in lines(cases)? {
        let (name, rest) = split(&case)?;
        let (label, selector) = split(rest)?;
        let filter = Filter::new(&parse_selector(selector)?)?;
        let count = index.label_values(label, &filter, 0)?.len();
        let measured = measure(plan, 1, || {
            let values = index.label_values(label, &filter, 0);
            assert_eq!(black_box(values).expect("it was asked before").len(), count);
        });
        let fields = json!({ "label": label, "selector": selector, "values": count });
        emit_time(&measured, &format!("index/block/values/{name}"), "us", 1e3, fields);
    }
    Ok(())
}

/// Opening alone, and opening with a first question.
fn measure_open(plan: Plan, path: &Path, case: &str) -> Result<()> {
    let selector = split(case)?.1;
    let filter = Filter::new(&parse_selector(selector)?)?;
    let bytes = open(path)?.bytes().len();
    let opened = measure(plan, 1, || {
        black_box(open(path).expect("it was opened before"));
    });
    emit_time(&opened, "index/block/open", "us", 1e3, json!({ "bytes": bytes }));
    let series = count(&open(path)?, &filter)?;
    let asked = measure(plan, 1, || {
        let index = open(path).expect("it was opened before");
        assert_eq!(count(&index, &filter).expect("it was selected before"), series);
    });
    let fields = json!({ "selector": selector, "series": series, "bytes": bytes });
    emit_time(&asked, "index/block/open-and-select", "us", 1e3, fields);
    Ok(())
}

fn count(index: &BlockIndex<Mmap>, filter: &Filter) -> Result<usize> {
    Ok(deliver(&index.select(filter)?))
}

fn split(line: &str) -> Result<(&str, &str)> {
    line.split_once('\t').with_context(|| format!("a tab is missing: {line:?}"))
}

fn index_file(block: &Path) -> Result<PathBuf> {
    Ok(if block.is_file() { block.into() } else { block_folder(block)?.join("index") })
}

#[expect(unsafe_code, reason = "only who names the file can promise that it does not change")]
fn open(path: &Path) -> Result<BlockIndex<Mmap>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    // SAFETY: the data was made for measuring, and nothing writes it while that lasts.
    let bytes = unsafe { Mmap::map(&file)? };
    Ok(BlockIndex::new(bytes)?)
}
