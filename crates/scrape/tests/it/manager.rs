//! The manager: loops, reloads, failures, what it shows.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use skopos_core::{Clock, Labels, Sample, Timestamp, is_stale_nan};
use skopos_scrape::{
    Health, Job, Manager, ManagerOptions, ScrapeConfig, ScrapeDefaults, TargetStatus,
};
use skopos_testkit::MemoryStore;
use tokio::time::{Instant, sleep};

use crate::server::{Reply, Server};

/// The runtime's time, from an epoch of the test's own.
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + self.0.elapsed().as_millis() as i64)
    }
}

struct Fixture {
    store: Arc<MemoryStore>,
    manager: Manager,
}

impl Fixture {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(RuntimeClock(Instant::now()));
        let mut options = ManagerOptions::default();
        options.user_agent = "Prometheus/3.5.3".into();
        options.discovery_interval = Duration::from_millis(20);
        let manager = Manager::new(Arc::clone(&store) as _, clock, options);
        Self { store, manager }
    }

    async fn apply(&self, yaml: &str) {
        self.manager.apply(jobs(yaml)).await.unwrap();
    }

    /// The one target there is.
    fn target(&self) -> Option<TargetStatus> {
        self.manager.targets().into_iter().flat_map(|pool| pool.active).next()
    }

    fn floats(&self, name: &str, instance: &str) -> Vec<Sample> {
        let labels = [("__name__", name), ("instance", instance), ("job", "j")];
        self.store.floats(&Labels::from_pairs(labels))
    }
}

fn jobs(yaml: &str) -> Vec<Job> {
    let configs: Vec<ScrapeConfig> = serde_saphyr::from_str(yaml).unwrap();
    let resolve =
        |config: &ScrapeConfig| config.resolve(&ScrapeDefaults::default(), Path::new("")).unwrap();
    configs.iter().map(resolve).collect()
}

fn job(server: &Server, more: &str) -> String {
    let address = &server.address;
    format!(
        "[{{job_name: j, scrape_interval: 250ms, static_configs: [{{targets: ['{address}']}}], {more}}}]"
    )
}

/// Waits until `condition` gives something, which it does soon or never.
#[track_caller]
fn eventually<T>(mut condition: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        for _ in 0..1_000 {
            if let Some(found) = condition() {
                return found;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("it did not come: {caller}");
    }
}

#[tokio::test]
async fn targets_are_scraped_again_and_again() {
    let server = Server::start(Reply::page("# HELP a what\n# TYPE a gauge\na 1\n")).await;
    let fixture = Fixture::new();
    fixture.apply(&job(&server, "params: {m: [x]}")).await;
    let samples = eventually(|| {
        Some(fixture.floats("a", &server.address)).filter(|samples| 3 <= samples.len())
    })
    .await;
    for pair in samples.windows(2) {
        let distance = pair[1].t - pair[0].t;
        assert!(1 < distance, "{distance}");
    }
    let target = fixture.target().unwrap();
    assert_eq!((target.health, target.last_error.as_str()), (Health::Up, ""));
    assert_eq!(target.url, format!("http://{}/metrics?m=x", server.address));
    assert_eq!(target.labels.get("job"), Some("j"));
    assert_eq!(target.discovered_labels.get("__scrape_interval__"), Some("250ms"));
    assert!(target.last_scrape.is_some() && !target.last_scrape_duration.is_zero());
    let metadata = fixture.manager.metadata();
    assert_eq!(metadata[0].families[0].metadata.help, "what");

    let request = server.requests()[0].to_lowercase();
    for line in [
        "get /metrics?m=x http/1.1",
        "accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,",
        "accept-encoding: gzip\r\n",
        "user-agent: prometheus/3.5.3\r\n",
        "x-prometheus-scrape-timeout-seconds: 0.25\r\n",
    ] {
        assert!(request.contains(line), "{line} is not in {request}");
    }
    fixture.manager.shutdown().await;
    let count = server.requests().len();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(server.requests().len(), count);
    let last = fixture.floats("a", &server.address);
    assert!(last.iter().all(|sample| !is_stale_nan(sample.v)), "no markers at the end of all");
}

#[tokio::test]
async fn failures_are_told_and_pass() {
    let server =
        Server::start(Reply { status: "503 Service Unavailable", ..Reply::page("") }).await;
    let fixture = Fixture::new();
    fixture.apply(&job(&server, "body_size_limit: 100B")).await;
    let error = async |expected: &str| {
        eventually(|| {
            let target = fixture.target().filter(|target| target.health == Health::Down)?;
            target.last_error.contains(expected).then_some(())
        })
        .await;
    };
    error("server returned HTTP status 503 Service Unavailable").await;
    server.set(Reply::page("a 1\nb one\n"));
    error("invalid syntax while parsing: \"b one\" (line 2, column 3)").await;
    server.set(Reply::page(&"a 1\n".repeat(25)));
    error("body size limit exceeded").await;
    server.set(Reply { delay: Duration::from_secs(60), ..Reply::page("a 1\n") });
    error("context deadline exceeded").await;
    server.set(Reply::page("a 1\n"));
    eventually(|| fixture.target().filter(|target| target.health == Health::Up)).await;
    let up = fixture.floats("up", &server.address);
    assert!(up.iter().any(|sample| sample.v == 0.0) && up.iter().any(|sample| sample.v == 1.0));
}

#[tokio::test]
async fn a_target_that_is_not_there_is_down() {
    let fixture = Fixture::new();
    let job =
        "[{job_name: j, scrape_interval: 250ms, static_configs: [{targets: ['127.0.0.1:1']}]}]";
    fixture.apply(job).await;
    let target =
        eventually(|| fixture.target().filter(|target| target.health == Health::Down)).await;
    assert_eq!(
        target.last_error,
        "Get \"http://127.0.0.1:1/metrics\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
}

#[tokio::test]
async fn compressed_pages_and_credentials_go_over_the_wire() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"a 1\n").unwrap();
    let mut reply = Reply::page("");
    reply.headers.push(("Content-Encoding", "gzip".into()));
    reply.body = encoder.finish().unwrap();
    let server = Server::start(reply).await;
    let fixture = Fixture::new();
    let more = "basic_auth: {username: me, password: 'open sesame'}, http_headers: {x-tenant: {values: [t]}}";
    fixture.apply(&job(&server, more)).await;
    eventually(|| (!fixture.floats("a", &server.address).is_empty()).then_some(())).await;
    let request = server.requests()[0].clone();
    assert!(request.contains("authorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n"), "{request}");
    assert!(request.contains("x-tenant: t\r\n"), "{request}");
}

