//! What the API shows of the running parts: plain values, taken at the time of a request.
//!
//! The API writes these and knows nothing of scrapers, schedulers or stores; the wiring fills them
//! and knows nothing of JSON.

use std::collections::BTreeMap;

use skopos_core::{Error, Labels, Metadata, QueryRequest, Timestamp};
use skopos_promql::Explanation;

use crate::meter::Page;

/// Who tells how expressions are evaluated.
pub(crate) trait Explain: Send + Sync {
    /// The plan of a query.
    fn explain(&self, request: &QueryRequest<'_>) -> Result<Explanation, Error>;

    /// The plan of a query, and what its operators give when it runs.
    fn analyze(&self, request: &QueryRequest<'_>) -> Result<Explanation, Error>;
}

/// The running parts, as the API asks them.
pub(crate) trait Parts: Send + Sync {
    /// The targets of all pools, pools in the order of names.
    fn targets(&self) -> Targets;

    /// The names of the scrape pools, in order.
    fn pools(&self) -> Vec<String>;

    /// What targets told of their metrics: the targets' labels, and type, unit and help by name.
    fn metadata(&self) -> Vec<(Labels, Vec<(String, Metadata)>)>;

    /// The rule groups, in the order of files and names.
    fn groups(&self) -> Vec<Group>;

    /// The addresses that alerts are sent to, and those that relabeling dropped.
    fn alertmanagers(&self) -> (Vec<String>, Vec<String>);

    /// The configuration in force, secrets hidden.
    fn config_yaml(&self) -> String;

    /// How the last reading of the configuration went: whether well, and when it last did.
    fn config_state(&self) -> (bool, Timestamp);

    /// What the store holds; at most `limit` entries in each list.
    fn head(&self, limit: usize) -> Head;

    /// Adds the metrics of all parts.
    fn collect(&self, page: &mut Page);
}

/// Targets by what became of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    /// Those that are scraped.
    pub(crate) active: Vec<ActiveTarget>,
    /// Those that relabeling dropped, as far as they are remembered.
    pub(crate) dropped: Vec<DroppedTarget>,
    /// How many were dropped, by pool.
    pub(crate) dropped_counts: BTreeMap<String, usize>,
}

/// A target that is scraped.
#[derive(Clone, Debug)]
pub(crate) struct ActiveTarget {
    /// The labels before relabeling.
    pub(crate) discovered_labels: Labels,
    /// The labels that its samples get.
    pub(crate) labels: Labels,
    /// The name of its pool.
    pub(crate) pool: String,
    /// Where it is scraped.
    pub(crate) url: String,
    /// Why the last scrape failed; empty where it did not.
    pub(crate) last_error: String,
    /// When the last scrape began.
    pub(crate) last_scrape: Option<Timestamp>,
    /// How many seconds it took.
    pub(crate) last_duration: f64,
    /// `up`, `down` or `unknown`.
    pub(crate) health: &'static str,
    /// How often it is scraped, in milliseconds.
    pub(crate) interval: i64,
    /// How long a scrape may take, in milliseconds.
    pub(crate) timeout: i64,
}

/// A target that relabeling dropped.
#[derive(Clone, Debug)]
pub(crate) struct DroppedTarget {
    /// The labels before relabeling.
    pub(crate) discovered_labels: Labels,
    /// The name of its pool.
    pub(crate) pool: String,
}

/// A group of rules.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The group's name.
    pub(crate) name: String,
    /// The file that it stands in.
    pub(crate) file: String,
    /// How often it is evaluated, in seconds.
    pub(crate) interval: f64,
    /// How many alerts or series a rule may give; 0 for any number.
    pub(crate) limit: usize,
    /// How many seconds the last evaluation took.
    pub(crate) evaluation_time: f64,
    /// When it was.
    pub(crate) last_evaluation: Option<Timestamp>,
    /// The rules, in the order of the file.
    pub(crate) rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// The name of the alert or of the recorded metric.
    pub(crate) name: String,
    /// The expression, as PromQL is printed.
    pub(crate) query: String,
    /// The labels as configured.
    pub(crate) labels: Labels,
    /// `unknown`, `ok` or `err`.
    pub(crate) health: &'static str,
    /// Why the last evaluation failed; empty where it did not.
    pub(crate) last_error: String,
    /// How many seconds the last evaluation took.
    pub(crate) evaluation_time: f64,
    /// When it was.
    pub(crate) last_evaluation: Option<Timestamp>,
    /// What only alerting rules have.
    pub(crate) alerting: Option<Alerting>,
}

/// What an alerting rule has beside what all rules have.
#[derive(Clone, Debug)]
pub(crate) struct Alerting {
    /// `inactive`, `pending`, `firing` or `unknown`.
    pub(crate) state: &'static str,
    /// Seconds for which an alert must last before it fires.
    pub(crate) duration: f64,
    /// Seconds for which it goes on firing after its condition ended.
    pub(crate) keep_firing_for: f64,
    /// The annotations as configured.
    pub(crate) annotations: Labels,
    /// The alerts that are pending or firing.
    pub(crate) alerts: Vec<Alert>,
}

/// An alert that is pending or firing.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    /// The labels.
    pub(crate) labels: Labels,
    /// The annotations, expanded.
    pub(crate) annotations: Labels,
    /// `pending` or `firing`.
    pub(crate) state: &'static str,
    /// Since when its condition holds.
    pub(crate) active_at: Timestamp,
    /// Since when it fires without its condition.
    pub(crate) keep_firing_since: Option<Timestamp>,
    /// The value of its expression.
    pub(crate) v: f64,
}

/// What the store holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    /// How many series.
    pub(crate) series: u64,
    /// How many different pairs of label name and value.
    pub(crate) label_pairs: u64,
    /// How many chunks.
    pub(crate) chunks: u64,
    /// The times of the oldest and the newest sample, if there is one.
    pub(crate) times: Option<(Timestamp, Timestamp)>,
    /// Metric names by how many series they have.
    pub(crate) series_by_metric: Vec<(String, u64)>,
    /// Label names by how many values they have.
    pub(crate) values_by_label: Vec<(String, u64)>,
    /// Label names by how many bytes their values take.
    pub(crate) bytes_by_label: Vec<(String, u64)>,
    /// Pairs `name=value` by how many series they have.
    pub(crate) series_by_pair: Vec<(String, u64)>,
}
