//! What lints claim of labels holds of what the engine answers.

use proptest::prelude::*;
use skopos_core::{LabelSet as _, Labels, QueryEngine as _, QueryRequest, QueryValue, Timestamp};
use skopos_promql::lint::{LintOptions, labels_of, lint};
use skopos_promql::{Engine, EngineOptions, ParseOptions, Table, parse};

/// Series of two metrics with each of three labels there or not.
fn engine() -> Engine<Table> {
    let mut table = Table::new();
    for (metric, set) in [("x", 0..8), ("y_bucket", 1..27)] {
        for n in set {
            let digits = [n % 3, n / 3 % 3, n / 9];
            let mut pairs = vec![("__name__", metric)];
            for (name, digit) in ["a", "b", "le"].iter().zip(digits) {
                if digit != 0 {
                    pairs.push((name, ["", "1", "2"][digit]));
                }
            }
            let labels = Labels::from_pairs(pairs);
            (0..20)
                .for_each(|i| table.columns_mut(&labels).push(i * 15_000, (i * n as i64) as f64));
        }
    }
    let options = EngineOptions::default().with_parse(ParseOptions::all());
    Engine::new(table, options)
}

fn any_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    proptest::sample::select(texts).prop_map(str::to_owned)
}

fn vector() -> impl Strategy<Value = String> {
    let leaf = any_of(&[
        "x",
        "x{a=\"1\"}",
        "x{a=\"\"}",
        "x{a!=\"\",b=~\".+\"}",
        "y_bucket",
        "y_bucket{b!~\".+\"}",
        "vector(1)",
        "absent(z{a=\"1\",b=~\"2\"})",
        "rate(x[5m])",
        "last_over_time(y_bucket[5m])",
    ]);
    leaf.prop_recursive(4, 16, 2, |inner| {
        let labels = any_of(&["", "a", "b", "a, b", "le", "a, le", "c", "__name__, a"]);
        let grouped = (
            any_of(&["sum", "max", "group", "topk", "count_values"]),
            any_of(&["by", "without"]),
            labels.clone(),
            inner.clone(),
        );
        let grouped = grouped.prop_map(|(op, way, labels, vector)| {
            let param = match op.as_str() {
                "topk" => "2, ",
                "count_values" => "\"v\", ",
                _ => "",
            };
            format!("{op} {way} ({labels}) ({param}{vector})")
        });
        let op = any_of(&["+", "/", ">", "== bool", "and", "or", "unless"]);
        let how = any_of(&["", " on ", " ignoring "]);
        let joined =
            any_of(&["", "", "", " group_left ()", " group_left (b, c)", " group_right (a)"]);
        let sides = (inner.clone(), op, how, labels, joined, inner.clone());
        let combined = sides.prop_map(|(left, op, how, labels, joined, right)| {
            let is_set = matches!(op.as_str(), "and" | "or" | "unless");
            let how = if how.is_empty() { how } else { format!("{how}({labels})") };
            let joined = if is_set || how.is_empty() { String::new() } else { joined };
            format!("({left}) {op}{how}{joined} ({right})")
        });
        let wrapper = any_of(&[
            "-",
            "abs",
            "sort",
            "1 < ",
            "2 * ",
            "label_replace(@, \"c\", \"$1\", \"a\", \"(.*)\")",
            "label_replace(@, \"a\", \"\", \"b\", \".*\")",
            "label_join(@, \"b\", \"-\", \"a\", \"le\")",
            "histogram_quantile(0.5, @)",
            "max_over_time(@[2m:1m])",
            "vector(scalar(@))",
        ]);
        let wrapped = (wrapper, inner).prop_map(|(wrapper, vector)| match wrapper.contains('@') {
            true => wrapper.replace('@', &format!("({vector})")),
            false => format!("{wrapper}({vector})"),
        });
        prop_oneof![grouped, combined, wrapped]
    })
}

proptest! {
    #[test]
    fn what_is_claimed_of_labels_holds(text in vector()) {
        let Ok(expr) = parse(&text, &ParseOptions::all()) else { return Ok(()) };
        for advice in lint(&expr, &LintOptions::default().for_alert(true)) {
            prop_assert!(!advice.span.slice(&text).is_empty(), "{} {}", text, advice);
        }
        let request = QueryRequest::instant(&text, Timestamp::from_millis(285_000));
        let Ok(output) = engine().query(&request) else { return Ok(()) };
        let QueryValue::Vector(samples) = output.value else { return Ok(()) };
        let claims = labels_of(&expr);
        for sample in samples {
            for name in ["__name__", "a", "b", "c", "le", "v"] {
                let is_there = sample.labels.value(name).is_some();
                prop_assert!(!(is_there && claims.lacks(name)), "{} lacks {}", text, name);
                prop_assert!(is_there || !claims.has(name), "{} has {}", text, name);
            }
        }
    }
}
