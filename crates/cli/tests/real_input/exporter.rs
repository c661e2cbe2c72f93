//! An instrumented application, built with the official client library.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::http::Server;

/// The content type of what the client library writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    path: &'static str,
    status: &'static str,
}

/// An application that serves ten requests between two scrapes, two of them with an error.
pub(crate) struct Application {
    pub(crate) server: Server,
    broken: Arc<AtomicBool>,
}

impl Application {
    pub(crate) fn start() -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let metrics = Mutex::new(Metrics::new());
        let server = Server::start({
            let broken = Arc::clone(&broken);
            move || {
                if broken.load(Ordering::Relaxed) {
                    return (OPEN_METRICS, "# TYPE a gauge\na 1\na{x=\"1} 2\n# EOF\n".to_owned());
                }
                (OPEN_METRICS, metrics.lock().expect("no thread panicked").next_page())
            }
        });
        Self { server, broken }
    }

    /// From now on the page is broken in line 3, or no longer so.
    pub(crate) fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }
}

struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    duration: Histogram,
    active: Gauge,
}

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<Request, Counter>::default();
        // The client adds the full stop.
        registry.register("http_requests", "Requests served", requests.clone());
        let duration = Histogram::new([0.1, 0.5, 1.0]);
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took.",
            Unit::Seconds,
            duration.clone(),
        );
        let active = Gauge::<i64>::default();
        registry.register("http_active_connections", "Open connections.", active.clone());
        Self { registry, requests, duration, active }
    }

    fn next_page(&mut self) -> String {
        for (status, n) in [("200", 8), ("500", 2)] {
            let request = Request { method: "GET", path: "/api/users", status };
            self.requests.get_or_create(&request).inc_by(n);
        }
        for i in 0..10 {
            self.duration.observe(f64::from(i) / 10.0);
        }
        self.active.set(7);
        let mut page = String::new();
        encode(&mut page, &self.registry).expect("writing to a string cannot fail");
        page
    }
}
