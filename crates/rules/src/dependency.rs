//! Which rules of a group read what others write, and so which may run at the same time.
//!
//! Nothing is run here. What an expression reads is told by the engine that prepared it.

use std::sync::Arc;

use hashbrown::HashMap;

use skopos_core::labels::METRIC_NAME;
use skopos_core::{Error, MatchOp, Matcher, PreparedQuery, QueryEngine};
use skopos_regex::LabelRegex;

use crate::model::{Group, Rule, RuleKind};

/// More pairs of a rule and a metric than this are not looked at: such a group runs in order.
const MAX_PAIRS: usize = 1 << 22;

/// How the rules of a group depend on each other.
///
/// A rule depends on those *before* it whose metric one of its selectors may select; what a later rule
/// writes it sees at the next evaluation only. As in Prometheus, a group is *indeterminate* if a
/// selector names no metric or may select `ALERTS` or `ALERTS_FOR_STATE`: then all its rules run in
/// order.
///
/// Rules of one [batch](Self::batches) may be asked at the same time. The results are those of
/// running all rules in order, provided that the rules of a batch *write* in order, each after it and
/// those before it were asked; a [`GroupState`](crate::GroupState) does so.
///
/// ```
/// # use skopos_core::{Error, Matcher, PreparedQuery, QueryEngine, QueryOutput, QueryRequest};
/// # struct Reader;
/// # impl QueryEngine for Reader {
/// #     fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> { unreachable!() }
/// #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.to_owned()) }
/// #     fn prepare(&self, text: &str) -> Result<PreparedQuery, Error> {
/// #         let name = text.trim_start_matches("sum(").trim_end_matches(" > 9").trim_end_matches(')');
/// #         let selector = vec![Matcher::equal("__name__", name)];
/// #         Ok(PreparedQuery::default().with_selectors(vec![selector]))
/// #     }
/// # }
/// # let engine = Reader;
/// use skopos_rules::{Dependencies, Group, Rule};
///
/// let mut group = Group::new("traffic");
/// group.rules = vec![
///     Rule::recording("requests:sum", "sum(requests)"),
///     Rule::recording("errors:sum", "sum(errors)"),
///     Rule::alerting("Busy", "requests:sum > 9"),
/// ];
/// let dependencies = Dependencies::of(&group, &engine)?;
/// assert_eq!(dependencies.batches(), [vec![0, 1], vec![2]]);
/// assert_eq!(dependencies.dependents(0), [2]);
/// assert!(dependencies.is_independent(1));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// For each rule, the numbers of the metrics of the group that it reads. Ascending.
    reads: Vec<Vec<u32>>,
    /// For each metric that the group writes, the rules that write it. Ascending.
    writers: Vec<Vec<usize>>,
    /// For each rule, the number of the metric that it records.
    writes: Vec<Option<u32>>,
    is_determinate: bool,
    batches: Vec<Vec<usize>>,
}

impl Dependencies {
    /// The dependencies in a group, whose expressions the engine reads.
    ///
    /// Linear in the number of rules, but for selectors that name metrics by a regular expression,
    /// which are held against each metric that the group writes.
    ///
    /// # Errors
    ///
    /// `Invalid` for an expression that the engine cannot read.
    pub fn of(group: &Group, engine: &dyn QueryEngine) -> Result<Self, Error> {
        let prepare = |rule: &Rule| engine.prepare(&rule.expr);
        let prepared = group.rules.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
        Self::new(group.rules.iter().zip(&prepared))
    }

