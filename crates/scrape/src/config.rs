//! The scrape section of a configuration: as it is written, and as a job that can be run.
//!
//! [`ScrapeConfig`] is what stands in the file, [`ScrapeDefaults`] what the file's global section
//! says, and [`Job`] both together, checked. No file is read here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use skopos_core::Labels;
use skopos_core::text::Quoted;
use skopos_exposition::{EscapingScheme, ScrapeProtocol};
use skopos_relabel::{NameScheme, Rule, RuleConfig};

use crate::discovery::{Discovery, FileDiscovery, TargetGroup};
use crate::error::{Error, ErrorKind};
use crate::quantity::{ByteSize, PromDuration};

mod http;
mod raw;
#[cfg(test)]
mod tests;

pub use self::http::{Credentials, HttpConfig, Secret, SecretSource, TlsConfig};
pub(crate) use self::raw::RawGroup;
use self::raw::RawScrapeConfig;

/// One of `scrape_configs`, as it is written. Made by deserializing; unknown keys are refused.
///
/// ```
/// use skopos_scrape::{ScrapeConfig, ScrapeDefaults};
///
/// let config: ScrapeConfig =
///     serde_saphyr::from_str("job_name: api\nstatic_configs: [{targets: ['localhost:8080']}]")?;
/// let job = config.resolve(&ScrapeDefaults::default(), "/etc/prometheus".as_ref())?;
/// assert_eq!(job.name, "api");
/// assert_eq!(job.interval.as_secs(), 60);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct ScrapeConfig {
    raw: RawScrapeConfig,
}

/// What a global section gives to jobs that do not say otherwise. Prometheus' defaults by default.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScrapeDefaults {
    /// How often targets are scraped.
    pub scrape_interval: PromDuration,
    /// How long a scrape may take.
    pub scrape_timeout: PromDuration,
    /// What targets are asked for, the most wanted first.
    pub scrape_protocols: Vec<ScrapeProtocol>,
    /// Bytes of a page; 0 for any number, as for the limits below.
    pub body_size_limit: ByteSize,
    /// Samples of a scrape after relabeling.
    pub sample_limit: u64,
    /// Targets of a job.
    pub target_limit: u64,
    /// Labels of a series.
    pub label_limit: u64,
    /// Bytes of a label's name.
    pub label_name_length_limit: u64,
    /// Bytes of a label's value.
    pub label_value_length_limit: u64,
    /// How many dropped targets of a job are remembered.
    pub keep_dropped_targets: u64,
    /// Which names series may have.
    pub name_validation: NameScheme,
    /// How targets write other names.
    pub name_escaping: Option<EscapingScheme>,
    /// Whether the series of timeout, sample limit and body size are added.
    pub extra_scrape_metrics: bool,
}

impl Default for ScrapeDefaults {
    fn default() -> Self {
        Self {
            scrape_interval: PromDuration::from_millis(60_000),
            scrape_timeout: PromDuration::from_millis(10_000),
            scrape_protocols: ScrapeProtocol::DEFAULT.to_vec(),
            body_size_limit: ByteSize::new(0),
            sample_limit: 0,
            target_limit: 0,
            label_limit: 0,
            label_name_length_limit: 0,
            label_value_length_limit: 0,
            keep_dropped_targets: 0,
            name_validation: NameScheme::Utf8,
            name_escaping: None,
            extra_scrape_metrics: false,
        }
    }
}

/// Limits of a job's scrapes; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Uncompressed bytes of a page.
    pub body_size: u64,
    /// Samples after relabeling.
    pub samples: u64,
    /// Targets of the job.
    pub targets: u64,
    /// Labels of a series.
    pub labels: u64,
    /// Bytes of a label's name.
    pub label_name_length: u64,
    /// Bytes of a label's value.
    pub label_value_length: u64,
    /// Dropped targets that are remembered.
    pub dropped_targets: u64,
}

