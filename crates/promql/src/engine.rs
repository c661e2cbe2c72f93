//! The engine: a query and its times in, a value with annotations out.

use std::sync::Arc;

use skopos_core::{
    Clock, Error, ErrorKind, PreparedQuery, QueryEngine, QueryOutput, QueryRequest, QueryValue,
    RangeSeries, Sample, SampleValue, Selection, SeriesSource, Timestamp, VectorSample,
};

use crate::ast::{At, DurationArg, DurationContext, Expr};
#[cfg(feature = "parallel")]
use crate::eval::Crew;
use crate::eval::analysis::Analysis;
use crate::eval::budget::{Budget, Interrupt, Limits, Size, too_many_points};
use crate::eval::{Evaluator, Grid, Series, Settings};
use crate::explain::Explanation;
use crate::options::ParseOptions;
use crate::parse::parse;
use crate::plan::{Node, Plan, Times, plan};
use crate::read::Read;
use crate::types::ValueType;

/// How an [`Engine`] evaluates. The default is Prometheus'.
///
/// ```
/// use skopos_promql::EngineOptions;
///
/// let options = EngineOptions::default().with_lookback(60_000).with_max_samples(1_000_000);
/// assert_eq!(options.lookback(), 60_000);
/// ```
#[derive(Clone)]
pub struct EngineOptions {
    parse: ParseOptions,
    lookback: i64,
    timeout: i64,
    max_samples: usize,
    max_bytes: usize,
    max_series: usize,
    max_points: usize,
    subquery_step: i64,
    delayed_name_removal: bool,
    type_and_unit_labels: bool,
    start_timestamps: bool,
    at_modifier: bool,
    negative_offset: bool,
    clock: Option<Arc<dyn Clock>>,
    #[cfg(feature = "parallel")]
    crew: Crew,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            parse: ParseOptions::default(),
            lookback: 5 * 60 * 1000,
            timeout: 2 * 60 * 1000,
            max_samples: 50_000_000,
            max_bytes: usize::MAX,
            max_series: usize::MAX,
            max_points: usize::MAX,
            subquery_step: 60 * 1000,
            delayed_name_removal: false,
            type_and_unit_labels: false,
            start_timestamps: false,
            at_modifier: true,
            negative_offset: true,
            clock: None,
            #[cfg(feature = "parallel")]
            crew: Crew { threads: 1, from: 32_768 },
        }
    }
}

impl std::fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineOptions")
            .field("parse", &self.parse)
            .field("lookback", &self.lookback)
            .field("timeout", &self.timeout)
            .field("max_samples", &self.max_samples)
            .field("max_bytes", &self.max_bytes)
            .field("max_series", &self.max_series)
            .field("max_points", &self.max_points)
            .field("subquery_step", &self.subquery_step)
            .field("delayed_name_removal", &self.delayed_name_removal)
            .field("type_and_unit_labels", &self.type_and_unit_labels)
            .field("start_timestamps", &self.start_timestamps)
            .field("at_modifier", &self.at_modifier)
            .field("negative_offset", &self.negative_offset)
            .field("has_clock", &self.clock.is_some())
            .finish()
    }
}

impl EngineOptions {
    /// The same with another choice of experimental parts of the language.
    #[must_use]
    pub fn with_parse(mut self, parse: ParseOptions) -> Self {
        self.parse = parse;
        self
    }

    /// The same with how far an instant selector looks back, in milliseconds; 5 minutes by default.
    #[must_use]
    pub fn with_lookback(mut self, millis: i64) -> Self {
        self.lookback = millis;
        self
    }

    /// The same with how long a query may take, in milliseconds; 2 minutes by default. Without a
    /// [clock](Self::with_clock) there is no limit.
    #[must_use]
    pub fn with_timeout(mut self, millis: i64) -> Self {
        self.timeout = millis;
        self
    }

    /// The same with how many samples a query may hold at the same time; 50 million by default.
    #[must_use]
    pub fn with_max_samples(mut self, samples: usize) -> Self {
        self.max_samples = samples;
        self
    }

