//! The server's command line; what it does when it runs is tested with real input.

use std::path::Path;

use crate::run::{folder, skopos};

#[test]
fn help_lists_prometheus_flags() {
    let run = skopos(Path::new("."), &["serve", "--help"], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    for flag in [
        "--config.file",
        "--storage.tsdb.path",
        "--storage.tsdb.retention.time",
        "--web.listen-address",
        "--web.enable-lifecycle",
        "--web.enable-admin-api",
        "--web.external-url",
        "--web.route-prefix",
        "--query.timeout",
        "--query.max-samples",
        "--query.max-bytes",
        "--query.max-series",
        "--query.max-points",
        "--query.max-concurrency",
        "--query.lookback-delta",
        "--rules.alert.for-outage-tolerance",
        "--log.level",
        "--log.format",
        "Examples:",
    ] {
        assert!(run.stdout.contains(flag), "{flag}: {}", run.stdout);
    }
    assert!(!run.stdout.contains('\x1b'), "no colors into a pipe");
}

#[test]
fn wrong_values_are_errors() {
    for arguments in [
        ["serve", "--query.timeout", "5"],
        ["serve", "--query.max-bytes", "12"],
        ["serve", "--query.max-series", "-1"],
        ["serve", "--log.level", "loud"],
    ] {
        let run = skopos(Path::new("."), &arguments, "");
        assert_eq!(run.code, Some(1), "{arguments:?}");
        assert!(run.stderr.starts_with("error: "), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn protection_that_is_not_there_is_not_promised() {
    for (arguments, reason) in [
        (["serve", "--web.config.file=web.yml"], "there is neither TLS nor authentication"),
        (["serve", "--agent"], "there is no agent mode"),
    ] {
        let run = skopos(Path::new("."), &arguments, "");
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains(reason), "{run:?}");
    }
}

#[test]
fn flags_without_effect_are_named_and_a_broken_configuration_stops_the_start() {
    let folder = folder(&[("typo.yml", "global:\n  scrape_intervall: 5s\n")]);
    let arguments = [
        "serve",
        "--config.file=typo.yml",
        "--storage.tsdb.path=data",
        "--web.enable-admin-api",
        "--enable-feature=promql-experimental-functions,exemplar-storage",
        "--web.listen-address=127.0.0.1:0",
    ];
    let run = skopos(folder.path(), &arguments, "");
    assert_eq!(run.code, Some(1), "{run:?}");
    let warnings: Vec<&str> =
        run.stderr.lines().filter(|line| line.contains("level=WARN")).collect();
    for name in ["--storage.tsdb.path", "--web.enable-admin-api", "exemplar-storage"] {
        let count = warnings.iter().filter(|line| line.contains(name)).count();
        assert_eq!(count, 1, "{name}: {run:?}");
    }
    assert!(!warnings.iter().any(|line| line.contains("experimental-functions")), "{run:?}");
    assert!(run.stderr.contains("typo.yml:2:3: "), "{run:?}");
}
