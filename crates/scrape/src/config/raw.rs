//! The keys of a scrape config, each as it is written or absent.
//!
//! Every key that Prometheus knows is here, so that the ones we do not serve are refused by name
//! instead of as unknown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use skopos_relabel::RuleConfig;

use super::http::{RawAuthorization, RawBasicAuth, RawHeader, RawHttp, RawTls, Secret};
use crate::error::Error;
use crate::quantity::{ByteSize, PromDuration};

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawScrapeConfig {
    pub(super) job_name: Option<String>,
    pub(super) honor_labels: Option<bool>,
    pub(super) honor_timestamps: Option<bool>,
    pub(super) track_timestamps_staleness: Option<bool>,
    pub(super) params: Option<BTreeMap<String, Option<Vec<String>>>>,
    pub(super) scrape_interval: Option<PromDuration>,
    pub(super) scrape_timeout: Option<PromDuration>,
    pub(super) scrape_protocols: Option<Vec<String>>,
    pub(super) fallback_scrape_protocol: Option<String>,
    pub(super) metrics_path: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) enable_compression: Option<bool>,
    pub(super) body_size_limit: Option<ByteSize>,
    pub(super) sample_limit: Option<u64>,
    pub(super) target_limit: Option<u64>,
    pub(super) label_limit: Option<u64>,
    pub(super) label_name_length_limit: Option<u64>,
    pub(super) label_value_length_limit: Option<u64>,
    pub(super) keep_dropped_targets: Option<u64>,
    pub(super) metric_name_validation_scheme: Option<String>,
    pub(super) metric_name_escaping_scheme: Option<String>,
    pub(super) extra_scrape_metrics: Option<bool>,
    pub(super) relabel_configs: Option<Vec<Option<RuleConfig>>>,
    pub(super) metric_relabel_configs: Option<Vec<Option<RuleConfig>>>,
    pub(super) static_configs: Option<Vec<Option<RawGroup>>>,
    pub(super) file_sd_configs: Option<Vec<Option<RawFileSd>>>,

    /// Without native histograms, classic ones are scraped in any case.
    always_scrape_classic_histograms: Option<bool>,

    basic_auth: Option<RawBasicAuth>,
    authorization: Option<RawAuthorization>,
    bearer_token: Option<Secret>,
    bearer_token_file: Option<String>,
    tls_config: Option<RawTls>,
    follow_redirects: Option<bool>,
    enable_http2: Option<bool>,
    proxy_url: Option<String>,
    no_proxy: Option<String>,
    http_headers: Option<BTreeMap<String, Option<RawHeader>>>,

    // What is not served: refused unless it says what is the case anyway.
    scrape_native_histograms: Option<bool>,
    convert_classic_histograms_to_nhcb: Option<bool>,
    native_histogram_bucket_limit: Option<u64>,
    native_histogram_min_bucket_factor: Option<f64>,
    scrape_failure_log_file: Option<String>,
    proxy_from_environment: Option<bool>,
    proxy_connect_header: Option<IgnoredAny>,
    oauth2: Option<IgnoredAny>,
    aws_sd_configs: Option<IgnoredAny>,
    azure_sd_configs: Option<IgnoredAny>,
    consul_sd_configs: Option<IgnoredAny>,
    digitalocean_sd_configs: Option<IgnoredAny>,
    dns_sd_configs: Option<IgnoredAny>,
    docker_sd_configs: Option<IgnoredAny>,
    dockerswarm_sd_configs: Option<IgnoredAny>,
    ec2_sd_configs: Option<IgnoredAny>,
    eureka_sd_configs: Option<IgnoredAny>,
    gce_sd_configs: Option<IgnoredAny>,
    hetzner_sd_configs: Option<IgnoredAny>,
    http_sd_configs: Option<IgnoredAny>,
    ionos_sd_configs: Option<IgnoredAny>,
    kubernetes_sd_configs: Option<IgnoredAny>,
    kuma_sd_configs: Option<IgnoredAny>,
    lightsail_sd_configs: Option<IgnoredAny>,
    linode_sd_configs: Option<IgnoredAny>,
    marathon_sd_configs: Option<IgnoredAny>,
    nerve_sd_configs: Option<IgnoredAny>,
    nomad_sd_configs: Option<IgnoredAny>,
    oci_sd_configs: Option<IgnoredAny>,
    openstack_sd_configs: Option<IgnoredAny>,
    outscale_sd_configs: Option<IgnoredAny>,
    ovhcloud_sd_configs: Option<IgnoredAny>,
    puppetdb_sd_configs: Option<IgnoredAny>,
    scaleway_sd_configs: Option<IgnoredAny>,
    serverset_sd_configs: Option<IgnoredAny>,
    stackit_sd_configs: Option<IgnoredAny>,
    triton_sd_configs: Option<IgnoredAny>,
    uyuni_sd_configs: Option<IgnoredAny>,
    vultr_sd_configs: Option<IgnoredAny>,
}