    /// The dependencies between rules with their prepared expressions.
    pub(crate) fn new<'r>(
        rules: impl ExactSizeIterator<Item = (&'r Rule, &'r PreparedQuery)> + Clone,
    ) -> Result<Self, Error> {
        let mut metrics = Metrics::default();
        for (at, (rule, _)) in rules.clone().enumerate() {
            metrics.add_writer(at, rule);
        }
        let mut reads = Vec::with_capacity(rules.len());
        // A rule by itself has nobody to depend on, whatever it reads.
        let mut is_determinate = true;
        let mut pairs = 0_usize;
        if 1 < rules.len() {
            for (_, prepared) in rules.clone() {
                let Some(names) = metrics.read_by(prepared)? else {
                    is_determinate = false;
                    break;
                };
                pairs = pairs.saturating_add(names.len());
                if MAX_PAIRS < pairs.max(metrics.looked_at) {
                    is_determinate = false;
                    break;
                }
                reads.push(names);
            }
        }
        if !is_determinate {
            reads.clear();
        }
        reads.resize(rules.len(), Vec::new());
        let (writers, writes) = (metrics.writers, metrics.writes);
        let mut this = Self { reads, writers, writes, is_determinate, batches: Vec::new() };
        this.batches = this.split(rules.map(|(rule, _)| rule));
        Ok(this)
    }

    /// Whether it is known what each rule reads.
    #[must_use]
    pub fn is_determinate(&self) -> bool {
        self.is_determinate
    }

    /// The rules that a rule depends on, by their positions in the group. Nothing is known of
    /// indeterminate groups, for which there are none.
    #[must_use]
    pub fn dependencies(&self, rule: usize) -> Vec<usize> {
        let reads = self.reads.get(rule).map(Vec::as_slice).unwrap_or_default();
        let writers = reads.iter().flat_map(|metric| &self.writers[*metric as usize]);
        let mut found: Vec<usize> = writers.copied().filter(|writer| *writer < rule).collect();
        found.sort_unstable();
        found
    }

    /// The rules that depend on a rule, by their positions in the group. Linear in its size.
    #[must_use]
    pub fn dependents(&self, rule: usize) -> Vec<usize> {
        let Some(Some(metric)) = self.writes.get(rule) else { return Vec::new() };
        let later = self.reads.iter().enumerate().skip(rule.saturating_add(1));
        let reads = later.filter(|(_, reads)| reads.binary_search(metric).is_ok());
        reads.map(|(at, _)| at).collect()
    }

    /// Whether a rule surely depends on none and none on it.
    #[must_use]
    pub fn is_independent(&self, rule: usize) -> bool {
        self.is_determinate
            && self.dependencies(rule).is_empty()
            && self.dependents(rule).is_empty()
    }

    /// The rules in batches that run one after the other, by their positions in the group; ascending
    /// in each.
    #[must_use]
    pub fn batches(&self) -> &[Vec<usize>] {
        &self.batches
    }

    /// Whether no two rules may run at the same time.
    pub(crate) fn is_sequential(&self) -> bool {
        self.batches.iter().all(|batch| batch.len() < 2)
    }

    /// Puts each rule into the first batch that it may run in.
    fn split<'r>(&self, rules: impl ExactSizeIterator<Item = &'r Rule>) -> Vec<Vec<usize>> {
        if !self.is_determinate {
            return (0..rules.len()).map(|rule| vec![rule]).collect();
        }
        let mut batches: Vec<Vec<usize>> = Vec::new();
        // The last batches that write and that read each metric.
        let mut written: Vec<Option<usize>> = vec![None; self.writers.len()];
        let mut read: Vec<Option<usize>> = written.clone();
        let mut alerts: HashMap<&str, usize> = HashMap::new();
        let mut first = 0;
        for (at, rule) in rules.enumerate() {
            let metrics = || self.reads[at].iter().map(|metric| *metric as usize);
            let after = metrics().filter_map(|metric| written[metric]).max();
            let mut batch = first.max(after.map_or(0, |batch| batch + 1));
            if asks_in_templates(rule) {
                // What it asks there is not known, so that all before it must be over, and nobody
                // behind it may be ahead.
                batch = batch.max(batches.len());
                first = batch;
            }
            if let Some(metric) = self.writes[at].map(|metric| metric as usize) {
                // Who reads or writes the metric earlier must not see, or find, what is written here.
                batch = batch.max(read[metric].max(written[metric]).unwrap_or(0));
                written[metric] = Some(batch);
            } else {
                let last = alerts.entry(&rule.name).or_insert(batch);
                batch = batch.max(*last);
                *last = batch;
            }
            metrics().for_each(|metric| read[metric] = read[metric].max(Some(batch)));
            if batches.len() <= batch {
                batches.resize(batch + 1, Vec::new());
            }
            batches[batch].push(at);
        }
        batches
    }
}

