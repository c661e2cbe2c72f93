//! Running Prometheus' `.test` scripts: data to load, queries to evaluate, results to expect.
//!
//! A script is how PromQL's meaning is written down: `load` fills a small store, `eval instant` and
//! `eval range` compare a query's result with the lines below. Each instant query is also evaluated
//! at other times with `@`, and as a range query. The engine has the options of Prometheus' own
//! runner: everything experimental enabled, names dropped at the end, start timestamps looked at.
//!
//! ```
//! let report = skopos_promql::test_script::run(
//!     "load 1m
//!        requests_total{job=\"api\"} 0+60x10
//!
//!      eval instant at 10m rate(requests_total[5m])
//!        {job=\"api\"} 1",
//! )?;
//! assert_eq!((report.passed(), report.failed()), (1, 0));
//! # Ok::<(), skopos_core::Error>(())
//! ```

mod command;
mod compare;
mod load;
mod nhcb;
mod pin;
mod run;

use skopos_core::{Error, ErrorKind};

use crate::engine::EngineOptions;

/// What came of a script.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    passed: usize,
    failures: Vec<Failure>,
}

impl Report {
    /// How many `eval` statements gave what they should.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// How many did not.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    /// Those that did not, in the order of the script.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }
}

/// An `eval` statement that did not give what it should.
#[derive(Clone, Debug)]
pub struct Failure {
    line: usize,
    query: String,
    message: String,
}

impl Failure {
    /// The line of the statement, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The query.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// What was expected and what was found.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.query, self.message)
    }
}

/// Runs a script.
///
/// # Errors
///
/// `Invalid`, with the line, for a script that is not one: an unknown command, a query that does not
/// parse, values that cannot be loaded. An `eval` whose result differs is part of the report.
pub fn run(text: &str) -> Result<Report, Error> {
    run_with(text, EngineOptions::default())
}

/// Runs a script with an engine that evaluates by `options`, as far as scripts leave it the choice: the
/// language, the limit of samples and when names are dropped are those of scripts.
///
/// # Errors
///
/// Those of [`run`].
pub fn run_with(text: &str, options: EngineOptions) -> Result<Report, Error> {
    let commands = command::parse(text)?;
    run::run(commands, options)
}

/// A script that is wrong at a line.
#[cold]
fn at_line(line: usize, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, format!("line {line}: {message}"))
}
