//! The server's own metrics: what is counted while it works, and the page that shows it.
//!
//! Names are Prometheus' where it counts the same thing. What the parts know of themselves (series,
//! targets, groups) is asked of them when the page is made, and not counted twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use skopos_core::MetricType;

/// Upper bounds of the buckets of request durations, in seconds.
const DURATIONS: [f64; 9] = [0.1, 0.2, 0.4, 1.0, 3.0, 8.0, 20.0, 60.0, 120.0];
/// Upper bounds of the buckets of response sizes, in bytes.
const SIZES: [f64; 8] = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// What is counted while the server works.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// By handler and status.
    requests: BTreeMap<(String, u16), u64>,
    /// By handler.
    durations: BTreeMap<String, Distribution<9>>,
    /// By handler.
    sizes: BTreeMap<String, Distribution<8>>,
    queries: Total,
    queued: Total,
    /// What evaluated queries read.
    samples: u64,
}

/// How observations spread over buckets.
#[derive(Debug)]
struct Distribution<const N: usize> {
    /// Observations up to each bound and above the one before.
    buckets: [u64; N],
    total: Total,
}

impl<const N: usize> Default for Distribution<N> {
    fn default() -> Self {
        Self { buckets: [0; N], total: Total::default() }
    }
}

/// A number of observations and their sum.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total {
    /// How many there were.
    pub(crate) count: u64,
    /// What they add up to.
    pub(crate) sum: f64,
}

impl Total {
    /// Adds an observation.
    pub(crate) fn add(&mut self, v: f64) {
        self.count += 1;
        self.sum += v;
    }

    /// Adds other observations.
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
    }
}

impl<const N: usize> Distribution<N> {
    fn add(&mut self, bounds: &[f64; N], v: f64) {
        if let Some(at) = bounds.iter().position(|bound| v <= *bound) {
            self.buckets[at] += 1;
        }
        self.total.add(v);
    }
}

impl Meters {
    /// Counts an answered request.
    pub(crate) fn request(&self, handler: &str, status: u16, seconds: f64, bytes: f64) {
        let mut counts = self.counts();
        *counts.requests.entry((handler.into(), status)).or_default() += 1;
        counts.durations.entry(handler.into()).or_default().add(&DURATIONS, seconds);
        counts.sizes.entry(handler.into()).or_default().add(&SIZES, bytes);
    }

    /// Counts an evaluated query: how long it waited, how long it took, how many samples it read.
    pub(crate) fn query(&self, waited: f64, took: f64, samples: u64) {
        let mut counts = self.counts();
        counts.samples = counts.samples.saturating_add(samples);
        counts.queued.add(waited);
        counts.queries.add(took);
    }

    /// Appends the families of what was counted.
    pub(crate) fn collect(&self, page: &mut Page) {
        let counts = self.counts();
        page.summary(
            "prometheus_engine_query_duration_seconds",
            "Query timings",
            [("slice", "inner_eval", counts.queries), ("slice", "queue_time", counts.queued)],
        );
        page.counter(
            "prometheus_engine_query_samples_total",
            "The total number of samples loaded by all queries.",
            counts.samples as f64,
        );
        histogram(
            page,
            "prometheus_http_request_duration_seconds",
            "Histogram of latencies for HTTP requests.",
            &DURATIONS,
            &counts.durations,
        );
        let family = page.family(
            "prometheus_http_requests_total",
            "Counter of HTTP requests.",
            MetricType::Counter,
        );
        for ((handler, status), count) in &counts.requests {
            let labels = vec![("code", status.to_string()), ("handler", handler.clone())];
            family.samples.push(Reading { suffix: "", labels, v: *count as f64 });
        }
        histogram(
            page,
            "prometheus_http_response_size_bytes",
            "Histogram of response size for HTTP requests.",
            &SIZES,
            &counts.sizes,
        );
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // A panic while counting leaves numbers that are as good as any.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn histogram<const N: usize>(
    page: &mut Page,
    name: &'static str,
    help: &'static str,
    bounds: &[f64; N],
    by_handler: &BTreeMap<String, Distribution<N>>,
) {
    let family = page.family(name, help, MetricType::Histogram);
    for (handler, distribution) in by_handler {
        let handler = ("handler", handler.clone());
        let mut cumulative = 0;
        for (bound, count) in bounds.iter().zip(&distribution.buckets) {
            cumulative += count;
            let labels = vec![handler.clone(), ("le", bound.to_string())];
            family.samples.push(Reading { suffix: "_bucket", labels, v: cumulative as f64 });
        }
        let Total { count, sum } = distribution.total;
        let labels = vec![handler.clone(), ("le", "+Inf".into())];
        family.samples.push(Reading { suffix: "_bucket", labels, v: count as f64 });
        family.samples.push(Reading { suffix: "_sum", labels: vec![handler.clone()], v: sum });
        family.samples.push(Reading { suffix: "_count", labels: vec![handler], v: count as f64 });
    }
}

/// A page of metrics in the making.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The families, in the order in which they were added.
    pub(crate) families: Vec<Family>,
}

/// The samples of one metric.
#[derive(Debug)]
pub(crate) struct Family {
    /// The name.
    pub(crate) name: &'static str,
    /// What it means.
    pub(crate) help: &'static str,
    /// How it behaves.
    pub(crate) metric_type: MetricType,
    /// Its samples.
    pub(crate) samples: Vec<Reading>,
}

/// One sample of a page.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What follows the family's name.
    pub(crate) suffix: &'static str,
    /// The labels, in the order of names.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// The value.
    pub(crate) v: f64,
}

impl Page {
    /// Adds a family and returns it.
    pub(crate) fn family(
        &mut self,
        name: &'static str,
        help: &'static str,
        metric_type: MetricType,
    ) -> &mut Family {
        self.families.push(Family { name, help, metric_type, samples: Vec::new() });
        let last = self.families.len() - 1;
        &mut self.families[last]
    }

    /// Adds a counter without labels.
    pub(crate) fn counter(&mut self, name: &'static str, help: &'static str, v: f64) {
        self.family(name, help, MetricType::Counter).push(Vec::new(), v);
    }

    /// Adds a gauge without labels.
    pub(crate) fn gauge(&mut self, name: &'static str, help: &'static str, v: f64) {
        self.family(name, help, MetricType::Gauge).push(Vec::new(), v);
    }

    /// Adds a summary without quantiles, one a label value; an empty value stands for no label.
    pub(crate) fn summary<'a>(
        &mut self,
        name: &'static str,
        help: &'static str,
        totals: impl IntoIterator<Item = (&'static str, &'a str, Total)>,
    ) {
        let family = self.family(name, help, MetricType::Summary);
        for (label, value, total) in totals {
            let labels: Vec<_> =
                Some((label, value.to_owned())).filter(|_| !value.is_empty()).into_iter().collect();
            let count = total.count as f64;
            family.samples.push(Reading { suffix: "_sum", labels: labels.clone(), v: total.sum });
            family.samples.push(Reading { suffix: "_count", labels, v: count });
        }
    }
}

impl Family {
    /// Adds a sample with labels in the order of names.
    pub(crate) fn push(&mut self, labels: Vec<(&'static str, String)>, v: f64) {
        self.samples.push(Reading { suffix: "", labels, v });
    }
}
