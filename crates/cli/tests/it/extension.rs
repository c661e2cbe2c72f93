//! Hysteresis and debouncing: the plain rules that are exported do what a state machine says, in our
//! rule tests and in those of the real `promtool`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{folder, skopos};

/// How many evaluations each sequence has.
const STEPS: usize = 40;

/// An alert that is tried out; times are counted in evaluations.
#[derive(Clone, Copy, Debug)]
struct Case {
    hold: usize,
    keep: usize,
    recovers: bool,
    debounce: Option<(usize, usize)>,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for hold in [0, 2] {
            for keep in [0, 3] {
                for (recovers, debounce) in [
                    (true, None),
                    (false, Some((2, 3))),
                    (true, Some((2, 3))),
                    (true, Some((3, 5))),
                ] {
                    cases.push(Self { hold, keep, recovers, debounce });
                }
            }
        }
        cases
    }

    /// The rule, as it is written by hand.
    fn rule(self, name: &str) -> String {
        let mut text =
            format!("  - alert: {name}\n    expr: level{{of=\"{name}\"}} > 1.5 # high\n");
        let _ = writeln!(text, "    for: {}m\n    keep_firing_for: {}m", self.hold, self.keep);
        text.push_str("    labels: {severity: page, who: \"{{ $labels.instance }}\"}\n");
        text.push_str("    annotations: {value: \"{{ $value }}\"}\n    x-skopos:\n");
        if self.recovers {
            let _ = writeln!(text, "      recover_if: level{{of=\"{name}\"}} < 0.5");
        }
        if let Some((matches, of)) = self.debounce {
            let _ = writeln!(text, "      debounce: {{matches: {matches}, of: {of}}}");
        }
        text
    }
}

/// What the alert of one series does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Quiet,
    Pending(usize),
    Firing,
    /// It has recovered, and goes on for a while.
    Keeping(usize),
}

/// The alert of one series, evaluation by evaluation.
struct Machine {
    case: Case,
    state: State,
    seen: Vec<Option<u32>>,
    /// The last value for which the condition was true.
    value: u32,
}

impl Machine {
    fn new(case: Case) -> Self {
        Self { case, state: State::Quiet, seen: Vec::new(), value: 0 }
    }

    /// The value with which it fires after an evaluation that sees `level`, if it does.
    fn step(&mut self, level: Option<u32>) -> Option<u32> {
        let now = self.seen.len();
        self.seen.push(level);
        let is_true = |level: &&Option<u32>| level.is_some_and(|level| 2 <= level);
        let (matches, of) = self.case.debounce.unwrap_or((1, 1));
        let window = &self.seen[(now + 1).saturating_sub(of)..];
        let raised = matches <= window.iter().filter(is_true).count();
        if raised {
            let last = window.iter().rev().find(is_true).copied().flatten();
            self.value = last.expect("at least one is true");
        }
        let holds = self.state == State::Firing && self.case.recovers && level != Some(0);
        self.state = match self.state {
            _ if !(raised || holds) => self.lapsed(now),
            State::Quiet => self.pending(now, now),
            State::Pending(since) => self.pending(since, now),
            State::Firing | State::Keeping(_) => State::Firing,
        };
        matches!(self.state, State::Firing | State::Keeping(_)).then_some(self.value)
    }

    fn pending(&self, since: usize, now: usize) -> State {
        if self.case.hold <= now - since { State::Firing } else { State::Pending(since) }
    }

    fn lapsed(&self, now: usize) -> State {
        match self.state {
            State::Firing if 0 < self.case.keep => State::Keeping(now),
            State::Keeping(since) if now - since < self.case.keep => State::Keeping(since),
            _ => State::Quiet,
        }
    }
}

/// Levels that change now and then; none where the series is stale.
fn levels(seed: u64) -> Vec<Option<u32>> {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut level = Some(0);
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (random >> 33) % 16
    };
    let levels = (0..STEPS).map(|_| {
        level = match next() {
            0..=2 => Some(0),
            3..=5 => Some(1),
            6..=8 => Some(2),
            9 => Some(3),
            10 => None,
            _ => level,
        };
        level
    });
    levels.collect()
}

