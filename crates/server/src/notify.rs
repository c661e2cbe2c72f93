//! Sending alerts to Alertmanagers.
//!
//! Each Alertmanager has an outbox of its own and one request at a time, so that a slow one delays
//! nobody. What waits, in which batches, and what a request says is up to `skopos-rules`; here are
//! discovery, connections and tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use skopos_core::{Labels, MetricType};
use skopos_relabel::Rule;
use skopos_rules::{Notification, Outbox, OutboxCounts, PostableAlert, PostableAlerts};
use skopos_scrape::config::{Credentials, SecretSource};
use skopos_scrape::{Discovered, Discovery, Target, TargetGroup};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::clock::Stopwatch;
use crate::config::{Alertmanager, Config};
use crate::error::{Error, ErrorKind};
use crate::meter::{Page, Total};

#[cfg(test)]
mod tests;

/// How often discovery files are looked at.
const REFRESH: Duration = Duration::from_secs(30);

/// Takes alerts and brings them to all Alertmanagers.
pub(crate) struct Notifier {
    capacity: usize,
    /// How many alerts one request has at most.
    batch: usize,
    state: Mutex<State>,
    /// Whether the queues are to be emptied and no more.
    closing: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    external_labels: Labels,
    relabel: Arc<[Rule]>,
    /// The entries of the configuration.
    entries: Vec<Arc<Entry>>,
    /// Where alerts go, by URL.
    queues: BTreeMap<String, Arc<Queue>>,
    /// URLs that relabeling dropped.
    dropped: Vec<String>,
    workers: Vec<JoinHandle<()>>,
    /// Looks at discovery files while there are any.
    refresher: Option<JoinHandle<()>>,
}

/// An entry of the configuration with its client.
struct Entry {
    config: Alertmanager,
    client: reqwest::Client,
}

/// What waits for one Alertmanager.
struct Queue {
    url: String,
    entry: Arc<Entry>,
    outbox: Mutex<Outbox>,
    arrived: Notify,
    latency: Mutex<Total>,
    /// Whether nobody wants it any more.
    retired: watch::Sender<bool>,
}

impl Notifier {
    /// A notifier that knows nobody yet, lets `capacity` alerts wait for each Alertmanager and sends
    /// up to `batch` at a time.
    pub(crate) fn new(capacity: usize, batch: usize) -> Self {
        let (closing, _) = watch::channel(false);
        Self { capacity, batch, state: Mutex::default(), closing }
    }

