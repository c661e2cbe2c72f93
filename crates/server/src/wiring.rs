//! The parts of a running server, put together: what the API sees of them, and how a new
//! configuration reaches each.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use arc_swap::ArcSwap;
use skopos_core::{
    Clock, Error as CoreError, Expander, LabelSet as _, Labels, Metadata, MetricType,
    PreparedQuery, QueryEngine, QueryOutput, QueryRequest, SeriesSource, Timestamp,
};
use skopos_promql::{Engine, EngineOptions, Explanation};
use skopos_rules::{
    AlertView, GroupDefaults, GroupView, LoadError, LoadOptions, RuleFile, RuleKind, RuleView,
};
use skopos_scrape::Manager;
use skopos_tsdb::Head as Store;

use crate::config::{Config, EMBEDDED_RULES, EMBEDDED_RULES_NAME};
use crate::error::{Error, ErrorKind};
use crate::groups::Groups;
use crate::meter::Page;
use crate::notify::Notifier;
use crate::view::{
    ActiveTarget, Alert, Alerting, DroppedTarget, Explain, Group, Head, Parts, Rule, Targets,
};

/// The engine over the store. Its default step of subqueries follows the configuration.
pub(crate) struct LiveEngine {
    store: Arc<Store>,
    options: EngineOptions,
    current: ArcSwap<Engine<Arc<Store>>>,
}

impl LiveEngine {
    /// An engine over `store`.
    pub(crate) fn new(store: Arc<Store>, options: EngineOptions) -> Self {
        let current = ArcSwap::from_pointee(Engine::new(Arc::clone(&store), options.clone()));
        Self { store, options, current }
    }

    /// The same engine over another source.
    pub(crate) fn over<S: SeriesSource>(&self, source: S) -> Engine<S> {
        Engine::new(source, self.current.load().options().clone())
    }

    /// Gives subqueries that name no step another one, in milliseconds.
    fn set_subquery_step(&self, millis: i64) {
        let options = self.options.clone().with_subquery_step(millis);
        self.current.store(Arc::new(Engine::new(Arc::clone(&self.store), options)));
    }
}

impl Explain for LiveEngine {
    fn explain(&self, request: &QueryRequest<'_>) -> Result<Explanation, CoreError> {
        self.current.load().explain(request)
    }

    fn analyze(&self, request: &QueryRequest<'_>) -> Result<Explanation, CoreError> {
        Ok(self.current.load().analyze(request)?.1)
    }
}

impl QueryEngine for LiveEngine {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, CoreError> {
        self.current.load().query(request)
    }

    fn check(&self, text: &str) -> Result<(), CoreError> {
        self.current.load().check(text)
    }

    fn canonical(&self, text: &str) -> Result<String, CoreError> {
        self.current.load().canonical(text)
    }

    fn prepare(&self, text: &str) -> Result<PreparedQuery, CoreError> {
        self.current.load().prepare(text)
    }
}

/// Everything that runs.
pub(crate) struct Wiring {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<LiveEngine>,
    pub(crate) expander: Arc<dyn Expander>,
    /// Whether rule files may have the extension `x-skopos`.
    pub(crate) rule_extensions: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) scraper: Manager,
    pub(crate) groups: Groups,
    pub(crate) notifier: Arc<Notifier>,
    pub(crate) config: ArcSwap<Config>,
    /// Whether the last reading of the configuration went well.
    pub(crate) config_well: AtomicBool,
    /// When it last did, in milliseconds.
    pub(crate) config_time: AtomicI64,
}

impl Wiring {
    /// Brings a configuration with its rule files to all parts. One that fails does not stop the
    /// others.
    ///
    /// # Errors
    ///
    /// `Config` with what every part says.
    pub(crate) async fn apply(
        &self,
        config: Config,
        files: &[RuleFile],
        first: bool,
    ) -> Result<(), Error> {
        let interval = millis(config.evaluation_interval);
        self.engine.set_subquery_step(interval);
        let mut problems = Vec::new();
        if let Err(error) = self.scraper.apply(config.jobs.clone()).await {
            problems.push(error.to_string());
        }
        if let Err(error) = self.notifier.apply(&config) {
            problems.extend_from_slice(error.problems());
        }
        let defaults = GroupDefaults::default()
            .with_interval(interval)
            .with_query_offset(millis(config.rule_query_offset));
        let labels = config.external_labels.clone();
        if let Err(error) = self.groups.apply(files, defaults, labels, first).await {
            problems.extend_from_slice(error.problems());
        }
        self.config.store(Arc::new(config));
        self.config_well.store(problems.is_empty(), Ordering::Relaxed);
        if problems.is_empty() {
            self.config_time.store(self.clock.now().as_millis(), Ordering::Relaxed);
        }
        Error::check(ErrorKind::Config, problems)
    }