/// Whether templates of the rule may ask queries.
fn asks_in_templates(rule: &Rule) -> bool {
    let asks = |text: &String| text.contains("{{") && text.contains("query");
    rule.kind == RuleKind::Alerting
        && rule.labels.values().chain(rule.annotations.values()).any(asks)
}

/// The metric that a recording rule writes.
pub(crate) fn recorded_metric(rule: &Rule) -> Option<&str> {
    let own = (rule.kind == RuleKind::Recording).then_some(rule.name.as_str())?;
    // Rules that were made in code may name another one by a label.
    Some(rule.labels.get(METRIC_NAME).map_or(own, String::as_str))
}

/// The metrics that a group writes, by numbers.
#[derive(Default)]
struct Metrics<'r> {
    numbers: HashMap<&'r str, u32>,
    writers: Vec<Vec<usize>>,
    writes: Vec<Option<u32>>,
    /// The metrics that matchers other than for equality let through.
    let_through: HashMap<Matcher, Arc<[u32]>>,
    /// How many pairs of such a matcher and a metric there were.
    looked_at: usize,
}

impl<'r> Metrics<'r> {
    fn add_writer(&mut self, at: usize, rule: &'r Rule) {
        let number = recorded_metric(rule).map(|name| {
            let next = self.writers.len() as u32;
            let number = *self.numbers.entry(name).or_insert(next);
            if number == next {
                self.writers.push(Vec::new());
            }
            self.writers[number as usize].push(at);
            number
        });
        self.writes.push(number);
    }

    /// The metrics of the group that a query reads; nothing where that cannot be told.
    fn read_by(&mut self, prepared: &PreparedQuery) -> Result<Option<Vec<u32>>, Error> {
        let Some(selectors) = prepared.selectors() else { return Ok(None) };
        let mut names = Vec::new();
        for matchers in selectors {
            let Some(matcher) = matchers.iter().find(|matcher| matcher.name() == METRIC_NAME)
            else {
                return Ok(None);
            };
            if matcher.op() == MatchOp::Equal {
                if is_state_of_alerts(matcher.value()) {
                    return Ok(None);
                }
                names.extend(self.numbers.get(matcher.value()));
                continue;
            }
            let Some(found) = self.let_through(matcher)? else { return Ok(None) };
            names.extend(found.iter());
        }
        names.sort_unstable();
        names.dedup();
        Ok(Some(names))
    }

    fn let_through(&mut self, matcher: &Matcher) -> Result<Option<Arc<[u32]>>, Error> {
        if let Some(known) = self.let_through.get(matcher) {
            return Ok(Some(Arc::clone(known)));
        }
        let test = NameTest::new(matcher)?;
        if ["ALERTS", "ALERTS_FOR_STATE"].into_iter().any(|name| test.holds(name)) {
            return Ok(None);
        }
        self.looked_at = self.looked_at.saturating_add(self.numbers.len());
        if MAX_PAIRS < self.looked_at {
            return Ok(None);
        }
        let found = self.numbers.iter().filter(|(name, _)| test.holds(name));
        let found: Arc<[u32]> = found.map(|(_, number)| *number).collect();
        self.let_through.insert(matcher.clone(), Arc::clone(&found));
        Ok(Some(found))
    }
}

fn is_state_of_alerts(metric: &str) -> bool {
    matches!(metric, "ALERTS" | "ALERTS_FOR_STATE")
}

/// A matcher for names of metrics, ready to be held against many.
#[derive(Debug)]
pub(crate) struct NameTest {
    op: MatchOp,
    value: String,
    regex: Option<LabelRegex>,
}

impl NameTest {
    pub(crate) fn new(matcher: &Matcher) -> Result<Self, Error> {
        let regex = if matcher.op().is_regex() {
            let invalid = |error| Error::caused(skopos_core::ErrorKind::Invalid, error);
            Some(LabelRegex::new(matcher.value()).map_err(invalid)?)
        } else {
            None
        };
        Ok(Self { op: matcher.op(), value: matcher.value().to_owned(), regex })
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        let is_match = match &self.regex {
            Some(regex) => regex.is_match(name),
            None => self.value == name,
        };
        is_match != self.op.is_negative()
    }
}

#[cfg(test)]
mod tests;