#[tokio::test]
async fn redirects_are_followed_unless_told_otherwise() {
    let goal = Server::start(Reply::page("a 1\n")).await;
    let mut reply = Reply { status: "302 Found", ..Reply::page("") };
    reply.headers.push(("Location", format!("http://{}/other", goal.address)));
    let server = Server::start(reply).await;
    let fixture = Fixture::new();
    fixture.apply(&job(&server, "follow_redirects: false")).await;
    let down = eventually(|| fixture.target().filter(|target| target.health == Health::Down)).await;
    assert_eq!(down.last_error, "server returned HTTP status 302 Found");
    fixture.apply(&job(&server, "")).await;
    eventually(|| fixture.target().filter(|target| target.health == Health::Up)).await;
    assert!(goal.requests()[0].starts_with("GET /other "));
}

#[tokio::test]
async fn a_job_that_is_as_before_is_left_alone() {
    let server = Server::start(Reply::page("a 1\n")).await;
    let fixture = Fixture::new();
    fixture.apply(&job(&server, "")).await;
    eventually(|| (2 <= server.requests().len()).then_some(())).await;
    fixture.apply(&job(&server, "")).await;
    assert_eq!(fixture.target().unwrap().health, Health::Up);
    // The client changes, the series go on: none is new again.
    fixture.apply(&job(&server, "bearer_token: t")).await;
    assert_eq!(fixture.target().unwrap().health, Health::Up);
    eventually(|| server.requests().iter().any(|r| r.contains("Bearer t")).then_some(())).await;
    let scraped = fixture.floats("up", &server.address).len();
    eventually(|| (scraped + 1 < fixture.floats("up", &server.address).len()).then_some(())).await;
    let added = fixture.floats("scrape_series_added", &server.address);
    assert_eq!(added.iter().map(|sample| sample.v).sum::<f64>(), 1.0);
    assert!(fixture.floats("a", &server.address).iter().all(|sample| !is_stale_nan(sample.v)));
}

