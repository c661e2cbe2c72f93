//! Configurations that are understood, completed and refused.

use std::path::Path;
use std::time::Duration;

use skopos_exposition::{EscapingScheme, ScrapeProtocol};
use skopos_relabel::NameScheme;

use super::{
    Credentials, Job, ScrapeConfig, ScrapeDefaults, SecretSource, check_unique_names,
    parse_protocols,
};
use crate::discovery::Discovery;
use crate::error::ErrorKind;
use crate::quantity::PromDuration;

fn resolve_with(yaml: &str, defaults: &ScrapeDefaults) -> Result<Job, String> {
    let config: ScrapeConfig = serde_saphyr::from_str(yaml).map_err(|e| e.to_string())?;
    config.resolve(defaults, Path::new("/etc/prometheus")).map_err(|e| e.to_string())
}

fn resolve(yaml: &str) -> Result<Job, String> {
    resolve_with(yaml, &ScrapeDefaults::default())
}

#[track_caller]
fn check_error(yaml: &str, expected: &str) {
    let error = resolve(yaml).expect_err("it is to be refused");
    assert!(error.contains(expected), "{error:?} has not {expected:?}");
}

#[test]
fn a_job_needs_its_name_alone() {
    let job = resolve("job_name: api").unwrap();
    assert_eq!(job.name, "api");
    assert_eq!(job.interval, Duration::from_secs(60));
    assert_eq!(job.timeout, Duration::from_secs(10));
    assert_eq!((job.metrics_path.as_str(), job.scheme.as_str()), ("/metrics", "http"));
    assert!(!job.honor_labels && job.honor_timestamps && job.enable_compression);
    assert!(!job.track_timestamps_staleness && !job.extra_scrape_metrics);
    assert_eq!(job.protocols, ScrapeProtocol::DEFAULT);
    assert_eq!(job.fallback_protocol, None);
    assert_eq!(job.name_escaping, EscapingScheme::AllowUtf8);
    assert!(job.http.follow_redirects && job.http.enable_http2);
    assert!(job.discoveries.is_empty());
}

