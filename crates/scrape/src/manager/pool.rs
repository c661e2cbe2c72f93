//! The targets of one job, and the loops that scrape them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use skopos_core::Labels;
use tokio::task::JoinHandle;

use super::discover::Found;
use super::snapshot::{DroppedTarget, LastScrape, PoolStatus, TargetMetadata};
use super::worker::{Assignment, Worker};
use super::{Shared, discover};
use crate::client::Fetch;
use crate::config::Job;
use crate::cycle::{MetadataCache, ScrapeCycle, keeps_series, lock};
use crate::discovery::TargetGroup;
use crate::error::{Error, ErrorKind};
use crate::target::{Discovered, Target};

/// A job that is scraped.
#[derive(Debug)]
pub(super) struct Pool {
    shared: Arc<Shared>,
    state: Mutex<State>,
    /// One change of targets at a time.
    syncing: tokio::sync::Mutex<()>,
}

struct State {
    job: Arc<Job>,
    client: Arc<dyn Fetch>,
    active: HashMap<u64, Active>,
    dropped: Vec<Labels>,
    dropped_count: usize,
    refusal: Arc<Mutex<Option<Error>>>,
    discovery: Option<JoinHandle<()>>,
    is_retired: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("job", &self.job.name).finish_non_exhaustive()
    }
}

/// A target that is scraped.
struct Active {
    target: Target,
    /// Before relabeling; may change while the target stays the same.
    discovered: Labels,
    last: Arc<Mutex<LastScrape>>,
    metadata: Arc<Mutex<MetadataCache>>,
    /// None while its loop is being replaced.
    worker: Option<Worker>,
}

impl Pool {
    pub(super) async fn start(
        shared: &Arc<Shared>,
        job: Arc<Job>,
        client: Arc<dyn Fetch>,
    ) -> Arc<Self> {
        let state = State {
            job,
            client,
            active: HashMap::new(),
            dropped: Vec::new(),
            dropped_count: 0,
            refusal: Arc::default(),
            discovery: None,
            is_retired: false,
        };
        let pool = Arc::new(Self {
            shared: Arc::clone(shared),
            state: Mutex::new(state),
            syncing: tokio::sync::Mutex::default(),
        });
        pool.discover().await;
        pool
    }

    /// Goes on under a changed job.
    pub(super) async fn reload(self: &Arc<Self>, job: Arc<Job>, client: Arc<dyn Fetch>) {
        self.stop_discovery();
        {
            let _one = self.syncing.lock().await;
            let keeps_series = keeps_series(&self.job(), &job);
            {
                let mut state = lock(&self.state);
                state.job = job;
                state.client = client;
            }
            if keeps_series {
                self.restart_loops().await;
            } else {
                // New loops start with the targets that discovery finds under the new rules.
                self.replace(HashMap::new()).await;
            }
        }
        self.discover().await;
    }

    /// Ends scraping for good; series become stale later.
    pub(super) async fn retire(&self) {
        self.stop_discovery();
        let _one = self.syncing.lock().await;
        lock(&self.state).is_retired = true;
        self.replace(HashMap::new()).await;
    }

    /// Waits for the loops to end, which were told to.
    pub(super) async fn join(&self) {
        self.stop_discovery();
        let _one = self.syncing.lock().await;
        let active = std::mem::take(&mut lock(&self.state).active);
        for worker in active.into_values().filter_map(|active| active.worker) {
            worker.join().await;
        }
    }