    /// The same with how many bytes of samples a query may hold at the same time; no limit by default.
    ///
    /// Counted are decoded samples, what operators hold of their input, and their results; labels and
    /// what the source itself needs are not.
    ///
    /// ```
    /// use skopos_core::{ErrorKind, Labels, QueryEngine, QueryRequest, Sample, Timestamp};
    /// use skopos_promql::{Engine, EngineOptions, Table};
    ///
    /// let samples = (0..1000).map(|i| Sample::new(i * 15_000, 1.0)).collect();
    /// let table = Table::from_iter([(Labels::from_pairs([("__name__", "up")]), samples)]);
    /// let engine = Engine::new(table, EngineOptions::default().with_max_bytes(4096));
    ///
    /// let at = Timestamp::from_seconds(15_000.0);
    /// assert!(engine.query(&QueryRequest::instant("sum_over_time(up[5m])", at)).is_ok());
    /// let error = engine.query(&QueryRequest::instant("sum_over_time(up[1d])", at)).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Limit);
    /// ```
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The same with how many series all selectors of a query may select; no limit by default.
    #[must_use]
    pub fn with_max_series(mut self, series: usize) -> Self {
        self.max_series = series;
        self
    }

    /// The same with how many points a series may have, be it of the result or of a subquery; no limit
    /// by default. Prometheus' HTTP API allows 11,000 in results.
    #[must_use]
    pub fn with_max_points(mut self, points: usize) -> Self {
        self.max_points = points;
        self
    }

    /// The same with the step of subqueries that name none, in milliseconds; 1 minute by default.
    #[must_use]
    pub fn with_subquery_step(mut self, millis: i64) -> Self {
        self.subquery_step = millis;
        self
    }

    /// The same with names dropped at the end of a query only (`promql-delayed-name-removal`).
    #[must_use]
    pub fn with_delayed_name_removal(mut self, enabled: bool) -> Self {
        self.delayed_name_removal = enabled;
        self
    }

    /// The same with counters told by their `__type__` label (`type-and-unit-labels`).
    #[must_use]
    pub fn with_type_and_unit_labels(mut self, enabled: bool) -> Self {
        self.type_and_unit_labels = enabled;
        self
    }

    /// The same with start timestamps of samples taken for counter resets (`use-start-timestamps`).
    #[must_use]
    pub fn with_start_timestamps(mut self, enabled: bool) -> Self {
        self.start_timestamps = enabled;
        self
    }

    /// The same with the `@` modifier allowed or not; it is by default.
    #[must_use]
    pub fn with_at_modifier(mut self, enabled: bool) -> Self {
        self.at_modifier = enabled;
        self
    }

    /// The same with negative offsets allowed or not; they are by default.
    #[must_use]
    pub fn with_negative_offset(mut self, enabled: bool) -> Self {
        self.negative_offset = enabled;
        self
    }

    /// The same with the clock that the timeout is told by.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The same with how many threads work on a query, its own among them; 1 by default, and at least.
    ///
    /// Decoding series and the functions right above them are shared. Results, errors and annotations
    /// are the same for any number, as is what is told of the query's cost. Queries that are analyzed
    /// or that have a limit of bytes stay on one thread.
    ///
    /// ```
    /// use skopos_promql::EngineOptions;
    ///
    /// let threads = std::thread::available_parallelism().map_or(1, usize::from);
    /// let options = EngineOptions::default().with_threads(threads);
    /// assert_eq!(options.threads(), threads);
    /// ```
    #[cfg(feature = "parallel")]
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.crew.threads = threads.max(1);
        self
    }

    /// The same with from how many points on a selection is shared between threads: series times
    /// steps, samples of windows counted in; 32,768 by default.
    #[cfg(feature = "parallel")]
    #[must_use]
    pub fn with_threads_from(mut self, points: usize) -> Self {
        self.crew.from = points;
        self
    }

    /// How many threads work on a query.
    #[cfg(feature = "parallel")]
    #[must_use]
    pub fn threads(&self) -> usize {
        self.crew.threads
    }

    /// How far an instant selector looks back, in milliseconds.
    #[must_use]
    pub fn lookback(&self) -> i64 {
        self.lookback
    }

    /// The choice of experimental parts of the language.
    #[must_use]
    pub fn parse(&self) -> &ParseOptions {
        &self.parse
    }
}

