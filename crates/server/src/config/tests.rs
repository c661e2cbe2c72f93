//! Tests of configurations: what loads, what is refused, and where.

use std::time::Duration;

use skopos_core::Labels;

use super::Config;

#[track_caller]
fn check_problems(text: &str, expected: &[&str]) {
    let error = Config::parse(text, "p.yml").unwrap_err();
    assert_eq!(error.problems(), expected);
}

#[test]
fn an_empty_file_is_all_defaults() {
    for text in
        ["", "# nothing\n", "global:\n", "global: {}\nscrape_configs:\nrule_files:\nalerting:\n"]
    {
        let config = Config::parse(text, "p.yml").unwrap();
        assert_eq!(config.evaluation_interval, Duration::from_secs(60), "{text:?}");
        assert!(config.jobs().is_empty());
        assert!(config.rule_files().unwrap().is_empty());
    }
}

#[test]
fn unknown_and_repeated_keys_are_named_with_their_place() {
    for (text, place, key) in [
        ("globl: {}\n", "p.yml:1:1: ", "globl"),
        ("global:\n  scrape_intervall: 5s\n", "p.yml:2:3: ", "scrape_intervall"),
        ("global: {}\nglobal: {}\n", "p.yml:2:1: ", "global"),
        ("scrape_configs:\n- job_name: a\n  job_name: b\n", "p.yml:3:3: ", "job_name"),
        ("scrape_configs:\n- job_name: a\n  metrics_pth: /\n", "p.yml:3:3: ", "metrics_pth"),
        ("alerting:\n  alertmanagers:\n  - timout: 1s\n", "p.yml:3:5: ", "timout"),
        (
            "alerting:\n  alertmanagers:\n  - scrape_interval: 1s\n",
            "p.yml:3:5: ",
            "scrape_interval",
        ),
        ("global:\n  scrape_interval: fast\n", "p.yml:2:20: ", "fast"),
        ("global: [\n", "p.yml:", ""),
    ] {
        let error = Config::parse(text, "p.yml").unwrap_err();
        let problem = &error.problems()[0];
        assert!(problem.starts_with(place), "{text:?}: {problem}");
        assert!(problem.contains(key), "{text:?}: {problem}");
    }
}

#[test]
fn sections_that_are_not_served_are_refused_by_name() {
    check_problems(
        "remote_write:\n- url: http://a\nstorage:\n  tsdb: {}\nglobal:\n  query_log_file: q.log\n",
        &[
            "p.yml:4:3: storage is not supported by this version of skopos",
            "p.yml:2:3: remote_write is not supported by this version of skopos",
            "p.yml:6:19: global.query_log_file is not supported by this version of skopos",
        ],
    );
    let text = "scrape_configs:\n- job_name: d\n  docker_sd_configs:\n  - host: unix:///x\n";
    let error = Config::parse(text, "p.yml").unwrap_err();
    let problem = &error.problems()[0];
    assert!(problem.starts_with("p.yml:2:3: "), "{problem}");
    assert!(problem.contains("docker_sd_configs"), "{problem}");
    assert!(problem.contains("not supported by this version of skopos"), "{problem}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    check_problems(
        "global: {scrape_interval: 5s, scrape_timeout: 6s}\n\
         rule_files: ['a*/b.yml']\n\
         scrape_configs:\n- job_name: a\n- job_name: a\n\
         - job_name: t\n  scrape_interval: 1s\n  scrape_timeout: 2s\n- null\n",
        &[
            "p.yml:1:9: global scrape timeout greater than scrape interval",
            "p.yml:2:14: invalid rule file path \"a*/b.yml\"",
            "p.yml:5:3: found multiple scrape configs with job name \"a\"",
            "p.yml:6:3: scrape timeout greater than scrape interval for scrape config with job name \"t\"",
            "p.yml:9:3: empty or null scrape config section",
        ],
    );
}

#[test]
fn the_global_section_gives_jobs_their_defaults() {
    let text = "global: {scrape_interval: 5s, evaluation_interval: 7s}\n\
                scrape_configs: [{job_name: a}, {job_name: b, scrape_interval: 30s}]\n";
    let config = Config::parse(text, "p.yml").unwrap();
    let times: Vec<_> =
        config.jobs().iter().map(|j| (j.interval.as_secs(), j.timeout.as_secs())).collect();
    assert_eq!(times, [(5, 5), (30, 5)]);
    assert_eq!(config.evaluation_interval, Duration::from_secs(7));
}

#[test]
fn external_labels_know_the_environment() {
    let text = "global:\n  external_labels: {a: '$$x', b: '${SKOPOS_TEST_SURELY_UNSET}y'}\n";
    let config = Config::parse(text, "p.yml").unwrap();
    assert_eq!(*config.external_labels(), Labels::from_pairs([("a", "$x"), ("b", "y")]));
    assert_eq!(
        config.warnings(),
        ["external_labels: the environment has no variable SKOPOS_TEST_SURELY_UNSET"]
    );
}

