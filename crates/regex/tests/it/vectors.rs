//! Golden vectors: what the Go implementation answers for each pattern.
//!
//! Texts that are not UTF-8 are left out: labels are text here.

use std::path::PathBuf;

use serde_json::Value;
use skopos_regex::{LabelRegex, Regex};

fn load(name: &str) -> Option<Value> {
    #[expect(clippy::disallowed_methods, reason = "tests are told where the vectors are")]
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
        return None;
    };
    let path = PathBuf::from(root).join(name);
    let bytes = std::fs::read(&path).expect("the vectors are there");
    Some(serde_json::from_slice(&bytes).expect("vectors are JSON"))
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().expect("a string").into()).collect()
}

/// The answers as a string of `0` and `1`.
fn bits(texts: &[String], is_match: impl Fn(&str) -> bool) -> String {
    texts.iter().map(|text| if is_match(text) { '1' } else { '0' }).collect()
}

fn check(case: &Value, pool: &[String], failures: &mut Vec<String>) -> bool {
    let Some(pattern) = case["pattern"].as_str() else { return false };
    let mut fail = |what: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
        let shown: String = pattern.chars().take(80).collect();
        failures.push(format!("{shown:?}: {what}: {ours:?}, expected {theirs:?}"));
    };
    let regex = match (LabelRegex::new(pattern), case["ok"].as_bool()) {
        (Ok(regex), Some(true)) => regex,
        (Err(error), Some(false)) => {
            if Some(error.to_string().as_str()) != case["error"].as_str() {
                fail("error", &error.to_string(), &case["error"]);
            }
            return true;
        }
        (result, _) => {
            fail("result", &result, &case["ok"]);
            return true;
        }
    };
    let plain = Regex::anchored(pattern).expect("a valid pattern");
    let inputs = strings(&case["inputs"]);
    for (texts, expected) in [(pool, &case["pool_matches"]), (&inputs, &case["matches"])] {
        let expected = expected.as_str().unwrap_or_default();
        for ours in [bits(texts, |t| regex.is_match(t)), bits(texts, |t| plain.is_match(t))] {
            if ours != expected {
                fail("matches", &ours, &expected);
            }
        }
    }
    if case["matches_empty"].as_bool() != Some(regex.is_match("")) {
        fail("empty", &regex.is_match(""), &case["matches_empty"]);
    }
    if case["set_matches"].is_array() {
        let mut theirs = strings(&case["set_matches"]);
        theirs.dedup();
        if regex.set_matches() != Some(&theirs) {
            fail("set", &regex.set_matches(), &theirs);
        }
    }
    let prefix = case["prefix"].as_str().unwrap_or_default();
    let is_folded = case["case_insensitive_prefix"].as_bool() == Some(true);
    if !is_folded && !regex.prefix().starts_with(prefix) {
        fail("prefix", &regex.prefix(), &prefix);
    }
    let suffix = case["suffix"].as_str().unwrap_or_default();
    if !regex.suffix().ends_with(suffix) {
        fail("suffix", &regex.suffix(), &suffix);
    }
    true
}

#[test]
fn matchers_agree_with_go() {
    let Some(file) = load("vectors/regex/fast_regex.json") else { return };
    let pool = strings(&file["pool"]);
    let mut failures = Vec::new();
    let cases = file["cases"].as_array().expect("cases");
    let checked = cases.iter().filter(|case| check(case, &pool, &mut failures)).count();
    println!("{checked} of {} patterns, {} differences", cases.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(650 < checked, "the vectors shrank: {checked}");
}