/// One of `static_configs`, or of a discovery file's groups.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawGroup {
    pub(crate) targets: Option<Vec<String>>,
    pub(crate) labels: Option<BTreeMap<String, String>>,
}

/// One of `file_sd_configs`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawFileSd {
    pub(super) files: Option<Vec<String>>,
    pub(super) refresh_interval: Option<PromDuration>,
}

impl RawScrapeConfig {
    /// Refuses the first key that asks for what is not served.
    pub(super) fn refuse_unsupported(&self, job: &str) -> Result<(), Error> {
        let asked = [
            ("scrape_native_histograms", self.scrape_native_histograms == Some(true)),
            (
                "convert_classic_histograms_to_nhcb",
                self.convert_classic_histograms_to_nhcb == Some(true),
            ),
            (
                "native_histogram_bucket_limit",
                self.native_histogram_bucket_limit.is_some_and(|limit| limit != 0),
            ),
            (
                "native_histogram_min_bucket_factor",
                self.native_histogram_min_bucket_factor.is_some_and(|factor| 1.0 < factor),
            ),
            (
                "scrape_failure_log_file",
                self.scrape_failure_log_file.as_deref().is_some_and(|file| !file.is_empty()),
            ),
            ("proxy_from_environment", self.proxy_from_environment == Some(true)),
            ("proxy_connect_header", self.proxy_connect_header.is_some()),
            ("oauth2", self.oauth2.is_some()),
            ("aws_sd_configs", self.aws_sd_configs.is_some()),
            ("azure_sd_configs", self.azure_sd_configs.is_some()),
            ("consul_sd_configs", self.consul_sd_configs.is_some()),
            ("digitalocean_sd_configs", self.digitalocean_sd_configs.is_some()),
            ("dns_sd_configs", self.dns_sd_configs.is_some()),
            ("docker_sd_configs", self.docker_sd_configs.is_some()),
            ("dockerswarm_sd_configs", self.dockerswarm_sd_configs.is_some()),
            ("ec2_sd_configs", self.ec2_sd_configs.is_some()),
            ("eureka_sd_configs", self.eureka_sd_configs.is_some()),
            ("gce_sd_configs", self.gce_sd_configs.is_some()),
            ("hetzner_sd_configs", self.hetzner_sd_configs.is_some()),
            ("http_sd_configs", self.http_sd_configs.is_some()),
            ("ionos_sd_configs", self.ionos_sd_configs.is_some()),
            ("kubernetes_sd_configs", self.kubernetes_sd_configs.is_some()),
            ("kuma_sd_configs", self.kuma_sd_configs.is_some()),
            ("lightsail_sd_configs", self.lightsail_sd_configs.is_some()),
            ("linode_sd_configs", self.linode_sd_configs.is_some()),
            ("marathon_sd_configs", self.marathon_sd_configs.is_some()),
            ("nerve_sd_configs", self.nerve_sd_configs.is_some()),
            ("nomad_sd_configs", self.nomad_sd_configs.is_some()),
            ("oci_sd_configs", self.oci_sd_configs.is_some()),
            ("openstack_sd_configs", self.openstack_sd_configs.is_some()),
            ("outscale_sd_configs", self.outscale_sd_configs.is_some()),
            ("ovhcloud_sd_configs", self.ovhcloud_sd_configs.is_some()),
            ("puppetdb_sd_configs", self.puppetdb_sd_configs.is_some()),
            ("scaleway_sd_configs", self.scaleway_sd_configs.is_some()),
            ("serverset_sd_configs", self.serverset_sd_configs.is_some()),
            ("stackit_sd_configs", self.stackit_sd_configs.is_some()),
            ("triton_sd_configs", self.triton_sd_configs.is_some()),
            ("uyuni_sd_configs", self.uyuni_sd_configs.is_some()),
            ("vultr_sd_configs", self.vultr_sd_configs.is_some()),
        ];
        match asked.iter().find(|(_, is_asked)| *is_asked) {
            Some((name, _)) => Err(Error::unsupported(job, name)),
            None => Ok(()),
        }
    }

    /// The keys about reaching targets.
    pub(super) fn http(&self) -> RawHttp {
        RawHttp {
            basic_auth: self.basic_auth.clone(),
            authorization: self.authorization.clone(),
            bearer_token: self.bearer_token.clone(),
            bearer_token_file: self.bearer_token_file.clone(),
            tls: self.tls_config.clone(),
            follow_redirects: self.follow_redirects,
            enable_http2: self.enable_http2,
            proxy_url: self.proxy_url.clone(),
            no_proxy: self.no_proxy.clone(),
            headers: self.http_headers.clone(),
        }
    }
}