/// Answers PromQL over the series of any source.
///
/// It holds nothing between queries and may be shared between threads. A query takes time linear in
/// the samples that it reads, times the overlap of windows for functions of range vectors, and
/// memory for the series that it must see at once.
#[derive(Clone, Debug)]
pub struct Engine<S> {
    source: S,
    options: EngineOptions,
}

impl<S: SeriesSource> Engine<S> {
    /// An engine over a source.
    pub fn new(source: S, options: EngineOptions) -> Self {
        Self { source, options }
    }

    /// The source.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The source, the engine gone.
    pub fn into_source(self) -> S {
        self.source
    }

    /// How it evaluates.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// The plan of a query, without a look at any data.
    ///
    /// ```
    /// use skopos_core::{QueryRequest, Timestamp};
    /// use skopos_promql::{Engine, EngineOptions, Table};
    ///
    /// let engine = Engine::new(Table::new(), EngineOptions::default());
    /// let request = QueryRequest::instant("sum(rate(hits[1m])) * (60 * 60)", Timestamp::from_millis(0));
    /// let explanation = engine.explain(&request)?;
    ///
    /// let root = explanation.root();
    /// assert_eq!(root.name(), "*");
    /// assert_eq!(root.inputs()[1].name(), "3600");
    /// assert!(root.inputs()[1].marks().contains(&"constant"));
    /// # Ok::<(), skopos_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Invalid`, as [`query`](QueryEngine::query) would.
    pub fn explain(&self, request: &QueryRequest<'_>) -> Result<Explanation, Error> {
        Ok(Explanation::new(&self.plan(request)?, request.text(), None))
    }

    /// The answer to a query, and its plan with what each operator gave and how long it took.
    ///
    /// Times are told by the [clock](EngineOptions::with_clock), if there is one. Watching takes time of
    /// its own, for each series that passes from one operator to the next.
    ///
    /// ```
    /// use skopos_core::{Labels, QueryRequest, Sample, Timestamp};
    /// use skopos_promql::{Engine, EngineOptions, Table};
    ///
    /// let series = ["a", "b"].map(|job| {
    ///     let labels = Labels::from_pairs([("__name__", "up"), ("job", job)]);
    ///     (labels, vec![Sample::new(0, 1.0)])
    /// });
    /// let engine = Engine::new(Table::from_iter(series), EngineOptions::default());
    /// let request = QueryRequest::instant("sum(up)", Timestamp::from_millis(0));
    /// let (_, explanation) = engine.analyze(&request)?;
    ///
    /// let selector = &explanation.root().inputs()[0];
    /// assert_eq!(selector.measured().map(|m| m.series), Some(2));
    /// # Ok::<(), skopos_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`query`](QueryEngine::query).
    pub fn analyze(&self, request: &QueryRequest<'_>) -> Result<(QueryOutput, Explanation), Error> {
        let plan = self.plan(request)?;
        let analysis = Analysis::new(self.options.clock.as_deref());
        let (output, explanation) = self.evaluate(&plan, request, Some(analysis))?;
        // An evaluation with an analysis has an explanation.
        let explanation =
            explanation.unwrap_or_else(|| Explanation::new(&plan, request.text(), None));
        Ok((output, explanation))
    }

