//! The keys of a configuration as they are written, before anything is checked.
//!
//! Every key that Prometheus knows is here, so that what is not served is refused by name and not as
//! unknown.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::{Location, Spanned};
use skopos_core::text::Quoted;
use skopos_scrape::{
    ByteSize, PromDuration, ScrapeConfig, ScrapeDefaults, parse_protocols, parse_validation,
};

use super::alerting::{RawAlertmanager, RawRules};

/// A section that is not served, and where it stands.
pub(super) type Unsupported = (&'static str, Location);
/// `external_labels` as they are written.
pub(super) type ExternalLabels = Option<BTreeMap<String, String>>;
/// A section whose content does not matter.
type Ignored = Option<Spanned<IgnoredAny>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Document {
    pub(super) global: Option<Spanned<Global>>,
    pub(super) alerting: Option<Alerting>,
    pub(super) rule_files: Option<Vec<Spanned<String>>>,
    pub(super) scrape_config_files: Option<Vec<Spanned<String>>>,
    pub(super) scrape_configs: Option<Vec<Spanned<Option<ScrapeConfig>>>>,
    /// Settings of Go's runtime: checked, and without effect.
    #[serde(rename = "runtime")]
    _runtime: Option<Runtime>,
    storage: Ignored,
    tracing: Ignored,
    remote_write: Ignored,
    remote_read: Ignored,
    otlp: Ignored,
}

impl Document {
    /// The sections that are there and not served.
    pub(super) fn unsupported(&self) -> Vec<Unsupported> {
        there([
            ("storage", &self.storage),
            ("tracing", &self.tracing),
            ("remote_write", &self.remote_write),
            ("remote_read", &self.remote_read),
            ("otlp", &self.otlp),
        ])
    }
}

fn there<const N: usize>(sections: [(&'static str, &Ignored); N]) -> Vec<Unsupported> {
    let place = |(name, section): (_, &Ignored)| Some((name, section.as_ref()?.referenced));
    sections.into_iter().filter_map(place).collect()
}

/// `runtime`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Runtime {
    #[serde(rename = "gogc")]
    _gogc: Option<i64>,
}

/// A file of `scrape_config_files`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ScrapeFile {
    pub(super) scrape_configs: Option<Vec<Spanned<Option<ScrapeConfig>>>>,
}

/// `alerting`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Alerting {
    pub(super) alert_relabel_configs: Option<Spanned<RawRules>>,
    pub(super) alertmanagers: Option<Vec<Spanned<RawAlertmanager>>>,
}

/// `global`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Global {
    scrape_interval: Option<PromDuration>,
    scrape_timeout: Option<PromDuration>,
    scrape_protocols: Option<Vec<String>>,
    evaluation_interval: Option<PromDuration>,
    rule_query_offset: Option<PromDuration>,
    pub(super) external_labels: ExternalLabels,
    body_size_limit: Option<ByteSize>,
    sample_limit: Option<u64>,
    target_limit: Option<u64>,
    label_limit: Option<u64>,
    label_name_length_limit: Option<u64>,
    label_value_length_limit: Option<u64>,
    keep_dropped_targets: Option<u64>,
    metric_name_validation_scheme: Option<String>,
    metric_name_escaping_scheme: Option<String>,
    extra_scrape_metrics: Option<bool>,

    // What is not served: refused unless it says what is the case anyway.
    query_log_file: Option<Spanned<String>>,
    scrape_failure_log_file: Option<Spanned<String>>,
    scrape_native_histograms: Option<Spanned<bool>>,
    convert_classic_histograms_to_nhcb: Option<Spanned<bool>>,
    always_scrape_classic_histograms: Option<Spanned<bool>>,
}

impl Global {
    /// What jobs get that do not say otherwise.
    pub(super) fn defaults(&self) -> Result<ScrapeDefaults, String> {
        let mut defaults = ScrapeDefaults::default();
        let set = |target: &mut PromDuration, written: Option<PromDuration>| {
            // As in Prometheus, 0 is as good as nothing.
            *target = written.filter(|d| !d.is_zero()).unwrap_or(*target);
        };
        set(&mut defaults.scrape_interval, self.scrape_interval);
        let interval = defaults.scrape_interval;
        let timeout = self.scrape_timeout.filter(|d| !d.is_zero());
        if timeout.is_some_and(|timeout| interval < timeout) {
            return Err("global scrape timeout greater than scrape interval".into());
        }
        defaults.scrape_timeout = timeout.unwrap_or(defaults.scrape_timeout.min(interval));
        if let Some(protocols) = &self.scrape_protocols {
            defaults.scrape_protocols =
                parse_protocols(protocols).map_err(|error| format!("{error} for global config"))?;
        }
        defaults.body_size_limit = self.body_size_limit.unwrap_or(defaults.body_size_limit);
        for (target, written) in [
            (&mut defaults.sample_limit, self.sample_limit),
            (&mut defaults.target_limit, self.target_limit),
            (&mut defaults.label_limit, self.label_limit),
            (&mut defaults.label_name_length_limit, self.label_name_length_limit),
            (&mut defaults.label_value_length_limit, self.label_value_length_limit),
            (&mut defaults.keep_dropped_targets, self.keep_dropped_targets),
        ] {
            *target = written.unwrap_or(*target);
        }
        if let Some(name) = self.metric_name_validation_scheme.as_deref().filter(|n| !n.is_empty())
        {
            defaults.name_validation = parse_validation(name).ok_or_else(|| {
                format!(
                    "unknown global name validation method specified, must be either 'legacy' or \
                     'utf8', got {name}"
                )
            })?;
        }
        if let Some(name) = self.metric_name_escaping_scheme.as_deref().filter(|n| !n.is_empty()) {
            let scheme = name.parse().map_err(|_| {
                let name = Quoted(name);
                format!("unknown global name escaping method specified, got {name}")
            })?;
            defaults.name_escaping = Some(scheme);
        }
        defaults.extra_scrape_metrics = self.extra_scrape_metrics.unwrap_or(false);
        Ok(defaults)
    }

    /// How often rules are evaluated that do not say otherwise.
    pub(super) fn evaluation_interval(&self) -> Duration {
        let written = self.evaluation_interval.filter(|d| !d.is_zero());
        written.map_or(Duration::from_secs(60), PromDuration::get)
    }

    /// How far back rules ask that do not say otherwise.
    pub(super) fn rule_query_offset(&self) -> Duration {
        self.rule_query_offset.map_or(Duration::ZERO, PromDuration::get)
    }

    /// The keys that ask for what is not served.
    pub(super) fn unsupported(&self) -> Vec<Unsupported> {
        let files = [
            ("global.query_log_file", &self.query_log_file),
            ("global.scrape_failure_log_file", &self.scrape_failure_log_file),
        ];
        let switches = [
            ("global.scrape_native_histograms", &self.scrape_native_histograms),
            ("global.convert_classic_histograms_to_nhcb", &self.convert_classic_histograms_to_nhcb),
            ("global.always_scrape_classic_histograms", &self.always_scrape_classic_histograms),
        ];
        let files = files.into_iter().filter_map(|(name, file)| {
            let file = file.as_ref().filter(|file| !file.value.is_empty())?;
            Some((name, file.referenced))
        });
        let switches = switches.into_iter().filter_map(|(name, switch)| {
            let switch = switch.as_ref().filter(|switch| switch.value)?;
            Some((name, switch.referenced))
        });
        files.chain(switches).collect()
    }
}
