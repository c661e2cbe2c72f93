//! A rule while it is evaluated: its canonical expression, its instances, its health.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use skopos_core::labels::{ALERT_NAME, METRIC_NAME};
use skopos_core::{
    Error, ErrorKind, Expansion, Labels, QueryEngine, QueryRequest, QueryValue, SampleValue,
    SeriesRef, Timestamp, VectorSample,
};

use crate::alert::{Holding, Instances, Naming, Present, base_labels};
use crate::evaluator::Evaluator;
use crate::model::{Group, Rule, RuleKind, to_labels};

/// Whether the last evaluation of a rule succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "Prometheus has these three")]
pub enum Health {
    /// It failed, or samples were refused.
    Bad,
    /// It succeeded.
    Good,
    /// There was none.
    #[default]
    Unknown,
}

impl Health {
    /// The name in the HTTP API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bad => "err",
            Self::Good => "ok",
            Self::Unknown => "unknown",
        }
    }
}

/// What a rule gave for one series.
pub(crate) struct RuleSample {
    pub(crate) labels: Labels,
    pub(crate) value: SampleValue,
}

/// A rule with everything that its next evaluation depends on.
#[derive(Debug)]
pub(crate) struct RuleState {
    pub(crate) rule: Rule,
    /// The expression as Prometheus prints it.
    pub(crate) query: String,
    /// The labels of group and rule, empty values among them.
    pub(crate) pairs: BTreeMap<String, String>,
    /// The same as a label set, not expanded.
    pub(crate) labels: Labels,
    /// The name of its templates.
    template_name: String,
    pub(crate) instances: Instances,
    /// Whether the `for` state is restored or need not be: only then is it written.
    pub(crate) restored: bool,
    /// The series that the last evaluation wrote.
    pub(crate) written: HashMap<Labels, SeriesRef>,
    pub(crate) health: Health,
    pub(crate) last_error: Option<Error>,
    /// Milliseconds that the last evaluation took.
    pub(crate) evaluation_millis: i64,
    /// When the last evaluation began, by the clock.
    pub(crate) last_evaluation: Option<Timestamp>,
}

impl RuleState {
    pub(crate) fn new(
        group: &Group,
        rule: &Rule,
        engine: &dyn QueryEngine,
        restored: bool,
    ) -> Result<Self, Error> {
        let pairs = group.labels_of(rule);
        Ok(Self {
            query: engine.canonical(&rule.expr)?,
            labels: to_labels(&pairs),
            pairs,
            template_name: format!("__alert_{}", rule.name),
            rule: rule.clone(),
            instances: Instances::default(),
            restored,
            written: HashMap::new(),
            health: Health::Unknown,
            last_error: None,
            evaluation_millis: 0,
            last_evaluation: None,
        })
    }

    /// Whether `other` is the same rule for the purpose of taking over its state.
    pub(crate) fn is_successor_of(&self, other: &Self) -> bool {
        self.rule.name == other.rule.name && self.pairs == other.pairs
    }

    /// What the rule gives at `t`, asked `offset` milliseconds earlier.
    pub(crate) fn samples(
        &mut self,
        t: Timestamp,
        offset: i64,
        limit: i64,
        evaluator: &Evaluator<'_>,
    ) -> Result<Vec<RuleSample>, Error> {
        let request = QueryRequest::instant(&self.query, t.saturating_sub(offset));
        let vector = match evaluator.engine.query(&request)?.value {
            QueryValue::Vector(vector) => vector,
            QueryValue::Scalar(sample) => vec![VectorSample {
                labels: Labels::empty(),
                t: sample.t,
                value: SampleValue::Float(sample.v),
            }],
            QueryValue::Matrix(_) | QueryValue::String(..) => {
                return Err(failed("rule result is not a vector or scalar"));
            }
        };
        match self.rule.kind {
            RuleKind::Recording => self.recorded(vector, limit),
            RuleKind::Alerting => self.alerted(vector, t, limit, evaluator),
        }
    }

