//! The `alerting` section: where alerts are sent, and what is changed on the way.
//!
//! An entry of `alertmanagers` is written like a scrape job without the keys about scraping: the same
//! discovery, relabeling and HTTP client. So it is read as one, by [`JobKeys`], which takes the keys
//! of its own out before.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use serde::de::value::StrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use skopos_relabel::{NameScheme, Rule, RuleConfig};
use skopos_rules::PostableAlerts;
use skopos_scrape::config::{HttpConfig, TlsConfig};
use skopos_scrape::{Job, PromDuration, ScrapeConfig, ScrapeDefaults};

/// What the job is called that an entry is read as.
const JOB_NAME: &str = "alertmanager";
/// Keys of scrape jobs that an entry does not have.
const SCRAPE_KEYS: &[&str] = &[
    "always_scrape_classic_histograms",
    "body_size_limit",
    "convert_classic_histograms_to_nhcb",
    "enable_compression",
    "extra_scrape_metrics",
    "fallback_scrape_protocol",
    "honor_labels",
    "honor_timestamps",
    "job_name",
    "keep_dropped_targets",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "metric_name_escaping_scheme",
    "metric_name_validation_scheme",
    "metric_relabel_configs",
    "metrics_path",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "params",
    "sample_limit",
    "scrape_failure_log_file",
    "scrape_interval",
    "scrape_native_histograms",
    "scrape_protocols",
    "scrape_timeout",
    "target_limit",
    "track_timestamps_staleness",
];

/// Servers that alerts are sent to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alertmanager {
    /// The entry as a job: its scheme, the path of the API, client, discovery, rules for targets.
    pub(crate) job: Job,
    /// How long sending may take.
    pub(crate) timeout: Duration,
    /// What is changed in the alerts for these servers.
    pub(crate) alert_relabel: Vec<Rule>,
}

/// An entry of `alertmanagers` as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RawAlertmanager {
    job: ScrapeConfig,
    own: OwnKeys,
}

/// The keys that scrape jobs do not have.
#[derive(Clone, Debug, Default, PartialEq)]
struct OwnKeys {
    path_prefix: Option<String>,
    timeout: Option<PromDuration>,
    api_version: Option<String>,
    alert_relabel_configs: Option<RawRules>,
    sigv4: bool,
}

impl RawAlertmanager {
    /// Checks the entry; files are found relative to `directory`.
    pub(super) fn resolve(&self, directory: &Path) -> Result<Alertmanager, String> {
        if self.own.sigv4 {
            return Err("sigv4 is not supported by this version of skopos".into());
        }
        match self.own.api_version.as_deref() {
            None | Some("v2") => {}
            Some(other) => {
                return Err(format!(
                    "expected Alertmanager api version to be one of [v2] but got {other}"
                ));
            }
        }
        let alert_relabel = match &self.own.alert_relabel_configs {
            Some(rules) => compile(rules)?,
            None => Vec::new(),
        };
        let mut job = self
            .job
            .resolve(&ScrapeDefaults::default(), directory)
            .map_err(|error| error.to_string())?;
        refuse_tls(&job.http)?;
        let prefix = self.own.path_prefix.as_deref().unwrap_or_default().trim_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        job.metrics_path = format!("{slash}{prefix}{}", PostableAlerts::PATH);
        Ok(Alertmanager {
            job,
            timeout: self.own.timeout.map_or(Duration::from_secs(10), PromDuration::get),
            alert_relabel,
        })
    }
}

/// Refuses what the client that sends alerts cannot do.
fn refuse_tls(http: &HttpConfig) -> Result<(), String> {
    let TlsConfig { ca, cert, server_name, .. } = &http.tls;
    let asked = [
        ("tls_config ca", ca.is_some()),
        ("tls_config cert", cert.is_some()),
        ("tls_config server_name", server_name.is_some()),
        ("http_headers", !http.headers.is_empty()),
        ("no_proxy", http.no_proxy.is_some()),
    ];
    match asked.iter().find(|(_, asked)| *asked) {
        Some((name, _)) => {
            Err(format!("{name} of alertmanagers is not supported by this version of skopos"))
        }
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for RawAlertmanager {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = RawAlertmanager;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry of alertmanagers")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<RawAlertmanager, A::Error> {
        let mut own = OwnKeys::default();
        let keys = JobKeys { entries, own: &mut own, named: false };
        let job = ScrapeConfig::deserialize(de::value::MapAccessDeserializer::new(keys))?;
        Ok(RawAlertmanager { job, own })
    }
}

/// The entries of an alertmanager that scrape jobs have too, and a name; its own are put aside.
struct JobKeys<'a, A> {
    entries: A,
    own: &'a mut OwnKeys,
    /// Whether the name was given already.
    named: bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for JobKeys<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        if !self.named {
            return seed.deserialize(StrDeserializer::new("job_name")).map(Some);
        }
        while let Some(key) = self.entries.next_key::<String>()? {
            match key.as_str() {
                "path_prefix" => self.own.path_prefix = self.entries.next_value()?,
                "timeout" => self.own.timeout = self.entries.next_value()?,
                "api_version" => self.own.api_version = self.entries.next_value()?,
                "alert_relabel_configs" => {
                    self.own.alert_relabel_configs = self.entries.next_value()?;
                }
                "sigv4" => {
                    self.entries.next_value::<de::IgnoredAny>()?;
                    self.own.sigv4 = true;
                }
                scraping if SCRAPE_KEYS.contains(&scraping) => {
                    let problem = format_args!("unknown field `{scraping}` in alertmanagers");
                    return Err(de::Error::custom(problem));
                }
                key => return seed.deserialize(StrDeserializer::new(key)).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        if self.named {
            return self.entries.next_value_seed(seed);
        }
        self.named = true;
        seed.deserialize(Name(PhantomData))
    }
}

/// The name that an entry has as a job, where a text or nothing may stand.
struct Name<E>(PhantomData<E>);

impl<'de, E: de::Error> Deserializer<'de> for Name<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_borrowed_str(JOB_NAME)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A list of relabeling rules as it is written.
pub(super) type RawRules = Vec<Option<RuleConfig>>;

/// Checks and compiles a list of rules.
pub(super) fn compile(rules: &RawRules) -> Result<Vec<Rule>, String> {
    let compile = |rule: &Option<RuleConfig>| match rule {
        Some(rule) => rule.clone().build(NameScheme::Utf8).map_err(|error| error.to_string()),
        None => Err("empty or null alert relabeling rule".into()),
    };
    rules.iter().map(compile).collect()
}
