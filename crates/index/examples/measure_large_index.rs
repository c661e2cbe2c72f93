//! Measures what must not grow with the number of series: presence, its complement, counts and
//! intersections, in an index of millions. Tells the memory and what delivering all ids takes.
//!
//! `cargo run --release -p skopos-index --example measure_large_index [SERIES]`
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use skopos_core::{Labels, MatchOp, Matcher};
use skopos_index::{Filter, MemoryIndex, SeriesIds};

/// Metrics of a pod: every third has a code, which its other series lack.
const METRICS: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let series = std::env::args().nth(1).map_or(Ok(5_000_000), |text| text.parse::<u32>())?;
    let pods = series.div_ceil(METRICS);
    let start = Instant::now();
    let index = fill(pods)?;
    let postings = index.count_names("", 0).iter().map(|row| row.count).sum::<u64>();
    println!("{} series, {postings} postings, built in {:?}", index.len(), start.elapsed());
    println!(
        "{:.1} bytes a series, {:.2} a posting",
        index.heap_bytes() as f64 / index.len() as f64,
        index.posting_bytes() as f64 / postings as f64
    );
    let any = |name: &str| Matcher::new(name, MatchOp::Regex, ".+");
    let present = |name: &str| Matcher::new(name, MatchOp::NotEqual, "");
    let absent = |name: &str| Matcher::equal(name, "");
    let cases = [
        ("name=~\".+\"", vec![any("__name__")]),
        ("code=~\".+\"", vec![any("code")]),
        ("code!=\"\"", vec![present("code")]),
        ("code=\"\"", vec![absent("code")]),
        ("code!=\"200\"", vec![Matcher::new("code", MatchOp::NotEqual, "200")]),
        ("pod=~\".+\" and code=~\".+\"", vec![any("pod"), any("code")]),
        ("pod=~\".+\" and zone=\"a\"", vec![any("pod"), Matcher::equal("zone", "a")]),
        ("code=~\".+\" and zone=\"a\"", vec![any("code"), Matcher::equal("zone", "a")]),
        ("name=m and pod=~\".+\"", vec![Matcher::equal("__name__", "metric_007"), any("pod")]),
    ];
    for (name, matchers) in cases {
        let filter = Filter::new(&matchers)?;
        let selected = index.select(&filter);
        let built = least(|| {
            black_box(index.select(&filter));
        });
        let counted = least(|| {
            black_box(selected.len());
        });
        let delivered = least(|| {
            black_box(deliver(&selected));
        });
        println!(
            "{name}\t{} series\tbuilt {built:.2} us\tcounted {counted:.2} us\tdelivered \
             {delivered:.0} us",
            selected.len()
        );
    }
    let (pods, codes) =
        (index.select(&Filter::new(&[any("pod")])?), index.select(&Filter::new(&[any("code")])?));
    let met = least(|| {
        black_box(&pods & &codes);
    });
    println!("of two selections\t{} series\tmet {met:.2} us", (&pods & &codes).len());
    Ok(())
}

/// Series in the order of their label sets.
fn fill(pods: u32) -> Result<MemoryIndex, skopos_index::Error> {
    let mut index = MemoryIndex::new();
    for metric in 0..METRICS {
        for pod in 0..pods {
            let labels = [
                ("__name__", format!("metric_{metric:03}")),
                ("code", ["", "200", "500"][(metric % 3) as usize].to_owned()),
                ("instance", format!("10.{}.{}.{}:80", pod >> 16, pod >> 8 & 255, pod & 255)),
                ("job", format!("job-{:02}", pod / 211)),
                ("pod", format!("deployment-{:03}-7d9f8b6c5-{pod:05}", pod / 17)),
                ("zone", ["a", "b", "c"][(pod % 3) as usize].to_owned()),
            ];
            index.insert(&Labels::from_pairs(labels))?;
        }
    }
    index.seal();
    Ok(index)
}

fn deliver(selected: &SeriesIds) -> usize {
    let mut delivered = 0;
    selected.for_each_batch(|batch| delivered += black_box(batch).len());
    delivered
}

/// The least time of several measurements, in microseconds.
fn least(mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    run();
    let once = start.elapsed().as_nanos().max(20);
    let rounds = (5_000_000 / once).clamp(1, 100_000) as u32;
    let time = |_| {
        let start = Instant::now();
        (0..rounds).for_each(|_| run());
        start.elapsed().as_nanos() as f64 / f64::from(rounds) / 1e3
    };
    (0..9).map(time).fold(f64::MAX, f64::min)
}
