//! Every lint finds its bad example and leaves the good one, and all that people sensibly write, alone.

use skopos_core::MetricType;

use super::*;
use crate::options::ParseOptions;
use crate::parse::parse;

fn expression(query: &str) -> Expr {
    parse(query, &ParseOptions::all()).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn codes(query: &str, options: &LintOptions<'_>) -> Vec<&'static str> {
    lint(&expression(query), options).iter().map(|advice| advice.code.as_str()).collect()
}

#[track_caller]
fn check(query: &str, expected: &[&str]) {
    assert_eq!(codes(query, &LintOptions::default().for_alert(true)), expected, "{query}");
}

#[test]
fn each_code_has_a_bad_and_a_good_example() {
    for code in Code::ALL {
        let options = LintOptions::default().with(*code, true);
        // What is wrong in an alert is fine elsewhere, and a plain example is no condition.
        let is_of_alerts = matches!(code, Code::AlertWithoutCondition | Code::IrateInAlert);
        let options = options.for_alert(is_of_alerts);
        assert_eq!(codes(code.bad(), &options), [code.as_str()], "{}", code.bad());
        assert_eq!(codes(code.good(), &options), [""; 0], "{}", code.good());
        assert_eq!(codes(code.bad(), &options.with(*code, false)), [""; 0], "{}", code.bad());
        assert_eq!(Code::find(code.as_str()), Some(*code));
        let is_sentence = |text: &str| !text.is_empty() && !text.ends_with('.');
        assert!(is_sentence(code.summary()) && is_sentence(code.remedy()), "{code}");
    }
    assert!(Code::ALL.is_sorted_by_key(|code| code.as_str()));
    assert!(Code::ALL.is_sorted());
}

#[test]
fn sensible_conditions_are_left_alone() {
    for query in [
        "100 - (avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100) > 80",
        "(1 - (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)) * 100 > 90",
        "predict_linear(node_filesystem_free_bytes[1h], 4 * 3600) < 0",
        "sum(rate(x_total{code=~\"5..\"}[5m])) / sum(rate(x_total[5m])) > 0.05",
        "1 - sum(rate(x_total{code=~\"5..\"}[5m])) / sum(rate(x_total[5m])) < 0.95",
        "sum(x_total{code=\"500\"} or vector(0)) / sum(rate(x_total[5m])) < 0.9",
        "histogram_quantile(0.99, sum by (le, job) (rate(x_bucket[5m]))) > 1",
        "histogram_quantile(0.99, sum by (job) (rate(x[5m]))) > 1",
        "sum by (job) (x_bucket:rate5m) > 1",
        "absent(up{job=\"api\"})",
        "absent(up{job=\"api\"}) == 1",
        "count(up == 0) > 0",
        "count(up) >= 1",
        "count by (job) (x_total) > 1",
        "sum(x_total) - sum(x_total offset 1h) > 3",
        "sum(x_total) > 0",
        "x_total > 0",
        "time() - process_start_time_seconds < 60",
        "ALERTS{alertstate=\"firing\"}",
        "vector(1)",
        "1",
        "job:slo_burning:bool",
        "sum by (job) (rate(a_total[5m])) > 2 * sum by (job) (rate(b_total[5m]))",
        "up == 0 unless on (instance) maintenance",
        "sum(a) or on () vector(0)",
        "rate(a_total[5m]) > 0 and on (job) group by (job) (up)",
        "sum by (pod) (a) * on (pod) group_left (node) kube_pod_info > 1",
        "a / on (instance) group_left b > 1",
        "topk(3, sum by (job) (a)) > 1",
        "sum by (job) (label_replace(up, \"job\", \"$1\", \"x\", \"(.*)\")) > 1",
        "up{job=~\"$job\"} == 0",
        "up{job=~\"a|^b$\"} == 0",
        "up{job=~\"a[.]b\", job!=\"x\", job!~\"y.+\"} == 0",
        "resets(process_uptime[1h]) > 0",
        "changes(up[1m]) > 3",
        "max_over_time(sum(x_total)[5m:]) > 4",
        "increase(max by (pod) (restarts_total)[1h:]) > 3",
        "rate(x_total[5s] smoothed) > 1",
        "irate_of_things > 1",
        "avg_over_time(up[5s]) < 1",
    ] {
        check(query, &[]);
    }
}

#[test]
fn mistakes_are_found_in_other_clothes_too() {
    check("sum((rate(up[5m]))) > 0", &["rate-over-gauge"]);
    check("0.05 < 1 - ok{a=\"b\"} / ok", &["division-hides-absence"]);
    check("sum(ok{a=\"b\"}) by (x) / sum(ok) by (x) * 100 <= 99", &["division-hides-absence"]);
    check("1 > -(-(ok{a=\"b\"} / ok))", &["division-hides-absence"]);
    check("ok / ok{a=\"b\"} > 2", &["division-hides-absence"]);
    check("0 == count_over_time(up[1h])", &["count-is-never-zero"]);
    check("group by (job) (up) < 1", &["count-is-never-zero"]);
    check("100 <= x_total", &["comparison-of-counter"]);
    check("avg without (job) ((x_total)) > 3", &["aggregation-of-counter"]);
    check("up == bool 0", &["alert-without-condition"]);
    check("sum(rate(x_total[5m])) by (job)", &["alert-without-condition"]);
    check("a / b", &["alert-without-condition"]);
    check("sum by (a) (x) and sum by (b) (y) > 1", &["operands-never-match"]);
    check("sum by (a) (x) / on (a) sum by (b) (y) > 1", &["operands-never-match"]);
    check("sum by (a) (x) > sum by (a, b) (y)", &["operands-never-match"]);
    check("x{a=\"1\"} / sum(y) > 1", &["operands-never-match"]);
    check("sum(y) / x{a=\"1\"} > 1", &["operands-never-match"]);
    check("x{a=\"1\"} / ignoring (a) sum(y) > 1", &[]);
    check("sum(x) / scalar(sum by (a) (y)) > 1", &[]);
    check("max by (b) (absent(x{a=\"1\"})) > 0", &["grouping-label-is-missing"]);
    check("up{job!=\"a\", job=\"a\"} == 0", &["selector-matches-nothing"]);
    check("up{job!~\"api\"} == 0", &["regex-could-be-equality"]);
    check("up{job!~\".*\"} == 0", &["regex-matches-everything"]);
    check("{__name__=\"x_total\"} > 7", &["comparison-of-counter"]);
    check("idelta(x_total[5m]) > 1", &["delta-over-counter"]);
    check("quantile_over_time(0.5, x_total[5m]) > 1", &["over-time-of-counter"]);
    check(
        "rate(up{job=~\"a\"}[15s]) > 1",
        &["rate-over-gauge", "range-too-short", "regex-could-be-equality"],
    );
}

#[test]
fn known_types_outrank_names() {
    let types = |name: &str| match name {
        "depth_total" => Some(MetricType::Gauge),
        "pushes" => Some(MetricType::Counter),
        "h" => Some(MetricType::Histogram),
        "s" => Some(MetricType::Summary),
        _ => None,
    };
    let options = LintOptions::default().with_metric_types(&types);
    for (query, expected) in [
        ("rate(depth_total[5m])", &["rate-over-gauge"][..]),
        ("sum(depth_total)", &[]),
        ("sum(pushes)", &["aggregation-of-counter"]),
        ("sum(h_count)", &["aggregation-of-counter"]),
        ("sum(s_sum)", &["aggregation-of-counter"]),
        ("rate(h[5m])", &[]),
        ("rate(s[5m])", &["rate-over-gauge"]),
        ("sum(other_total)", &["aggregation-of-counter"]),
    ] {
        assert_eq!(codes(query, &options), expected, "{query}");
    }
}

#[test]
fn the_scrape_interval_decides_what_is_short() {
    let options = LintOptions::default().with_scrape_interval(60_000);
    assert_eq!(codes("rate(x_total[3m])", &options), ["range-too-short"]);
    assert_eq!(codes("irate(x_total[3m])", &options), [""; 0]);
    assert_eq!(codes("rate(x_total[4m])", &options), [""; 0]);
    assert_eq!(codes("rate(x_total[1m])", &options.with_scrape_interval(i64::MAX)).len(), 1);
}

#[test]
fn places_are_those_of_the_text() {
    let query = "sum(\n  rate(up[5m])\n)";
    let found = lint(&expression(query), &LintOptions::default());
    assert_eq!(found[0].span.slice(query), "rate(up[5m])");
    assert_eq!(found[0].line_and_column(query), (2, 3));
    assert_eq!(
        found[0].to_string(),
        "rate-over-gauge: up is a gauge, and rate takes every fall for a restart; use deriv() or \
         delta(), or max_over_time() and the like"
    );
    assert_eq!(found[0].line_and_column(""), (1, 1));
}

#[test]
fn instantaneous_filters_are_told_apart() {
    for (query, expected) in [
        ("up == 0", true),
        ("sum by (job) (up) < 3 or absent(up)", true),
        ("rate(x_total[5m]) > 1", false),
        ("time() - last_success > 60", false),
        ("job:x:rate5m > 1", false),
        ("x > 1.1 * x offset 1d", false),
        ("absent(up)", false),
        ("up == bool 0", false),
    ] {
        assert_eq!(is_instantaneous(&expression(query)), expected, "{query}");
    }
}

/// `only` without braces where it is known, then what is always and never there.
#[track_caller]
fn check_labels(query: &str, only: Option<&[&str]>, always: &[&str], never: &[&str]) {
    let expr = expression(query);
    let labels = labels_of(&expr);
    assert_eq!((labels.only(), labels.always(), labels.never()), (only, always, never), "{query}");
}

#[test]
fn labels_follow_from_expressions() {
    const NAME: &str = "__name__";
    check_labels("up{a=\"1\",b=\"\",c!=\"\",d=~\"x\"}", None, &[NAME, "a", "c"], &["b"]);
    check_labels("rate(up{a=\"1\"}[5m])", None, &["a"], &[NAME]);
    check_labels("last_over_time(up[5m])", None, &[NAME], &[]);
    check_labels("-up", None, &[], &[NAME]);
    check_labels("sum(up)", Some(&[]), &[], &[]);
    check_labels("sum by (a, b) (up{a=\"1\",b=\"\"})", Some(&["a"]), &["a"], &[]);
    check_labels("sum without (a) (up{a=\"1\",b=\"1\"})", None, &["b"], &[NAME, "a"]);
    check_labels("sum without (a) (sum by (a, b) (up))", Some(&["b"]), &[], &[]);
    check_labels("topk by (a) (1, sum by (b) (up))", Some(&["b"]), &[], &[]);
    check_labels("count_values by (a) (\"v\", up)", Some(&["a", "v"]), &["v"], &[]);
    check_labels("up{a=\"1\"} > 1", None, &[NAME, "a"], &[]);
    check_labels("1 + up{a=\"1\"}", None, &["a"], &[NAME]);
    check_labels("up{a=\"1\"} > bool 1", None, &["a"], &[NAME]);
    check_labels("1 + 1", Some(&[]), &[], &[]);
    check_labels("vector(1)", Some(&[]), &[], &[]);
    check_labels("hour()", Some(&[]), &[], &[]);
    check_labels("absent(up{a=\"1\",b=~\"x\",c=\"1\",c!=\"2\"})", Some(&["a"]), &["a"], &[]);
    check_labels("absent(sum(up))", Some(&[]), &[], &[]);
    check_labels("x{a=\"1\"} / sum by (b) (y)", Some(&["b"]), &["a"], &[]);
    check_labels("x / on (a, b) y{a=\"1\"}", Some(&["a", "b"]), &["a"], &[]);
    check_labels("x{a=\"1\"} / ignoring (a) y", None, &[], &[NAME, "a"]);
    check_labels("x > sum by (a) (y)", Some(&[NAME, "a"]), &[NAME], &[]);
    check_labels("x * on (a) group_left (c, d) sum by (a, c) (y)", None, &[], &[NAME, "d"]);
    check_labels("x{a=\"1\"} and sum(y)", None, &[NAME, "a"], &[]);
    check_labels("sum by (a) (x) or sum by (b) (y)", Some(&["a", "b"]), &[], &[]);
    check_labels("x{a=\"1\",b=\"\"} or y{a=\"1\"}", None, &[NAME, "a"], &[]);
    check_labels("x{b=\"\"} or sum by (a) (y)", None, &[], &["b"]);
    check_labels("label_replace(sum(x), \"a\", \"$1\", \"b\", \"\")", Some(&["a"]), &[], &[]);
    check_labels("histogram_quantile(0.9, sum by (le, a) (x))", Some(&["a"]), &[], &[]);
    check_labels("x + fill(0) sum(y)", None, &[], &[]);
    check_labels("info(x{a=\"1\"})", None, &[NAME, "a"], &[]);
    check_labels("max_over_time(sum by (a) (x)[5m:])", Some(&["a"]), &[], &[]);
}

#[test]
fn large_trees_take_little_time() {
    let names: Vec<String> = (0..20_000).map(|n| format!("l{n}")).collect();
    let wide = format!("sum by ({}) (x)", names.join(","));
    let long = vec!["rate(x_total[5m])"; 400].join(" / ");
    for query in [wide.as_str(), long.as_str(), &format!("{wide} / {wide} > 1")] {
        assert_eq!(codes(query, &LintOptions::default()), [""; 0]);
    }
}