/// A scrape config, checked and complete.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Job {
    /// The name, which becomes the label `job`.
    pub name: String,
    /// How often targets are scraped, unless their labels say otherwise.
    pub interval: Duration,
    /// How long a scrape may take, unless the target's labels say otherwise.
    pub timeout: Duration,
    /// Whether scraped labels win over the target's.
    pub honor_labels: bool,
    /// Whether times in pages are used.
    pub honor_timestamps: bool,
    /// Whether series with times of their own are marked stale as others are.
    pub track_timestamps_staleness: bool,
    /// Parameters of the URL.
    pub params: BTreeMap<String, Vec<String>>,
    /// What targets are asked for, the most wanted first.
    pub protocols: Vec<ScrapeProtocol>,
    /// How a page without a known content type is read.
    pub fallback_protocol: Option<ScrapeProtocol>,
    /// Which names series may have.
    pub name_validation: NameScheme,
    /// How targets write other names.
    pub name_escaping: EscapingScheme,
    /// The path of the URL.
    pub metrics_path: String,
    /// The scheme of the URL.
    pub scheme: String,
    /// Whether compressed pages are asked for.
    pub enable_compression: bool,
    /// Whether the series of timeout, sample limit and body size are added.
    pub extra_scrape_metrics: bool,
    /// Limits of scrapes.
    pub limits: Limits,
    /// How targets are reached.
    pub http: HttpConfig,
    /// Rules for targets.
    pub relabel: Vec<Rule>,
    /// Rules for scraped series.
    pub metric_relabel: Vec<Rule>,
    /// Where targets come from.
    pub discoveries: Vec<Discovery>,
}

impl ScrapeConfig {
    /// The job's name; empty if none is written, which [`resolve`](Self::resolve) refuses.
    #[must_use]
    pub fn job_name(&self) -> &str {
        self.raw.job_name.as_deref().unwrap_or_default()
    }

    /// The job: what is written, completed by `defaults`, with files relative to `directory`.
    ///
    /// # Errors
    ///
    /// `Config` with Prometheus' words for what contradicts itself, `Unsupported` for what this
    /// version does not do, by name.
    pub fn resolve(&self, defaults: &ScrapeDefaults, directory: &Path) -> Result<Job, Error> {
        let raw = &self.raw;
        let name = self.job_name();
        if name.is_empty() {
            return Err(Error::config("job_name is empty"));
        }
        raw.refuse_unsupported(name)?;
        let (interval, timeout) = self.times(defaults)?;
        let (name_validation, name_escaping) = self.names(defaults)?;
        let discoveries = self.discoveries(directory)?;
        let relabel = rules(raw.relabel_configs.as_deref(), name_validation, "target")?;
        if relabel.is_empty() {
            check_static_targets(&discoveries)?;
        }
        Ok(Job {
            name: name.into(),
            interval: interval.get(),
            timeout: timeout.get(),
            honor_labels: raw.honor_labels.unwrap_or(false),
            honor_timestamps: raw.honor_timestamps.unwrap_or(true),
            track_timestamps_staleness: raw.track_timestamps_staleness.unwrap_or(false),
            params: self.params(),
            protocols: self.protocols(defaults)?,
            fallback_protocol: self.fallback_protocol()?,
            name_validation,
            name_escaping,
            metrics_path: raw.metrics_path.clone().unwrap_or_else(|| "/metrics".into()),
            scheme: raw.scheme.clone().unwrap_or_else(|| "http".into()),
            enable_compression: raw.enable_compression.unwrap_or(true),
            extra_scrape_metrics: raw.extra_scrape_metrics.unwrap_or(defaults.extra_scrape_metrics),
            limits: self.limits(defaults),
            http: raw.http().resolve(name, directory)?,
            relabel,
            metric_relabel: rules(
                raw.metric_relabel_configs.as_deref(),
                name_validation,
                "metric",
            )?,
            discoveries,
        })
    }

    fn times(&self, defaults: &ScrapeDefaults) -> Result<(PromDuration, PromDuration), Error> {
        let written = |duration: Option<PromDuration>| duration.filter(|d| !d.is_zero());
        let interval = written(self.raw.scrape_interval).unwrap_or(defaults.scrape_interval);
        let timeout = written(self.raw.scrape_timeout);
        if timeout.is_some_and(|timeout| interval < timeout) {
            let job = Quoted(self.job_name());
            return Err(Error::config(format!(
                "scrape timeout greater than scrape interval for scrape config with job name {job}"
            )));
        }
        Ok((interval, timeout.unwrap_or_else(|| defaults.scrape_timeout.min(interval))))
    }

