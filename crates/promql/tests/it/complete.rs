//! What may be written at a place, and what stands there.

use proptest::prelude::*;
use skopos_promql::{Choice, ParseOptions, ValueType, complete, hover};

/// The choices at `|`, names of many functions and operators left out.
#[track_caller]
fn check(text: &str, typed: &str, expected: &[&str]) {
    let offset = text.find('|').expect("a place");
    let source = text.replacen('|', "", 1);
    let got = complete(&source, offset, &ParseOptions::default());
    assert_eq!(got.typed, typed, "{text}");
    assert!(source.get(got.replace.start as usize..got.replace.end as usize).is_some());
    let join = |matchers: &[skopos_core::Matcher]| {
        matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    let texts: Vec<String> = got
        .choices
        .iter()
        .filter_map(|choice| match choice {
            Choice::Aggregation(op) => Some(format!("aggregation {op}")),
            Choice::DurationUnit(unit) => Some(format!("unit {unit}")),
            Choice::End => Some("end".to_owned()),
            Choice::Function(_) if typed.is_empty() => None,
            Choice::Function(f) => Some(format!("function {}", f.name)),
            Choice::GroupingLabel(all) => Some(format!(
                "grouping {}",
                all.iter().map(|m| join(m)).collect::<Vec<_>>().join(";")
            )),
            Choice::Keyword(word) => Some((*word).to_owned()),
            Choice::LabelName(matchers) => Some(format!("label {}", join(matchers))),
            Choice::LabelOperator(op) => Some(format!("label {}", op.as_str())),
            Choice::LabelValue { label, matchers } => {
                Some(format!("value {label} {}", join(matchers)))
            }
            Choice::MetricName => Some("metric".to_owned()),
            Choice::Operator(_) if typed.is_empty() => None,
            Choice::Operator(op) => Some(format!("operator {op}")),
            _ => None,
        })
        .filter(|text| !typed.is_empty() || !text.starts_with("aggregation"))
        .collect();
    assert_eq!(texts, expected, "{text}");
}

#[test]
fn operands_and_operators() {
    check("|", "", &["metric"]);
    check("su|", "su", &["metric", "aggregation sum", "function sum_over_time"]);
    check("1 + su|m_x", "su", &["metric", "aggregation sum", "function sum_over_time"]);
    check("foo |", "", &["offset", "@", "end"]);
    check("foo un|", "un", &["operator unless"]);
    check("(foo |)", "", &["offset", "@"]);
    check("sum(foo) |", "", &["by (", "without (", "end"]);
    check("sum by (a) (foo) w|", "w", &["without ("]);
    check("1 > |", "", &["metric", "bool", "on (", "ignoring ("]);
    check("a * o|", "o", &["metric", "on ("]);
    check("abs(|", "", &["metric"]);
    check("5 |", "", &["end"]);
    check("label_replace(a, \"|", "", &[]);
    check("foo # com|", "", &["offset", "@", "end"]);
}

#[test]
fn conditions() {
    check("foo{|", "", &["label __name__=\"foo\""]);
    check("foo{jo|}", "jo", &["label __name__=\"foo\""]);
    check("foo{a=\"b\",|,c!=\"d\"}", "", &["label a=\"b\",c!=\"d\",__name__=\"foo\""]);
    check("foo{a=\"b\", c |", "", &["label =", "label !=", "label =~", "label !~"]);
    check("{a=\"x|yz\", b=\"c\"} + 1", "x", &["value a b=\"c\""]);
    check("foo{a=~'b|", "b", &["value a __name__=\"foo\""]);
    check("foo{a=\"b\"} |", "", &["offset", "@", "end"]);
    check("sum(rate(foo{a=\"|\"}[5m])) by (x)", "", &["value a __name__=\"foo\""]);
}

#[test]
fn labels_and_times() {
    check(
        "sum by (|) (foo{a=\"b\"}) / bar",
        "",
        &["grouping __name__=\"bar\";a=\"b\",__name__=\"foo\""],
    );
    check("a / on (x, y|) b", "y", &["grouping __name__=\"a\";__name__=\"b\""]);
    check("foo[5|", "", &["unit ms", "unit s", "unit m", "unit h", "unit d", "unit w", "unit y"]);
    check("foo[5m|]", "m", &["unit ms", "unit m"]);
    check(
        "foo offset 1h30|",
        "",
        &["unit ms", "unit s", "unit m", "unit h", "unit d", "unit w", "unit y"],
    );
    check("foo[|", "", &["step()", "range()", "max_of(", "min_of("]);
    check("foo offset |", "", &["step()", "range()", "max_of(", "min_of("]);
    check("foo @ |", "", &["start()", "end()"]);
    check("foo @ st|", "st", &["start()"]);
}

#[test]
fn what_stands_at_a_place() {
    let text = "topk(3, foo{a=\"b\"} + nope(1)) > bool (1 + ";
    let at = |offset| hover(text, offset, &ParseOptions::default());
    let topk = at(0).expect("an aggregation");
    assert_eq!(topk.signature, "topk(scalar, instant vector)");
    assert!(topk.doc.is_some_and(|doc| doc.contains("largest")));
    let foo = at(9).expect("a selector");
    assert_eq!((foo.kind, foo.signature.as_str()), ("vectorSelector", "foo{a=\"b\"}"));
    assert_eq!(at(5).map(|h| h.value_type), Some(ValueType::Scalar));
    assert_eq!(at(22), None, "not readable");
    assert_eq!(at(1000), None);
}

proptest! {
    #[test]
    fn no_place_is_too_strange(
        text in "[a-z0-9 \"'`\\\\{}()\\[\\]=!~@,.:+#_éx\n-]{0,40}",
        offset in 0_usize..60,
    ) {
        let got = complete(&text, offset, &ParseOptions::all());
        let end = got.replace.end as usize;
        prop_assert!(end <= text.len() && text.is_char_boundary(end));
        let _ = hover(&text, offset, &ParseOptions::all());
    }
}
