//! Built-in data for the criterion benches: small, and the same at every run.

use std::fmt::Write as _;

use skopos_core::{Columns, FloatHistogram, Labels, Span};

/// A page of Prometheus text with `targets` times 60 samples of four shapes.
///
/// ```
/// let page = skopos_bench::data::page(2);
/// assert_eq!(page.lines().filter(|line| !line.starts_with('#')).count(), 120);
/// ```
#[must_use]
pub fn page(targets: usize) -> String {
    let mut out = String::new();
    let families = [
        ("node_cpu_seconds_total", "counter"),
        ("http_requests_total", "counter"),
        ("process_resident_memory_bytes", "gauge"),
        ("up", "gauge"),
    ];
    for (family, (name, metric_type)) in families.into_iter().enumerate() {
        // Writing into a `String` cannot fail.
        let _ = writeln!(out, "# HELP {name} What it is.\n# TYPE {name} {metric_type}");
        for target in 0..targets {
            for i in 0..15 {
                let value = (target * 7919 + i * 104_729) % 1_000_003;
                let _ = match family {
                    0 => writeln!(
                        out,
                        "{name}{{cpu=\"{i}\",mode=\"idle\",host=\"{target}\"}} {value}.25"
                    ),
                    1 => writeln!(
                        out,
                        "{name}{{code=\"200\",path=\"/api/v1/{i}\",host=\"{target}\"}} {value}"
                    ),
                    2 => writeln!(out, "{name}{{pid=\"{i}\",host=\"{target}\"}} {value}.5e+06"),
                    _ => writeln!(out, "{name}{{i=\"{i}\",host=\"{target}\"}} 1 1700000000000"),
                };
            }
        }
    }
    out
}

/// Times every 15 s with a counter's values.
///
/// ```
/// assert_eq!(skopos_bench::data::samples(2)[1].0, 1_700_000_015_000);
/// ```
#[must_use]
pub fn samples(count: usize) -> Vec<(i64, f64)> {
    let sample = |i| {
        let i = i as i64;
        (1_700_000_000_000 + i * 15_000, (i * i % 977 + i * 1000) as f64)
    };
    (0..count).map(sample).collect()
}

/// The shapes of [`shape`], by which chunk encodings are measured.
pub const SHAPES: [&str; 8] = [
    "counter_poisson",
    "decimal2",
    "counter_cpu",
    "memory_pages",
    "constant",
    "counter_slow",
    "random",
    "counter_jitter",
];

/// A series of a shape: regular times with a few milliseconds of jitter now and then.
///
/// ```
/// use skopos_bench::data::{SHAPES, shape};
///
/// for name in SHAPES {
///     assert_eq!(shape(name, 120).len(), 120);
/// }
/// assert_ne!(shape("random", 2).values[0], shape("random", 2).values[1]);
/// ```
///
/// # Panics
///
/// For a name that is not in [`SHAPES`].
#[must_use]
pub fn shape(name: &str, count: usize) -> Columns {
    let number = SHAPES.iter().position(|shape| *shape == name).expect("it is one of the shapes");
    let mut random = Random(number as u64 + 1);
    let mut columns = Columns::new();
    let (mut t, mut level) = (1_700_000_000_000_i64, 5_000.0_f64);
    for _ in 0..count {
        let is_late = name == "counter_jitter" || random.below(20) == 0;
        let jitter = if is_late { random.below(2_000) as i64 - 1_000 } else { 0 };
        level = match name {
            "counter_poisson" => level + (random.below(40) + random.below(40)) as f64,
            "decimal2" => (2_000 + random.below(3_000)) as f64 / 100.0,
            "counter_cpu" => level + random.below(1_500) as f64 / 100.0,
            "memory_pages" => level + 4_096.0 * (random.below(64) as f64 - 31.0),
            "counter_slow" => level + f64::from(u8::from(random.below(12) == 0)),
            "random" => random.unit(),
            "counter_jitter" => level + random.below(500) as f64,
            _ => level,
        };
        columns.push(t + jitter, level);
        t += 15_000;
    }
    columns
}

/// A histogram of latencies that grows, in `buckets` exponential buckets.
///
/// ```
/// let columns = skopos_bench::data::histograms(10, 5);
/// assert_eq!(columns.histograms[9].positive_buckets.len(), 5);
/// ```
#[must_use]
pub fn histograms(count: usize, buckets: u32) -> Columns {
    let mut random = Random(99);
    let mut columns = Columns::new();
    let mut histogram = FloatHistogram {
        schema: 3,
        zero_threshold: 2.938_735_877_055_719e-39,
        positive_spans: vec![Span { offset: -8, length: buckets }],
        positive_buckets: vec![0.0; buckets as usize],
        ..FloatHistogram::default()
    };
    for i in 0..count {
        for bucket in &mut histogram.positive_buckets {
            let more = random.below(12) as f64;
            *bucket += more;
            histogram.count += more;
            histogram.sum += more * random.unit();
        }
        columns.push_histogram(1_700_000_000_000 + i as i64 * 15_000, histogram.clone());
    }
    columns
}

/// Numbers that look random and are the same at every run: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        ((self.next() >> 32) * end) >> 32
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Label sets of 20 metrics, four jobs, and a host each.
///
/// ```
/// assert_eq!(skopos_bench::data::label_sets(30).count(), 30);
/// ```
pub fn label_sets(count: usize) -> impl Iterator<Item = Labels> {
    (0..count).map(|i| {
        let (name, job) = (format!("metric_{}", i % 20), format!("job-{}", i / 20 % 4));
        let host = format!("host-{i}");
        Labels::from_pairs([("__name__", &name), ("host", &host), ("job", &job)])
    })
}
