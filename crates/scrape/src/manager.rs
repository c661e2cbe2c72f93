//! Scraping many targets of many jobs, for as long as a program runs.
//!
//! A pool a job, a task a target. Storing runs on the runtime's blocking threads, since a sink may
//! block. The clock tells the times of samples; waiting is the runtime's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skopos_core::{Clock, Ingest};
use skopos_exposition::accept_header;
use tokio::sync::{Semaphore, watch};

use self::pool::Pool;
use crate::client::{Connect, HttpConnector};
use crate::config::{Job, check_unique_names};
use crate::cycle::lock;
use crate::error::Error;

mod discover;
mod pool;
mod snapshot;
mod worker;

pub use self::snapshot::{DroppedTarget, Health, PoolStatus, TargetMetadata, TargetStatus};

/// How a manager scrapes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ManagerOptions {
    /// The header `User-Agent`.
    pub user_agent: String,
    /// What spreads targets over their intervals, differently on each server: see
    /// [`offset_seed`](crate::offset_seed).
    pub offset_seed: u64,
    /// How late a scrape may be, at most, and still have the time at which it was due; it is also at
    /// most a hundredth of the interval. Zero for exact times.
    pub timestamp_tolerance: Duration,
    /// How often discovery files are looked at.
    pub discovery_interval: Duration,
    /// How many scrapes are stored at the same time; others wait. At least one.
    pub concurrent_stores: usize,
    /// Makes the clients.
    pub connector: Arc<dyn Connect>,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("skopos/", env!("CARGO_PKG_VERSION")).into(),
            offset_seed: 0,
            timestamp_tolerance: Duration::from_millis(2),
            discovery_interval: Duration::from_secs(5),
            // Enough to keep all cores busy while some wait for the sink.
            concurrent_stores: 2 * std::thread::available_parallelism().map_or(1, Into::into),
            connector: Arc::new(HttpConnector::default()),
        }
    }
}

/// Scrapes the targets of jobs into a sink.
///
/// It needs a tokio runtime with time and I/O. Dropping it ends all scraping as
/// [`shutdown`](Self::shutdown) does, without waiting.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use skopos_core::{Clock, Ingest};
/// use skopos_scrape::{Error, Job, Manager, ManagerOptions};
///
/// async fn scrape(
///     sink: Arc<dyn Ingest>,
///     clock: Arc<dyn Clock>,
///     jobs: Vec<Job>,
/// ) -> Result<(), Error> {
///     let manager = Manager::new(sink, clock, ManagerOptions::default());
///     manager.apply(jobs).await?;
///     for pool in manager.targets() {
///         println!("{}: {} targets", pool.job, pool.active.len());
///     }
///     manager.shutdown().await;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Manager {
    shared: Arc<Shared>,
    /// One change at a time.
    applying: tokio::sync::Mutex<()>,
    pools: Mutex<BTreeMap<String, Arc<Pool>>>,
    shutdown: watch::Sender<bool>,
}

/// What all scrape loops need.
struct Shared {
    sink: Arc<dyn Ingest>,
    clock: Arc<dyn Clock>,
    options: ManagerOptions,
    /// A permit for each scrape that may be stored now.
    stores: Semaphore,
    /// Whether everything ends, without staleness markers.
    shutdown: watch::Receiver<bool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Manager {
    /// A manager without jobs.
    #[must_use]
    pub fn new(sink: Arc<dyn Ingest>, clock: Arc<dyn Clock>, options: ManagerOptions) -> Self {
        let (sender, shutdown) = watch::channel(false);
        let stores = Semaphore::new(options.concurrent_stores.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            shared: Arc::new(Shared { sink, clock, options, stores, shutdown }),
            applying: tokio::sync::Mutex::default(),
            pools: Mutex::default(),
            shutdown: sender,
        }
    }

    /// Scrapes `jobs` from now on and nothing else.
    ///
    /// A job that is as before goes on undisturbed. One that changed gets new loops, which keep what
    /// they know of series where the change is only about the sample limit or the client. The
    /// series of targets that are gone become stale after two more intervals. Returns when the
    /// scrapes that were under way have ended.
    ///
    /// # Errors
    ///
    /// `Config` if two jobs have the same name or a client cannot be made of its files; nothing has
    /// changed then.
    pub async fn apply(&self, jobs: Vec<Job>) -> Result<(), Error> {
        check_unique_names(&jobs)?;
        let _one = self.applying.lock().await;
        let mut changes = Vec::new();
        for job in jobs {
            let old = lock(&self.pools).get(&job.name).cloned();
            if old.as_ref().is_some_and(|old| *old.job() == job) {
                changes.push((old, None));
                continue;
            }
            let client = self.shared.options.connector.connect(&job.http)?;
            changes.push((old, Some((Arc::new(job), client))));
        }
        let mut pools = BTreeMap::new();
        for (old, change) in changes {
            let pool = match (old, change) {
                (Some(old), None) => old,
                (Some(old), Some((job, client))) => {
                    old.reload(job, client).await;
                    old
                }
                (None, Some((job, client))) => Pool::start(&self.shared, job, client).await,
                (None, None) => continue,
            };
            pools.insert(pool.job().name.clone(), pool);
        }
        let old = std::mem::replace(&mut *lock(&self.pools), pools);
        let kept = lock(&self.pools).clone();
        for (name, pool) in old {
            if !kept.contains_key(&name) {
                pool.retire().await;
            }
        }
        Ok(())
    }

    /// Ends all scraping and returns when what was under way is stored or given up. Series are not
    /// marked as stale: the program may start again.
    pub async fn shutdown(&self) {
        let _one = self.applying.lock().await;
        self.shutdown.send_replace(true);
        let pools = std::mem::take(&mut *lock(&self.pools));
        for pool in pools.into_values() {
            pool.join().await;
        }
    }

    /// The state of all targets, jobs by name.
    #[must_use]
    pub fn targets(&self) -> Vec<PoolStatus> {
        self.pools().iter().map(|pool| pool.status()).collect()
    }

    /// What targets say of metric families, target by target.
    #[must_use]
    pub fn metadata(&self) -> Vec<TargetMetadata> {
        self.pools().iter().flat_map(|pool| pool.metadata()).collect()
    }

    fn pools(&self) -> Vec<Arc<Pool>> {
        lock(&self.pools).values().cloned().collect()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.shutdown.send_replace(true);
    }
}

/// The headers of a job's requests, with the timeout of one target.
fn headers(job: &Job, user_agent: &str, timeout: Duration) -> Vec<(&'static str, String)> {
    let encoding = if job.enable_compression { "gzip" } else { "identity" };
    vec![
        ("accept", accept_header(&job.protocols, job.name_escaping)),
        ("accept-encoding", encoding.into()),
        ("user-agent", user_agent.into()),
        ("x-prometheus-scrape-timeout-seconds", timeout.as_secs_f64().to_string()),
    ]
}
