//! Questions in PromQL and their answers, for those who ask without knowing the engine.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

use crate::cancel::Cancellation;
use crate::error::Error;
use crate::histogram::FloatHistogram;
use crate::labels::Labels;
use crate::matcher::Matcher;
use crate::sample::{Sample, Timestamp};

/// A query with its times.
///
/// ```
/// use skopos_core::{QueryRequest, Timestamp};
///
/// let t = Timestamp::from_seconds(60.0);
/// assert!(QueryRequest::instant("up", t).is_instant());
/// assert_eq!(QueryRequest::range("up", t, t + 60_000, 15_000).step(), 15_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryRequest<'a> {
    text: &'a str,
    start: Timestamp,
    end: Timestamp,
    step: i64,
    lookback: Option<i64>,
    timeout: Option<i64>,
    cancellation: Option<&'a Cancellation>,
    step_statistics: bool,
    prepared: Option<&'a PreparedQuery>,
}

impl<'a> QueryRequest<'a> {
    /// The query `text`, evaluated once at `at`.
    #[must_use]
    pub fn instant(text: &'a str, at: Timestamp) -> Self {
        Self::range(text, at, at, 0)
    }

    /// The query `text`, evaluated at `start` and every `step` milliseconds until `end`.
    #[must_use]
    pub fn range(text: &'a str, start: Timestamp, end: Timestamp, step: i64) -> Self {
        Self {
            text,
            start,
            end,
            step,
            lookback: None,
            timeout: None,
            cancellation: None,
            step_statistics: false,
            prepared: None,
        }
    }

    /// The same with how far, in milliseconds, an instant selector looks back for a sample.
    #[must_use]
    pub fn with_lookback(mut self, millis: i64) -> Self {
        self.lookback = Some(millis);
        self
    }

    /// The same with how long, in milliseconds, the evaluation may take.
    #[must_use]
    pub fn with_timeout(mut self, millis: i64) -> Self {
        self.timeout = Some(millis);
        self
    }

    /// The same with a token by which the evaluation can be stopped: it then fails with
    /// [`ErrorKind::Canceled`](crate::ErrorKind::Canceled).
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: &'a Cancellation) -> Self {
        self.cancellation = Some(cancellation);
        self
    }

    /// The same with [samples counted for each step](QueryStatistics::samples_per_step), or not.
    #[must_use]
    pub fn with_step_statistics(mut self, enabled: bool) -> Self {
        self.step_statistics = enabled;
        self
    }

    /// The same with what an engine [prepared](QueryEngine::prepare) of this very text.
    #[must_use]
    pub fn with_prepared(mut self, prepared: &'a PreparedQuery) -> Self {
        self.prepared = Some(prepared);
        self
    }

    /// The query's text.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The first time of evaluation.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The last time of evaluation, if a step falls on it.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// Milliseconds between evaluations; 0 for an instant query.
    #[must_use]
    pub fn step(&self) -> i64 {
        self.step
    }

    /// How far an instant selector looks back, where it is not the engine's default.
    #[must_use]
    pub fn lookback(&self) -> Option<i64> {
        self.lookback
    }

    /// How long the evaluation may take, where it is not the engine's default.
    #[must_use]
    pub fn timeout(&self) -> Option<i64> {
        self.timeout
    }

    /// The token by which the evaluation can be stopped.
    #[must_use]
    pub fn cancellation(&self) -> Option<&'a Cancellation> {
        self.cancellation
    }

    /// Whether samples are counted for each step.
    #[must_use]
    pub fn step_statistics(&self) -> bool {
        self.step_statistics
    }

    /// What an engine prepared of the text, if anything.
    #[must_use]
    pub fn prepared(&self) -> Option<&'a PreparedQuery> {
        self.prepared
    }

    /// Whether the query is evaluated once, for a vector and not for a matrix.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        self.step == 0
    }
}

/// What an engine keeps of a text that it has read, for those who ask the same again and again.
///
/// Clones share it. Another engine than the one that made it goes by the text of the request.
///
/// ```
/// use skopos_core::{Matcher, PreparedQuery};
///
/// let prepared = PreparedQuery::new(42_u32).with_selectors(vec![vec![Matcher::equal("job", "api")]]);
/// assert_eq!(prepared.plan::<u32>(), Some(&42));
/// assert_eq!(prepared.plan::<i32>(), None);
/// assert_eq!(prepared.selectors().map(<[_]>::len), Some(1));
/// ```
#[derive(Clone, Default)]
pub struct PreparedQuery {
    plan: Option<Arc<dyn Any + Send + Sync>>,
    selectors: Option<Arc<[Vec<Matcher>]>>,
}

impl PreparedQuery {
    /// An engine's own form of a query.
    pub fn new(plan: impl Any + Send + Sync) -> Self {
        Self { plan: Some(Arc::new(plan)), selectors: None }
    }

    /// The same with what the query selects: the matchers of each selector.
    #[must_use]
    pub fn with_selectors(mut self, selectors: Vec<Vec<Matcher>>) -> Self {
        self.selectors = Some(selectors.into());
        self
    }

    /// The engine's own form, if it is of type `T`.
    #[must_use]
    pub fn plan<T: Any>(&self) -> Option<&T> {
        self.plan.as_deref()?.downcast_ref()
    }