    fn recorded(&self, vector: Vec<VectorSample>, limit: i64) -> Result<Vec<RuleSample>, Error> {
        let mut seen = HashSet::with_capacity(vector.len());
        let mut samples = Vec::with_capacity(vector.len());
        for sample in vector {
            let mut builder = sample.labels.to_builder();
            builder.set(METRIC_NAME, &self.rule.name);
            for (name, value) in &self.pairs {
                builder.set(name, value);
            }
            let labels = builder.finish();
            if !seen.insert(labels.clone()) {
                return Err(failed(
                    "vector contains metrics with the same labelset after applying rule labels",
                ));
            }
            samples.push(RuleSample { labels, value: sample.value });
        }
        if exceeds(limit, samples.len()) {
            let count = samples.len();
            return Err(failed(format!("exceeded limit of {limit} with {count} series")));
        }
        Ok(samples)
    }

    fn alerted(
        &mut self,
        vector: Vec<VectorSample>,
        t: Timestamp,
        limit: i64,
        evaluator: &Evaluator<'_>,
    ) -> Result<Vec<RuleSample>, Error> {
        if vector.is_empty() && self.instances.is_empty() {
            return Ok(Vec::new());
        }
        let mut present = HashMap::with_capacity(vector.len());
        for sample in &vector {
            let (labels, instance) = self.instance(sample, t, evaluator);
            if present.insert(labels, instance).is_some() {
                return Err(failed(
                    "vector contains metrics with the same labelset after applying alert labels",
                ));
            }
        }
        let naming = Naming { name: &self.rule.name, rule_labels: &self.labels };
        let holding = Holding { hold: self.rule.hold, keep_firing_for: self.rule.keep_firing_for };
        let count = self.instances.update(present, t, holding, naming);
        if exceeds(limit, count) {
            self.instances.clear();
            return Err(failed(format!("exceeded limit of {limit} with {count} alerts")));
        }
        Ok(if self.restored { self.state_samples() } else { Vec::new() })
    }

    /// The instance that a sample of the expression stands for.
    fn instance(
        &self,
        sample: &VectorSample,
        t: Timestamp,
        evaluator: &Evaluator<'_>,
    ) -> (Labels, Present) {
        let nothing = Labels::empty();
        let expansion = Expansion {
            name: &self.template_name,
            labels: &sample.labels,
            external_labels: evaluator.external_labels.unwrap_or(&nothing),
            external_url: evaluator.external_url,
            value: &sample.value,
            t,
            engine: evaluator.engine,
        };
        let expand = |text: &str| match evaluator.expander.expand(text, &expansion) {
            Ok(text) => text,
            Err(error) => format!("<error expanding template: {error}>"),
        };
        let mut builder = base_labels(&sample.labels);
        for (name, text) in &self.pairs {
            builder.set(name, &expand(text));
        }
        builder.set(ALERT_NAME, &self.rule.name);
        let annotations = self.rule.annotations.iter();
        let annotations = annotations.map(|(name, text)| (name.clone(), expand(text))).collect();
        let value = match sample.value {
            SampleValue::Float(value) => value,
            SampleValue::Histogram(_) => 0.0,
        };
        (builder.finish(), Present { annotations, value })
    }

    /// The series that tell which alerts are pending or firing, and since when.
    fn state_samples(&self) -> Vec<RuleSample> {
        let mut samples = Vec::new();
        for alert in self.instances.iter() {
            if alert.state == crate::AlertState::Inactive {
                continue;
            }
            let [state, for_state] = alert.state_series();
            samples.push(RuleSample { labels: state.clone(), value: SampleValue::Float(1.0) });
            let since = alert.active_at.as_millis().div_euclid(1000) as f64;
            samples
                .push(RuleSample { labels: for_state.clone(), value: SampleValue::Float(since) });
        }
        samples
    }

    /// Notes that the last evaluation failed.
    pub(crate) fn fail(&mut self, error: Error) {
        self.health = Health::Bad;
        self.last_error = Some(error);
    }

    /// Notes that the last evaluation succeeded.
    pub(crate) fn succeed(&mut self) {
        self.health = Health::Good;
        self.last_error = None;
    }
}

#[cold]
fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Execution, message)
}

fn exceeds(limit: i64, count: usize) -> bool {
    limit > 0 && i64::try_from(count).is_ok_and(|count| count > limit)
}
