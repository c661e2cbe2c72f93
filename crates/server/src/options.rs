//! What the operator chooses at the start: Prometheus' flags as values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The choices that do not change while the server runs.
///
/// Each field is the flag of Prometheus that its description names, with the same default unless
/// said otherwise.
///
/// ```
/// use skopos_server::Options;
///
/// let mut options = Options::default();
/// options.config_file = Some("prometheus.yml".into());
/// options.listen_addresses = vec!["127.0.0.1:0".into()];
/// assert_eq!(options.query_max_concurrency, 20);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// `--config.file`. Without a file the server watches itself: see [`Config::embedded`].
    ///
    /// [`Config::embedded`]: crate::Config::embedded
    pub config_file: Option<PathBuf>,
    /// `--web.listen-address`: `HOST:PORT`; an empty host means all addresses.
    pub listen_addresses: Vec<String>,
    /// `--web.external-url`: where people reach the server, for links in alerts; by default made of
    /// the host's name and the port.
    pub external_url: Option<String>,
    /// `--web.route-prefix`: what all paths begin with; by default the path of the external URL.
    pub route_prefix: Option<String>,
    /// `--web.enable-lifecycle`: whether `/-/reload` and `/-/quit` work.
    pub enable_lifecycle: bool,
    /// `--web.read-timeout`: how long a connection may stay silent.
    pub read_timeout: Duration,
    /// `--web.max-connections`: how many connections there may be, over all addresses.
    pub max_connections: usize,
    /// `--web.cors.origin`: a regular expression, matched whole, for the web pages that may read
    /// answers.
    pub cors_origin: String,
    /// `--storage.tsdb.retention.time`: how long samples are kept. They are kept in memory, so that
    /// the default is two hours and not fifteen days.
    pub retention: Duration,
    /// `--query.timeout`.
    pub query_timeout: Duration,
    /// `--query.max-concurrency`.
    pub query_max_concurrency: usize,
    /// `--query.max-samples`: how many samples one query may hold at a time.
    pub query_max_samples: usize,
    /// `--query.max-bytes`: how many bytes of samples one query may hold at a time; 0 for no limit.
    /// With a limit a query stays on one thread.
    pub query_max_bytes: usize,
    /// `--query.max-series`: how many series all selectors of one query may select; 0 for no limit.
    pub query_max_series: usize,
    /// `--query.max-points`: how many points a series of one query may have, be it of the result or of a
    /// subquery; 0 for no limit but the API's own of 11,000 in results.
    pub query_max_points: usize,
    /// `--query.lookback-delta`.
    pub lookback_delta: Duration,
    /// `--rules.alert.for-outage-tolerance`.
    pub for_outage_tolerance: Duration,
    /// `--rules.alert.for-grace-period`.
    pub for_grace_period: Duration,
    /// `--enable-feature=concurrent-rule-eval`: whether rules of a group that do not depend on each
    /// other are evaluated at the same time.
    pub concurrent_rules: bool,
    /// `--rules.max-concurrent-evals`: on how many threads, over all groups and besides those of the
    /// groups.
    pub rules_max_concurrent_evals: usize,
    /// `--rule-extensions`: whether rule files may have hysteresis and debouncing under `x-skopos`,
    /// which are evaluated as the plain rules that [`LoadOptions::with_extensions`] makes of them.
    /// Prometheus has no such flag.
    ///
    /// [`LoadOptions::with_extensions`]: skopos_rules::LoadOptions::with_extensions
    pub rule_extensions: bool,
    /// `--rules.alert.resend-delay`.
    pub resend_delay: Duration,
    /// `--alertmanager.notification-queue-capacity`.
    pub notification_queue_capacity: usize,
    /// `--alertmanager.notification-batch-size`: how many alerts one request has at most.
    pub notification_batch_size: usize,
    /// `--enable-feature=promql-experimental-functions`.
    pub experimental_functions: bool,
    /// All flags as `/api/v1/status/flags` shows them.
    pub flags: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config_file: None,
            listen_addresses: vec!["127.0.0.1:9090".into()],
            external_url: None,
            route_prefix: None,
            enable_lifecycle: false,
            read_timeout: Duration::from_secs(5 * 60),
            max_connections: 512,
            cors_origin: ".*".into(),
            retention: Duration::from_secs(2 * 3600),
            query_timeout: Duration::from_secs(2 * 60),
            query_max_concurrency: 20,
            query_max_samples: 50_000_000,
            query_max_bytes: 0,
            query_max_series: 0,
            query_max_points: 0,
            lookback_delta: Duration::from_secs(5 * 60),
            for_outage_tolerance: Duration::from_secs(3600),
            for_grace_period: Duration::from_secs(10 * 60),
            concurrent_rules: false,
            rules_max_concurrent_evals: 4,
            rule_extensions: false,
            resend_delay: Duration::from_secs(60),
            notification_queue_capacity: 10_000,
            notification_batch_size: 256,
            experimental_functions: false,
            flags: BTreeMap::new(),
        }
    }
}

impl Options {
    /// All flags with their values as text: those of [`flags`](Self::flags), and what the other
    /// fields say where that has none.
    #[must_use]
    pub fn flag_values(&self) -> BTreeMap<String, String> {
        let duration = |d: Duration| {
            skopos_promql::format_duration(i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
        };
        let file = self.config_file.as_ref().map(|file| file.display().to_string());
        let mut flags: BTreeMap<String, String> = [
            ("config.file", file.unwrap_or_default()),
            ("web.listen-address", self.listen_addresses.join(",")),
            ("web.external-url", self.external_url.clone().unwrap_or_default()),
            ("web.route-prefix", self.route_prefix.clone().unwrap_or_default()),
            ("web.enable-lifecycle", self.enable_lifecycle.to_string()),
            ("web.read-timeout", duration(self.read_timeout)),
            ("web.max-connections", self.max_connections.to_string()),
            ("web.cors.origin", self.cors_origin.clone()),
            ("storage.tsdb.retention.time", duration(self.retention)),
            ("query.timeout", duration(self.query_timeout)),
            ("query.max-concurrency", self.query_max_concurrency.to_string()),
            ("query.max-samples", self.query_max_samples.to_string()),
            ("query.max-bytes", format!("{}B", self.query_max_bytes)),
            ("query.max-series", self.query_max_series.to_string()),
            ("query.max-points", self.query_max_points.to_string()),
            ("query.lookback-delta", duration(self.lookback_delta)),
            ("rules.alert.for-outage-tolerance", duration(self.for_outage_tolerance)),
            ("rules.alert.for-grace-period", duration(self.for_grace_period)),
            ("rules.alert.resend-delay", duration(self.resend_delay)),
            ("rule-extensions", self.rule_extensions.to_string()),
            ("rules.max-concurrent-evals", self.rules_max_concurrent_evals.to_string()),
            ("alertmanager.notification-batch-size", self.notification_batch_size.to_string()),
            (
                "alertmanager.notification-queue-capacity",
                self.notification_queue_capacity.to_string(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        flags.extend(self.flags.clone());
        flags
    }
}