    /// Reads the configuration again; what is in force stays so where it cannot be read.
    ///
    /// # Errors
    ///
    /// `Config` with everything that is wrong.
    pub(crate) async fn reload(&self, file: Option<&Path>) -> Result<(), Error> {
        let (engine, expander) = (Arc::clone(&self.engine), Arc::clone(&self.expander));
        let (file, current) = (file.map(Path::to_owned), self.config.load_full());
        let extensions = self.rule_extensions;
        let read = move || match file {
            Some(file) => load(&file, &*engine, &*expander, extensions),
            None => load_rules(&current, &*engine, &*expander, extensions)
                .map(|files| (Config::clone(&current), files)),
        };
        let loaded = tokio::task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| Err(Error::new(ErrorKind::Run, error.to_string())));
        match loaded {
            Ok((config, files)) => self.apply(config, &files, false).await,
            Err(error) => {
                self.config_well.store(false, Ordering::Relaxed);
                Err(error)
            }
        }
    }
}

/// Reads a configuration and its rule files, which may have `extensions` or not.
///
/// # Errors
///
/// `Config` with everything that is wrong in any of them.
pub(crate) fn load(
    file: &Path,
    engine: &dyn QueryEngine,
    expander: &dyn Expander,
    extensions: bool,
) -> Result<(Config, Vec<RuleFile>), Error> {
    let config = Config::load(file)?;
    let files = load_rules(&config, engine, expander, extensions)?;
    Ok((config, files))
}

/// Reads the rule files of a configuration.
///
/// # Errors
///
/// `Config` with everything that is wrong in any of them.
pub(crate) fn load_rules(
    config: &Config,
    engine: &dyn QueryEngine,
    expander: &dyn Expander,
    extensions: bool,
) -> Result<Vec<RuleFile>, Error> {
    let mut options = LoadOptions::new(engine, expander);
    if extensions {
        options = options.with_extensions(millis(config.evaluation_interval));
    }
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let mut add = |content: &[u8], name: &str, problems: &mut Vec<String>| match skopos_rules::load(
        content, name, &options,
    ) {
        Ok(file) => files.push(file),
        Err(errors) => problems.extend(told(&errors)),
    };
    if config.embedded {
        add(EMBEDDED_RULES.as_bytes(), EMBEDDED_RULES_NAME, &mut problems);
    }
    for path in config.rule_files()? {
        let name = path.display().to_string();
        match std::fs::read(&path) {
            Ok(content) => add(&content, &name, &mut problems),
            Err(error) => problems.push(format!("{name}: {error}")),
        }
    }
    Error::check(ErrorKind::Config, problems)?;
    Ok(files)
}

/// Each mistake once, with its place; YAML that cannot be read is told of twice.
fn told(errors: &[LoadError]) -> Vec<String> {
    let mut told: Vec<String> = errors.iter().map(|error| format!("{error:#}")).collect();
    told.dedup();
    told
}

impl Parts for Wiring {
    fn targets(&self) -> Targets {
        let mut targets = Targets::default();
        for pool in self.scraper.targets() {
            targets.dropped_counts.insert(pool.job.clone(), pool.dropped_count);
            targets.active.extend(pool.active.into_iter().map(|target| ActiveTarget {
                discovered_labels: target.discovered_labels,
                labels: target.labels,
                pool: target.job,
                url: target.url,
                last_error: target.last_error,
                last_scrape: target.last_scrape,
                last_duration: target.last_scrape_duration.as_secs_f64(),
                health: target.health.as_str(),
                interval: i64::try_from(target.interval.as_millis()).unwrap_or(i64::MAX),
                timeout: i64::try_from(target.timeout.as_millis()).unwrap_or(i64::MAX),
            }));
            targets.dropped.extend(pool.dropped.into_iter().map(|target| DroppedTarget {
                discovered_labels: target.discovered_labels,
                pool: target.job,
            }));
        }
        targets
    }

    fn pools(&self) -> Vec<String> {
        self.scraper.targets().into_iter().map(|pool| pool.job).collect()
    }

    fn metadata(&self) -> Vec<(Labels, Vec<(String, Metadata)>)> {
        let of_target = |target: skopos_scrape::TargetMetadata| {
            let families = target.families.into_iter().map(|f| (f.family, f.metadata));
            (target.labels, families.collect())
        };
        self.scraper.metadata().into_iter().map(of_target).collect()
    }

    fn groups(&self) -> Vec<Group> {
        self.groups.views().iter().map(|view| group(view)).collect()
    }

    fn alertmanagers(&self) -> (Vec<String>, Vec<String>) {
        self.notifier.urls()
    }

    fn config_yaml(&self) -> String {
        self.config.load().to_yaml().to_owned()
    }

    fn config_state(&self) -> (bool, Timestamp) {
        let time = Timestamp::from_millis(self.config_time.load(Ordering::Relaxed));
        (self.config_well.load(Ordering::Relaxed), time)
    }

    fn head(&self, limit: usize) -> Head {
        let stats = self.store.stats();
        let cardinality = self.store.cardinality("__name__", limit);
        let ranked = |entries: Vec<skopos_tsdb::Ranked>| {
            entries.into_iter().map(|entry| (entry.name, entry.count)).collect()
        };
        Head {
            series: stats.series as u64,
            label_pairs: cardinality.label_pairs,
            chunks: stats.chunks as u64,
            times: stats.min_time.zip(stats.max_time),
            series_by_metric: ranked(cardinality.series_by_value),
            values_by_label: ranked(cardinality.values_by_name),
            bytes_by_label: ranked(cardinality.bytes_by_name),
            series_by_pair: ranked(cardinality.series_by_pair),
        }
    }

