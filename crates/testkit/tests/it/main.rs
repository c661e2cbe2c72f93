//! `skopos-core` against golden vectors: how labels and numbers print, and how labels are ordered.

use serde_json::Value;
use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{Labels, MatchOp, Matcher};
use skopos_testkit::vectors;

fn load(relative: &str) -> Option<Value> {
    let text = vectors::text(relative)?;
    Some(serde_json::from_str(&text).expect("vectors are JSON"))
}

fn cases<'a>(vectors: &'a Value, key: &str) -> &'a [Value] {
    vectors[key].as_array().expect("a list of cases")
}

/// A label set of the vectors, or `None` if it is not one of ours (text that is not UTF-8, a name
/// that comes twice, an empty value).
fn labels(pairs: &Value) -> Option<Labels> {
    let pairs = pairs.as_array()?;
    let text = |pair: &Value, at: usize| Some(pair[at].as_str()?.to_owned());
    let pairs: Option<Vec<(String, String)>> =
        pairs.iter().map(|pair| Some((text(pair, 0)?, text(pair, 1)?))).collect();
    let pairs = pairs?;
    let labels = Labels::from_pairs(pairs.iter().map(|(n, v)| (n, v)));
    (labels.len() == pairs.len()).then_some(labels)
}

#[test]
fn labels_print_as_in_go() {
    let Some(vectors) = load("vectors/labels/labels.json") else { return };
    let mut checked = 0;
    for case in cases(&vectors, "cases") {
        let (Some(labels), Some(string)) = (labels(&case["labels"]), case["string"].as_str())
        else {
            continue;
        };
        assert_eq!(labels.to_string(), string);
        checked += 1;
    }
    assert!(35 <= checked, "only {checked} cases");
}

#[test]
fn labels_are_ordered_as_in_go() {
    let Some(vectors) = load("vectors/labels/labels.json") else { return };
    let sets: Vec<Option<Labels>> =
        cases(&vectors, "cases").iter().map(|case| labels(&case["labels"])).collect();
    let mut checked = 0;
    for (a, row) in sets.iter().zip(cases(&vectors, "compare")) {
        let row = row.as_str().expect("a row of the matrix");
        for (b, sign) in sets.iter().zip(row.chars()) {
            let (Some(a), Some(b)) = (a, b) else { continue };
            let ours = match a.cmp(b) {
                std::cmp::Ordering::Less => '<',
                std::cmp::Ordering::Equal => '=',
                std::cmp::Ordering::Greater => '>',
            };
            assert_eq!(ours, sign, "{a} and {b}");
            checked += 1;
        }
    }
    assert!(1000 <= checked, "only {checked} pairs");
}

#[test]
fn matchers_print_as_in_go() {
    let Some(vectors) = load("vectors/labels/labels.json") else { return };
    let mut checked = 0;
    for case in cases(&vectors, "matchers") {
        let op = match case["op"].as_str() {
            Some("=") => MatchOp::Equal,
            Some("!=") => MatchOp::NotEqual,
            Some("=~") => MatchOp::Regex,
            _ => MatchOp::NotRegex,
        };
        let (Some(name), Some(value), Some(string)) =
            (case["name"].as_str(), case["value"].as_str(), case["string"].as_str())
        else {
            continue;
        };
        let matcher = Matcher::new(name, op, value);
        assert_eq!(matcher.to_string(), string);
        assert_eq!(Some(matcher.inverse().to_string().as_str()), case["inverse"].as_str());
        checked += 1;
    }
    assert!(100 <= checked, "only {checked} cases");
}

#[test]
fn numbers_print_as_in_go() {
    let Some(vectors) = load("vectors/promql/numbers.json") else { return };
    let numbers = cases(&vectors, "format");
    for case in numbers {
        let bits = u64::from_str_radix(case["v"].as_str().unwrap(), 16).expect("bits");
        let v = f64::from_bits(bits);
        assert_eq!(format_float(v, FloatStyle::General), case["g"], "g of {v}");
        assert_eq!(format_float(v, FloatStyle::Plain), case["number_literal"], "f of {v}");
    }
    assert!(200 <= numbers.len());
}
