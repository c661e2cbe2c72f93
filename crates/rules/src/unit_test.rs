//! Unit tests of rules, in the format of `promtool test rules`.
//!
//! A test file names rule files, and for each test the series that go in and the alerts and samples
//! that must come out. [`load`] reads one; [`TestFile::run`] plays each test with a clock of its own in
//! a [`Laboratory`], which brings the store, the engine and the notation of series. Finding and
//! reading the rule files is the caller's: nothing here touches a file.
//!
//! ```
//! let text = b"
//! rule_files: [alerts.yml]
//! evaluation_interval: 1m
//! tests:
//! - name: an instance that is down
//!   input_series:
//!   - series: up{instance=\"a\"}
//!     values: 1 0x10
//!   alert_rule_test:
//!   - eval_time: 5m
//!     alertname: Down
//!     exp_alerts:
//!     - exp_labels: {instance: a}
//! ";
//! let file = skopos_rules::unit_test::load(text)?;
//! assert_eq!(file.rule_files, ["alerts.yml"]);
//! assert_eq!(file.tests[0].end(), 5 * 60_000);
//! # Ok::<(), skopos_rules::LoadError>(())
//! ```
//!
//! # Limits
//!
//! A test costs what its evaluations cost: its last `eval_time` divided by the interval, times the
//! number of rules. Of two input series with the same labels the later one counts. Groups that
//! `group_eval_order` does not name are evaluated together with the first one, in the order of files.

mod decode;
mod expect;
mod run;

use std::sync::Arc;

use skopos_core::{Error, Expander, FloatHistogram, Ingest, Labels, QueryEngine, SampleValue};

pub use self::decode::load;
pub use self::expect::Failure;
pub use self::run::CaseReport;

/// What a test file says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TestFile {
    /// The rule files, with wildcards, relative to the test file.
    pub rule_files: Vec<String>,
    /// Milliseconds between evaluations.
    pub evaluation_interval: i64,
    /// The names of groups in the order in which they are evaluated.
    pub group_eval_order: Vec<String>,
    /// Whether neighbouring floats are equal.
    pub fuzzy_compare: bool,
    /// The tests.
    pub tests: Vec<TestCase>,
}

/// One test: series, and what must come of them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TestCase {
    /// The name, empty if it has none.
    pub name: String,
    /// Milliseconds between the samples of the input series.
    pub interval: i64,
    /// When the test begins, in Unix milliseconds.
    pub start: i64,
    /// The series that go in.
    pub input_series: Vec<InputSeries>,
    /// The alerts that must fire.
    pub alert_rule_tests: Vec<AlertTest>,
    /// The results that expressions must have.
    pub promql_expr_tests: Vec<ExpressionTest>,
    /// The labels under which the outside knows this system.
    pub external_labels: Labels,
    /// The URL under which the outside knows this system.
    pub external_url: String,
}

impl TestCase {
    /// How many milliseconds the test lasts: up to the last time at which something is looked at.
    #[must_use]
    pub fn end(&self) -> i64 {
        let alerts = self.alert_rule_tests.iter().map(|test| test.eval_time);
        let expressions = self.promql_expr_tests.iter().map(|test| test.eval_time);
        alerts.chain(expressions).max().unwrap_or(0)
    }
}

/// A series and its values in the notation of tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputSeries {
    /// The series: `up{job="api"}`.
    pub series: String,
    /// The values: `1 1 0x3 _ stale`.
    pub values: String,
}

/// Which alerts of a name fire at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlertTest {
    /// Milliseconds since the start of the test.
    pub eval_time: i64,
    /// The name of the alert.
    pub alert_name: String,
    /// The alerts, in any order.
    pub expected: Vec<ExpectedAlert>,
}

/// An alert that must fire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedAlert {
    /// Its labels without `alertname`.
    pub labels: Vec<(String, String)>,
    /// Its annotations.
    pub annotations: Vec<(String, String)>,
}

/// The result of an expression at a time.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExpressionTest {
    /// The expression.
    pub expr: String,
    /// Milliseconds since the start of the test.
    pub eval_time: i64,
    /// The samples, in any order.
    pub expected: Vec<ExpectedSample>,
}

/// A sample that an expression must have.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExpectedSample {
    /// Its labels, as a metric: `up{job="api"}`.
    pub labels: String,
    /// Its value if it is a float.
    pub value: f64,
    /// Its value in double braces if it is a native histogram, otherwise empty.
    pub histogram: String,
}

/// The world that tests are played in.
pub trait Laboratory {
    /// An empty store, and an engine that reads it and takes `interval` milliseconds for the step of
    /// subqueries that name none.
    fn open(&self, interval: i64) -> Box<dyn Bench + '_>;

    /// What expands templates.
    fn expander(&self) -> &dyn Expander;

    /// A series with its values, one for each interval; nothing where there is no sample. `text` is
    /// line `line` of what was read, for the error's sake.
    ///
    /// # Errors
    ///
    /// `Invalid` where the text is not in the notation, with line and column in front.
    fn parse_series(
        &self,
        text: &str,
        line: usize,
    ) -> Result<(Labels, Vec<Option<SampleValue>>), Error>;

    /// The labels of a metric: `up{job="api"}`.
    ///
    /// # Errors
    ///
    /// `Invalid` where the text is none.
    fn parse_metric(&self, text: &str) -> Result<Labels, Error>;

    /// A native histogram in double braces.
    ///
    /// # Errors
    ///
    /// `Invalid` where the text is none.
    fn parse_histogram(&self, text: &str) -> Result<Arc<FloatHistogram>, Error>;

    /// A native histogram in double braces.
    fn describe_histogram(&self, histogram: &FloatHistogram) -> String;
}

/// One store with the engine that reads it.
pub trait Bench {
    /// What answers queries.
    fn engine(&self) -> &dyn QueryEngine;

    /// What takes samples.
    fn sink(&self) -> &dyn Ingest;
}
