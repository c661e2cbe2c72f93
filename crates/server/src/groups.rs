//! Running rule groups: each at its slots, each for itself.
//!
//! A group is a task that waits for its next slot and evaluates there, on a thread that may block. A
//! group that is late passes over the slots that it missed and counts them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use skopos_core::{Clock, Expander, Ingest, Labels, MetricType, SeriesSource, Timestamp};
use skopos_rules::{
    Evaluator, GroupDefaults, GroupState, GroupView, Health, Outcome, RestoreOptions, RuleFile,
    SharedSource, Threads,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Stopwatch;
use crate::error::{Error, ErrorKind};
use crate::meter::{Page, Total};
use crate::notify::Notifier;
use crate::wiring::LiveEngine;

/// What all groups need of the world around them.
pub(crate) struct Surroundings {
    pub(crate) engine: Arc<LiveEngine>,
    pub(crate) source: Arc<dyn SeriesSource>,
    pub(crate) sink: Arc<dyn Ingest>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) expander: Arc<dyn Expander>,
    pub(crate) notifier: Arc<Notifier>,
    pub(crate) external_labels: ArcSwap<Labels>,
    pub(crate) external_url: String,
    /// Milliseconds between two sendings of a firing alert.
    pub(crate) resend_delay: i64,
    pub(crate) restore: RestoreOptions,
    /// Threads that rules of a group may be evaluated on besides the group's own, where that is wanted.
    pub(crate) threads: Option<Threads>,
}

/// The groups that run.
pub(crate) struct Groups {
    around: Arc<Surroundings>,
    running: Mutex<BTreeMap<String, Running>>,
    /// One change at a time.
    applying: tokio::sync::Mutex<()>,
}

/// A group that runs.
struct Running {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What the task of a group shares with those who look at it.
struct Shared {
    /// `None` once another group took it over.
    state: Mutex<Option<GroupState>>,
    /// As of the last evaluation, so that looking never waits for one.
    view: ArcSwap<GroupView>,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    iterations: u64,
    missed: u64,
    evaluations: u64,
    failures: u64,
    samples: usize,
    durations: Total,
    /// Seconds that rules took, each for itself.
    rule_durations: Total,
    /// Seconds that restoring took, once it was done.
    restore_duration: Option<f64>,
    expansions: u64,
    failed_expansions: u64,
}

impl Groups {
    /// No groups yet.
    pub(crate) fn new(around: Surroundings) -> Self {
        Self {
            around: Arc::new(around),
            running: Mutex::default(),
            applying: tokio::sync::Mutex::default(),
        }
    }

    /// Runs the groups of `files` from now on and nothing else. Groups that are as before go on
    /// untouched; changed ones keep the state of their rules; series of those that are gone become
    /// stale after two intervals. `first` is whether this is the start of the program.
    ///
    /// # Errors
    ///
    /// `Config` where a group cannot run; nothing has changed then.
    pub(crate) async fn apply(
        &self,
        files: &[RuleFile],
        defaults: GroupDefaults,
        external_labels: Labels,
        first: bool,
    ) -> Result<(), Error> {
        let _one = self.applying.lock().await;
        let mut wanted = Vec::new();
        for file in files {
            for group in &file.groups {
                let same = |running: &Running| {
                    let state = lock(&running.shared.state);
                    state.as_ref().is_some_and(|s| s.is_same(group, &file.name, defaults))
                };
                let key = format!("{};{}", file.name, group.name);
                if self.running().get(&key).is_some_and(same) {
                    wanted.push((key, None));
                    continue;
                }
                let state =
                    GroupState::new(group, &file.name, defaults, &*self.around.engine, first)
                        .map_err(|e| {
                            Error::new(ErrorKind::Config, format!("{}: {e}", file.name))
                        })?;
                wanted.push((key, Some(state)));
            }
        }
        self.around.external_labels.store(Arc::new(external_labels));
        let mut old = std::mem::take(&mut *self.running());
        let mut new = BTreeMap::new();
        for (key, state) in wanted {
            let running = match (state, old.remove(&key)) {
                (None, Some(running)) => running,
                (Some(mut state), Some(before)) => {
                    let counts = *lock(&before.shared.counts);
                    if let Some(before) = before.end().await {
                        state.take_over(before);
                    }
                    Running::start(&self.around, state, counts)
                }
                (Some(state), None) => Running::start(&self.around, state, Counts::default()),
                (None, None) => continue,
            };
            new.insert(key, running);
        }
        *self.running() = new;
        for gone in old.into_values() {
            self.retire(gone).await;
        }
        Ok(())
    }