#[tokio::test]
async fn targets_that_are_gone_become_stale() {
    let server = Server::start(Reply::page("a 1\n")).await;
    let fixture = Fixture::new();
    fixture.apply(&job(&server, "")).await;
    eventually(|| (2 <= fixture.floats("a", &server.address).len()).then_some(())).await;
    fixture.apply("[]").await;
    assert!(fixture.manager.targets().is_empty());
    let count = server.requests().len();
    let stale = |name: &str| {
        fixture.floats(name, &server.address).last().filter(|s| is_stale_nan(s.v)).map(|s| s.t)
    };
    eventually(|| Some((stale("a")?, stale("up")?))).await;
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn a_loop_that_took_over_marks_the_series_of_the_one_before() {
    let server = Server::start(Reply::page("a 1\n")).await;
    let fixture = Fixture::new();
    fixture.apply(&job(&server, "")).await;
    eventually(|| (!fixture.floats("a", &server.address).is_empty()).then_some(())).await;
    // The new loop is ended before its first scrape.
    fixture.apply(&job(&server, "bearer_token: t")).await;
    fixture.apply("[]").await;
    let is_stale = || {
        let last = fixture.floats("a", &server.address).last().copied();
        last.filter(|sample| is_stale_nan(sample.v))
    };
    eventually(is_stale).await;
}

#[tokio::test]
async fn an_interval_may_change() {
    let server = Server::start(Reply::page("a 1\n")).await;
    let fixture = Fixture::new();
    fixture.apply(&job(&server, "")).await;
    eventually(|| (!fixture.floats("a", &server.address).is_empty()).then_some(())).await;
    fixture.apply(&job(&server, "").replace("250ms", "200ms")).await;
    let pools = fixture.manager.targets();
    assert_eq!(pools[0].active.len(), 1);
    assert_eq!(pools[0].active[0].interval, Duration::from_millis(200));
    let count = fixture.floats("a", &server.address).len();
    let more = || fixture.floats("a", &server.address).len().checked_sub(count + 5);
    eventually(more).await;
    assert!(fixture.floats("a", &server.address).iter().all(|sample| !is_stale_nan(sample.v)));
}

#[tokio::test]
async fn too_many_targets_are_not_scraped_at_all() {
    let server = Server::start(Reply::page("a 1\n")).await;
    let fixture = Fixture::new();
    let address = &server.address;
    fixture
        .apply(&format!(
            "[{{job_name: j, scrape_interval: 250ms, target_limit: 1, static_configs: [{{targets: ['{address}', 'b:1']}}]}}]"
        ))
        .await;
    let target =
        eventually(|| fixture.target().filter(|target| target.health == Health::Down)).await;
    assert_eq!(target.last_error, "target_limit exceeded (number of targets: 2, limit: 1)");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn dropped_targets_are_counted() {
    let fixture = Fixture::new();
    fixture
        .apply(
            "
- job_name: j
  keep_dropped_targets: 1
  static_configs: [{targets: ['a:1', 'b:1', 'b:1', 'c:1']}]
  relabel_configs: [{source_labels: [__address__], regex: 'b:1', action: keep}]
",
        )
        .await;
    let pools = fixture.manager.targets();
    assert_eq!((pools[0].active.len(), pools[0].dropped.len(), pools[0].dropped_count), (1, 1, 2));
    assert_eq!(pools[0].dropped[0].discovered_labels.get("__address__"), Some("a:1"));
}

#[tokio::test]
async fn files_with_targets_are_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("targets.json");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    let fixture = Fixture::new();
    let pattern = directory.path().join("*.json");
    fixture
        .apply(&format!(
            "[{{job_name: j, file_sd_configs: [{{files: ['{}']}}]}}]",
            pattern.display()
        ))
        .await;
    let addresses = || {
        let active = fixture.manager.targets().remove(0).active;
        active.iter().map(|t| t.labels.get("instance").unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(addresses().is_empty());
    write(r#"[{"targets": ["a:1", "b:1"], "labels": {"env": "x"}}]"#);
    eventually(|| (addresses() == ["a:1", "b:1"]).then_some(())).await;
    assert_eq!(
        fixture.target().unwrap().discovered_labels.get("__meta_filepath"),
        Some(file.to_str().unwrap())
    );
    write("[{\"targets\": ");
    sleep(Duration::from_millis(100)).await;
    assert_eq!(addresses(), ["a:1", "b:1"]);
    write(r#"[{"targets": ["b:1"], "labels": {"env": "x"}}]"#);
    eventually(|| (addresses() == ["b:1"]).then_some(())).await;
    std::fs::remove_file(&file).unwrap();
    eventually(|| addresses().is_empty().then_some(())).await;
}

#[tokio::test]
async fn two_jobs_of_a_name_are_refused() {
    let fixture = Fixture::new();
    let error = fixture.manager.apply(jobs("[{job_name: j}, {job_name: j}]")).await.unwrap_err();
    assert_eq!(error.to_string(), r#"found multiple scrape configs with job name "j""#);
    let missing = "[{job_name: j, tls_config: {ca_file: /does/not/exist.pem}}]";
    let error = fixture.manager.apply(jobs(missing)).await.unwrap_err();
    assert!(error.to_string().starts_with("unable to read /does/not/exist.pem: "), "{error}");
    assert!(fixture.manager.targets().is_empty());
}