    /// The matchers of each selector of the query; nothing where it is not known what it reads.
    #[must_use]
    pub fn selectors(&self) -> Option<&[Vec<Matcher>]> {
        self.selectors.as_deref()
    }
}

impl fmt::Debug for PreparedQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("PreparedQuery");
        debug.field("has_plan", &self.plan.is_some()).field("selectors", &self.selectors).finish()
    }
}

/// Whether the two share what the engine made.
impl PartialEq for PreparedQuery {
    fn eq(&self, other: &Self) -> bool {
        let same_plan = match (&self.plan, &other.plan) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            (one, two) => one.is_none() && two.is_none(),
        };
        same_plan && self.selectors == other.selectors
    }
}

impl Eq for PreparedQuery {}

/// One value of a result: a float or a native histogram.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "PromQL values are floats or histograms")]
pub enum SampleValue {
    /// A float.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<FloatHistogram>),
}

/// One element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the element of a vector is these three")]
pub struct VectorSample {
    /// The series' labels.
    pub labels: Labels,
    /// The time of evaluation.
    pub t: Timestamp,
    /// The value.
    pub value: SampleValue,
}

/// One series of a range result.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a series of a matrix is its labels and its two lanes"
)]
pub struct RangeSeries {
    /// The series' labels.
    pub labels: Labels,
    /// The float values, ascending in time.
    pub floats: Vec<Sample>,
    /// The histogram values, ascending in time.
    pub histograms: Vec<(Timestamp, Arc<FloatHistogram>)>,
}

/// What a query evaluates to.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "PromQL has these four types")]
pub enum QueryValue {
    /// Series over time, in the order of their labels.
    Matrix(Vec<RangeSeries>),
    /// A single number.
    Scalar(Sample),
    /// A text.
    String(Timestamp, String),
    /// One value a series, in the order that the query gives.
    Vector(Vec<VectorSample>),
}

/// What a query cost.
///
/// A histogram counts for as many samples as it takes the memory of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryStatistics {
    /// How many samples the selectors gave, over all steps: what Prometheus calls the total of
    /// queryable samples. A sample in the windows of many steps counts at each of them.
    pub total_samples: u64,
    /// The same for each step, if the [request](QueryRequest::with_step_statistics) asked for it.
    pub samples_per_step: Vec<u64>,
    /// How many samples were held at the same time.
    pub peak_samples: u64,
    /// How many bytes the samples that were held at the same time took.
    pub peak_bytes: u64,
    /// How many series were selected.
    pub series: u64,
}

/// A query's value with what else there is to say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct QueryOutput {
    /// The result.
    pub value: QueryValue,
    /// What is probably wrong with the query or the data, each text once.
    pub warnings: Vec<String>,
    /// What may be worth knowing, each text once.
    pub infos: Vec<String>,
    /// What it cost, as far as the engine counts.
    pub statistics: QueryStatistics,
}

impl QueryOutput {
    /// A result without annotations.
    #[must_use]
    pub fn new(value: QueryValue) -> Self {
        let statistics = QueryStatistics::default();
        Self { value, warnings: Vec::new(), infos: Vec::new(), statistics }
    }
}

/// Something that answers PromQL.
///
/// # Laws
///
/// * An instant query gives a vector, a scalar, a string or (for a range selector) a matrix; a range
///   query gives a matrix, its series in the order of labels, its times on the grid of steps.
/// * The same question to unchanged data has the same answer.
pub trait QueryEngine: Send + Sync {
    /// Answers a query.
    ///
    /// # Errors
    ///
    /// `Invalid` for a query that does not parse or type-check, with its position in the text;
    /// `Execution`, `Limit`, `Timeout`, `Canceled`; or those of the data's source.
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error>;

    /// Checks a query without running it.
    ///
    /// # Errors
    ///
    /// `Invalid`, as [`query`](Self::query) would.
    fn check(&self, text: &str) -> Result<(), Error>;

    /// The query in canonical form, as Prometheus prints it.
    ///
    /// # Errors
    ///
    /// `Invalid`, as [`query`](Self::query) would.
    fn canonical(&self, text: &str) -> Result<String, Error>;

    /// Reads a query that will be asked often: [`QueryRequest::with_prepared`] gives it back to the
    /// engine, whose answers do not depend on it. By default it is [checked](Self::check) and nothing
    /// is kept.
    ///
    /// # Errors
    ///
    /// `Invalid`, as [`query`](Self::query) would.
    fn prepare(&self, text: &str) -> Result<PreparedQuery, Error> {
        self.check(text).map(|()| PreparedQuery::default())
    }
}

impl<E: QueryEngine + ?Sized> QueryEngine for &E {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        (**self).query(request)
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        (**self).check(text)
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        (**self).canonical(text)
    }

    fn prepare(&self, text: &str) -> Result<PreparedQuery, Error> {
        (**self).prepare(text)
    }
}

impl<E: QueryEngine + ?Sized> QueryEngine for Arc<E> {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        (**self).query(request)
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        (**self).check(text)
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        (**self).canonical(text)
    }

    fn prepare(&self, text: &str) -> Result<PreparedQuery, Error> {
        (**self).prepare(text)
    }
}
