//! The engine: a query and its times in, a value with annotations out.

use std::sync::Arc;

use skopos_core::{
    Clock, Error, ErrorKind, QueryEngine, QueryOutput, QueryRequest, QueryValue, RangeSeries,
    Sample, SampleValue, SeriesSource, Timestamp, VectorSample,
};

use crate::ast::{At, DurationArg, DurationContext, Expr};
use crate::eval::{Evaluator, Grid, Series, Settings};
use crate::options::ParseOptions;
use crate::parse::parse;
use crate::plan::{Node, Plan, Times, plan};
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
    subquery_step: i64,
    delayed_name_removal: bool,
    type_and_unit_labels: bool,
    start_timestamps: bool,
    at_modifier: bool,
    negative_offset: bool,
    clock: Option<Arc<dyn Clock>>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            parse: ParseOptions::default(),
            lookback: 5 * 60 * 1000,
            timeout: 2 * 60 * 1000,
            max_samples: 50_000_000,
            subquery_step: 60 * 1000,
            delayed_name_removal: false,
            type_and_unit_labels: false,
            start_timestamps: false,
            at_modifier: true,
            negative_offset: true,
            clock: None,
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

    fn settings(&self, request: &QueryRequest<'_>) -> Settings<'_> {
        let clock = self.options.clock.as_deref();
        let timeout = request.timeout().unwrap_or(self.options.timeout);
        Settings {
            lookback: request.lookback().unwrap_or(self.options.lookback),
            max_samples: self.options.max_samples,
            delayed_names: self.options.delayed_name_removal,
            type_and_unit_labels: self.options.type_and_unit_labels,
            start_timestamps: self.options.start_timestamps,
            instant: request.is_instant(),
            clock,
            deadline: clock.map_or(Timestamp::MAX, |clock| clock.now().saturating_add(timeout)),
        }
    }

    fn evaluate(&self, plan: &Plan, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let (start, end) = (request.start().as_millis(), request.end().as_millis());
        let grid = if request.is_instant() {
            Grid::new(start, start, 1)
        } else {
            Grid::new(start, end, request.step())
        };
        let settings = self.settings(request);
        if settings.max_samples < grid.steps {
            return Err(crate::eval::too_many_samples());
        }
        let evaluator = Evaluator::new(&self.source, settings, plan.selectors);
        let value = value(&evaluator, plan, grid, request)?;
        let (warnings, infos) = evaluator.notes().render(request.text());
        let mut output = QueryOutput::new(value);
        output.warnings = warnings;
        output.infos = infos;
        Ok(output)
    }
}

impl<S: SeriesSource> QueryEngine for Engine<S> {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let expr = parse(request.text(), &self.options.parse)?;
        self.validate(&expr, request)?;
        let times = Times {
            start: request.start().as_millis(),
            end: request.end().as_millis(),
            step: request.step(),
            subquery_step: self.options.subquery_step,
        };
        let plan = plan(&expr, times)?;
        self.evaluate(&plan, request)
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        parse(text, &self.options.parse)?;
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(parse(text, &self.options.parse)?.to_string())
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
        ValueType::Vector => {
            let series = evaluator.vector(&plan.root, grid)?;
            Ok(vector_value(series, grid, request))
        }
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

fn vector_value(series: Vec<Series>, grid: Grid, request: &QueryRequest<'_>) -> QueryValue {
    if request.is_instant() {
        let samples = series.into_iter().filter_map(|one| {
            let value: SampleValue = one.column.at(0)?.to_value();
            Some(VectorSample { labels: one.labels, t: request.start(), value })
        });
        return QueryValue::Vector(samples.collect());
    }
    let mut matrix: Vec<RangeSeries> = series
        .into_iter()
        .map(|one| {
            let mut floats = Vec::with_capacity(one.column.floats().count());
            let mut histograms = Vec::new();
            one.column.each_float(|i, v| floats.push(Sample::new(grid.time(i), v)));
            for (i, h) in one.column.histograms().iter().enumerate() {
                if let Some(h) = h {
                    histograms.push((Timestamp::from_millis(grid.time(i)), Arc::clone(h)));
                }
            }
            RangeSeries { labels: one.labels, floats, histograms }
        })
        .collect();
    matrix.retain(|one| !one.floats.is_empty() || !one.histograms.is_empty());
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    QueryValue::Matrix(matrix)
}
