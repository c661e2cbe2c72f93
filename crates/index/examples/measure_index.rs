//! Measures the index on label sets like those of a cluster: time to insert, time to select, memory.
//!
//! `cargo run --release -p skopos-index --example measure_index`
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::error::Error;
use std::time::Instant;

use skopos_core::MatchOp::{Equal, NotEqual, Regex};
use skopos_core::{Labels, Matcher};
use skopos_index::{Filter, MemoryIndex};

const METRICS: u32 = 200;
const PODS: u32 = 2_500;

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

fn main() -> Result<(), Box<dyn Error>> {
    let series: Vec<Labels> =
        (0..METRICS * PODS).map(|i| labels(i % METRICS, i / METRICS)).collect();
    let start = Instant::now();
    let mut index = MemoryIndex::new();
    for labels in &series {
        index.insert(labels)?;
    }
    let count = series.len();
    println!("{count} series of {} labels", series[0].len());
    println!("insert: {} ns a series", start.elapsed().as_nanos() / count as u128);
    println!("memory: {} bytes a series", index.heap_bytes() / count);

    for matchers in [
        vec![("__name__", Equal, "container_metric_007_total")],
        vec![("__name__", Equal, "container_metric_007_total"), ("zone", Equal, "a")],
        vec![("__name__", Equal, "container_metric_007_total"), ("zone", NotEqual, "a")],
        vec![("__name__", Equal, "container_metric_007_total"), ("pod", Regex, "deployment-17-.*")],
        vec![("__name__", Equal, "container_metric_007_total"), ("pod", Regex, ".*-00.7.")],
        vec![("pod", Regex, ".*-00.7.")],
        vec![("namespace", Regex, "namespace-(1|2|3)"), ("zone", NotEqual, "b")],
        vec![("__name__", Regex, ".+"), ("job", NotEqual, "job-1")],
    ] {
        let matchers: Vec<Matcher> =
            matchers.into_iter().map(|(name, op, value)| Matcher::new(name, op, value)).collect();
        let filter = Filter::new(&matchers)?;
        let start = Instant::now();
        let rounds = 20;
        let mut selected = 0;
        for _ in 0..rounds {
            selected = index.select(&filter).len();
        }
        println!("{:>8.1?} {selected:>7} series", start.elapsed() / rounds);
        print!("{}", index.explain(&filter));
    }
    Ok(())
}
