//! Random series with what makes trouble: gaps, resets, markers and odd numbers.

use skopos_core::histogram::upper_bound;
use skopos_core::{HistogramSample, Ingest, Labels, ResetHint, Sample, Timestamp, stale_nan};

use super::eval::{SeriesList, Value};
use super::expr::Expr;
use super::histogram::{Buckets, Histogram, Layout};
use crate::MemoryStore;
use crate::random::Random;

/// When samples begin, in milliseconds.
pub(crate) const START: i64 = 3_000_000;
/// How long samples go on, in milliseconds.
pub(crate) const LENGTH: i64 = 900_000;

/// Series in the order of their labels, samples ascending in time.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) series: SeriesList,
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
        if random.below(4) != 0 {
            series.extend(histograms(random));
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
            for (millis, value) in samples {
                let appended = match value {
                    Value::Float(v) => appender.append(None, labels, Sample::new(*millis, *v)),
                    Value::Histogram(h) => {
                        let t = Timestamp::from_millis(*millis);
                        let sample = HistogramSample::Float(h.to_float());
                        appender.append_histogram(None, labels, t, &sample)
                    }
                };
                appended.expect("samples ascend in time");
            }
        }
        appender.commit().expect("a commit to memory cannot fail");
        store
    }
}

/// A classic histogram or two, mostly consistent.
fn buckets(random: &mut Random) -> SeriesList {
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

/// Series of native histograms, of floats beside them, and one that has both.
fn histograms(random: &mut Random) -> SeriesList {
    let mut series = Vec::new();
    for (name, job) in [
        ("native", "x"),
        ("native", "y"),
        ("native", ""),
        ("custom", "x"),
        ("custom", "y"),
        ("a_total", "x"),
        ("gauge", "y"),
        ("odd", "z"),
        ("h_bucket", "x"),
    ] {
        if random.below(2) == 0 {
            continue;
        }
        let instance = ["1", "2", "3"][random.below(3) as usize];
        // A native histogram beside the classic one of the same labels.
        let instance = if name == "h_bucket" { "" } else { instance };
        let labels = [("__name__", name), ("job", job), ("instance", instance)];
        let custom = name == "custom" || (name == "odd" && random.below(2) == 0);
        let mut samples = samples(Shape::Counter, 1.0, random);
        let mut histogram = first_histogram(custom, random);
        let mixed = name == "odd" || random.below(12) == 0;
        for (_, value) in &mut samples {
            if mixed && random.below(4) == 0 {
                continue;
            }
            if value.is_stale() {
                let stale = Histogram { sum: stale_nan(), ..histogram.clone() };
                *value = stale.into();
                continue;
            }
            observe(&mut histogram, random);
            *value = histogram.clone().into();
        }
        series.push((Labels::from_pairs(labels), samples));
    }
    series
}

/// A histogram without observations.
fn first_histogram(custom: bool, random: &mut Random) -> Histogram {
    let mut pick = |n| random.below(n) as usize;
    let layout = if custom {
        let bounds: &[f64] = [&[1.0, 2.0, 5.0][..], &[1.0, 5.0], &[-2.0, 0.0, 2.5, 10.0]][pick(3)];
        Layout::Custom(bounds.to_vec())
    } else {
        Layout::Exponential([0, 0, 1, 2, -1][pick(5)])
    };
    let mut histogram = Histogram::empty(layout);
    if !custom {
        histogram.zero_threshold = [0.0, 0.0, 0.001, 0.5, 1.0][pick(5)];
    }
    if pick(4) == 0 {
        histogram.hint = ResetHint::Gauge;
    }
    histogram
}

/// Some observations more; now and then a reset, a change of layout or something odd.
fn observe(histogram: &mut Histogram, random: &mut Random) {
    let hint = histogram.hint;
    match random.below(40) {
        0..=1 => *histogram = Histogram { hint, ..Histogram::empty(histogram.layout.clone()) },
        2 => *histogram = first_histogram(histogram.is_custom(), random),
        3 => histogram.sum = f64::NAN,
        4 => histogram.count += 1.0,
        5 if histogram.sum.is_nan() => histogram.sum = 0.0,
        _ => {}
    }
    let is_gauge = histogram.hint == ResetHint::Gauge;
    if !is_gauge {
        histogram.hint = match random.below(30) {
            0 => ResetHint::Reset,
            1 => ResetHint::NotReset,
            _ => ResetHint::Unknown,
        };
    }
    let most = match &histogram.layout {
        Layout::Custom(bounds) => bounds.len() as i32 + 1,
        Layout::Exponential(_) => 4,
    };
    for _ in 0..random.below(4) {
        let sign = if is_gauge && random.below(3) == 0 { -1.0 } else { 1.0 };
        let count = sign * [1.0, 2.0, 0.0, 0.5][random.below(4) as usize];
        let at = random.below(most as u64) as i32;
        let side: &mut Buckets = match random.below(5) {
            0 if !histogram.is_custom() => &mut histogram.negative,
            1 if !histogram.is_custom() => {
                histogram.zero_count += count;
                histogram.count += count;
                continue;
            }
            _ => &mut histogram.positive,
        };
        *side.entry(at).or_insert(0.0) += count;
        histogram.count += count;
        histogram.sum += count * f64::from(at);
    }
    // Buckets below the zero threshold belong to the zero bucket.
    let Layout::Exponential(schema) = histogram.layout else { return };
    for side in [&mut histogram.positive, &mut histogram.negative] {
        side.retain(|index, count| {
            let is_covered = upper_bound(*index - 1, schema, &[]) < histogram.zero_threshold;
            if is_covered {
                histogram.zero_count += *count;
            }
            !is_covered
        });
    }
}

/// The samples of one series.
fn samples(shape: Shape, slope: f64, random: &mut Random) -> Vec<(i64, Value)> {
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
            luck if trouble <= luck => out.push((t, Value::Float(v))),
            luck if luck % 4 == 0 => out.push((t, Value::Float(stale_nan()))),
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
