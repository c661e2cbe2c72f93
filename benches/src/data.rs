//! Built-in data for the criterion benches: small, and the same at every run.

use std::fmt::Write as _;

use skopos_core::Labels;

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
