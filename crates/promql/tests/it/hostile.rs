//! Every query that parses has an answer or an error: those of the vectors, changed at random, over data
//! in which every selector finds something.
//!
//! `SKOPOS_NAIVE_CASES` and `SKOPOS_NAIVE_SEED` say how many there are and with which seed they begin.

use serde_json::Value;
use skopos_core::{
    Columns, Labels, ManualClock, MatchOp, QueryEngine, QueryRequest, QueryValue, Timestamp,
};
use skopos_promql::ast::Expr;
use skopos_promql::{Engine, EngineOptions, ParseOptions, Signature, Table, parse};
use skopos_testkit::random::Random;

use crate::conformance::{text_of, vectors};
use crate::engine::Ticking;
use crate::eval::Data;
use crate::naive::number;

const CASES: u64 = 10_000;

/// A table in which each selector of a query finds some of `series`, renamed to fit it.
fn table(expr: &Expr, series: &[(Labels, Columns)], random: &mut Random) -> Table {
    let mut table = Table::new();
    expr.walk(&mut |expr| {
        let selector = match expr {
            Expr::Vector(selector) => selector,
            Expr::Matrix(matrix) => &matrix.selector,
            _ => return true,
        };
        for (labels, columns) in series {
            if random.below(5) != 0 {
                continue;
            }
            let mut builder = labels.to_builder();
            for m in selector.matchers.iter().filter(|m| m.op() == MatchOp::Equal) {
                builder.set(m.name(), m.value());
            }
            let found = table.columns_mut(&builder.finish());
            if found.is_empty() {
                *found = columns.clone();
            }
        }
        true
    });
    table
}

fn options(delayed: bool) -> EngineOptions {
    EngineOptions::default()
        .with_parse(ParseOptions::all())
        .with_max_samples(20_000)
        .with_clock(Ticking(ManualClock::new(Timestamp::from_millis(0))))
        .with_timeout(20_000)
        .with_delayed_name_removal(delayed)
}

/// Changes texts of queries.
struct Mutator<'a> {
    random: Random,
    texts: &'a [String],
}

impl Mutator<'_> {
    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.random.below(from.len() as u64) as usize].clone()
    }

    fn query(&mut self) -> String {
        let mut text = self.pick(self.texts);
        for _ in 0..self.random.below(4) {
            text = match self.random.below(3) {
                0 => self.wrapped(&text),
                1 => self.replaced(&text, char::is_numeric, |it| {
                    it.pick(&[
                        "0",
                        "1",
                        "3",
                        "0.5",
                        "1e308",
                        "9223372036854775807",
                        "1e-300",
                        "NaN",
                    ])
                    .to_owned()
                }),
                _ => self.replaced(
                    &text,
                    |c| c.is_ascii_alphabetic() || c == '_',
                    |it| {
                        let names: Vec<&str> = Signature::all().iter().map(|s| s.name).collect();
                        let words = ["sum", "topk", "by", "without", "and", "on", "Inf", "bool"];
                        it.pick(&[&names[..], &words].concat()).to_owned()
                    },
                ),
            };
        }
        text
    }

    /// The text with one of its words of such characters replaced.
    fn replaced(
        &mut self,
        text: &str,
        belongs: impl Fn(char) -> bool,
        word: impl FnOnce(&mut Self) -> String,
    ) -> String {
        let starts: Vec<usize> = text
            .char_indices()
            .filter(|(i, c)| belongs(*c) && !text[..*i].ends_with(&belongs))
            .map(|(i, _)| i)
            .collect();
        if starts.is_empty() {
            return text.to_owned();
        }
        let start = self.pick(&starts);
        let rest = text[start..].trim_start_matches(&belongs);
        format!("{}{}{rest}", &text[..start], word(self))
    }

    fn wrapped(&mut self, text: &str) -> String {
        let other = self.pick(self.texts);
        let duration = |it: &mut Self| it.pick(&["1m", "5m", "1ms", "100y", "90s", "step()", "1d"]);
        match self.random.below(10) {
            0 => format!("-({text})"),
            1 => format!("({text}) offset {}", duration(self)),
            2 => {
                let function = self.pick(&["rate", "max_over_time", "changes", "deriv", "delta"]);
                format!("{function}(({text})[{}:{}])", duration(self), duration(self))
            }
            3 => {
                format!("{}(({text}))", self.pick(&["sum", "avg by (job)", "abs", "sort", "count"]))
            }
            4 => format!("topk(scalar({text}), {other})"),
            5 => format!("histogram_quantile(0.9, {text})"),
            6 => format!("label_replace({text}, \"job\", \"$1\", \"instance\", \"(.*)\")"),
            7 => format!("quantile_over_time(scalar({other}), ({text})[5m:])"),
            8 => {
                let how = self.pick(&["", "on (job)", "ignoring (job) group_left ()", "bool"]);
                let op = self.pick(&["+", "/", "==", ">", "and", "or", "unless", "^", "</", "%"]);
                format!("({text}) {op} {how} ({other})")
            }
            _ => format!("{text} @ {}", self.pick(&["end()", "0", "1e15", "-5"])),
        }
    }
}

