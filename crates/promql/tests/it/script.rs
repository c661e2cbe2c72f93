//! Prometheus' own scripts.

use skopos_promql::EngineOptions;
use skopos_promql::test_script::{run, run_with};

/// The files with how many of their statements pass and fail.
const FILES: [(&str, usize, usize); 15] = [
    // FIXME: a label name in a string that is no UTF-8 is refused by the parser, not by the function.
    ("aggregators.test", 159, 1),
    ("at_modifier.test", 78, 0),
    ("duration_expression.test", 59, 0),
    ("extended_vectors.test", 169, 0),
    ("fill-modifier.test", 46, 0),
    ("functions.test", 431, 0),
    ("histograms.test", 185, 0),
    ("info.test", 53, 0),
    ("limit.test", 37, 0),
    ("name_label_dropping.test", 30, 0),
    ("native_histograms.test", 522, 0),
    ("operators.test", 214, 0),
    ("selectors.test", 31, 0),
    ("start_timestamps.test", 26, 0),
    ("type_and_unit.test", 58, 0),
];

/// Runs all files, each as many times as there are options.
fn check_files(options: &[EngineOptions]) {
    let Some(folder) = crate::conformance::folder() else { return };
    let mut differences = Vec::new();
    for (file, passed, failed) in FILES {
        let path = folder.join("promqltest").join(file);
        let text = std::fs::read_to_string(&path).expect("a file of the folder");
        for options in options {
            let report = run_with(&text, options.clone()).expect("a script");
            println!("{file}: {} passed, {} failed", report.passed(), report.failed());
            if (report.passed(), report.failed()) != (passed, failed) {
                let failures: Vec<String> =
                    report.failures().iter().map(ToString::to_string).collect();
                differences.push(format!("{file}:\n  {}", failures.join("\n  ")));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn upstreams_scripts_pass() {
    check_files(&[EngineOptions::default()]);
}

#[cfg(feature = "parallel")]
#[test]
fn upstreams_scripts_pass_on_several_threads() {
    let threads = |n| EngineOptions::default().with_threads(n).with_threads_from(0);
    check_files(&[threads(2), threads(3)]);
}

#[track_caller]
fn check_error(script: &str, expected: &str) {
    assert_eq!(run(script).expect_err("it is no script").to_string(), expected);
}

#[test]
fn scripts_that_are_none_are_refused_with_their_line() {
    check_error("clear\nlode 5m", "line 2: invalid command \"lode 5m\"");
    check_error(
        "\nload x",
        "line 2: invalid step definition \"x\": not a valid duration string: \"x\"",
    );
    check_error("eval instant at 1m 1 +", "line 1: 1 +: 1:4: parse error: unexpected end of input");
    check_error("load 1m\n  a@st 0\n", "line 1: @st line has no following sample line");
}

#[test]
fn a_wrong_result_is_reported_with_its_place() {
    let report =
        run("load 1m\n  a 1\n\neval instant at 0 a\n  a 2\n\neval instant at 0 a\n  a 1").unwrap();
    assert_eq!((report.passed(), report.failed()), (1, 1));
    let failure = &report.failures()[0];
    assert_eq!((failure.line(), failure.query()), (4, "a"));
    assert_eq!(failure.message(), r#"expected 2 for {__name__="a"} but got 1"#);
}