    pub(super) fn job(&self) -> Arc<Job> {
        Arc::clone(&lock(&self.state).job)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn status(&self) -> PoolStatus {
        let state = lock(&self.state);
        let job = &state.job.name;
        let active = state.active.values();
        let mut active: Vec<_> = active
            .map(|active| lock(&active.last).status(job, &active.target, &active.discovered))
            .collect();
        active.sort_by(|a, b| a.url.cmp(&b.url).then_with(|| a.labels.cmp(&b.labels)));
        let dropped = state.dropped.iter();
        let dropped = dropped
            .map(|labels| DroppedTarget { job: job.clone(), discovered_labels: labels.clone() });
        PoolStatus {
            job: job.clone(),
            active,
            dropped: dropped.collect(),
            dropped_count: state.dropped_count,
        }
    }

    pub(super) fn metadata(&self) -> Vec<TargetMetadata> {
        let state = lock(&self.state);
        let active = state.active.values();
        let targets = active.map(|active| {
            let mut families = lock(&active.metadata).families();
            families.sort_by(|a, b| a.family.cmp(&b.family));
            TargetMetadata {
                job: state.job.name.clone(),
                labels: active.target.labels().clone(),
                families,
            }
        });
        targets.collect()
    }

    /// Makes `groups` the targets.
    pub(super) async fn sync(&self, groups: &[&TargetGroup]) {
        let _one = self.syncing.lock().await;
        let job = self.job();
        let mut targets = HashMap::new();
        let mut dropped = Vec::new();
        let mut dropped_count = 0;
        for group in groups {
            for labels in group.targets() {
                match Target::discover(&job, labels, group.labels()) {
                    Discovered::Active(target) => {
                        targets.entry(target.hash()).or_insert(target);
                    }
                    Discovered::Dropped(labels) => {
                        dropped_count += 1;
                        let kept = job.limits.dropped_targets;
                        if kept == 0 || (dropped.len() as u64) < kept {
                            dropped.push(labels);
                        }
                    }
                    Discovered::Invalid(_, error) => {
                        let (job, group) = (&job.name, group.source());
                        tracing::error!(%error, job, group, "creating a target failed");
                    }
                }
            }
        }
        {
            let mut state = lock(&self.state);
            if state.is_retired {
                return;
            }
            state.dropped = dropped;
            state.dropped_count = dropped_count;
        }
        self.replace(targets).await;
    }

    /// Reads the places that targets come from, now and, if they may change, from now on.
    async fn discover(self: &Arc<Self>) {
        let mut found = Found::new(&self.job());
        found.read().await;
        self.sync(&found.groups()).await;
        if found.may_change() {
            let task = tokio::spawn(discover::watch(Arc::downgrade(self), found));
            lock(&self.state).discovery = Some(task);
        }
    }

    fn stop_discovery(&self) {
        if let Some(task) = lock(&self.state).discovery.take() {
            task.abort();
        }
    }

    /// Scrapes exactly `targets`: starts loops for new ones, ends those of others, leaves the rest.
    async fn replace(&self, targets: HashMap<u64, Target>) {
        let gone = {
            let mut state = lock(&self.state);
            let gone: Vec<u64> =
                state.active.keys().filter(|hash| !targets.contains_key(hash)).copied().collect();
            let gone = gone.iter().filter_map(|hash| state.active.remove(hash));
            gone.collect::<Vec<_>>()
        };
        join_all(gone.into_iter().filter_map(|active| active.worker).map(Worker::retire)).await;
        let mut state = lock(&self.state);
        for (hash, target) in targets {
            let cycle = ScrapeCycle::new(Arc::clone(&state.job), target.labels().clone())
                .with_timeout(target.timeout());
            let mut active = Active {
                discovered: target.discovered_labels().clone(),
                last: Arc::default(),
                metadata: cycle.shared_metadata(),
                worker: None,
                target,
            };
            if let Entry::Occupied(mut old) = state.active.entry(hash) {
                old.get_mut().discovered = active.discovered;
                continue;
            }
            active.worker = Some(self.employ(&state, &active, cycle));
            state.active.insert(hash, active);
        }
        *lock(&state.refusal) = refusal(&state);
    }

    /// Gives each target a new loop, which goes on with what the old one knew.
    async fn restart_loops(&self) {
        let workers: Vec<(u64, Worker)> = {
            let mut state = lock(&self.state);
            let active = state.active.iter_mut();
            active.filter_map(|(hash, active)| Some((*hash, active.worker.take()?))).collect()
        };
        let handed_over = workers.into_iter().map(|(hash, worker)| async move {
            let cycle = worker.hand_over().await;
            (hash, cycle)
        });
        for (hash, cycle) in join_all(handed_over).await {
            let mut state = lock(&self.state);
            let Some(mut active) = state.active.remove(&hash) else { continue };
            let Some(mut cycle) = cycle else { continue };
            cycle.set_job(Arc::clone(&state.job));
            active.worker = Some(self.employ(&state, &active, cycle));
            state.active.insert(hash, active);
        }
    }

    fn employ(&self, state: &State, active: &Active, cycle: ScrapeCycle) -> Worker {
        Worker::start(Assignment {
            shared: Arc::clone(&self.shared),
            job: Arc::clone(&state.job),
            target: active.target.clone(),
            client: Arc::clone(&state.client),
            cycle: Some(cycle),
            refusal: Arc::clone(&state.refusal),
            last: Arc::clone(&active.last),
        })
    }
}

/// Why none of the targets is scraped, if there are too many.
fn refusal(state: &State) -> Option<Error> {
    let (count, limit) = (state.active.len(), state.job.limits.targets);
    if limit == 0 || count as u64 <= limit {
        return None;
    }
    let message = format!("target_limit exceeded (number of targets: {count}, limit: {limit})");
    Some(Error::new(ErrorKind::Config, message))
}

/// Runs all of them at the same time; the results are in their order.
async fn join_all<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let handles: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(handles.len());
    for handle in handles {
        results.extend(handle.await.ok());
    }
    results
}
