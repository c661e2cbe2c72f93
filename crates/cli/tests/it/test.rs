//! Scripts with expected results.

use std::process::Command;

use serde_json::{Value, json};

use crate::run::{folder, skopos};

const SCRIPT: &str = "\
load 1m
  a{x=\"1\"} 0+1x10

eval instant at 5m sum(a)
  {} 5

eval instant at 5m a
  a{x=\"1\"} 6
";

#[test]
fn statements_are_counted_and_failures_have_their_place() {
    let folder = folder(&[("a.test", SCRIPT)]);
    let run = skopos(folder.path(), &["test", "promql", "a.test"], "");
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (
            Some(1),
            "a.test:7: a\n  expected 6 for {__name__=\"a\", x=\"1\"} but got 5\n\
             1 passed, 1 failed\n",
            ""
        )
    );
    let run = skopos(folder.path(), &["test", "promql", "--output", "json", "a.test"], "");
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((&answer["passed"], &answer["failed"]), (&json!(1), &json!(1)));
    assert_eq!(answer["failures"][0]["line"], 7);
}

#[test]
fn what_is_no_script_is_named_with_its_line() {
    let folder = folder(&[("a.test", "eval nonsense\n")]);
    let run = skopos(folder.path(), &["test", "promql", "a.test"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.starts_with("skopos: error: a.test: line 1:"), "{}", run.stderr);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where vectors are")]
fn upstreams_scripts_are_run_from_the_command_line() {
    let Ok(vectors) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
        return;
    };
    let output = Command::new(env!("CARGO_BIN_EXE_skopos"))
        .args(["test", "promql"])
        .arg(format!("{vectors}/promqltest/selectors.test"))
        .output()
        .expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "31 passed, 0 failed\n");
}
