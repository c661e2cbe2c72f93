//! The alerts of an introduction to monitoring, rehearsed from end to end: checked, tested beside the
//! real `promtool`, replayed over a day with an incident, compared with a changed version, explained.
//!
//! The file lies beside the vectors that `SKOPOS_CONFORMANCE` names.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::extension::promtool;
use crate::run::{Run, folder, skopos};

/// How many minutes are looked at.
const MINUTES: u32 = 121;

/// When the page begins, in seconds.
const START: i64 = 1_700_000_000;

const ALERTS: [&str; 5] = [
    "DiskSpaceWarning",
    "DiskWillFillIn4Hours",
    "HighCPUUsage",
    "HighHTTPErrorRate",
    "HighMemoryUsage",
];

fn rules() -> Option<String> {
    let vectors = std::env::var_os("SKOPOS_CONFORMANCE").map(PathBuf::from);
    let file = vectors.map(|v| v.with_file_name("guide").join("prometheus/rules/alerts.yml"));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    if text.is_none() {
        println!("skipped: no guide beside the folder that SKOPOS_CONFORMANCE names");
    }
    text
}

/// A series and its value at a minute.
type Shaped = (&'static str, fn(u32) -> u32);

/// The series: something happens in the second hour's first half.
fn series() -> Vec<Shaped> {
    const fn during(minute: u32) -> bool {
        60 <= minute && minute < 90
    }
    /// Minutes of the incident that have passed.
    fn passed(minute: u32) -> u32 {
        minute.saturating_sub(59).min(30)
    }
    vec![
        (r#"node_cpu_seconds_total{instance="n1", cpu="0", mode="idle"}"#, |m| {
            30 * (m - passed(m)) + 6 * passed(m)
        }),
        (r#"node_cpu_seconds_total{instance="n1", cpu="0", mode="user"}"#, |m| {
            30 * (m - passed(m)) + 54 * passed(m)
        }),
        (r#"node_memory_MemAvailable_bytes{instance="n1"}"#, |m| if during(m) { 5 } else { 50 }),
        (r#"node_memory_MemTotal_bytes{instance="n1"}"#, |_| 100),
        (r#"node_filesystem_free_bytes{instance="n1", mountpoint="/"}"#, |m| {
            if during(m) { 10 } else { 40 }
        }),
        (r#"node_filesystem_size_bytes{instance="n1", mountpoint="/"}"#, |_| 100),
        (r#"http_requests_total{job="api", status="200"}"#, |m| 90 * m),
        (r#"http_requests_total{job="api", status="500"}"#, |m| 10 * passed(m)),
    ]
}

/// The samples as a page with times.
fn page() -> String {
    let mut page = String::new();
    for (series, value) in series() {
        for minute in 0..MINUTES {
            let t = (START + i64::from(minute) * 60) * 1000;
            let _ = writeln!(page, "{series} {} {t}", value(minute));
        }
    }
    page
}

/// A test with these expectations.
fn unit_test(expectations: &str) -> String {
    let mut text = "rule_files: [alerts.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  \
                    input_series:\n"
        .to_owned();
    for (series, value) in series() {
        let values: Vec<String> = (0..MINUTES).map(|minute| value(minute).to_string()).collect();
        let _ = writeln!(text, "  - {{series: '{series}', values: '{}'}}", values.join(" "));
    }
    text + "  alert_rule_test:\n" + expectations
}

/// Runs the program where the rules and the page are.
#[track_caller]
fn rehearse(rules: &str, arguments: &[&str]) -> Run {
    // No memory is ever used up to such a part, and the rate of errors must last longer.
    let stricter = rules.replace("* 100 > 90", "* 100 > 96").replace("for: 2m", "for: 4m");
    let page = page();
    let folder = folder(&[("alerts.yml", rules), ("new.yml", &stricter), ("page.prom", &page)]);
    let run = skopos(folder.path(), arguments, "");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}: {run:?}");
    run
}

#[test]
fn the_guides_alerts_load_and_nothing_is_advised_against() {
    let Some(rules) = rules() else { return };
    let run =
        rehearse(&rules, &["check", "rules", "--lint=extended", "--lint-fatal", "alerts.yml"]);
    assert_eq!(run.stdout, "Checking alerts.yml\n  SUCCESS: 5 rules found\n\n");
}

#[test]
fn the_guides_alerts_say_what_happens() {
    let Some(rules) = rules() else { return };
    let test = unit_test(
        r#"
  - {eval_time: 64m, alertname: HighMemoryUsage, exp_alerts: []}
  - eval_time: 65m
    alertname: HighMemoryUsage
    exp_alerts:
    - exp_labels: {instance: n1, severity: critical}
      exp_annotations: {summary: "메모리 부족 (n1)", description: "메모리 사용률 95.0%"}
  - {eval_time: 90m, alertname: HighMemoryUsage, exp_alerts: []}
  - {eval_time: 67m, alertname: HighCPUUsage, exp_alerts: []}
  - eval_time: 68m
    alertname: HighCPUUsage
    exp_alerts:
    - exp_labels: {instance: n1, severity: warning}
      exp_annotations:
        summary: "CPU 사용률 높음 (n1)"
        description: "CPU 사용률이 90.0%입니다. (임계값: 80%)"
  - eval_time: 70m
    alertname: DiskSpaceWarning
    exp_alerts:
    - exp_labels: {instance: n1, mountpoint: /, severity: warning}
      exp_annotations: {summary: "디스크 부족 경고"}
  - eval_time: 75m
    alertname: HighHTTPErrorRate
    exp_alerts:
    - exp_labels: {severity: critical}
      exp_annotations: {summary: "HTTP 에러율 높음", description: "에러율 10%"}
"#,
    );
    let folder = folder(&[("alerts.yml", &rules), ("test.yml", &test)]);
    let run = skopos(folder.path(), &["test", "rules", "test.yml"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "  SUCCESS\n\n"), "{run:?}");
}

#[test]
fn at_each_minute_the_guides_alerts_are_those_of_promtool() {
    let Some(rules) = rules() else { return };
    let Some(promtool) = promtool() else { return };
    // Nothing is expected, so that everything that fires is told.
    let mut expectations = String::new();
    for minute in 0..MINUTES {
        for alert in ALERTS {
            let _ = writeln!(
                expectations,
                "  - {{eval_time: {minute}m, alertname: {alert}, exp_alerts: []}}"
            );
        }
    }
    let test = unit_test(&expectations);
    let folder = folder(&[("alerts.yml", &rules), ("test.yml", &test)]);
    let ours = skopos(folder.path(), &["test", "rules", "test.yml"], "");
    let theirs = Command::new(promtool)
        .args(["test", "rules", "test.yml"])
        .current_dir(folder.path())
        .output()
        .expect("promtool starts");
    for alert in ALERTS {
        let fired = ours.stderr.matches(&format!("alertname: {alert}, ")).count();
        assert!(20 <= fired, "{alert} fires only at {fired} minutes");
    }
    assert_eq!(ours.code, theirs.status.code());
    assert_eq!(ours.stderr, String::from_utf8_lossy(&theirs.stderr));
    assert_eq!(ours.stdout, String::from_utf8_lossy(&theirs.stdout));
}

#[test]
fn the_incident_is_replayed() {
    let Some(rules) = rules() else { return };
    let all = ["rules", "backtest", "--rules", "alerts.yml", "--file", "page.prom"];
    let run = rehearse(&rules, &[&all[..], &["--output", "json"]].concat());
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let incidents = answer["incidents"].as_array().expect("incidents");
    let fired: Vec<&Value> = incidents.iter().filter(|i| !i["firingAt"].is_null()).collect();
    let mut names: Vec<&str> =
        fired.iter().filter_map(|i| i["labels"]["alertname"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ALERTS, "{answer:#}");
    for incident in fired {
        let at = |key: &str| {
            let t: jiff::Timestamp = incident[key].as_str().and_then(|t| t.parse().ok())?;
            Some(t.as_second() - START)
        };
        let times = [at("pendingAt"), at("firingAt"), at("overAt")];
        let [Some(pending), Some(fired), Some(resolved)] = times else { panic!("{incident:#}") };
        assert!((3_600..3_900).contains(&pending), "{incident:#}");
        assert!((3_720..4_260).contains(&fired), "{incident:#}");
        assert!((5_280..6_300).contains(&resolved), "{incident:#}");
    }
    let run = rehearse(&rules, &[&all[..], &["--diff", "new.yml"]].concat());
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("- ") && lines[0].contains(" HighMemoryUsage{"), "{run:?}");
    assert!(lines[1].starts_with("~ ") && lines[1].contains(": fired after 2m, "), "{run:?}");
    assert!(lines[2].contains(" HighHTTPErrorRate{severity=\"critical\"}: fired after 4m, "));
    assert_eq!(lines[3..], ["2 differences"], "{run:?}");
}

#[track_caller]
fn check_why(rules: &str, alert: &str, minute: i64, expected: &[&str]) {
    let at = (START + minute * 60).to_string();
    let all = ["rules", "why", "--rules", "alerts.yml", "--file", "page.prom", "--alert", alert];
    let run = rehearse(rules, &[&all[..], &["--at", &at]].concat());
    for text in expected {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
}

#[test]
fn each_state_is_explained() {
    let Some(rules) = rules() else { return };
    let check = |alert, minute, expected: &[&str]| check_why(&rules, alert, minute, expected);
    check(
        "HighMemoryUsage",
        30,
        &["is absent at ", "50 > 90 does not hold for {instance=\"n1\"}."],
    );
    check(
        "HighMemoryUsage",
        62,
        &["is pending at ", "95 > 90 holds:", "It fires at ", "if that goes on."],
    );
    check(
        "HighMemoryUsage",
        70,
        &["is firing at ", "its value is 95.", "It has been firing since "],
    );
    check(
        "HighCPUUsage",
        95,
        &["is absent at ", "50 > 80 does not hold", "It was last firing from "],
    );
    check("DiskSpaceWarning", 65, &["is pending at ", "90 > 85 holds:"]);
}