    /// All that a query will ask its source for, each selection once.
    ///
    /// A source that cannot answer at once, since its series are elsewhere, can be filled from this list
    /// before the query runs. What [`query`](QueryEngine::query) then asks for is in the list. There is one
    /// exception: the series of info metrics that `info` asks for depend on labels of others, so that
    /// the list has a selection which holds all of them, and more.
    ///
    /// ```
    /// use skopos_core::{
    ///     Columns, LabelSet, Labels, QueryEngine, QueryRequest, Sample, SeriesSource, Timestamp,
    /// };
    /// use skopos_promql::{Engine, EngineOptions, Table};
    ///
    /// // What is far away.
    /// let series = (0..9).map(|i| {
    ///     let labels = Labels::from_pairs([("__name__", "hits"), ("code", &format!("{i}00"))]);
    ///     (labels, (0..99).map(|t| Sample::new(t * 15_000, (t * i) as f64)).collect())
    /// });
    /// let remote = Table::from_iter(series);
    ///
    /// let query = r#"sum(rate(hits{code="500"}[5m])) / sum(rate(hits[5m]))"#;
    /// let request = QueryRequest::instant(query, Timestamp::from_seconds(1200.0));
    /// let plans = Engine::new(Table::new(), EngineOptions::default());
    ///
    /// // Fetched before the query runs, all at the same time if need be.
    /// let mut local = Table::new();
    /// for selection in plans.selections(&request)? {
    ///     let mut set = remote.select(&selection)?;
    ///     while let Some(one) = set.advance()? {
    ///         let mut columns = Columns::new();
    ///         one.read_all(&mut columns)?;
    ///         *local.columns_mut(&one.labels().to_labels()) = columns;
    ///     }
    /// }
    ///
    /// let options = EngineOptions::default;
    /// let here = Engine::new(local, options()).query(&request)?;
    /// let there = Engine::new(remote, options()).query(&request)?;
    /// assert_eq!(here.value, there.value);
    /// # Ok::<(), skopos_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Invalid`, as [`query`](QueryEngine::query) would.
    pub fn selections(&self, request: &QueryRequest<'_>) -> Result<Vec<Selection>, Error> {
        Ok(self.plan(request)?.selections)
    }

    /// Checks what depends on the engine and on the kind of query.
    fn validate(&self, expr: &Expr, request: &QueryRequest<'_>) -> Result<(), Error> {
        let value_type = expr.value_type();
        if !request.is_instant() && !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "invalid expression type \"{value_type}\" for range query, must be Scalar or \
                     instant Vector"
                ),
            ));
        }
        let mut result = Ok(());
        expr.walk(&mut |expr| {
            let (at, offset) = match expr {
                Expr::Vector(e) => (e.at, &e.offset),
                Expr::Matrix(e) => (e.selector.at, &e.selector.offset),
                Expr::Subquery(e) => (e.at, &e.offset),
                _ => return result.is_ok(),
            };
            if result.is_ok() {
                result = self.validate_modifiers(at, offset, request);
            }
            result.is_ok()
        });
        result
    }

    fn validate_modifiers(
        &self,
        at: Option<At>,
        offset: &DurationArg,
        request: &QueryRequest<'_>,
    ) -> Result<(), Error> {
        if at.is_some() && !self.options.at_modifier {
            return Err(Error::new(ErrorKind::Invalid, "@ modifier is disabled"));
        }
        let range = request.end().as_millis().saturating_sub(request.start().as_millis());
        let context = DurationContext { step: request.step(), range };
        if !self.options.negative_offset && offset.millis(context)? < 0 {
            return Err(Error::new(ErrorKind::Invalid, "negative offset is disabled"));
        }
        Ok(())
    }

    fn settings<'a>(&'a self, request: &QueryRequest<'a>) -> Settings<'a> {
        let clock = self.options.clock.as_deref();
        let timeout = request.timeout().unwrap_or(self.options.timeout);
        let deadline = clock.map_or(Timestamp::MAX, |clock| clock.now().saturating_add(timeout));
        Settings {
            lookback: self.lookback(request),
            delayed_names: self.options.delayed_name_removal,
            type_and_unit_labels: self.options.type_and_unit_labels,
            start_timestamps: self.options.start_timestamps,
            instant: request.is_instant(),
            expressions: Read::of(request, &self.options.parse).map(Read::expressions),
            interrupt: Interrupt { cancellation: request.cancellation(), clock, deadline },
            #[cfg(feature = "parallel")]
            crew: self.options.crew,
        }
    }

    fn lookback(&self, request: &QueryRequest<'_>) -> i64 {
        request.lookback().unwrap_or(self.options.lookback)
    }

    fn plan(&self, request: &QueryRequest<'_>) -> Result<Plan, Error> {
        let parsed;
        let expr = match Read::of(request, &self.options.parse) {
            Some(read) => read.expr(),
            None => {
                parsed = parse(request.text(), &self.options.parse)?;
                &parsed
            }
        };
        self.validate(expr, request)?;
        let times = Times {
            start: request.start().as_millis(),
            end: request.end().as_millis(),
            step: request.step(),
            subquery_step: self.options.subquery_step,
            lookback: self.lookback(request),
        };
        Ok(plan(expr, times)?)
    }

    fn budget(&self, plan: &Plan, request: &QueryRequest<'_>) -> Result<Budget, Error> {
        let limits = Limits {
            samples: self.options.max_samples,
            bytes: self.options.max_bytes,
            series: self.options.max_series,
            points: self.options.max_points,
        };
        if limits.points < plan.most_steps {
            return Err(too_many_points(limits.points));
        }
        let steps = plan.grid.steps;
        // Before anything is made for each step.
        Budget::new(limits, 0).check(Size::of_floats(steps))?;
        Ok(Budget::new(limits, if request.step_statistics() { steps } else { 0 }))
    }

    fn evaluate(
        &self,
        plan: &Plan,
        request: &QueryRequest<'_>,
        analysis: Option<Analysis<'_>>,
    ) -> Result<(QueryOutput, Option<Explanation>), Error> {
        let budget = self.budget(plan, request)?;
        let settings = self.settings(request);
        settings.interrupt.check()?;
        let evaluator = Evaluator::new(&self.source, settings, plan, budget, analysis);
        let value = value(&evaluator, plan, plan.grid, request)?;
        let (warnings, infos) = evaluator.notes().render(request.text());
        let mut output = QueryOutput::new(value);
        output.warnings = warnings;
        output.infos = infos;
        output.statistics = evaluator.budget().statistics();
        let explanation = evaluator.analysis().map(|analysis| {
            Explanation::new(plan, request.text(), Some((analysis, &output.statistics)))
        });
        Ok((output, explanation))
    }
}