/// The rules, and a test of them whose expectations are those of the machine.
fn files() -> (String, String, usize) {
    let mut rules = "groups:\n- name: try-out\n  labels: {team: infra}\n  rules:\n".to_owned();
    let mut series = String::new();
    let mut expected = vec![String::new(); STEPS];
    let mut firing = 0;
    for (i, case) in Case::all().into_iter().enumerate() {
        let name = format!("Case{i}");
        rules.push_str(&case.rule(&name));
        let mut alerts = vec![String::new(); STEPS];
        for (j, instance) in ["a", "b", "c"].into_iter().enumerate() {
            let levels = levels((i * 3 + j) as u64 + 1);
            let values = levels.iter().map(|level| match level {
                Some(level) => level.to_string(),
                None => "stale".to_owned(),
            });
            let values = values.collect::<Vec<_>>().join(" ");
            let labels = format!("of=\"{name}\", instance=\"{instance}\"");
            let _ = writeln!(series, "  - {{series: 'level{{{labels}}}', values: '{values}'}}");
            let mut machine = Machine::new(case);
            for (step, level) in levels.iter().enumerate() {
                let Some(value) = machine.step(*level) else { continue };
                firing += 1;
                let _ = writeln!(
                    alerts[step],
                    "    - exp_labels: {{of: {name}, instance: {instance}, severity: page, \
                     team: infra, who: {instance}}}\n      exp_annotations: {{value: \"{value}\"}}",
                );
            }
        }
        for (step, alerts) in alerts.into_iter().enumerate() {
            let list = if alerts.is_empty() { " []\n".to_owned() } else { format!("\n{alerts}") };
            let _ = write!(
                expected[step],
                "  - eval_time: {step}m\n    alertname: {name}\n    exp_alerts:{list}"
            );
        }
    }
    let test = format!(
        "rule_files: [plain.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  \
         input_series:\n{series}  alert_rule_test:\n{}",
        expected.concat()
    );
    (rules, test, firing)
}

pub(crate) fn promtool() -> Option<PathBuf> {
    let folder = std::env::var_os("SKOPOS_PEERS").map(PathBuf::from);
    let program = folder.map(|folder| folder.join("promtool")).filter(|program| program.is_file());
    if program.is_none() {
        println!("skipped: no promtool in the folder that SKOPOS_PEERS names");
    }
    program
}

