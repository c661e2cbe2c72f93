//! From discovered labels to targets.

use std::path::Path;

use skopos_core::{Labels, Timestamp};

use super::{Discovered, Target, offset_seed};
use crate::config::{Job, ScrapeConfig, ScrapeDefaults};

fn job(yaml: &str) -> Job {
    let config: ScrapeConfig = serde_saphyr::from_str(&format!("job_name: api\n{yaml}")).unwrap();
    config.resolve(&ScrapeDefaults::default(), Path::new("")).unwrap()
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

/// What becomes of a target, in words: its URL and labels, or why there is none.
fn describe(yaml: &str, target: &[(&str, &str)], group: &[(&str, &str)]) -> String {
    match Target::discover(&job(yaml), &labels(target), &labels(group)) {
        Discovered::Active(target) => format!("{} {}", target.url(), target.labels()),
        Discovered::Dropped(_) => "dropped".into(),
        Discovered::Invalid(_, error) => error.to_string(),
    }
}

#[track_caller]
fn check(yaml: &str, target: &[(&str, &str)], expected: &str) {
    assert_eq!(describe(yaml, target, &[]), expected);
}

const ADDRESS: (&str, &str) = ("__address__", "host:80");

#[test]
fn a_target_has_job_and_instance() {
    check("", &[ADDRESS], r#"http://host:80/metrics {instance="host:80", job="api"}"#);
    check("", &[("__address__", "host")], r#"http://host/metrics {instance="host", job="api"}"#);
    check(
        "",
        &[ADDRESS, ("job", "own"), ("instance", "me"), ("__meta_x", "y"), ("__tmp", "z")],
        r#"http://host:80/metrics {instance="me", job="own"}"#,
    );
}

#[test]
fn a_targets_own_labels_win_over_its_groups() {
    let group = [("env", "group"), ("zone", "z")];
    assert_eq!(
        describe("", &[ADDRESS, ("env", "own")], &group),
        r#"http://host:80/metrics {env="own", instance="host:80", job="api", zone="z"}"#
    );
}

#[test]
fn urls_are_spelled_as_prometheus_spells_them() {
    let target = |yaml, pairs: &[(&str, &str)]| {
        describe(yaml, &[&[ADDRESS], pairs].concat(), &[]).split(' ').next().unwrap().to_owned()
    };
    assert_eq!(
        target("params: {b: [x y, z], a: ['&=']}", &[]),
        "http://host:80/metrics?a=%26%3D&b=x+y&b=z"
    );
    assert_eq!(
        target(
            "params: {module: [a, b]}",
            &[("__param_module", "c"), ("__param_target", "http://t/")]
        ),
        "http://host:80/metrics?module=c&module=b&target=http%3A%2F%2Ft%2F"
    );
    assert_eq!(target("metrics_path: probe", &[]), "http://host:80/probe");
    assert_eq!(target("metrics_path: /a b?c#d", &[]), "http://host:80/a%20b%3Fc%23d");
    assert_eq!(target("scheme: https", &[("__metrics_path__", "/x")]), "https://host:80/x");
}

#[test]
fn what_cannot_be_a_target_is_told() {
    check("", &[("x", "y")], "no address");
    check("", &[("__address__", "http://x")], r#""http://x" is not a valid hostname"#);
    check(
        "",
        &[ADDRESS, ("__scrape_interval__", "x")],
        r#"error parsing scrape interval: not a valid duration string: "x""#,
    );
    check("", &[ADDRESS, ("__scrape_interval__", "0s")], "scrape interval cannot be 0");
    check("", &[ADDRESS, ("__scrape_timeout__", "0")], "scrape timeout cannot be 0");
    check(
        "",
        &[ADDRESS, ("__scrape_timeout__", "2m")],
        r#"scrape timeout cannot be greater than scrape interval ("2m" > "1m")"#,
    );
    check(
        "",
        &[ADDRESS, ("__scrape_native_histograms__", "yes")],
        r#"error parsing __scrape_native_histograms__: invalid boolean "yes""#,
    );
    check(
        "",
        &[ADDRESS, ("__scrape_native_histograms__", "true")],
        r#"the label __scrape_native_histograms__ is not supported by this version of skopos, in the scrape config with job name "api""#,
    );
}

#[test]
fn rules_see_the_discovered_labels() {
    let yaml = "
relabel_configs:
- {source_labels: [__meta_keep], regex: 'no', action: drop}
- {source_labels: [__meta_name], target_label: name}
- {source_labels: [__address__], regex: '(.*):80', target_label: __address__, replacement: '$1:81'}
- {target_label: __scrape_interval__, replacement: 15s}
";
    check(yaml, &[ADDRESS, ("__meta_keep", "no")], "dropped");
    check(
        yaml,
        &[ADDRESS, ("__meta_name", "n")],
        r#"http://host:81/metrics {instance="host:81", job="api", name="n"}"#,
    );
    let Discovered::Active(target) =
        Target::discover(&job(yaml), &labels(&[ADDRESS]), &labels(&[]))
    else {
        panic!("not dropped");
    };
    assert_eq!(target.interval().as_secs(), 15);
    assert_eq!(target.timeout().as_secs(), 10);
    assert_eq!(target.discovered_labels().get("__scrape_interval__"), Some("1m"));
    assert_eq!(target.discovered_labels().get("__scheme__"), Some("http"));
    assert_eq!(target.all_labels().get("__metrics_path__"), Some("/metrics"));
}

fn active(pairs: &[(&str, &str)]) -> Target {
    match Target::discover(&job(""), &labels(pairs), &labels(&[])) {
        Discovered::Active(target) => target,
        other => panic!("{other:?}"),
    }
}

#[test]
fn identity_follows_from_labels_and_url() {
    let target = active(&[ADDRESS]);
    assert_eq!(target.hash(), active(&[ADDRESS, ("__meta_x", "1")]).hash());
    assert_ne!(target.hash(), active(&[ADDRESS, ("x", "1")]).hash());
    assert_ne!(target.hash(), active(&[("__address__", "host:81")]).hash());
}

#[test]
fn the_first_scrape_is_due_at_the_same_place_in_each_interval() {
    let target = active(&[ADDRESS]);
    let due = |now: i64, seed| {
        let offset = target.offset(Timestamp::from_millis(now), seed).as_millis() as i64;
        assert!((0..=60_000).contains(&offset), "{offset}");
        (now + offset) % 60_000
    };
    let place = due(0, 1);
    for now in [1, 29_999, 59_999, 60_000, 1_700_000_012_345, -5] {
        assert_eq!(due(now, 1).rem_euclid(60_000), place, "{now}");
    }
    assert_ne!(offset_seed("a", &labels(&[])), offset_seed("b", &labels(&[])));
}
