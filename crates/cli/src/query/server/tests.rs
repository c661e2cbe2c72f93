//! What the real Prometheus says of its histograms is read, and would be written alike.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;
use skopos_core::{Clock as _, FloatHistogram};

use super::*;
use crate::time::SystemClock;

/// How long anything may take: generous, since machines are slow at times.
const PATIENCE: Duration = Duration::from_secs(30);
/// Exponential histograms, some with negative counts or of several resolutions, and custom buckets.
const QUERIES: [&str; 4] = [
    "{__name__=~'prometheus_http_re.*_(seconds|bytes)',job='exponential'}",
    "-prometheus_http_request_duration_seconds{job='exponential'} * 0.25",
    "sum({__name__=~'prometheus_http_re.*_(seconds|bytes)',job='exponential'})",
    "prometheus_http_request_duration_seconds{job='custom'} / 3",
];

/// A page of the server's own, scraped twice: as native histograms and as those with custom buckets.
const CONFIG: &str = "
scrape_configs:
- job_name: exponential
  scrape_interval: 1s
  scrape_timeout: 1s
  scrape_protocols: [PrometheusProto]
  static_configs: [{targets: ['ADDRESS']}]
- job_name: custom
  scrape_interval: 1s
  scrape_timeout: 1s
  scrape_protocols: [PrometheusText0.0.4]
  convert_classic_histograms_to_nhcb: true
  static_configs: [{targets: ['ADDRESS']}]
";

/// A process that ends with the value.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where peers are")]
fn folder_of_peers() -> Option<String> {
    std::env::var("SKOPOS_PEERS").ok()
}

#[expect(clippy::disallowed_methods, reason = "the test waits for another process")]
#[track_caller]
fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Result<Option<T>, Error>) -> T {
    let start = Instant::now();
    loop {
        let last = attempt();
        if let Ok(Some(value)) = last {
            return value;
        }
        let error = last.err();
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}: {error:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn histograms(output: &QueryOutput) -> Vec<&FloatHistogram> {
    let values: Vec<&Arc<FloatHistogram>> = match &output.value {
        QueryValue::Matrix(series) => {
            series.iter().flat_map(|s| s.histograms.iter().map(|(_, h)| h)).collect()
        }
        QueryValue::Vector(samples) => samples
            .iter()
            .filter_map(|s| match &s.value {
                SampleValue::Histogram(h) => Some(h),
                SampleValue::Float(_) => None,
            })
            .collect(),
        other => unreachable!("{other:?}"),
    };
    values.into_iter().map(|h| &**h).collect()
}

#[test]
fn histograms_of_the_real_prometheus_are_read() {
    let Some(peers) = folder_of_peers() else {
        println!("skipped: SKOPOS_PEERS is not set");
        return;
    };
    let program = Path::new(&peers).join("prometheus");
    if !program.is_file() {
        println!("skipped: there is no prometheus in {peers}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    let address = free.local_addr().expect("a bound listener has an address");
    drop(free);
    let config = folder.path().join("prometheus.yml");
    fs::write(&config, CONFIG.replace("ADDRESS", &address.to_string())).expect("it is writable");
    let child = Command::new(program)
        .arg("--enable-feature=native-histograms")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus starts");
    let _peer = Peer(child);
    let url: Url = format!("http://{address}").parse().expect("a URL");
    let server = Server::new(url.clone(), 10_000);
    for query in QUERIES {
        // The first scrapes know of no requests yet.
        let t = eventually(query, || {
            let t = SystemClock.now();
            let output = server.query(&QueryRequest::instant(query, t))?;
            let filled = histograms(&output).iter().any(|h| !h.filled().is_empty());
            Ok(filled.then_some(t))
        });
        for request in [
            QueryRequest::instant(query, t),
            QueryRequest::range(query, t.saturating_sub(2_000), t, 500),
        ] {
            let step = (!request.is_instant()).then_some(request.step());
            let times = Times { start: request.start(), end: request.end(), step };
            let limits = remote::Limits { timeout: 10_000, lookback: None };
            let told = remote::ask(&url, query, times, limits).expect("an answer");
            let read = server.query(&request).expect("an answer");
            assert_eq!(Answer::from(read.clone()), told, "{query}");
            let wants_custom = query.contains("custom");
            for histogram in histograms(&read) {
                histogram.validate().map_or_else(
                    // The one refusal, since one query asks for them.
                    |error| assert!(error.to_string().contains("negative count"), "{error}"),
                    drop,
                );
                let is_custom = histogram.schema == CUSTOM_BUCKETS_SCHEMA;
                assert!(histogram.filled().is_empty() || is_custom == wants_custom, "{query}");
            }
        }
    }
}
