//! `skopos serve`: the server, with the flags of Prometheus.
//!
//! It turns flags into the server's options and runs it; everything else is in `skopos-server`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use skopos_scrape::ByteSize;
use skopos_server::Options;
use tracing::warn;

use crate::outcome::Outcome;
use crate::time;

mod inert;
mod log;

use self::inert::InertFlags;

/// Features that are always there, so that switching them on is no news.
const ALWAYS_ON: [&str; 2] = ["new-service-discovery-manager", "utf8-names"];

/// Scrape targets, evaluate rules, answer queries: Prometheus' server and its flags.
///
/// Samples are kept in memory. Without --config.file the server watches itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  skopos serve
  skopos serve --config.file prometheus.yml --web.listen-address 0.0.0.0:9090
  skopos serve --config.file prometheus.yml --storage.tsdb.retention.time 6h --web.enable-lifecycle")]
pub(crate) struct Arguments {
    /// Configuration, as Prometheus reads it
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,

    /// Address to listen on, HOST:PORT; can be repeated
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    listen_addresses: Vec<String>,
    /// URL under which people reach the server, for links
    #[arg(long = "web.external-url", value_name = "URL")]
    external_url: Option<String>,
    /// What all paths begin with [default: the path of the external URL]
    #[arg(long = "web.route-prefix", value_name = "PATH")]
    route_prefix: Option<String>,
    /// Allow the end and the reload of the configuration over HTTP
    #[arg(long = "web.enable-lifecycle", overrides_with = "no_enable_lifecycle")]
    enable_lifecycle: bool,
    #[arg(long = "no-web.enable-lifecycle", hide = true)]
    no_enable_lifecycle: bool,
    /// How long a connection may stay silent
    #[arg(long = "web.read-timeout", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    read_timeout: Duration,
    /// How many connections there may be
    #[arg(long = "web.max-connections", value_name = "COUNT", default_value_t = 512)]
    max_connections: usize,
    /// Web pages that may read answers: a regular expression of origins
    #[arg(long = "web.cors.origin", value_name = "REGEX", default_value = ".*")]
    cors_origin: String,
    /// Not supported: there is neither TLS nor authentication
    #[arg(
        long = "web.config.file",
        value_name = "FILE",
        default_value = "",
        hide_short_help = true
    )]
    web_config_file: String,
    /// Not supported: there is no agent mode
    #[arg(long = "agent", hide_short_help = true)]
    agent: bool,

    /// How long samples are kept, in memory
    #[arg(
        long = "storage.tsdb.retention.time",
        value_name = "DURATION",
        default_value = "2h",
        value_parser = duration
    )]
    retention: Duration,

    /// How long a query may take
    #[arg(long = "query.timeout", value_name = "DURATION", default_value = "2m", value_parser = duration)]
    query_timeout: Duration,
    /// How many queries may run at the same time
    #[arg(long = "query.max-concurrency", value_name = "COUNT", default_value_t = 20)]
    query_max_concurrency: usize,
    /// How many samples a query may hold
    #[arg(long = "query.max-samples", value_name = "COUNT", default_value_t = 50_000_000)]
    query_max_samples: usize,
    /// How many bytes of samples a query may hold, such as 512MB; 0 for no limit. With a limit a query
    /// stays on one thread
    #[arg(long = "query.max-bytes", value_name = "SIZE", default_value = "0", value_parser = size)]
    query_max_bytes: usize,
    /// How many series a query may select; 0 for no limit
    #[arg(long = "query.max-series", value_name = "COUNT", default_value_t = 0)]
    query_max_series: usize,
    /// How many points a series of a result or of a subquery may have; 0 for no limit but the API's, which
    /// is 11,000 in results
    #[arg(long = "query.max-points", value_name = "COUNT", default_value_t = 0)]
    query_max_points: usize,
    /// How far back a query looks for a series' newest sample
    #[arg(long = "query.lookback-delta", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    lookback_delta: Duration,

    /// How long an outage may last for pending alerts to survive it
    #[arg(
        long = "rules.alert.for-outage-tolerance",
        value_name = "DURATION",
        default_value = "1h",
        value_parser = duration
    )]
    for_outage_tolerance: Duration,
    /// How long a restored alert stays pending at least
    #[arg(
        long = "rules.alert.for-grace-period",
        value_name = "DURATION",
        default_value = "10m",
        value_parser = duration
    )]
    for_grace_period: Duration,
    /// How long to wait before an alert is sent again
    #[arg(
        long = "rules.alert.resend-delay",
        value_name = "DURATION",
        default_value = "1m",
        value_parser = duration
    )]
    resend_delay: Duration,
    /// With the feature concurrent-rule-eval: on how many threads rules run besides those of the groups
    #[arg(long = "rules.max-concurrent-evals", value_name = "COUNT", default_value_t = 4)]
    rules_max_concurrent_evals: usize,
    /// Accept hysteresis and debouncing under `x-skopos` (see `skopos rules export --help`)
    #[arg(long)]
    rule_extensions: bool,
    /// How many alerts may wait for an Alertmanager
    #[arg(
        long = "alertmanager.notification-queue-capacity",
        value_name = "COUNT",
        default_value_t = 10_000
    )]
    notification_queue_capacity: usize,
    /// How many alerts are sent to an Alertmanager at a time
    #[arg(
        long = "alertmanager.notification-batch-size",
        value_name = "COUNT",
        default_value_t = 256
    )]
    notification_batch_size: usize,

    /// Features to switch on, separated by commas: concurrent-rule-eval, promql-experimental-functions
    #[arg(long = "enable-feature", value_name = "FEATURES", value_delimiter = ',')]
    features: Vec<String>,

    /// Least severe level to log
    #[arg(long = "log.level", value_enum, default_value_t = log::Level::Info)]
    log_level: log::Level,
    /// Form of log lines
    #[arg(long = "log.format", value_enum, default_value_t = log::Format::Logfmt)]
    log_format: log::Format,

    #[command(flatten)]
    inert: InertFlags,
}

