//! Plans as they are shown, and that their selections are what a query asks for.

use std::sync::Mutex;

use serde_json::json;
use skopos_core::{
    Clock, Error, ManualClock, Matcher, QueryEngine, QueryOutput, QueryRequest, Selection,
    SeriesSet, SeriesSource, Timestamp,
};
use skopos_promql::{Engine, EngineOptions, Explanation, ParseOptions, Table};

use crate::eval::Data;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn options() -> EngineOptions {
    EngineOptions::default().with_parse(ParseOptions::all())
}

fn range(query: &str) -> QueryRequest<'_> {
    QueryRequest::range(query, at(3600), at(7200), 60_000)
}

#[track_caller]
fn check_plan(query: &str, expected: &str) {
    let explanation = Engine::new(Table::new(), options()).explain(&range(query)).expect("a query");
    assert_eq!(explanation.to_string(), expected.trim_start_matches('\n'), "{query}");
}

#[test]
fn plans_are_drawn() {
    check_plan(
        "topk by (job) (2 + 1, sum without (i) (rate(x{a=~\"b|c\"}[5m] offset 1h) > 0)) \
         / on (job) group_left (v) label_replace(y @ 10, \"a\", \"$1\", \"b\", \"(.*)\")",
        r#"
query  topk by (job) (2 + 1, sum without (i) (rate(x{a=~"b|c"}[5m] offset 1h) > 0)) / on (job) group_left (v) label_replace(y @ 10, "a", "$1", "b", "(.*)")
times  1970-01-01T01:00:00Z to 1970-01-01T02:00:00Z every 1m, 61 steps

/ on (job) group_left (v)                 holds input
├─ topk by (job)                          fused
│  ├─ 3                                   constant
│  └─ sum without (i)                     fused
│     └─ >
│        ├─ rate
│        │  └─ x{a=~"b|c"}[5m] offset 1h  #1
│        └─ 0
└─ label_replace                          once
   └─ y @ 10                              #2

#1  {a=~"b|c", __name__="x"}  1969-12-31T23:55:00.001Z to 1970-01-01T01:00:00Z  step 1m, range 5m, rate
#2  {__name__="y"}  1969-12-31T23:55:10.001Z to 1970-01-01T00:00:10Z  step 1m, label_replace
"#,
    );
    check_plan(
        "max_over_time(sum(x)[10m:30s]) - -sum(x)",
        r#"
query  max_over_time(sum(x)[10m:30s]) - -sum(x)
times  1970-01-01T01:00:00Z to 1970-01-01T02:00:00Z every 1m, 61 steps

-                         holds input
├─ max_over_time
│  └─ subquery [10m:30s]
│     └─ sum              fused, 140 steps of 30s
│        └─ x             #1
└─ -
   └─ sum                 fused
      └─ x                #2

#1  {__name__="x"}  1970-01-01T00:45:30.001Z to 1970-01-01T02:00:00Z  step 30s, sum
#2  {__name__="x"}  1970-01-01T00:55:00.001Z to 1970-01-01T02:00:00Z  step 1m, sum
"#,
    );
}

/// A clock that moves on by a microsecond at each look.
struct Ticking(ManualClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        at(0)
    }

    fn nanos(&self) -> i64 {
        let ticks = self.0.now().as_millis() + 1;
        self.0.set(Timestamp::from_millis(ticks));
        ticks * 1000
    }
}

