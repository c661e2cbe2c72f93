//! Trees as the UI gets them.

use crate::{MAX_DEPTH, ParseOptions, parse};

#[track_caller]
fn check(query: &str, expected: &str) {
    let expr = parse(query, &ParseOptions::all()).expect("a query");
    let json = serde_json::to_string(&expr).expect("JSON");
    assert_eq!(json, expected.split_inclusive('\n').map(str::trim).collect::<String>());
}

#[test]
fn selectors_show_their_conditions_and_times() {
    check(
        "up{job=~\"<a>\"} @ 1.5 offset 5m",
        r#"{"anchored":false,"matchers":[{"name":"job","type":"=~","value":"<a>"},
        {"name":"__name__","type":"=","value":"up"}],"name":"up","offset":300000,"offsetExpr":null,
        "smoothed":false,"startOrEnd":null,"timestamp":1500,"type":"vectorSelector"}"#,
    );
    check(
        "{\"a\"}[2 * step()] anchored @ end()",
        r#"{"anchored":true,"matchers":[{"name":"__name__","type":"=","value":"a"}],"name":"",
        "offset":0,"offsetExpr":null,"range":0,"rangeExpr":{
        "lhs":{"duration":false,"type":"numberLiteral","val":"2"},"op":"*",
        "rhs":{"lhs":null,"op":"step","rhs":null,"type":"durationExpr","wrapped":false},
        "type":"durationExpr","wrapped":false},"smoothed":false,"startOrEnd":"end",
        "timestamp":null,"type":"matrixSelector"}"#,
    );
}

#[test]
fn operators_show_how_they_match() {
    check(
        "1 >bool 2",
        r#"{"bool":true,"lhs":{"type":"numberLiteral","val":"1"},"matching":null,
        "op":">","rhs":{"type":"numberLiteral","val":"2"},"type":"binaryExpr"}"#,
    );
    let expr =
        parse("a * on (x) group_left (y) fill_right(5) b", &ParseOptions::all()).expect("a query");
    let json = serde_json::to_string(&expr).expect("JSON");
    assert!(json.contains(concat!(
        r#""matching":{"card":"many-to-one","fillValues":{"lhs":null,"rhs":5},"#,
        r#""include":["y"],"labels":["x"],"on":true}"#
    )));
}

#[test]
fn calls_show_their_signature() {
    check(
        "time()",
        r#"{"args":[],"func":{"argTypes":[],"name":"time","returnType":"scalar","variadic":0},
        "type":"call"}"#,
    );
    check(
        "count_values by (\"a b\") (\"x\\n\", vector(1))",
        r#"{"expr":{"args":[{"type":"numberLiteral","val":"1"}],"func":{"argTypes":["scalar"],
        "name":"vector","returnType":"vector","variadic":0},"type":"call"},"grouping":["a b"],
        "op":"count_values","param":{"type":"stringLiteral","val":"x\n"},"type":"aggregation",
        "without":false}"#,
    );
}

#[test]
fn fills_are_numbers_as_go_writes_them() {
    for (fill, expected) in [
        ("5", "5"),
        ("-0", "-0.0"),
        ("0.5", "0.5"),
        ("9007199254740993", "9007199254740992.0"),
        ("NaN", "null"),
    ] {
        let query = format!("a + fill({fill}) b");
        let expr = parse(&query, &ParseOptions::all()).expect("a query");
        let json = serde_json::to_string(&expr).expect("JSON");
        let expected = format!(r#""fillValues":{{"lhs":{expected},"rhs":{expected}}}"#);
        assert!(json.contains(&expected), "{query}: {json}");
    }
}

#[test]
fn subqueries_show_their_step() {
    check(
        "x[1h:] @ start()",
        r#"{"expr":{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"x"}],
        "name":"x","offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,
        "timestamp":null,"type":"vectorSelector"},"offset":0,"offsetExpr":null,"range":3600000,
        "rangeExpr":null,"startOrEnd":"start","step":0,"stepExpr":null,"timestamp":null,
        "type":"subquery"}"#,
    );
}

#[test]
fn the_highest_trees_are_written() {
    let query = vec!["1"; MAX_DEPTH].join("+");
    let expr = parse(&query, &ParseOptions::all()).expect("a query");
    let json = serde_json::to_string(&expr).expect("JSON");
    assert_eq!(json.matches("binaryExpr").count(), MAX_DEPTH - 1);
}
