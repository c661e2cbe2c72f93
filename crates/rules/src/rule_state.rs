//! A rule while it is evaluated: its canonical expression, its instances, its health.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use skopos_core::labels::ALERT_NAME;
use skopos_core::{
    Error, ErrorKind, Expansion, Labels, PreparedQuery, QueryEngine, QueryRequest, QueryValue,
    SampleValue, SeriesRef, Timestamp, VectorSample,
};

use crate::alert::{Holding, Instances, Naming, Present, base_labels};
use crate::evaluator::Evaluator;
use crate::model::{Group, Rule, RuleKind, to_labels};
use crate::override_labels::Overrides;

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
    /// What the engine keeps of it.
    pub(crate) prepared: PreparedQuery,
    /// What a recording rule makes of the labels of a result.
    overrides: Overrides,
    /// The labels of group and rule, empty values among them.
    pub(crate) pairs: BTreeMap<String, String>,
    /// The same as a label set, not expanded.
    pub(crate) labels: Labels,
    /// The name of its templates.
    template_name: String,
    pub(crate) instances: Instances,
    /// Whether the `for` state is restored or need not be: only then is it written.
    pub(crate) restored: bool,
    /// What the labels of results became at the last evaluation, in the order of results.
    known: Vec<(Labels, Labels)>,
    /// Whether the labels of alerts follow from those of the result alone.
    fixed_labels: bool,
    /// The series that the last evaluation wrote, each once, in the order of writing.
    pub(crate) written: Vec<(Labels, SeriesRef)>,
    pub(crate) health: Health,
    pub(crate) last_error: Option<Error>,
    /// Nanoseconds that the last evaluation took.
    pub(crate) evaluation_nanos: u64,
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
        let query = engine.canonical(&rule.expr)?;
        Ok(Self {
            prepared: engine.prepare(&query)?,
            query,
            overrides: match rule.kind {
                RuleKind::Recording => Overrides::new(&rule.name, &pairs),
                RuleKind::Alerting => Overrides::default(),
            },
            labels: to_labels(&pairs),
            known: Vec::new(),
            fixed_labels: pairs.values().all(|text| is_plain(text)),
            pairs,
            template_name: format!("__alert_{}", rule.name),
            rule: rule.clone(),
            instances: Instances::default(),
            restored,
            written: Vec::new(),
            health: Health::Unknown,
            last_error: None,
            evaluation_nanos: 0,
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
        let request = QueryRequest::instant(&self.query, t.saturating_sub(offset))
            .with_prepared(&self.prepared);
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

    fn recorded(
        &mut self,
        mut vector: Vec<VectorSample>,
        limit: i64,
    ) -> Result<Vec<RuleSample>, Error> {
        let mut known = Known::new(&self.known);
        let mut samples = Vec::with_capacity(vector.len());
        for VectorSample { labels: result, value, .. } in &mut vector {
            let labels = known.find(result).cloned();
            let labels = labels.unwrap_or_else(|| self.overrides.apply(result));
            let value = std::mem::replace(value, SampleValue::Float(0.0));
            samples.push(RuleSample { labels, value });
        }
        let is_same = known.are_all(vector.len());
        if !is_same && !all_differ(&samples) {
            return Err(failed(
                "vector contains metrics with the same labelset after applying rule labels",
            ));
        }
        if !is_same {
            let results = vector.into_iter().map(|sample| sample.labels);
            self.known = results.zip(samples.iter().map(|sample| sample.labels.clone())).collect();
        }
        if exceeds(limit, samples.len()) {
            let count = samples.len();
            return Err(failed(format!("exceeded limit of {limit} with {count} series")));
        }
        Ok(samples)
    }

    /// The series that the last evaluation wrote.
    pub(crate) fn written_by_labels(&self) -> HashMap<Labels, SeriesRef> {
        self.written.iter().cloned().collect()
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
        let present = self.present(&vector, t, evaluator)?;
        let naming = Naming { name: &self.rule.name, rule_labels: &self.labels };
        let holding = Holding { hold: self.rule.hold, keep_firing_for: self.rule.keep_firing_for };
        let count = self.instances.update(present, t, holding, naming);
        if exceeds(limit, count) {
            self.instances.clear();
            return Err(failed(format!("exceeded limit of {limit} with {count} alerts")));
        }
        let writes_states = self.restored && evaluator.writes_states;
        Ok(if writes_states { self.state_samples() } else { Vec::new() })
    }

    /// The instances that the samples of the expression stand for, in the order of labels.
    fn present(
        &mut self,
        vector: &[VectorSample],
        t: Timestamp,
        evaluator: &Evaluator<'_>,
    ) -> Result<Vec<(Labels, Present)>, Error> {
        let mut known = Known::new(&self.known);
        let mut present = Vec::with_capacity(vector.len());
        for sample in vector {
            let expand = self.expansion(sample, t, evaluator);
            let labels = known.find(&sample.labels).cloned();
            let labels = labels.unwrap_or_else(|| self.alert_labels(sample, &expand));
            let annotations = evaluator.annotates.then(|| {
                let texts = self.rule.annotations.iter();
                texts.map(|(name, text)| (name.clone(), expand(text))).collect()
            });
            let value = match sample.value {
                SampleValue::Float(value) => value,
                SampleValue::Histogram(_) => 0.0,
            };
            present.push((labels, Present { annotations, value }));
        }
        if self.fixed_labels && !known.are_all(vector.len()) {
            let labels = vector.iter().zip(&present);
            self.known =
                labels.map(|(sample, (alert, _))| (sample.labels.clone(), alert.clone())).collect();
        }
        if !present.is_sorted_by(|(a, _), (b, _)| a < b) {
            present.sort_by(|(a, _), (b, _)| a.cmp(b));
            if present.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return Err(failed(
                    "vector contains metrics with the same labelset after applying alert labels",
                ));
            }
        }
        Ok(present)
    }

    /// What expands the templates of an instance.
    fn expansion<'e>(
        &'e self,
        sample: &'e VectorSample,
        t: Timestamp,
        evaluator: &'e Evaluator<'_>,
    ) -> impl Fn(&str) -> String + 'e {
        move |text| {
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
            match evaluator.expander.expand(text, &expansion) {
                Ok(text) => text,
                Err(error) => format!("<error expanding template: {error}>"),
            }
        }
    }

    /// The labels of the instance that a sample of the expression stands for.
    fn alert_labels(&self, sample: &VectorSample, expand: &dyn Fn(&str) -> String) -> Labels {
        let mut builder = base_labels(&sample.labels);
        for (name, text) in &self.pairs {
            builder.set(name, &expand(text));
        }
        builder.set(ALERT_NAME, &self.rule.name);
        builder.finish()
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

/// How many labels are compared where a result is not the one that is expected.
const SEARCHED: usize = 16;

/// Finds labels that were made for the results of the last evaluation, which nearly always come again in
/// the same order.
struct Known<'k> {
    known: &'k [(Labels, Labels)],
    /// The position that is expected.
    next: usize,
    found: usize,
}

impl<'k> Known<'k> {
    fn new(known: &'k [(Labels, Labels)]) -> Self {
        Self { known, next: 0, found: 0 }
    }

    /// What a result's labels became, if they are among those that come next.
    fn find(&mut self, result: &Labels) -> Option<&'k Labels> {
        let mut ahead = self.known[self.next..].iter().take(SEARCHED);
        let at = self.next + ahead.position(|(known, _)| known == result)?;
        self.next = at + 1;
        self.found += 1;
        Some(&self.known[at].1)
    }

    /// Whether the results were as many as at the last evaluation, and all found.
    fn are_all(&self, results: usize) -> bool {
        self.found == results && results == self.known.len()
    }
}

/// Whether a text is the same whatever expands it.
fn is_plain(text: &str) -> bool {
    !text.contains(['{', '$', '%', '<'])
}

fn all_differ(samples: &[RuleSample]) -> bool {
    let mut seen = HashSet::with_capacity(samples.len());
    samples.iter().all(|sample| seen.insert(&sample.labels))
}

#[cold]
fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Execution, message)
}

fn exceeds(limit: i64, count: usize) -> bool {
    limit > 0 && i64::try_from(count).is_ok_and(|count| count > limit)
}