fn analyzed(query: &str) -> Explanation {
    let lines = json!([r#"x_total{i="1"} 0+1x300"#, r#"x_total{i="2"} 0+2x300"#, "y 1x300"]);
    let clock = Ticking(ManualClock::new(at(0)));
    let engine = Engine::new(Data::new(&lines), options().with_clock(clock));
    engine.analyze(&range(query)).expect("it has a value").1
}

#[test]
fn operators_tell_what_they_gave() {
    let drawn = analyzed("sum(rate(x_total[5m])) / scalar(y)").to_string();
    let expected = r#"
query  sum(rate(x_total[5m])) / scalar(y)
times  1970-01-01T01:00:00Z to 1970-01-01T02:00:00Z every 1m, 61 steps
cost   1281 samples read of 3 series

                      series  samples   bytes  time
/                          1       61   495 B  5 µs
├─ sum                     1       61   495 B  5 µs  fused
│  └─ rate                 2      122   990 B  6 µs
│     └─ x_total[5m]       2      260  4.2 kB  3 µs  #1
└─ scalar                  1       61   488 B  3 µs
   └─ y                    1       61   495 B  2 µs  #2

#1  {__name__="x_total"}  1970-01-01T00:55:00.001Z to 1970-01-01T02:00:00Z  step 1m, range 5m, rate
#2  {__name__="y"}  1970-01-01T00:55:00.001Z to 1970-01-01T02:00:00Z  step 1m, scalar
"#;
    // How much is held is the evaluator's own affair, and tested elsewhere.
    let (before, after) = drawn.split_once(", at most ").expect("a line of costs");
    let (_, after) = after.split_once('\n').expect("a tree");
    assert_eq!(format!("{before}\n{after}"), expected.trim_start_matches('\n'));
}

#[test]
fn an_analyzed_query_has_the_same_answer() {
    let lines = json!([r#"x_total{i="1"} 0+1x300"#, r#"x_total{i="2"} 0+2x300"#, "y 1x300"]);
    let engine = Engine::new(Data::new(&lines), options());
    for query in [
        "x_total + on () group_left y",
        "sum(x_total @ 5000) + 1 + 2",
        "topk(1, x_total)",
        "timestamp(x_total @ 4000)",
        "max_over_time(x_total[10m:1m])",
        "time() * 2 + scalar(y)",
    ] {
        let plain = engine.query(&range(query)).unwrap();
        let (output, explanation) = engine.analyze(&range(query)).unwrap();
        assert_eq!(output, plain, "{query}");
        assert_eq!(explanation.statistics(), Some(&plain.statistics), "{query}");
        let root = explanation.root().measured().expect("it was analyzed");
        assert!(0 < root.series && root.time.is_none(), "{query}: {root:?}");
    }
}

/// A source that remembers what it was asked.
struct Listening {
    data: Data,
    heard: Mutex<Vec<Selection>>,
}

impl SeriesSource for Listening {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        self.heard.lock().expect("no thread panicked").push(selection.clone());
        self.data.select(selection)
    }
}

/// Whether every series and sample of `asked` is in `listed`.
fn is_within(asked: &Selection, listed: &Selection) -> bool {
    let has = |m: &Matcher| asked.matchers().contains(m);
    listed.range().start <= asked.range().start
        && asked.range().end <= listed.range().end
        && listed.matchers().iter().all(has)
}

#[track_caller]
fn check_listed(source: &Listening, request: &QueryRequest<'_>) -> usize {
    let engine = Engine::new(source, options());
    let Ok(mut listed) = engine.selections(request) else { return 0 };
    source.heard.lock().expect("no thread panicked").clear();
    let plain = engine.query(request);
    let heard_by_query = source.heard.lock().expect("no thread panicked").len();
    // Whatever the query is, it can be drawn, and is the same when it is watched.
    assert!(engine.explain(request).is_ok_and(|plan| plan.to_string().starts_with("query  ")));
    let watched = engine.analyze(request).map(|(output, explanation)| {
        assert!(explanation.to_string().contains("\ncost   "), "{}", request.text());
        output
    });
    let shown = |outcome: Result<QueryOutput, Error>| match outcome {
        Ok(output) => format!("{output:?}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown(plain), shown(watched), "{}", request.text());
    let heard = source.heard.lock().expect("no thread panicked");
    for asked in heard.iter().take(heard_by_query) {
        if let Some(i) = listed.iter().position(|l| l == asked) {
            // Each is asked for once.
            listed.remove(i);
            continue;
        }
        let covered =
            request.text().contains("info(") && listed.iter().any(|l| is_within(asked, l));
        assert!(covered, "{}: {asked:?} is not among {listed:?}", request.text());
    }
    heard_by_query
}

#[test]
fn what_a_query_asks_for_was_listed() {
    let lines = json!([
        r#"a{instance="1",job="x"} 0+1x300"#,
        r#"b{instance="2",job="x"} 0+2x300"#,
        r#"target_info{instance="1",job="x",data="y"} 1x300"#,
    ]);
    let source = Listening { data: Data::new(&lines), heard: Mutex::default() };
    let mut asked = 0;
    let own = [
        "info(a)",
        "info(a offset 1m, {data=~\".+\"})",
        "sum(info({job=\"x\"} @ 4000))",
        "a + a offset 5m + rate(a[5m]) / rate(a[5m])",
        "max_over_time((a + a @ 4000)[5m:30s] offset 1m)",
        "timestamp(a @ end()) + start_timestamp(b)",
    ];
    let scripts = scripts();
    let queries = own.into_iter().map(String::from).chain(scripts);
    for query in queries {
        for t in [0, 600, 4000] {
            asked += check_listed(&source, &QueryRequest::instant(&query, at(t)));
        }
        asked += check_listed(&source, &QueryRequest::range(&query, at(0), at(600), 7_000));
        asked += check_listed(&source, &QueryRequest::range(&query, at(600), at(0), 7_000));
    }
    assert!(20 < asked, "{asked}");
}

/// The queries of the shared scripts, where they are at hand.
fn scripts() -> Vec<String> {
    let Some(folder) = crate::conformance::folder() else { return Vec::new() };
    let mut queries = Vec::new();
    let entries = std::fs::read_dir(folder.join("promqltest")).expect("a folder of scripts");
    for entry in entries {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a script");
        for line in text.lines().filter_map(|line| line.strip_prefix("eval")) {
            // What follows the times: `eval instant at 5m QUERY`, `eval range from 0 to 5m step 1m QUERY`.
            let words = if line.contains(" range ") { 7 } else { 3 };
            let mut rest = line.split_once(' ').map_or("", |(_, rest)| rest).trim_start();
            for _ in 0..words {
                rest =
                    rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start());
            }
            queries.push(rest.to_owned());
        }
    }
    assert!(1000 < queries.len(), "{}", queries.len());
    queries
}
