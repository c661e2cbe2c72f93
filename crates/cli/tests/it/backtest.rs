//! Rules replayed over a page of samples.

use std::fmt::Write as _;

use serde_json::Value;

use crate::run::{Run, folder, skopos};

const RULES: &str = "\
groups:
- name: g
  interval: 1m
  rules:
  - {record: down, expr: count(up == 0)}
  - {alert: Down, expr: up == 0, for: 2m}
  - {alert: Several, expr: down > 1}
";

/// Two instances, a sample a minute for an hour; one is down for ten minutes, the other for one.
fn page() -> String {
    let mut page = String::new();
    for (instance, down) in [("a", 10..20), ("b", 15..16)] {
        for minute in 0..60 {
            let value = u8::from(!down.contains(&minute));
            let t = 1_700_000_000_000_i64 + minute * 60_000;
            let _ = writeln!(page, "up{{instance=\"{instance}\"}} {value} {t}");
        }
    }
    page
}

#[track_caller]
fn backtest(arguments: &[&str]) -> Run {
    let slower = RULES.replace("for: 2m", "for: 9m").replace("Several", "Many");
    let folder = folder(&[("rules.yml", RULES), ("slower.yml", &slower), ("page.prom", &page())]);
    let all = [&["rules", "backtest", "--rules", "rules.yml", "--file", "page.prom"], arguments];
    skopos(folder.path(), &all.concat(), "")
}

#[test]
fn incidents_are_shown_with_a_picture() {
    let run = backtest(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = run.stdout.lines().collect();
    let picture = "Down    ···········▒▒█████████······································";
    assert_eq!(lines[0], picture);
    assert!(lines[3].contains(" Down{instance=\"a\"}: fired after 2m, until "), "{}", lines[3]);
    assert!(run.stdout.contains(" Down{instance=\"b\"}: pending for 1m, never fired, value 0"));
    assert!(run.stdout.contains(" Several{}: fired at once, until "));
    assert_eq!(lines.last(), Some(&"3 incidents in 59 evaluations of groups"));
}

#[test]
fn incidents_are_reported_to_programs() {
    let run =
        backtest(&["--output", "json", "--from", "2023-11-14T22:20:00Z", "--to", "1700001000"]);
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let incidents = answer["incidents"].as_array().expect("incidents");
    assert_eq!(incidents.len(), 3, "{answer}");
    assert_eq!(incidents[0]["labels"]["alertname"], "Down");
    assert_eq!(incidents[0]["overAt"], Value::Null, "it lasts beyond the end");
}

#[test]
fn two_versions_of_rules_are_compared() {
    let run = backtest(&["--diff", "slower.yml"]);
    let marks: Vec<&str> = run.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(marks, ["~", "", "+", "-", "3"], "{}", run.stdout);
    assert!(run.stdout.contains("fired after 9m"), "{}", run.stdout);
}

#[test]
fn mistakes_are_named() {
    let run = backtest(&["--from", "1700001000", "--to", "1700000000"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("--to 2023-11-14T22:13:20Z is before --from"), "{}", run.stderr);
    let folder = folder(&[("r.yml", "groups: [{name: g, rules: [{alert: A, expr: 'a +'}]}]")]);
    std::fs::write(folder.path().join("p"), page()).expect("a file");
    let run = skopos(folder.path(), &["rules", "backtest", "--rules", "r.yml", "--file", "p"], "");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("could not parse expression"), "{}", run.stderr);
}