    /// Ends a group for good: its series become stale after two intervals.
    async fn retire(&self, gone: Running) {
        let Some(state) = gone.end().await else { return };
        let around = Arc::clone(&self.around);
        let patience = Duration::from_millis(state.interval().unsigned_abs().saturating_mul(2));
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            let work = move || state.retire(around.clock.now(), &*around.sink);
            // It fails only where the program ends.
            let _ = tokio::task::spawn_blocking(work).await;
        });
    }

    /// Ends all groups after what they are doing.
    pub(crate) async fn stop(&self) {
        let _one = self.applying.lock().await;
        let running = std::mem::take(&mut *self.running());
        for group in running.values() {
            group.stop.send_replace(true);
        }
        for group in running.into_values() {
            group.end().await;
        }
    }

    /// The groups, in the order of files and names.
    pub(crate) fn views(&self) -> Vec<Arc<GroupView>> {
        let mut views: Vec<_> =
            self.running().values().map(|group| group.shared.view.load_full()).collect();
        views.sort_by(|a, b| (&a.file, &a.name).cmp(&(&b.file, &b.name)));
        views
    }

    /// Adds the metrics.
    pub(crate) fn collect(&self, page: &mut Page) {
        let groups: Vec<_> = {
            let running = self.running();
            let one = |(key, group): (&String, &Running)| {
                (key.clone(), group.shared.view.load_full(), *lock(&group.shared.counts))
            };
            running.iter().map(one).collect()
        };
        let mut family = |name, help, kind, v: &dyn Fn(&GroupView, &Counts) -> f64| {
            let family = page.family(name, help, kind);
            for (key, view, counts) in &groups {
                family.push(vec![("rule_group", key.clone())], v(view, counts));
            }
        };
        collect_groups(&mut family);
        let restored: Vec<_> = groups
            .iter()
            .filter_map(|(key, _, counts)| Some((key, counts.restore_duration?)))
            .collect();
        if !restored.is_empty() {
            let family = page.family(
                "prometheus_rule_group_last_restore_duration_seconds",
                "The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.",
                MetricType::Gauge,
            );
            for (key, seconds) in restored {
                family.push(vec![("rule_group", key.clone())], seconds);
            }
        }
        let (mut all, mut of_rules) = (Total::default(), Total::default());
        let (mut expansions, mut failed_expansions) = (0, 0);
        for (_, _, counts) in &groups {
            all.merge(counts.durations);
            of_rules.merge(counts.rule_durations);
            expansions += counts.expansions;
            failed_expansions += counts.failed_expansions;
        }
        page.summary(
            "prometheus_rule_group_duration_seconds",
            "The duration of rule group evaluations.",
            [("", "", all)],
        );
        page.summary(
            "prometheus_rule_evaluation_duration_seconds",
            "The duration for a rule to execute.",
            [("", "", of_rules)],
        );
        page.counter(
            "prometheus_template_text_expansions_total",
            "The total number of template text expansions.",
            expansions as f64,
        );
        page.counter(
            "prometheus_template_text_expansion_failures_total",
            "The total number of template text expansion failures.",
            failed_expansions as f64,
        );
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        lock(&self.running)
    }
}

/// Adds a family to a page: name, help, type, and the value for a group.
type AddFamily<'a> =
    dyn FnMut(&'static str, &'static str, MetricType, &dyn Fn(&GroupView, &Counts) -> f64) + 'a;

fn collect_groups(family: &mut AddFamily<'_>) {
    use MetricType::{Counter, Gauge};

    let seconds = |t: Option<Timestamp>| t.map_or(0.0, Timestamp::as_seconds);
    family(
        "prometheus_rule_evaluations_total",
        "The total number of rule evaluations.",
        Counter,
        &|_, counts| counts.evaluations as f64,
    );
    family(
        "prometheus_rule_evaluation_failures_total",
        "The total number of rule evaluation failures.",
        Counter,
        &|_, counts| counts.failures as f64,
    );
    family(
        "prometheus_rule_group_iterations_total",
        "The total number of scheduled rule group evaluations, whether executed or missed.",
        Counter,
        &|_, counts| counts.iterations as f64,
    );
    family(
        "prometheus_rule_group_iterations_missed_total",
        "The total number of rule group evaluations missed due to slow rule group evaluation.",
        Counter,
        &|_, counts| counts.missed as f64,
    );
    family(
        "prometheus_rule_group_interval_seconds",
        "The interval of a rule group.",
        Gauge,
        &|view, _| view.interval as f64 / 1000.0,
    );
    family(
        "prometheus_rule_group_last_duration_seconds",
        "The duration of the last rule group evaluation.",
        Gauge,
        &|view, _| view.evaluation_time.as_secs_f64(),
    );
    family(
        "prometheus_rule_group_last_evaluation_timestamp_seconds",
        "The timestamp of the last rule group evaluation in seconds.",
        Gauge,
        &|view, _| seconds(view.last_evaluation),
    );
    family(
        "prometheus_rule_group_last_evaluation_samples",
        "The number of samples returned during the last rule group evaluation.",
        Gauge,
        &|_, counts| counts.samples as f64,
    );
    family(
        "prometheus_rule_group_last_rule_duration_sum_seconds",
        "The sum of time in seconds it took to evaluate each rule in the group regardless of concurrency. This should be higher than the group duration if rules are evaluated concurrently.",
        Gauge,
        &|view, _| view.rules.iter().map(|rule| rule.evaluation_time.as_secs_f64()).sum(),
    );
    family("prometheus_rule_group_rules", "The number of rules.", Gauge, &|view, _| {
        view.rules.len() as f64
    });
}