impl<S: SeriesSource> QueryEngine for Engine<S> {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let plan = self.plan(request)?;
        Ok(self.evaluate(&plan, request, None)?.0)
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        parse(text, &self.options.parse)?;
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(parse(text, &self.options.parse)?.to_string())
    }

    fn prepare(&self, text: &str) -> Result<PreparedQuery, Error> {
        Read::prepare(text, self.options.parse)
    }
}

/// The value of a whole query.
fn value(
    evaluator: &Evaluator<'_>,
    plan: &Plan,
    grid: Grid,
    request: &QueryRequest<'_>,
) -> Result<QueryValue, Error> {
    match plan.value_type {
        ValueType::Matrix => Ok(QueryValue::Matrix(evaluator.matrix(&plan.root, grid)?)),
        ValueType::String => match &plan.root {
            Node::Text(text) => Ok(QueryValue::String(request.start(), text.to_string())),
            _ => Err(Error::new(ErrorKind::Internal, "a string expression is a literal")),
        },
        ValueType::Scalar => {
            let values = evaluator.scalar(&plan.root, grid)?;
            Ok(scalar_value(&values, grid, request))
        }
        ValueType::Vector if request.is_instant() => {
            let series = evaluator.vector(&plan.root, grid)?;
            Ok(vector_value(series, request))
        }
        ValueType::Vector => Ok(QueryValue::Matrix(evaluator.range_series(&plan.root, grid)?)),
    }
}

fn scalar_value(values: &[f64], grid: Grid, request: &QueryRequest<'_>) -> QueryValue {
    let mut samples = values.iter().enumerate().map(|(i, v)| Sample::new(grid.time(i), *v));
    if request.is_instant() {
        return QueryValue::Scalar(samples.next().unwrap_or_default());
    }
    QueryValue::Matrix(vec![RangeSeries {
        labels: skopos_core::Labels::empty(),
        floats: samples.collect(),
        histograms: Vec::new(),
    }])
}

fn vector_value(series: Vec<Series>, request: &QueryRequest<'_>) -> QueryValue {
    let samples = series.into_iter().filter_map(|one| {
        let value: SampleValue = one.column.at(0)?.to_value();
        Some(VectorSample { labels: one.labels, t: request.start(), value })
    });
    QueryValue::Vector(samples.collect())
}