/// What holds of the answers to every range query.
#[track_caller]
fn check_matrix(value: &QueryValue, text: &str) {
    let QueryValue::Matrix(series) = value else { unreachable!("a range query gives a matrix") };
    let disorder = series.windows(2).find(|pair| pair[1].labels <= pair[0].labels);
    assert!(disorder.is_none(), "{text}: {disorder:?}");
    for one in series {
        assert!(one.floats.windows(2).all(|pair| pair[0].t < pair[1].t), "{text}");
        assert!(one.histograms.windows(2).all(|pair| pair[0].0 < pair[1].0), "{text}");
        assert!(!one.floats.is_empty() || !one.histograms.is_empty(), "{text}");
    }
}

fn texts() -> Option<(Data, Vec<String>)> {
    let eval = vectors("promql/eval.json")?;
    let parsed = vectors("promql/parse.json")?;
    let list = |vectors: &Value| vectors["cases"].as_array().expect("cases").clone();
    let mut texts: Vec<String> = list(&parsed).iter().map(text_of).collect();
    texts.extend(list(&eval).iter().filter_map(|case| case["query"].as_str().map(str::to_owned)));
    texts.retain(|text| text.len() < 500);
    Some((Data::new(&eval["data"]), texts))
}

#[test]
fn every_query_that_parses_has_an_answer_or_an_error() {
    let Some((data, texts)) = texts() else { return };
    let (first, cases) = (number("SKOPOS_NAIVE_SEED", 0), number("SKOPOS_NAIVE_CASES", CASES));
    let mut mutator = Mutator { random: Random::new(first), texts: &texts };
    let (mut parsed, mut answered) = (0, 0);
    for i in 0..texts.len() as u64 + cases {
        let text = match texts.get(i as usize) {
            Some(text) => text.clone(),
            None => mutator.query(),
        };
        let Ok(expr) = parse(&text, &ParseOptions::all()) else { continue };
        parsed += 1;
        let engine = Engine::new(table(&expr, &data.0, &mut mutator.random), options(i % 5 == 0));
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let instant = engine.query(&QueryRequest::instant(&text, at(900)));
        answered += usize::from(instant.is_ok());
        let (start, step) = [(300, 60_000), (900, 1), (0, 7_000), (1700, 90_000)][i as usize % 4];
        let end = at(start) + step * (i as i64 % 13);
        if let Ok(output) = engine.query(&QueryRequest::range(&text, at(start), end, step)) {
            answered += 1;
            check_matrix(&output.value, &text);
        }
    }
    println!("{parsed} queries parse, {answered} answers");
    assert!(parsed / 2 < answered, "only {answered} answers to {parsed} queries");
}

#[test]
fn an_offset_is_a_number() {
    for (text, message) in [
        ("foo offset NaN", "1:12: parse error: duration out of range"),
        ("foo offset -NaN", "1:12: parse error: duration out of range"),
        ("foo offset Inf", "1:12: parse error: duration out of range"),
    ] {
        let error = parse(text, &ParseOptions::all()).expect_err("it must fail");
        assert_eq!(error.to_string(), message, "{text}");
    }
}