#[track_caller]
fn run_promtool(program: &PathBuf, folder: &Path, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.expect("promtool starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(3000).collect::<String>();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "promtool {arguments:?}: {out}\n{err}");
}

#[test]
fn exported_rules_do_what_the_machine_says() {
    let (rules, test, firing) = files();
    assert!(firing > 300, "only {firing} expectations");
    let folder = folder(&[("rules.yml", &rules), ("test.yml", &test)]);
    let plain = skopos(folder.path(), &["rules", "export", "rules.yml"], "");
    assert_eq!((plain.code, plain.stderr.as_str()), (Some(0), ""));
    std::fs::write(folder.path().join("plain.yml"), &plain.stdout).expect("a file");
    let run = skopos(folder.path(), &["test", "rules", "test.yml"], "");
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    // As they are written they do the same.
    let written = test.replace("plain.yml", "rules.yml");
    std::fs::write(folder.path().join("written.yml"), written).expect("a file");
    let run = skopos(folder.path(), &["test", "rules", "--rule-extensions", "written.yml"], "");
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let Some(promtool) = promtool() else { return };
    run_promtool(&promtool, folder.path(), &["check", "rules", "plain.yml"]);
    run_promtool(&promtool, folder.path(), &["test", "rules", "test.yml"]);
}

const RULES: &str = "\
groups:
- name: 9 to 5
  interval: 10m
  labels: {severity: warn, team: a}
  rules:
  - record: '_9_to_5:Hot:held'
    expr: vector(1)
  - alert: Hot
    expr: |
      temperature > 30  # degrees
    labels: {severity: page, sort: '{{ $labels.room }}'}
    x-skopos:
      recover_if: avg by (house) (temperature) < 20
      recover_on: [house, 'is.new']
      debounce: {matches: 2, of: 3}
";

#[test]
fn what_is_exported_is_plain() {
    let folder = folder(&[("rules.yml", RULES)]);
    let run = skopos(folder.path(), &["rules", "export", "rules.yml"], "");
    let expected = "\
groups:
- name: 9 to 5
  interval: 10m
  rules:
  - record: _9_to_5:Hot:held
    expr: vector(1)
    labels:
      severity: warn
      team: a
  - record: _9_to_5:Hot:matched
    expr: temperature > 30
  - record: _9_to_5:Hot:held_2
    expr: (last_over_time(_9_to_5:Hot:matched[25m]) and count_over_time(_9_to_5:Hot:matched[25m]) >= 2) or \
(last_over_time(_9_to_5:Hot:held_2[15m]) and ignoring (alertname, alertstate, severity, sort, team) \
last_over_time(ALERTS{alertname=\"Hot\", alertstate=\"firing\", severity=\"page\", team=\"a\"}[15m]) \
unless on (house, \"is.new\") (avg by (house) (temperature) < 20))
  - alert: Hot
    expr: _9_to_5:Hot:held_2
    labels:
      severity: page
      sort: \"{{ $labels.room }}\"
      team: a
";
    // Long expressions are folded.
    let unfolded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let written = unfolded(&run.stdout.replace(">-", ""));
    assert_eq!((written, run.stderr.as_str()), (unfolded(expected), ""));
    let Some(promtool) = promtool() else { return };
    std::fs::write(folder.path().join("plain.yml"), &run.stdout).expect("a file");
    run_promtool(&promtool, folder.path(), &["check", "rules", "plain.yml"]);
}

#[test]
fn only_who_asks_gets_the_extension() {
    let folder = folder(&[("rules.yml", RULES)]);
    let run = skopos(folder.path(), &["check", "rules", "rules.yml"], "");
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("line 12: field x-skopos not found in type rulefmt.Rule"),
        "{run:?}"
    );
    let run = skopos(folder.path(), &["check", "rules", "--rule-extensions", "rules.yml"], "");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
fn who_does_not_ask_is_told_how() {
    let told = "field x-skopos not found in type rulefmt.Rule \
                (an extension that --rule-extensions accepts)";
    let files = [
        ("rules.yml", RULES),
        ("test.yml", "rule_files: [rules.yml]\ntests: [{}]\n"),
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
    ];
    let folder = folder(&files);
    for arguments in [
        &["check", "rules", "rules.yml"][..],
        &["check", "config", "prometheus.yml"],
        &["test", "rules", "test.yml"],
        &["serve", "--config.file=prometheus.yml", "--web.listen-address=127.0.0.1:0"],
    ] {
        let run = skopos(folder.path(), arguments, "");
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        let has_place = ["line 12: ", "rules.yml:12:5: "].iter().any(|place| said.contains(place));
        assert!(said.contains(told) && has_place, "{arguments:?}: {run:?}");
    }
}

#[test]
fn a_wrong_extension_is_told_with_its_place_wherever_it_is_accepted() {
    let rules = RULES.replace("matches: 2", "matches: 4");
    let told = "group \"9 to 5\", rule 2, \"Hot\": 'debounce' must have \
                1 <= matches <= of <= 1000, got matches 4 of 3";
    let files = [
        ("rules.yml", rules.as_str()),
        ("test.yml", "rule_files: [rules.yml]\ntests: [{}]\n"),
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
    ];
    let folder = folder(&files);
    for arguments in [
        &["check", "rules", "--rule-extensions", "rules.yml"][..],
        &["check", "config", "--rule-extensions", "prometheus.yml"],
        &["test", "rules", "--rule-extensions", "test.yml"],
        &[
            "serve",
            "--rule-extensions",
            "--config.file=prometheus.yml",
            "--web.listen-address=127.0.0.1:0",
        ],
    ] {
        let run = skopos(folder.path(), arguments, "");
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(told) && said.contains("15:17: "), "{arguments:?}: {run:?}");
    }
}

#[track_caller]
fn check_refused(rule: &str, expected: &str) {
    let rules = format!("groups:\n- name: g\n  rules:\n  - {rule}\n");
    let folder = folder(&[("r.yml", &rules)]);
    let run = skopos(folder.path(), &["rules", "export", "r.yml"], "");
    assert_eq!(run.code, Some(1), "{rule}");
    assert!(run.stderr.contains(expected), "{rule}: {}", run.stderr);
}

#[test]
fn mistakes_are_told_with_their_places() {
    check_refused(
        "{record: a, expr: b, x-skopos: {recover_if: c}}",
        "r.yml:4:36: groups[0].rules[0].x-skopos: group \"g\", rule 1, \"a\": invalid field 'x-skopos' in recording rule",
    );
    check_refused(
        "{alert: a, expr: b, x-skopos: {}}",
        "4:35: groups[0].rules[0].x-skopos: group \"g\", rule 1, \"a\": 'x-skopos' must have 'recover_if' or 'debounce'",
    );
    check_refused(
        "{alert: a, expr: b, x-skopos: {recover_if: 'c +'}}",
        "4:48: groups[0].rules[0].x-skopos.recover_if: group \"g\", rule 1, \"a\": could not parse 'recover_if': 1:4: parse error",
    );
    check_refused(
        "{alert: a, expr: '1', x-skopos: {recover_if: c}}",
        "the expression of a rule with 'x-skopos' must be an instant vector",
    );
    check_refused(
        "{alert: a, expr: b, x-skopos: {recover_if: 'scalar(c)'}}",
        "'recover_if' of a rule with 'x-skopos' must be an instant vector",
    );
    check_refused(
        "{alert: a, expr: b, x-skopos: {recover_on: [c], debounce: {matches: 3, of: 2}}}",
        "'recover_on' needs 'recover_if'",
    );
    check_refused(
        "{alert: a, expr: b, x-skopos: {debounce: {matches: 3, of: 2}}}",
        "must have 1 <= matches <= of <= 1000, got matches 3 of 2",
    );
    check_refused(
        "{alert: a, expr: b, x-skopos: {recover: c}}",
        "field recover not found in type rules.Extension",
    );
    check_refused(
        "{alert: a, expr: b, x-skopos: {debounce: {matches: x}}}",
        "cannot unmarshal !!str `x` into int",
    );
}

#[test]
fn rehearsals_take_the_extension_if_asked() {
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: Hot, expr: t > 30, x-skopos: {recover_if: t < 20}}\n";
    let values = [(0, 25), (1, 35), (2, 25), (3, 25), (4, 15), (5, 25), (6, 25)];
    let sample = |(minute, value): &(i64, i64)| format!("t {value} {}\n", minute * 60_000);
    let page: String = values.iter().map(sample).collect();
    let folder = folder(&[("r.yml", rules), ("page", &page)]);
    let arguments = ["--rules", "r.yml", "--file", "page", "--rule-extensions"];
    let run = skopos(folder.path(), &[&["rules", "backtest"], &arguments[..]].concat(), "");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains(" Hot{}: fired at once, until "), "{run:?}");
    assert!(run.stdout.contains("1 incident in "), "{run:?}");
    assert!(run.stdout.contains(", value 35\n"), "{run:?}");
    let why = ["rules", "why", "--alert", "Hot", "--at", "200"];
    let run = skopos(folder.path(), &[&why, &arguments[..]].concat(), "");
    assert!(run.code == Some(0) && run.stdout.contains("firing"), "{run:?}");
    let run = skopos(folder.path(), &[&["rules", "backtest"], &arguments[..4]].concat(), "");
    assert_eq!(run.code, Some(1), "{run:?}");
}
