//! The linter by table. The expected lines are `promtool check metrics`' own.

use skopos_exposition::{Problem, lint};

#[track_caller]
fn check(page: &str, expected: &[&str]) {
    let problems = lint(page.as_bytes()).unwrap();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}

#[track_caller]
fn check_error(page: &str, expected: &str) {
    assert_eq!(lint(page.as_bytes()).unwrap_err().to_string(), expected);
}

#[test]
fn a_good_page_has_no_problems() {
    check(
        "# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"c\"} 1\na_total{b=\"d\"} 1\n",
        &[],
    );
    check("# HELP a A.\n# TYPE a summary\na{quantile=\"0.5\"} 1\na_sum 1\na_count 1\n", &[]);
}

#[test]
fn metadata_without_samples_is_passed_over() {
    check("# TYPE a counter\n", &[]);
}

#[test]
fn help_is_wanted() {
    check("a 1\n", &["a no help text"]);
    check("# HELP a\na 1\n", &["a no help text"]);
}

#[test]
fn names_tell_no_types_and_no_small_units() {
    check(
        "# HELP a_gauge_ms A.\n# TYPE a_gauge_ms gauge\na_gauge_ms 1\n",
        &[
            "a_gauge_ms metric name should not include type 'gauge'",
            "a_gauge_ms metric names should not contain abbreviated units",
        ],
    );
    check(
        "# HELP a_milliseconds A.\na_milliseconds 1\n",
        &["a_milliseconds use base unit \"seconds\" instead of \"milliseconds\""],
    );
    check(
        "# HELP aB:c A.\naB:c{dE=\"f\"} 1\n",
        &[
            "aB:c label names should be written in 'snake_case' not 'camelCase'",
            "aB:c metric names should be written in 'snake_case' not 'camelCase'",
            "aB:c metric names should not contain ':'",
        ],
    );
}

#[test]
fn suffixes_and_labels_belong_to_their_types() {
    check(
        "# HELP a_count A.\n# TYPE a_count gauge\na_count{le=\"1\"} 1\na_count{quantile=\"1\"} 1\n",
        &[
            "a_count non-histogram and non-summary metrics should not have \"_count\" suffix",
            "a_count non-histogram metrics should not have \"le\" label",
            "a_count non-summary metrics should not have \"quantile\" label",
        ],
    );
    check(
        "# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n",
        &["a_total non-counter metrics should not have \"_total\" suffix"],
    );
}

#[test]
fn metrics_are_unique() {
    check("# HELP a A.\na{b=\"c\"} 1\na{b=\"d\"} 1\na{b=\"c\"} 1\n", &["a metric not unique"]);
    let Problem { line, .. } = &lint(b"# HELP a A.\n\na{b=\"c\"} 1\na{b=\"c\"} 1\n").unwrap()[0];
    assert_eq!(*line, 3);
}

#[test]
fn metadata_stands_once_and_before_its_samples() {
    check_error(
        "a 1\n# TYPE a gauge\n",
        "second TYPE line for metric name \"a\", or TYPE reported after samples",
    );
    check_error("# HELP a A.\n# HELP a A.\n", "second HELP line for metric name \"a\"");
    check_error("a{b=\"c\",b=\"d\"} 1\n", "duplicate label names for metric \"a\"");
}
