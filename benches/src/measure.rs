//! Timing: as the Go benchmark does it, so that figures compare.
//!
//! A body runs once to warm up, is repeated until a run lasts long enough, and is run several times;
//! the median counts. CPU time is the process' own, in nanoseconds.

use std::fs;
use std::time::{Duration, Instant};

use crate::alloc::{Tally, tally};

/// How long and how often to measure.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// Timed runs of each measurement.
    pub runs: usize,
    /// A run repeats its body until it lasts this long.
    pub min_time: Duration,
}

impl Plan {
    /// A plan of so many runs, each of at least this length.
    #[must_use]
    pub fn new(runs: usize, min_time: Duration) -> Self {
        Self { runs: runs.max(1), min_time }
    }
}

/// What one run cost an operation, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// Time that passed.
    pub wall: f64,
    /// Time on a processor, if the system tells it.
    pub cpu: Option<f64>,
}

/// The runs of one measurement.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Measured {
    /// One point a run.
    pub points: Vec<Point>,
    /// What one execution of the body allocated.
    pub tally: Tally,
    /// How many operations one execution is.
    pub operations: f64,
}

impl Measured {
    /// The runs' wall times in ascending order.
    #[must_use]
    pub fn wall(&self) -> Vec<f64> {
        sorted(self.points.iter().map(|point| point.wall).collect())
    }

    /// The runs' CPU times in ascending order; empty where the system does not tell them.
    #[must_use]
    pub fn cpu(&self) -> Vec<f64> {
        sorted(self.points.iter().filter_map(|point| point.cpu).collect())
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The middle of sorted values; NaN of none.
#[must_use]
pub fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Measures `body`, one execution of which is so many operations.
pub fn measure(plan: Plan, operations: usize, mut body: impl FnMut()) -> Measured {
    let warm_up = Stopwatch::start();
    body();
    let once = warm_up.stop(1.0).wall.max(1.0);
    let repetitions = (plan.min_time.as_nanos() as f64 / once) as usize + 1;
    let operations = operations.max(1) as f64;
    let mut measured = Measured { operations, ..Measured::default() };
    for _ in 0..plan.runs {
        let stopwatch = Stopwatch::start();
        for _ in 0..repetitions {
            body();
        }
        measured.points.push(stopwatch.stop(repetitions as f64 * operations));
    }
    measured.tally = tally(body);
    measured
}

/// Wall and CPU time since a moment.
#[derive(Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Option<u64>,
}

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "measuring time is what this is for")]
    pub fn start() -> Self {
        let cpu = cpu_nanos();
        Self { wall: Instant::now(), cpu }
    }

    /// What passed, divided among so many operations.
    #[must_use]
    pub fn stop(&self, operations: f64) -> Point {
        let wall = self.wall.elapsed().as_nanos() as f64 / operations;
        let cpu = self.cpu.zip(cpu_nanos()).map(|(from, to)| (to - from) as f64 / operations);
        Point { wall, cpu }
    }
}

/// Nanoseconds that all threads of this process have spent on processors.
#[cfg(unix)]
fn cpu_nanos() -> Option<u64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
    Some(seconds * 1_000_000_000 + nanos)
}

/// Not told on this system.
#[cfg(not(unix))]
fn cpu_nanos() -> Option<u64> {
    None
}

/// The most bytes of memory that the process ever had resident.
#[must_use]
pub fn max_rss_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