    fn collect(&self, page: &mut Page) {
        self.collect_store(page);
        self.collect_targets(page);
        self.groups.collect(page);
        self.notifier.collect(page);
    }
}

impl Wiring {
    fn collect_store(&self, page: &mut Page) {
        let stats = self.store.stats();
        let seconds = |t: Option<Timestamp>| t.map_or(0, Timestamp::as_millis) as f64;
        for (name, help, v) in [
            (
                "prometheus_tsdb_head_chunks",
                "Total number of chunks in the head block.",
                stats.chunks as f64,
            ),
            (
                "prometheus_tsdb_head_max_time",
                "Maximum timestamp of the head block. The unit is decided by the library consumer.",
                seconds(stats.max_time),
            ),
            (
                "prometheus_tsdb_head_min_time",
                "Minimum time bound of the head block. The unit is decided by the library consumer.",
                seconds(stats.min_time),
            ),
            (
                "prometheus_tsdb_head_series",
                "Total number of series in the head block.",
                stats.series as f64,
            ),
        ] {
            page.gauge(name, help, v);
        }
        for (name, help, v) in [
            (
                "prometheus_tsdb_head_series_created_total",
                "Total number of series created in the head",
                stats.series_created,
            ),
            (
                "prometheus_tsdb_head_series_removed_total",
                "Total number of series removed in the head",
                stats.series_removed,
            ),
            (
                "prometheus_tsdb_head_truncations_total",
                "Total number of head truncations attempted.",
                stats.truncations,
            ),
        ] {
            page.counter(name, help, v as f64);
        }
        for (name, help, v) in [
            (
                "prometheus_tsdb_head_samples_appended_total",
                "Total number of appended samples.",
                stats.samples_appended,
            ),
            (
                "prometheus_tsdb_out_of_bound_samples_total",
                "Total number of out of bound samples ingestion failed attempts with out of order support disabled.",
                stats.out_of_bounds,
            ),
            (
                "prometheus_tsdb_out_of_order_samples_total",
                "Total number of out of order samples ingestion failed attempts due to out of order being disabled.",
                stats.out_of_order,
            ),
        ] {
            let family = page.family(name, help, MetricType::Counter);
            family.push(vec![("type", "float".into())], v as f64);
        }
    }

    fn collect_targets(&self, page: &mut Page) {
        let pools = self.scraper.targets();
        page.gauge(
            "prometheus_target_scrape_pools",
            "The number of scrape pools.",
            pools.len() as f64,
        );
        let family = page.family(
            "prometheus_target_scrape_pool_targets",
            "Current number of targets in this scrape pool.",
            MetricType::Gauge,
        );
        for pool in &pools {
            let labels = vec![("scrape_job", pool.job.clone())];
            family.push(labels, pool.active.len() as f64);
        }
        let family = page.family(
            "prometheus_sd_discovered_targets",
            "Current number of discovered targets.",
            MetricType::Gauge,
        );
        for pool in &pools {
            let labels = vec![("config", pool.job.clone()), ("name", "scrape".into())];
            family.push(labels, (pool.active.len() + pool.dropped_count) as f64);
        }
    }
}

fn group(view: &GroupView) -> Group {
    Group {
        name: view.name.clone(),
        file: view.file.clone(),
        interval: seconds(view.interval),
        limit: usize::try_from(view.limit).unwrap_or(0),
        evaluation_time: view.evaluation_time.as_secs_f64(),
        last_evaluation: view.last_evaluation,
        rules: view.rules.iter().map(rule).collect(),
    }
}

fn rule(view: &RuleView) -> Rule {
    let alerting = (view.kind == RuleKind::Alerting).then(|| Alerting {
        state: view.state.map_or("unknown", skopos_rules::AlertState::as_str),
        duration: seconds(view.hold),
        keep_firing_for: seconds(view.keep_firing_for),
        annotations: labels(&view.annotations),
        alerts: view.alerts.iter().map(alert).collect(),
    });
    Rule {
        name: view.name.clone(),
        query: view.query.clone(),
        labels: labels(&view.labels),
        health: view.health.as_str(),
        last_error: view.last_error.clone().unwrap_or_default(),
        evaluation_time: view.evaluation_time.as_secs_f64(),
        last_evaluation: view.last_evaluation,
        alerting,
    }
}

fn alert(view: &AlertView) -> Alert {
    Alert {
        labels: view.labels.to_labels(),
        annotations: Labels::from_pairs(view.annotations.iter().map(|(n, v)| (n, v))),
        state: view.state.as_str(),
        active_at: view.active_at,
        keep_firing_since: view.keep_firing_since,
        v: view.value,
    }
}

fn labels(pairs: &BTreeMap<String, String>) -> Labels {
    Labels::from_pairs(pairs)
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