fn duration(text: &str) -> Result<Duration, String> {
    time::parse_duration(text).map(|millis| Duration::from_millis(millis.unsigned_abs()))
}

fn size(text: &str) -> Result<usize, String> {
    let size: ByteSize = text.parse().map_err(|error| format!("{error}"))?;
    // More than there are addresses is no limit.
    Ok(usize::try_from(size.get()).unwrap_or(usize::MAX))
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        // Going on without the protection that was asked for would be worse than not starting.
        if !self.web_config_file.is_empty() {
            bail!("--web.config.file is not supported: there is neither TLS nor authentication");
        }
        if self.agent {
            bail!("--agent is not supported: there is no agent mode");
        }
        log::start(self.log_level, self.log_format);
        for flag in self.inert.iter() {
            warn!(
                flag = format!("--{}", flag.name),
                reason = flag.reason,
                "this flag has no effect"
            );
        }
        let options = self.options();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(skopos_server::run(options))?;
        Ok(Outcome::Fine)
    }

    fn options(&self) -> Options {
        let mut options = Options::default();
        for feature in &self.features {
            match feature.as_str() {
                "concurrent-rule-eval" => options.concurrent_rules = true,
                "promql-experimental-functions" => options.experimental_functions = true,
                feature if ALWAYS_ON.contains(&feature) => {}
                feature => warn!(feature, "this feature is not known, or has no switch here"),
            }
        }
        options.flags = self.flags();
        options.config_file = self.config_file.clone();
        options.listen_addresses = self.listen_addresses.clone();
        options.external_url = self.external_url.clone();
        options.route_prefix = self.route_prefix.clone();
        options.enable_lifecycle = self.enable_lifecycle;
        options.read_timeout = self.read_timeout;
        options.max_connections = self.max_connections;
        options.cors_origin = self.cors_origin.clone();
        options.retention = self.retention;
        options.query_timeout = self.query_timeout;
        options.query_max_concurrency = self.query_max_concurrency;
        options.query_max_samples = self.query_max_samples;
        options.query_max_bytes = self.query_max_bytes;
        options.query_max_series = self.query_max_series;
        options.query_max_points = self.query_max_points;
        options.lookback_delta = self.lookback_delta;
        options.for_outage_tolerance = self.for_outage_tolerance;
        options.for_grace_period = self.for_grace_period;
        options.rules_max_concurrent_evals = self.rules_max_concurrent_evals;
        options.rule_extensions = self.rule_extensions;
        options.resend_delay = self.resend_delay;
        options.notification_queue_capacity = self.notification_queue_capacity;
        options.notification_batch_size = self.notification_batch_size;
        options
    }

    /// The flags that are no options of the server, for the API to show.
    fn flags(&self) -> BTreeMap<String, String> {
        let own = [
            ("enable-feature", self.features.join(",")),
            ("log.format", self.log_format.name().to_owned()),
            ("log.level", self.log_level.name().to_owned()),
        ];
        let inert = self.inert.iter().map(|flag| (flag.name, flag.value.clone()));
        own.into_iter().chain(inert).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
