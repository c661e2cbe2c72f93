//! The series and the rules of the measurement.

use std::fmt::Write as _;

use skopos_core::Labels;

pub(crate) const METRICS: usize = 10;
pub(crate) const JOBS: usize = 100;
pub(crate) const INSTANCES: usize = 10;
pub(crate) const PATHS: usize = 10;

/// Which series the rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Each rule at ten series of its own.
    Own,
    /// Ten rules at the same hundred series.
    Shared,
}

/// The labels of a series: name, instance, job and path.
type Pairs<'p> = [(&'p str, &'p str); 4];

/// Calls `visit` for each series: its labels, and a number that differs.
pub(crate) fn each_series(visit: &mut dyn FnMut(usize, Pairs<'_>)) {
    let mut number = 0;
    for metric in 0..METRICS {
        let name = format!("metric_{metric}_total");
        for job in 0..JOBS {
            let job_name = format!("job-{job}");
            for instance in 0..INSTANCES {
                let instance = format!("10.0.{job}.{instance}:8080");
                for path in 0..PATHS {
                    let path = format!("/api/v1/path-{path}");
                    visit(
                        number,
                        [
                            ("__name__", &name),
                            ("instance", &instance),
                            ("job", &job_name),
                            ("path", &path),
                        ],
                    );
                    number += 1;
                }
            }
        }
    }
}

/// The labels of all series.
pub(crate) fn series() -> Vec<Labels> {
    let mut series = Vec::new();
    each_series(&mut |_, pairs| series.push(Labels::from_sorted_pairs(pairs)));
    series
}

/// The value of a series after so many scrapes: counters at different speeds.
pub(crate) fn value(number: usize, scrapes: u64) -> f64 {
    (scrapes * (number as u64 % 7 + 1)) as f64
}

/// A rule file with one group.
pub(crate) fn rule_file(shape: Shape, rules: usize, interval: &str) -> String {
    let mut out = format!("groups:\n- name: measured\n  interval: {interval}\n  rules:\n");
    for i in 0..rules {
        let (kind, slice) = match shape {
            Shape::Own => (i % 5, i),
            Shape::Shared => (i % 10, i / 10),
        };
        let (metric, job, path) = match shape {
            Shape::Own => (slice % METRICS, slice / METRICS % JOBS, Some(slice / METRICS / JOBS)),
            Shape::Shared => (slice % METRICS, slice / METRICS % JOBS, None),
        };
        let path = path.map(|path| format!(", path=\"/api/v1/path-{}\"", path % PATHS));
        let selector =
            format!("metric_{metric}_total{{job=\"job-{job}\"{}}}", path.unwrap_or_default());
        let expr = expression(kind, &selector);
        // Writing into a `String` cannot fail.
        let _ = if is_alert(kind) {
            write!(
                out,
                "  - alert: Metric{metric}Kind{kind}\n    expr: '{expr}'\n    for: 5m\n    \
                 labels: {{severity: page, slice: \"{slice}\"}}\n    annotations: \
                 {{summary: \"{{{{ $labels.job }}}} has {{{{ $value }}}}\"}}\n"
            )
        } else {
            writeln!(out, "  - record: metric_{metric}:kind_{kind}\n    expr: '{expr}'")
        };
    }
    out
}

fn is_alert(kind: usize) -> bool {
    matches!(kind, 2 | 3 | 7 | 8)
}

fn expression(kind: usize, selector: &str) -> String {
    match kind {
        0 => format!("sum by (job, path) (rate({selector}[1m]))"),
        1 => format!("sum by (job, instance, path) ({selector})"),
        2 => format!("rate({selector}[1m]) > 1e9"),
        3 => format!("max by (job, path) ({selector}) < 0"),
        4 => {
            format!("sum by (job, path) (rate({selector}[1m])) / count by (job, path) ({selector})")
        }
        5 => format!("avg by (job, path) (rate({selector}[1m]))"),
        6 => format!("max by (job, instance) (rate({selector}[1m]))"),
        7 => format!("sum by (job) (rate({selector}[1m])) > 1e9"),
        8 => format!("absent({selector})"),
        _ => format!("sum by (job) (increase({selector}[1m]))"),
    }
}