/// A panic elsewhere leaves what is kept here as good as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    fn start(around: &Arc<Surroundings>, state: GroupState, counts: Counts) -> Self {
        let shared = Arc::new(Shared {
            view: ArcSwap::from_pointee(state.view()),
            state: Mutex::new(Some(state)),
            counts: Mutex::new(counts),
        });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(Arc::clone(around), Arc::clone(&shared), stopped));
        Self { shared, stop, task }
    }

    /// Ends the group after what it is doing and takes its state.
    async fn end(self) -> Option<GroupState> {
        self.stop.send_replace(true);
        // A task that failed has left its state behind.
        let _ = self.task.await;
        lock(&self.shared.state).take()
    }
}

/// Evaluates a group at its slots until it is told to stop.
async fn run(around: Arc<Surroundings>, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let first =
        lock(&shared.state).as_ref().map(|s| (s.next_evaluation(around.clock.now()), s.interval()));
    let Some((mut slot, interval)) = first else { return };
    loop {
        let wait = slot.saturating_sub(around.clock.now().as_millis()).as_millis().max(0);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let (here, group) = (Arc::clone(&around), Arc::clone(&shared));
        let work = tokio::task::spawn_blocking(move || evaluate(&here, &group, slot));
        if let Err(error) = work.await {
            tracing::error!(%error, "the evaluation of a rule group failed inside");
        }
        let due = slot.saturating_add(interval);
        let late = around.clock.now() - due;
        let missed = if late < interval { 0 } else { late / interval };
        slot = due.saturating_add(missed.saturating_mul(interval));
        let mut counts = lock(&shared.counts);
        counts.iterations += missed.unsigned_abs();
        counts.missed += missed.unsigned_abs();
    }
}

fn evaluate(around: &Surroundings, shared: &Shared, slot: Timestamp) {
    let labels = around.external_labels.load();
    let mut guard = lock(&shared.state);
    let Some(state) = guard.as_mut() else { return };
    let world = SharedSource::new(state, &*around.source, &*around.sink);
    let engine = around.engine.over(&world);
    let mut evaluator = Evaluator::new(&engine, &*around.expander, &world, &*around.clock)
        .with_external(&labels, &around.external_url)
        .with_resend_delay(around.resend_delay);
    if let Some(threads) = &around.threads {
        evaluator = evaluator.with_executor(threads);
    }
    let outcome = state.evaluate(slot, &evaluator);
    let restored = state.wants_restore().then(Stopwatch::start);
    if restored.is_some()
        && let Err(error) = state.restore(slot, &*around.source, &around.restore)
    {
        tracing::warn!(%error, group = state.key(), "cannot restore alerts");
    }
    let restore_duration = restored.map(|watch| watch.seconds());
    let view = state.view();
    report(&view, &outcome);
    {
        let mut counts = lock(&shared.counts);
        counts.iterations += 1;
        counts.evaluations += view.rules.len() as u64;
        counts.failures += outcome.failed_evaluations as u64;
        counts.samples = outcome.samples;
        counts.durations.add(view.evaluation_time.as_secs_f64());
        for rule in &view.rules {
            counts.rule_durations.add(rule.evaluation_time.as_secs_f64());
        }
        counts.restore_duration = restore_duration.or(counts.restore_duration);
        counts.expansions += outcome.expansions;
        counts.failed_expansions += outcome.failed_expansions;
    }
    shared.view.store(Arc::new(view));
    around.notifier.send(outcome.notifications);
}

/// Tells the log what went wrong.
fn report(view: &GroupView, outcome: &Outcome) {
    if outcome.failed_rules == 0 {
        return;
    }
    for rule in view.rules.iter().filter(|rule| rule.health == Health::Bad) {
        let error = rule.last_error.as_deref().unwrap_or_default();
        tracing::warn!(
            file = view.file,
            group = view.name,
            rule = rule.name,
            error,
            "a rule failed"
        );
    }
}