#[test]
fn files_are_found_relative_to_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("rules")).unwrap();
    for name in ["rules/b.yml", "rules/a.yml", "rules/c.txt"] {
        std::fs::write(path(name), "groups: []\n").unwrap();
    }
    std::fs::write(path("jobs.yml"), "scrape_configs: [{job_name: two}]\n").unwrap();
    std::fs::write(
        path("p.yml"),
        "rule_files: ['rules/*.yml', none.yml]\nscrape_config_files: ['jobs*.yml']\n\
         scrape_configs: [{job_name: one}]\n",
    )
    .unwrap();
    let config = Config::load(&path("p.yml")).unwrap();
    assert_eq!(config.rule_files().unwrap(), [path("rules/a.yml"), path("rules/b.yml")]);
    let names: Vec<_> = config.jobs().iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    let missing = format!("rule file {} does not exist", path("none.yml").display());
    assert_eq!(config.warnings(), [missing]);
    std::fs::write(path("jobs.yml"), "scrape_configs: [{job_name: one}]\n").unwrap();
    let error = Config::load(&path("p.yml")).unwrap_err();
    assert!(error.to_string().contains("found multiple scrape configs with job name"), "{error}");
    assert!(Config::load(&path("absent.yml")).unwrap_err().to_string().contains("absent.yml: "));
}

#[test]
fn alertmanagers_are_read_as_prometheus_writes_them() {
    let text = "alerting:\n  alert_relabel_configs:\n  - {regex: replica, action: labeldrop}\n  \
                alertmanagers:\n  - static_configs:\n    - targets: ['alertmanager:9093']\n";
    let config = Config::parse(text, "p.yml").unwrap();
    assert_eq!(config.alertmanagers.len(), 1);
    assert_eq!(config.alertmanagers[0].job.metrics_path, "/api/v2/alerts");
    assert_eq!(config.alertmanagers[0].timeout, Duration::from_secs(10));
    assert_eq!(config.alert_relabel.len(), 1);
    let refused = |entry: &str, expected: &str| {
        let text = format!("alerting:\n  alertmanagers:\n  - {entry}\n");
        let error = Config::parse(&text, "p.yml").unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused("api_version: v1", "expected Alertmanager api version to be one of [v2] but got v1");
    refused("consul_sd_configs: [{server: a}]", "consul_sd_configs");
    refused("tls_config: {ca_file: x}", "tls_config ca of alertmanagers is not supported");
    refused("relabel_configs: [{action: hashmod}]", "hashmod");
}

#[test]
fn secrets_are_not_shown() {
    let text = "scrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: hunter2}\n  \
                static_configs:\n  - targets: ['h:1', \"x y\"]\n    labels: {m: '1', e: ''}\n";
    let config = Config::parse(text, "p.yml").unwrap();
    let expected = "global:\n  scrape_interval: 1m\n  scrape_timeout: 10s\n  scrape_protocols:\n  \
                    - OpenMetricsText1.0.0\n  - OpenMetricsText0.0.1\n  - PrometheusText1.0.0\n  \
                    - PrometheusText0.0.4\n  evaluation_interval: 1m\nscrape_configs:\n\
                    - job_name: a\n  basic_auth:\n    username: u\n    password: <secret>\n  \
                    static_configs:\n  - targets:\n    - h:1\n    - x y\n    labels:\n      \
                    m: \"1\"\n      e: \"\"\n";
    assert_eq!(config.to_yaml(), expected);
}

#[test]
fn what_is_shown_reads_back() {
    let text = "global: {external_labels: {a: 'yes', b: '0x1', c: '- d', e: \"f: g\", h: '#'}}\n\
                rule_files: ['/x/*.yml']\nscrape_configs:\n- job_name: 'a: b'\n  params: {m: [x, '2']}\n  \
                relabel_configs:\n  - {source_labels: [__address__], regex: '(.*):\\d+', target_label: i}\n";
    let config = Config::parse(text, "p.yml").unwrap();
    let again = Config::parse(config.to_yaml(), "p.yml").unwrap();
    assert_eq!(again.jobs(), config.jobs());
    assert_eq!(again.external_labels(), config.external_labels());
    assert_eq!(again.to_yaml(), config.to_yaml());
}

#[test]
fn the_embedded_configuration_loads() {
    let config = Config::embedded("localhost:1234", "/prom/metrics").unwrap();
    assert_eq!(config.jobs()[0].name, "prometheus");
    assert_eq!(config.jobs()[0].metrics_path, "/prom/metrics");
    assert_eq!(config.jobs()[0].interval, Duration::from_secs(5));
    assert!(config.to_yaml().contains("localhost:1234"));
}