    /// Sends to the Alertmanagers of `config` from now on. Queues of those that stay are kept.
    ///
    /// # Errors
    ///
    /// `Config` where a client cannot be made; nothing has changed then.
    pub(crate) fn apply(self: &Arc<Self>, config: &Config) -> Result<(), Error> {
        let mut entries = Vec::new();
        for alertmanager in &config.alertmanagers {
            entries.push(Arc::new(Entry {
                config: alertmanager.clone(),
                client: client(alertmanager)?,
            }));
        }
        let has_files = config.alertmanagers.iter().flat_map(|a| &a.job.discoveries);
        let has_files = has_files.clone().any(|d| matches!(d, Discovery::File(_)));
        let mut state = self.state();
        state.external_labels = config.external_labels.clone();
        state.relabel = config.alert_relabel.clone().into();
        state.entries = entries;
        // The old queues belong to the old entries.
        let old = std::mem::take(&mut state.queues);
        if let Some(refresher) = state.refresher.take() {
            refresher.abort();
        }
        self.discover(&mut state);
        for (url, queue) in old {
            if let Some(successor) = state.queues.get(&url) {
                std::mem::swap(&mut *lock(&successor.outbox), &mut *lock(&queue.outbox));
                *lock(&successor.latency) = *lock(&queue.latency);
                successor.arrived.notify_one();
            }
            queue.retired.send_replace(true);
        }
        if has_files {
            let this = Arc::clone(self);
            state.refresher = Some(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(REFRESH).await;
                    let mut state = this.state();
                    this.discover(&mut state);
                }
            }));
        }
        Ok(())
    }

    /// Finds the Alertmanagers of all entries; starts what is new and ends what is gone.
    fn discover(self: &Arc<Self>, state: &mut State) {
        let mut found = BTreeMap::new();
        state.dropped.clear();
        for entry in &state.entries {
            for group in groups(&entry.config) {
                for labels in group.targets() {
                    match Target::discover(&entry.config.job, labels, group.labels()) {
                        Discovered::Active(target) => {
                            found.insert(target.url().to_owned(), Arc::clone(entry));
                        }
                        _ => {
                            let address = labels.get("__address__").unwrap_or_default();
                            let (scheme, path) =
                                (&entry.config.job.scheme, &entry.config.job.metrics_path);
                            state.dropped.push(format!("{scheme}://{address}{path}"));
                        }
                    }
                }
            }
        }
        state.queues.retain(|url, queue| {
            let stays = found.contains_key(url);
            if !stays {
                queue.retired.send_replace(true);
            }
            stays
        });
        for (url, entry) in found {
            if state.queues.contains_key(&url) {
                continue;
            }
            let queue = Arc::new(Queue::new(url.clone(), entry, self.capacity, self.batch));
            state.queues.insert(url, Arc::clone(&queue));
            state.workers.push(tokio::spawn(queue.work(self.closing.subscribe())));
        }
        state.workers.retain(|worker| !worker.is_finished());
    }

    /// Takes alerts, relabeled for all Alertmanagers and for each; what finds no room pushes the oldest
    /// out.
    pub(crate) fn send(&self, notifications: Vec<Notification>) {
        if notifications.is_empty() {
            return;
        }
        let state = self.state();
        for notification in notifications {
            let alert = PostableAlert::new(notification, &state.external_labels);
            let relabel = |rules: &[Rule], alert: PostableAlert| match rules {
                [] => Some(alert),
                rules => alert.relabeled(|labels| skopos_relabel::apply(rules, labels)),
            };
            let Some(alert) = relabel(&state.relabel, alert) else { continue };
            for queue in state.queues.values() {
                let alert = relabel(&queue.entry.config.alert_relabel, alert.clone());
                lock(&queue.outbox).extend(alert);
            }
        }
        for queue in state.queues.values() {
            queue.arrived.notify_one();
        }
    }

    /// Delivers what waits and ends; what takes longer than `patience` is lost.
    pub(crate) async fn close(&self, patience: Duration) {
        self.closing.send_replace(true);
        let workers = {
            let mut state = self.state();
            if let Some(refresher) = state.refresher.take() {
                refresher.abort();
            }
            std::mem::take(&mut state.workers)
        };
        let all = async {
            for worker in workers {
                // A worker that failed has nothing more to deliver.
                let _ = worker.await;
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("alerts were left undelivered at the end");
        }
    }

    /// The URLs that alerts go to, and those that relabeling dropped.
    pub(crate) fn urls(&self) -> (Vec<String>, Vec<String>) {
        let state = self.state();
        (state.queues.keys().cloned().collect(), state.dropped.clone())
    }

    /// Adds the metrics.
    pub(crate) fn collect(&self, page: &mut Page) {
        let state = self.state();
        let queues: Vec<_> =
            state.queues.iter().map(|(url, q)| (url, q, lock(&q.outbox).counts())).collect();
        page.gauge(
            "prometheus_notifications_alertmanagers_discovered",
            "The number of alertmanagers discovered and active.",
            queues.len() as f64,
        );
        page.gauge(
            "prometheus_notifications_queue_capacity",
            "The capacity of the alert notifications queue.",
            self.capacity as f64,
        );
        let waiting = queues.iter().map(|(_, q, _)| lock(&q.outbox).waiting().len()).max();
        page.gauge(
            "prometheus_notifications_queue_length",
            "The number of alert notifications in the fullest queue.",
            waiting.unwrap_or(0) as f64,
        );
        let mut counter = |name, help, v: &dyn Fn(&OutboxCounts) -> u64| {
            let family = page.family(name, help, MetricType::Counter);
            for (url, _, counts) in &queues {
                family.push(vec![("alertmanager", (*url).clone())], v(counts) as f64);
            }
        };
        counter("prometheus_notifications_sent_total", "Total number of alerts sent.", &|counts| {
            counts.sent
        });
        counter(
            "prometheus_notifications_errors_total",
            "Total number of sent alerts affected by errors.",
            &|counts| counts.errors,
        );
        counter(
            "prometheus_notifications_dropped_total",
            "Total number of alerts dropped due to errors when sending to Alertmanager.",
            &|counts| counts.dropped,
        );
        page.summary(
            "prometheus_notifications_latency_seconds",
            "Latency quantiles for sending alert notifications.",
            queues.iter().map(|(url, q, _)| ("alertmanager", url.as_str(), *lock(&q.latency))),
        );
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A panic elsewhere leaves the queues as good as they were.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn groups(config: &Alertmanager) -> Vec<TargetGroup> {
    let mut groups = Vec::new();
    for discovery in &config.job.discoveries {
        match discovery {
            Discovery::Static(found) => groups.extend(found.iter().cloned()),
            Discovery::File(files) => {
                for (path, read) in files.read() {
                    match read {
                        Ok(found) => groups.extend(found),
                        Err(error) => {
                            tracing::warn!(path = %path.display(), %error, "cannot read targets");
                        }
                    }
                }
            }
            _ => {}
        }
    }
    groups
}

fn client(config: &Alertmanager) -> Result<reqwest::Client, Error> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let http = &config.job.http;
    let redirects = if http.follow_redirects { 10 } else { 0 };
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("skopos/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::limited(redirects))
        .tls_danger_accept_invalid_certs(http.tls.insecure_skip_verify)
        .timeout(config.timeout)
        .no_proxy();
    let fail = |error: reqwest::Error| {
        Error::new(ErrorKind::Config, format!("alertmanagers: cannot make a client: {error}"))
    };
    if let Some(url) = &http.proxy_url {
        builder = builder.proxy(reqwest::Proxy::all(url).map_err(fail)?);
    }
    builder.build().map_err(fail)
}

impl Queue {
    fn new(url: String, entry: Arc<Entry>, capacity: usize, batch: usize) -> Self {
        let (retired, _) = watch::channel(false);
        Self {
            url,
            entry,
            outbox: Mutex::new(Outbox::new(capacity, batch)),
            arrived: Notify::new(),
            latency: Mutex::default(),
            retired,
        }
    }

    /// Delivers batch after batch until nobody wants it, or until all is delivered at the end.
    async fn work(self: Arc<Self>, mut closing: watch::Receiver<bool>) {
        let mut retired = self.retired.subscribe();
        loop {
            if *retired.borrow() {
                return;
            }
            let batch = lock(&self.outbox).next_batch();
            let Some(batch) = batch else {
                if *closing.borrow() {
                    return;
                }
                tokio::select! {
                    () = self.arrived.notified() => {}
                    // A sender that is gone is as good as the end.
                    _ = closing.changed() => {}
                    _ = retired.changed() => {}
                }
                continue;
            };
            self.deliver(&batch).await;
        }
    }

    async fn deliver(&self, batch: &PostableAlerts) {
        let watch = Stopwatch::start();
        let result = self.post(batch.to_json()).await;
        lock(&self.latency).add(watch.seconds());
        let mut outbox = lock(&self.outbox);
        let Err(error) = result else { return outbox.delivered(batch.len()) };
        outbox.failed(batch.len());
        drop(outbox);
        tracing::error!(alertmanager = self.url, count = batch.len(), error, "cannot send alerts");
    }

    async fn post(&self, body: String) -> Result<(), String> {
        let request = self.entry.client.post(&self.url);
        let request = request.header("content-type", PostableAlerts::CONTENT_TYPE);
        let request = match &self.entry.config.job.http.credentials {
            Some(Credentials::Authorization { scheme, token: Some(token) }) => {
                request.header("authorization", format!("{scheme} {}", secret(token).await?))
            }
            Some(Credentials::Basic { username, password }) => {
                let name = optional_secret(username.as_ref()).await?;
                request.basic_auth(name, Some(optional_secret(password.as_ref()).await?))
            }
            _ => request,
        };
        let response = request.body(body).send().await.map_err(|error| error.to_string())?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("bad response status {status}")),
        }
    }
}

async fn secret(source: &SecretSource) -> Result<String, String> {
    match source {
        SecretSource::Inline(secret) => Ok(secret.expose().to_owned()),
        SecretSource::File(path) => match tokio::fs::read_to_string(path).await {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        },
        _ => Err("this source of secrets is not supported".into()),
    }
}

async fn optional_secret(source: Option<&SecretSource>) -> Result<String, String> {
    match source {
        Some(source) => secret(source).await,
        None => Ok(String::new()),
    }
}
