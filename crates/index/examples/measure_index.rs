//! Measures the index: time to insert, to select and deliver, to list values; memory.
//!
//! `cargo run --release -p skopos-index --example measure_index [SERIES CASES [VALUES]]`, where `SERIES` has a
//! label set a line (`name=value` pairs with tabs between them) and `CASES` a `name<TAB>selector`
//! line each, the selectors in the plain form `{name op "value",…}` without escapes but `\\`.
//! `VALUES` has `name<TAB>label<TAB>selector` lines: the label's values over the selected series.
//! With `EXPLAIN` in the environment it prints what the planner did and measures no inserts.
//! Without arguments it makes its own: the labels of a cluster.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use skopos_core::{Labels, MatchOp, Matcher};
use skopos_index::{Filter, MemoryIndex};

const METRICS: u32 = 200;
const PODS: u32 = 2_500;
const CASES: &str = r#"
one	{__name__="container_metric_007_total"}
two	{__name__="container_metric_007_total",zone="a"}
not	{__name__="container_metric_007_total",zone!="a"}
prefix	{pod=~"deployment-17-.*"}
infix	{pod=~".*-00.7."}
both	{__name__="container_metric_007_total",pod=~".*-00.7."}
set	{namespace=~"namespace-(1|2|3)",zone!="b"}
present	{pod=~".+"}
absent	{pod=""}
rest	{__name__=~".+",job!="job-1"}
"#;

fn labels(metric: u32, pod: u32) -> Labels {
    Labels::from_pairs([
        ("__name__", format!("container_metric_{metric:03}_total")),
        ("cluster", "eu-west-1".to_owned()),
        ("container", format!("container-{}", pod % 50)),
        ("instance", format!("10.0.{}.{}:8080", pod / 250, pod % 250)),
        ("job", format!("job-{}", pod % 40)),
        ("namespace", format!("namespace-{}", pod % 25)),
        ("pod", format!("deployment-{}-7d9f8b6c5-{pod:05}", pod % 300)),
        ("zone", ["a", "b", "c"][(pod % 3) as usize].to_owned()),
    ])
}

fn read_series(text: &str) -> Vec<Labels> {
    let pairs = |line: &str| {
        let pairs = line.split('\t').filter_map(|pair| pair.split_once('='));
        Labels::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
    };
    text.lines().map(pairs).collect()
}

fn matchers(selector: &str) -> Option<Vec<Matcher>> {
    let inner = selector.strip_prefix('{')?.strip_suffix("\"}")?;
    let matcher = |text: &str| {
        let (name, value) = text.split_once('"')?;
        let ops = [
            ("=~", MatchOp::Regex),
            ("!~", MatchOp::NotRegex),
            ("!=", MatchOp::NotEqual),
            ("=", MatchOp::Equal),
        ];
        let (name, op) =
            ops.into_iter().find_map(|(text, op)| Some((name.strip_suffix(text)?, op)))?;
        Some(Matcher::new(name, op, value.replace(r"\\", r"\")))
    };
    inner.split("\",").map(matcher).collect()
}

/// The processor time of this thread where the system tells it, the time of day elsewhere.
fn now(start: Instant) -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The least time of several measurements, in nanoseconds.
fn least(mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    run();
    let once = start.elapsed().as_nanos().max(50);
    let rounds = (40_000_000 / once).clamp(1, 200_000) as u32;
    let time = |_| {
        let before = now(start);
        (0..rounds).for_each(|_| run());
        (now(start) - before).as_nanos() as f64 / f64::from(rounds)
    };
    (0..7).map(time).fold(f64::MAX, f64::min)
}

/// Takes all ids in batches, as a store does that turns them into series.
fn deliver(index: &MemoryIndex, filter: &Filter) -> usize {
    let mut delivered = 0;
    index.select(filter).for_each_batch(|batch| delivered += black_box(batch).len());
    delivered
}

fn measure_values(index: &MemoryIndex, cases: &str) -> Result<(), Box<dyn Error>> {
    for case in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut parts = case.split('\t');
        let (Some(name), Some(label), Some(selector)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("want name<TAB>label<TAB>selector".into());
        };
        let matchers = matchers(selector).ok_or_else(|| format!("cannot read {selector}"))?;
        let filter = Filter::new(&matchers)?;
        let found = index.label_values(label, &filter, 0).len();
        let time = least(|| {
            black_box(index.label_values(label, &filter, 0));
        });
        println!("{name}\t{:.3} us\t{found} values", time / 1e3);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (series, cases) = match arguments.as_slice() {
        [series, cases, ..] => {
            (read_series(&fs::read_to_string(series)?), fs::read_to_string(cases)?)
        }
        _ => {
            let all = (0..METRICS * PODS).map(|i| labels(i / PODS, i % PODS));
            (all.collect(), CASES.to_owned())
        }
    };
    let mut postings = 0;
    for labels in &series {
        postings += labels.iter().count();
    }
    let explains = std::env::var_os("EXPLAIN").is_some();
    if !explains {
        let insert = least(|| {
            let mut index = MemoryIndex::new();
            for labels in &series {
                black_box(index.insert(labels).expect("there is room"));
            }
        });
        println!("insert: {} ns a series", insert as usize / series.len());
    }
    let mut index = MemoryIndex::new();
    for labels in &series {
        index.insert(labels)?;
    }
    let memory = |index: &MemoryIndex, state: &str| {
        println!(
            "{state}: {} bytes a series, {:.2} a posting",
            index.heap_bytes() / series.len(),
            index.posting_bytes() as f64 / postings as f64
        );
    };
    memory(&index, "grown");
    index.seal();
    memory(&index, "sealed");
    println!("{} series, {postings} postings", series.len());

    for case in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, selector) = case.split_once('\t').ok_or("want name<TAB>selector")?;
        let matchers = matchers(selector).ok_or_else(|| format!("cannot read {selector}"))?;
        let filter = Filter::new(&matchers)?;
        let count = deliver(&index, &filter);
        let delivered = least(|| {
            black_box(deliver(&index, &filter));
        });
        let counted = least(|| {
            black_box(index.select(&filter).len());
        });
        println!(
            "{name}\t{:.3} us\t{count} series\tcounted {:.3} us",
            delivered / 1e3,
            counted / 1e3
        );
        if explains {
            print!("{}", index.explain(&filter));
        }
    }
    if let [_, _, values] = arguments.as_slice() {
        measure_values(&index, &fs::read_to_string(values)?)?;
    }
    Ok(())
}