#[test]
fn everything_can_be_said() {
    let job = resolve(
        "
job_name: api
honor_labels: true
honor_timestamps: false
track_timestamps_staleness: true
params: {module: [http_2xx, x], empty: }
scrape_interval: 5s
scrape_timeout: 1500ms
scrape_protocols: [PrometheusText0.0.4]
fallback_scrape_protocol: PrometheusText0.0.4
metrics_path: /probe
scheme: https
enable_compression: false
body_size_limit: 10MB
sample_limit: 100
target_limit: 10
label_limit: 30
label_name_length_limit: 200
label_value_length_limit: 300
keep_dropped_targets: 5
extra_scrape_metrics: true
always_scrape_classic_histograms: true
scrape_native_histograms: false
basic_auth: {username: me, password_file: pw}
tls_config: {ca_file: ca.pem, server_name: a, insecure_skip_verify: true}
follow_redirects: false
enable_http2: false
http_headers: {x-scope-orgid: {values: [tenant], files: [f]}}
proxy_url: http://proxy:3128
no_proxy: localhost
relabel_configs:
- source_labels: [__address__]
  regex: (.*):80
  target_label: instance
metric_relabel_configs:
- {action: labeldrop, regex: pod}
static_configs:
- targets: ['http://not/checked/with/rules', b:2]
  labels: {env: prod}
- targets:
file_sd_configs:
- files: [targets/*.json]
  refresh_interval: 30s
",
    )
    .unwrap();
    assert!(job.honor_labels && !job.honor_timestamps && job.track_timestamps_staleness);
    assert_eq!(job.params["module"], ["http_2xx", "x"]);
    assert!(job.params["empty"].is_empty());
    assert_eq!((job.interval.as_secs(), job.timeout.as_millis()), (5, 1_500));
    assert_eq!(job.limits.body_size, 10 << 20);
    assert_eq!((job.limits.samples, job.limits.targets, job.limits.labels), (100, 10, 30));
    assert_eq!(job.fallback_protocol, Some(ScrapeProtocol::PrometheusText004));
    let Some(Credentials::Basic { password: Some(SecretSource::File(file)), .. }) =
        &job.http.credentials
    else {
        panic!("{:?}", job.http.credentials);
    };
    assert_eq!(file, Path::new("/etc/prometheus/pw"));
    assert_eq!(job.http.headers["X-Scope-Orgid"].len(), 2);
    assert_eq!((job.relabel.len(), job.metric_relabel.len()), (1, 1));
    let [Discovery::Static(groups), Discovery::File(files)] = &job.discoveries[..] else {
        panic!("{:?}", job.discoveries);
    };
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0].targets().len(), 2);
    assert_eq!(groups[0].labels().get("env"), Some("prod"));
    assert_eq!(files.refresh_interval(), Duration::from_secs(30));
}

#[test]
fn lists_and_blocks_may_be_null() {
    let job = resolve(
        "
job_name: api
params:
static_configs:
relabel_configs:
metric_relabel_configs:
file_sd_configs:
docker_sd_configs:
tls_config:
http_headers:
scrape_interval:
",
    )
    .unwrap();
    assert_eq!(job.interval.as_secs(), 60);
}

#[test]
fn defaults_are_inherited_unless_something_is_said() {
    let defaults = ScrapeDefaults {
        scrape_interval: PromDuration::from_millis(5_000),
        sample_limit: 7,
        label_limit: 8,
        extra_scrape_metrics: true,
        name_validation: NameScheme::Legacy,
        ..ScrapeDefaults::default()
    };
    let job = resolve_with("{job_name: a, sample_limit: 9}", &defaults).unwrap();
    assert_eq!((job.limits.samples, job.limits.labels), (9, 8));
    assert_eq!((job.interval.as_secs(), job.timeout.as_secs()), (5, 5));
    assert_eq!(job.name_validation, NameScheme::Legacy);
    assert_eq!(job.name_escaping, EscapingScheme::Underscores);
    assert!(job.extra_scrape_metrics);
    let utf8 = "{job_name: a, metric_name_validation_scheme: utf8}";
    let job = resolve_with(utf8, &defaults).unwrap();
    assert_eq!(job.name_escaping, EscapingScheme::Underscores);
}

#[test]
fn mistakes_are_told_in_prometheus_words() {
    check_error("honor_labels: true", "job_name is empty");
    check_error("{job_name: a, jobname: b}", "unknown field");
    check_error(
        "{job_name: a, scrape_interval: 5s, scrape_timeout: 6s}",
        r#"scrape timeout greater than scrape interval for scrape config with job name "a""#,
    );
    check_error("{job_name: a, scrape_interval: 5x}", r#"unknown unit "x" in duration "5x""#);
    check_error(
        "{job_name: a, static_configs: [{targets: ['http://x']}]}",
        r#""http://x" is not a valid hostname"#,
    );
    check_error(
        "{job_name: a, relabel_configs: [null]}",
        "empty or null target relabeling rule in scrape config",
    );
    check_error(
        "{job_name: a, metric_relabel_configs: [null]}",
        "empty or null metric relabeling rule in scrape config",
    );
    check_error(
        "{job_name: a, relabel_configs: [{action: hashmod, target_label: x}]}",
        "relabel configuration for hashmod requires non-zero modulus",
    );
    check_error(
        "{job_name: a, metric_name_validation_scheme: legacy, metric_name_escaping_scheme: allow-utf-8}",
        "utf8 metric names requested but validation scheme is not set to UTF8",
    );
    check_error(
        "{job_name: a, scrape_protocols: [text]}",
        "scrape_protocols: unknown scrape protocol text, supported: [",
    );
    check_error(
        "{job_name: a, scrape_protocols: []}",
        r#"scrape_protocols cannot be empty for scrape config with job name "a""#,
    );
    check_error(
        "{job_name: a, fallback_scrape_protocol: x}",
        r#"invalid fallback_scrape_protocol for scrape config with job name "a": unknown scrape protocol x"#,
    );
    check_error(
        "{job_name: a, file_sd_configs: [{files: [x.txt]}]}",
        r#"path name "x.txt" is not valid for file discovery"#,
    );
}

#[test]
fn mistakes_about_clients_are_told_in_prometheus_words() {
    for (keys, expected) in [
        (
            "bearer_token: a, bearer_token_file: b",
            "at most one of bearer_token & bearer_token_file must be configured",
        ),
        (
            "basic_auth: {username: a}, authorization: {credentials: b}",
            "at most one of basic_auth, oauth2 & authorization must be configured",
        ),
        (
            "basic_auth: {password: a, password_file: b}",
            "at most one of basic_auth password, password_file & password_ref must be configured",
        ),
        (
            "authorization: {type: Basic}",
            r#"authorization type cannot be set to "basic", use "basic_auth" instead"#,
        ),
        ("http_headers: {host: {values: [a]}}", r#"setting header "Host" is not allowed"#),
        ("no_proxy: a", "if no_proxy is configured, proxy_url must also be configured"),
    ] {
        check_error(&format!("{{job_name: a, {keys}}}"), expected);
    }
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    for key in [
        "docker_sd_configs: [{host: x}]",
        "kubernetes_sd_configs: []",
        "oauth2: {client_id: x}",
        "scrape_native_histograms: true",
        "convert_classic_histograms_to_nhcb: true",
        "proxy_from_environment: true",
    ] {
        let name = key.split(':').next().unwrap();
        let yaml = format!("{{job_name: 'my job', {key}}}");
        let config: ScrapeConfig = serde_saphyr::from_str(&yaml).unwrap();
        let error = config.resolve(&ScrapeDefaults::default(), Path::new("")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{key}");
        assert_eq!(
            error.to_string(),
            format!(
                "{name} is not supported by this version of skopos, in the scrape config with job name \"my job\""
            )
        );
    }
    check_error("{job_name: a, tls_config: {min_version: TLS13}}", "tls_config min_version is not");
}

#[test]
fn names_and_protocols_come_once() {
    let job = resolve("job_name: a").unwrap();
    assert!(check_unique_names(std::slice::from_ref(&job)).is_ok());
    assert_eq!(
        check_unique_names(&[job.clone(), job]).unwrap_err().to_string(),
        r#"found multiple scrape configs with job name "a""#
    );
    let twice = ["PrometheusText0.0.4".to_owned(), "PrometheusText0.0.4".to_owned()];
    assert_eq!(
        parse_protocols(&twice).unwrap_err().to_string(),
        "duplicated protocol in scrape_protocols, got [PrometheusText0.0.4 PrometheusText0.0.4]"
    );
}

#[test]
fn secrets_are_not_printed() {
    let job = resolve("{job_name: a, bearer_token: hush}").unwrap();
    let shown = format!("{job:?}");
    assert!(shown.contains("<secret>") && !shown.contains("hush"), "{shown}");
}