    fn names(&self, defaults: &ScrapeDefaults) -> Result<(NameScheme, EscapingScheme), Error> {
        let local = match self.raw.metric_name_validation_scheme.as_deref().unwrap_or_default() {
            "" => None,
            text => Some(parse_validation(text).ok_or_else(|| {
                Error::config(format!(
                    "unknown scrape config name validation method specified, must be either \
                     'legacy' or 'utf8', got {text}"
                ))
            })?),
        };
        let validation = local.unwrap_or(defaults.name_validation);
        let global_escaping = defaults.name_escaping.unwrap_or(match defaults.name_validation {
            NameScheme::Legacy => EscapingScheme::Underscores,
            NameScheme::Utf8 => EscapingScheme::AllowUtf8,
        });
        let inferred = match local {
            Some(NameScheme::Legacy) => EscapingScheme::Underscores,
            _ => global_escaping,
        };
        let escaping = match self.raw.metric_name_escaping_scheme.as_deref().unwrap_or_default() {
            "" => inferred,
            text => text.parse().map_err(|_| {
                Error::config(format!(
                    "unknown scrape config name escaping method specified, must be one of \
                     'allow-utf-8', 'underscores', 'dots', or 'values', got {text}"
                ))
            })?,
        };
        if escaping == EscapingScheme::AllowUtf8 && validation == NameScheme::Legacy {
            return Err(Error::config(
                "utf8 metric names requested but validation scheme is not set to UTF8",
            ));
        }
        Ok((validation, escaping))
    }

    fn protocols(&self, defaults: &ScrapeDefaults) -> Result<Vec<ScrapeProtocol>, Error> {
        let Some(names) = &self.raw.scrape_protocols else {
            return Ok(defaults.scrape_protocols.clone());
        };
        parse_protocols(names).map_err(|error| {
            let job = Quoted(self.job_name());
            Error::new(error.kind(), format!("{error} for scrape config with job name {job}"))
        })
    }

    fn fallback_protocol(&self) -> Result<Option<ScrapeProtocol>, Error> {
        let name = self.raw.fallback_scrape_protocol.as_deref().filter(|name| !name.is_empty());
        name.map(parse_protocol).transpose().map_err(|error| {
            let job = Quoted(self.job_name());
            Error::new(
                error.kind(),
                format!(
                    "invalid fallback_scrape_protocol for scrape config with job name {job}: {error}"
                ),
            )
        })
    }

    fn params(&self) -> BTreeMap<String, Vec<String>> {
        let params = self.raw.params.clone().unwrap_or_default();
        params.into_iter().map(|(name, values)| (name, values.unwrap_or_default())).collect()
    }

    fn limits(&self, defaults: &ScrapeDefaults) -> Limits {
        let raw = &self.raw;
        let or =
            |written: Option<u64>, default: u64| written.filter(|n| *n != 0).unwrap_or(default);
        Limits {
            body_size: or(raw.body_size_limit.map(ByteSize::get), defaults.body_size_limit.get()),
            samples: or(raw.sample_limit, defaults.sample_limit),
            targets: or(raw.target_limit, defaults.target_limit),
            labels: or(raw.label_limit, defaults.label_limit),
            label_name_length: or(raw.label_name_length_limit, defaults.label_name_length_limit),
            label_value_length: or(raw.label_value_length_limit, defaults.label_value_length_limit),
            dropped_targets: or(raw.keep_dropped_targets, defaults.keep_dropped_targets),
        }
    }

    fn discoveries(&self, directory: &Path) -> Result<Vec<Discovery>, Error> {
        let mut discoveries = Vec::new();
        if let Some(groups) = &self.raw.static_configs {
            let groups = groups.iter().enumerate().map(|(i, group)| {
                let group = group
                    .as_ref()
                    .ok_or_else(|| Error::config("empty or null section in static_configs"))?;
                group.resolve(i.to_string())
            });
            discoveries.push(Discovery::Static(groups.collect::<Result<_, _>>()?));
        }
        for config in self.raw.file_sd_configs.iter().flatten() {
            let config = config
                .as_ref()
                .ok_or_else(|| Error::config("empty or null section in file_sd_configs"))?;
            let files = config.files.clone().unwrap_or_default();
            let refresh = config.refresh_interval.unwrap_or(PromDuration::from_millis(300_000));
            discoveries.push(Discovery::File(FileDiscovery::new(&files, refresh, directory)?));
        }
        Ok(discoveries)
    }
}

