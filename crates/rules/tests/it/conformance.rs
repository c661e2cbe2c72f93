//! Rule files as Prometheus loads them and as `promtool check rules` judges them.

use std::path::PathBuf;

use serde_json::{Value as Json, json};
use skopos_rules::{LoadOptions, Rule, RuleFile, RuleKind, lint, load};

use crate::doubles::{EXPRESSIONS, TEMPLATES};

/// The folder of vectors; none, said aloud, where it is not named.
#[expect(clippy::disallowed_methods, reason = "the folder of vectors is named by the environment")]
fn folder() -> Option<PathBuf> {
    let folder = std::env::var("SKOPOS_CONFORMANCE").ok();
    if folder.is_none() {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
    }
    folder.map(PathBuf::from)
}

fn vectors(name: &str) -> Option<Vec<Json>> {
    let path = folder()?.join("vectors/rules").join(name);
    let text = std::fs::read_to_string(path).expect("the vectors are there");
    let file: Json = serde_json::from_str(&text).expect("the vectors are JSON");
    Some(file["cases"].as_array().unwrap().clone())
}

fn bytes(json: &Json) -> Vec<u8> {
    match json["hex"].as_str() {
        Some(hex) => (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect(),
        None => json.as_str().unwrap().as_bytes().to_vec(),
    }
}

fn rule_as_json(rule: &Rule) -> Json {
    let mut json = json!({ "expr": rule.expr });
    let name = if rule.kind == RuleKind::Alerting { "alert" } else { "record" };
    json[name] = json!(rule.name);
    for (name, millis) in [("for_ms", rule.hold), ("keep_firing_for_ms", rule.keep_firing_for)] {
        if millis != 0 {
            json[name] = json!(millis);
        }
    }
    for (name, pairs) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
        if !pairs.is_empty() {
            json[name] = json!(pairs);
        }
    }
    json
}

fn as_json(file: &RuleFile) -> Json {
    let group = |group: &skopos_rules::Group| {
        let mut json = json!({
            "name": group.name,
            "interval_ms": group.interval.unwrap_or(0),
            "limit": group.limit,
            "rules": group.rules.iter().map(rule_as_json).collect::<Vec<_>>(),
        });
        if let Some(millis) = group.query_offset {
            json["query_offset_ms"] = json!(millis);
        }
        if !group.labels.is_empty() {
            json["labels"] = json!(group.labels);
        }
        json
    };
    Json::Array(file.groups.iter().map(group).collect())
}

fn options(case: &Json) -> LoadOptions<'static> {
    let mut options = LoadOptions::new(&EXPRESSIONS, &TEMPLATES);
    if case["ignore_unknown_fields"] == true {
        options = options.ignore_unknown_fields();
    }
    if case["name_validation"] == "legacy" {
        options = options.legacy_names();
    }
    options
}

#[test]
fn rule_files_load_as_in_go() {
    let Some(cases) = vectors("rulefmt.json") else { return };
    let mut failures = Vec::new();
    for case in &cases {
        let content = bytes(&case["yaml"]);
        let got = match load(&content, "F", &options(case)) {
            Ok(file) => json!({ "groups": as_json(&file) }),
            Err(errors) => {
                let texts = errors.iter().map(|e| e.to_string().split_off("F: ".len()));
                json!({ "errors": texts.collect::<Vec<_>>() })
            }
        };
        let expected = match case["ok"] == true {
            true => json!({ "groups": case["groups"] }),
            false => json!({ "errors": case["errors"] }),
        };
        if got != expected {
            failures.push(format!("{}\n   got {got}\n  want {expected}", case["name"]));
        }
    }
    eprintln!("{} agree, {} differ", cases.len() - failures.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn files_are_judged_as_promtool_judges_them() {
    let (Some(cases), Some(files)) = (vectors("check_rules.json"), vectors("rulefmt.json")) else {
        return;
    };
    let content = |case: &Json| {
        let file = files.iter().find(|file| file["name"] == case["name"]);
        bytes(&file.expect("the file of the case is there")["yaml"])
    };
    for case in &cases {
        let name = case["file"].as_str().unwrap();
        let options = LoadOptions::new(&EXPRESSIONS, &TEMPLATES);
        let (mut stdout, mut stderr) = (format!("Checking {name}\n"), String::new());
        let exit = match load(&content(case), name, &options) {
            Ok(file) => {
                assert_eq!(lint(&file), None, "{name}");
                stdout.push_str(&format!("  SUCCESS: {} rules found\n\n", file.rule_count()));
                0
            }
            Err(errors) => {
                stderr.push_str("  FAILED:\n");
                errors.iter().for_each(|error| stderr.push_str(&format!("{error}\n")));
                1
            }
        };
        assert_eq!(json!(exit), case["exit"], "{name}");
        assert_eq!(json!(stdout), case["stdout"], "{name}");
        // The warning about several documents is the program's, with its own time.
        let expected = case["stderr"].as_str().unwrap();
        let expected = match expected.strip_prefix("time=") {
            Some(rest) => rest.split_once('\n').unwrap().1,
            None => expected,
        };
        assert_eq!(stderr, expected, "{name}");
    }
    eprintln!("{} agree", cases.len());
}

#[test]
fn duplicates_are_found_as_promtool_finds_them() {
    let Some(folder) = folder() else { return };
    let read = |name: &str| std::fs::read(folder.join("rules").join(name)).unwrap();
    let options = LoadOptions::new(&EXPRESSIONS, &TEMPLATES);
    let file = load(&read("rules_duplicates.yml"), "F", &options).unwrap();
    let message = lint(&file).unwrap();
    assert!(message.starts_with("lint error "), "{message}");
    let file = load(&read("rules.yml"), "F", &options).unwrap();
    assert_eq!(lint(&file), None);
}
