//! Random series with what makes trouble: gaps, resets, markers and odd numbers.

use skopos_core::{Ingest, Labels, Sample, stale_nan};

use super::expr::Expr;
use crate::MemoryStore;
use crate::random::Random;

/// When samples begin, in milliseconds.
pub(crate) const START: i64 = 3_000_000;
/// How long samples go on, in milliseconds.
pub(crate) const LENGTH: i64 = 900_000;

/// Series in the order of their labels, samples ascending in time.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) series: Vec<(Labels, Vec<(i64, f64)>)>,
}

/// What the values of a metric look like.
#[derive(Clone, Copy)]
enum Shape {
    Bucket,
    Counter,
    Gauge,
    Odd,
}

impl Data {
    /// Some series of a few metrics, their label sets overlapping.
    pub(crate) fn random(random: &mut Random) -> Self {
        let mut series = Vec::new();
        let metrics = [
            ("a_total", Shape::Counter),
            ("b_total", Shape::Counter),
            ("gauge", Shape::Gauge),
            ("odd", Shape::Odd),
        ];
        for (name, shape) in metrics {
            for job in ["", "x", "y"] {
                for instance in ["1", "2", "10"] {
                    if random.below(3) != 0 {
                        continue;
                    }
                    let zone = if random.below(4) == 0 { "far" } else { "" };
                    let labels = [("__name__", name), ("job", job), ("instance", instance)];
                    let labels = labels.into_iter().chain([("zone", zone)]);
                    series.push((Labels::from_pairs(labels), samples(shape, 1.0, random)));
                }
            }
        }
        if random.below(3) == 0 {
            series.extend(buckets(random));
        }
        series.sort_by(|a, b| a.0.cmp(&b.0));
        series.dedup_by(|a, b| a.0 == b.0);
        Self { series }
    }

    /// A store that holds them.
    pub(crate) fn store(&self) -> MemoryStore {
        let store = MemoryStore::new();
        let mut appender = store.appender();
        for (labels, samples) in &self.series {
            for (millis, v) in samples {
                appender
                    .append(None, labels, Sample::new(*millis, *v))
                    .expect("samples ascend in time");
            }
        }
        appender.commit().expect("a commit to memory cannot fail");
        store
    }
}

/// A classic histogram or two, mostly consistent.
fn buckets(random: &mut Random) -> Vec<(Labels, Vec<(i64, f64)>)> {
    let mut series = Vec::new();
    for job in ["x", "y"] {
        for (i, bound) in ["-1", "0.5", "1", "1.0", "2.5", "+Inf", "none"].iter().enumerate() {
            if random.below(5) == 0 || (*bound == "1.0" && random.below(3) != 0) {
                continue;
            }
            let labels =
                Labels::from_pairs([("__name__", "h_bucket"), ("job", job), ("le", bound)]);
            series.push((labels, samples(Shape::Bucket, (i + 1) as f64, random)));
        }
    }
    series
}

/// The samples of one series.
fn samples(shape: Shape, slope: f64, random: &mut Random) -> Vec<(i64, f64)> {
    const ODD: [f64; 18] = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        1.0,
        -1.0,
        1.7e308,
        -1.7e308,
        5e-324,
        2.3e-308,
        1e16,
        -1e16,
        0.1,
        1e-9,
        3.5,
        9_007_199_254_740_993.0,
        1e100,
    ];
    let mut out = Vec::new();
    let interval = [15_000, 30_000, 10_000, 60_000, 7_001][random.below(5) as usize];
    let jitter = [0, 0, 1, 3000][random.below(4) as usize];
    let trouble = [0, 0, 10, 40][random.below(4) as usize];
    let odd = [0, 0, 0, 5][random.below(4) as usize];
    let mut t = START + random.below(60_001) as i64;
    let mut level = random.below(20) as f64;
    while t < START + LENGTH {
        level = match shape {
            Shape::Bucket => level + slope * random.below(2) as f64,
            Shape::Counter if random.below(12) == 0 => random.below(3) as f64,
            Shape::Counter => level + random.below(8) as f64 * 0.5,
            Shape::Gauge => random.below(21) as f64 * 0.25 - 2.5,
            Shape::Odd => ODD[random.below(ODD.len() as u64) as usize],
        };
        let mut v = level;
        if random.below(100) < odd {
            v = ODD[random.below(ODD.len() as u64) as usize];
        }
        match random.below(100) {
            luck if trouble <= luck => out.push((t, v)),
            luck if luck % 4 == 0 => out.push((t, stale_nan())),
            luck if luck % 4 == 1 => t += 400_000,
            _ => {}
        }
        t += interval + random.below(jitter + 1) as i64;
    }
    out
}

/// Texts of the series, as they are written in test scripts but with their times.
pub(crate) fn describe(data: &Data, query: &Expr) -> String {
    let mut out = format!("{query}\n");
    for (labels, samples) in &data.series {
        let samples: Vec<String> = samples.iter().map(|(t, v)| format!("{t}:{v:?}")).collect();
        out.push_str(&format!("  {labels} {}\n", samples.join(" ")));
    }
    out
}