/// The protocols of a list of names, as `scrape_protocols` has them.
///
/// # Errors
///
/// `Config` in Prometheus' words, to which the place is to be added (` for global config`).
pub fn parse_protocols(names: &[String]) -> Result<Vec<ScrapeProtocol>, Error> {
    if names.is_empty() {
        return Err(Error::config("scrape_protocols cannot be empty"));
    }
    let mut protocols = Vec::new();
    for (i, name) in names.iter().enumerate() {
        if names.iter().take(i).any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            let names = names.join(" ");
            return Err(Error::config(format!(
                "duplicated protocol in scrape_protocols, got [{names}]"
            )));
        }
        let protocol = parse_protocol(name)
            .map_err(|e| Error::new(e.kind(), format!("scrape_protocols: {e}")))?;
        protocols.push(protocol);
    }
    Ok(protocols)
}

fn parse_protocol(name: &str) -> Result<ScrapeProtocol, Error> {
    name.parse().map_err(|error: skopos_exposition::Error| {
        Error::caused(ErrorKind::Config, error.to_string(), error)
    })
}

/// The scheme that `metric_name_validation_scheme` names.
#[must_use]
pub fn parse_validation(name: &str) -> Option<NameScheme> {
    match name {
        "legacy" => Some(NameScheme::Legacy),
        "utf8" => Some(NameScheme::Utf8),
        _ => None,
    }
}

/// Checks that no two jobs have the same name.
///
/// # Errors
///
/// `Config` in Prometheus' words.
pub fn check_unique_names(jobs: &[Job]) -> Result<(), Error> {
    for (i, job) in jobs.iter().enumerate() {
        if jobs.iter().take(i).any(|earlier| earlier.name == job.name) {
            let name = Quoted(&job.name);
            return Err(Error::config(format!(
                "found multiple scrape configs with job name {name}"
            )));
        }
    }
    Ok(())
}

/// Without rules that could mend them, static targets must be addresses, not URLs.
fn check_static_targets(discoveries: &[Discovery]) -> Result<(), Error> {
    for discovery in discoveries {
        let Discovery::Static(groups) = discovery else { continue };
        for target in groups.iter().flat_map(TargetGroup::targets) {
            check_address(target.get("__address__").unwrap_or_default())?;
        }
    }
    Ok(())
}

/// Checks that an address is not a URL.
pub(crate) fn check_address(address: &str) -> Result<(), Error> {
    if address.contains('/') {
        return Err(Error::config(format!("{} is not a valid hostname", Quoted(address))));
    }
    Ok(())
}

/// Checks and compiles rules; `what` they are for is told where one is missing.
fn rules(
    configs: Option<&[Option<RuleConfig>]>,
    scheme: NameScheme,
    what: &str,
) -> Result<Vec<Rule>, Error> {
    let configs = configs.unwrap_or_default().iter();
    let rules = configs.map(|config| {
        let config = config.clone().ok_or_else(|| {
            Error::config(format!("empty or null {what} relabeling rule in scrape config"))
        })?;
        config.build(scheme).map_err(|e| Error::caused(ErrorKind::Config, e.to_string(), e))
    });
    rules.collect()
}

impl RawGroup {
    /// The group, of a source with this name.
    pub(crate) fn resolve(&self, source: String) -> Result<TargetGroup, Error> {
        let labels = self.labels.iter().flatten();
        if labels.clone().any(|(name, _)| name.is_empty()) {
            return Err(Error::new(ErrorKind::Config, r#""" is not a valid label name"#));
        }
        let labels: Labels = labels.collect();
        let targets = self.targets.iter().flatten();
        let targets = targets.map(|address| Labels::from_pairs([("__address__", address)]));
        Ok(TargetGroup::new(source, targets.collect(), labels))
    }
}
