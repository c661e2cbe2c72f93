//! Tests of the API's answers, over doubles of everything behind it.

mod cancel;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::json;
use skopos_core::{
    Error, ErrorKind, FloatHistogram, Labels, ManualClock, Metadata, MetricType, QueryEngine,
    QueryOutput, QueryRequest, QueryValue, RangeSeries, Sample, SampleValue, SeriesSource, Span,
    Timestamp, VectorSample,
};
use skopos_promql::{EngineOptions, Explanation, ParseOptions};
use skopos_testkit::MemoryStore;
use tokio::sync::Semaphore;

use super::{Api, router};
use crate::lifecycle::{Lifecycle, Phase};
use crate::meter::{Meters, Page};
use crate::origin::Origins;
use crate::place::Place;
use crate::view::{
    ActiveTarget, Alert, Alerting, DroppedTarget, Explain, Group, Head, Parts, Rule, Targets,
};

/// Answers a few known texts.
struct Engine;

impl QueryEngine for Engine {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let t = request.start();
        let labels = Labels::from_pairs([("__name__", "x"), ("le", "a<b")]);
        let histogram = FloatHistogram {
            count: 3.0,
            sum: 4.5,
            positive_spans: vec![Span { offset: 0, length: 2 }],
            positive_buckets: vec![1.0, 2.0],
            ..FloatHistogram::default()
        };
        let histogram = Arc::new(histogram);
        let float = |v| VectorSample { labels: labels.clone(), t, value: SampleValue::Float(v) };
        let value = match request.text() {
            "scalar" => QueryValue::Scalar(Sample { t, v: 1e21 }),
            "string" => QueryValue::String(t, "a<b".into()),
            "empty" => QueryValue::Vector(Vec::new()),
            "vector" => {
                let value = SampleValue::Histogram(Arc::clone(&histogram));
                let second = VectorSample { labels: Labels::empty(), t, value };
                QueryValue::Vector(vec![float(0.5), second])
            }
            "matrix" => QueryValue::Matrix(vec![
                RangeSeries {
                    labels: labels.clone(),
                    floats: vec![Sample { t, v: 1.0 }, Sample { t: request.end(), v: f64::NAN }],
                    histograms: vec![(t, histogram)],
                },
                RangeSeries {
                    labels: Labels::empty(),
                    floats: vec![Sample { t, v: 2.0 }],
                    histograms: Vec::new(),
                },
            ]),
            "notes" => {
                let mut output = QueryOutput::new(QueryValue::Vector(vec![float(1.0)]));
                output.warnings = (1..=12).map(|i| format!("w{i}")).collect();
                output.infos = vec!["i<1".into()];
                return Ok(output);
            }
            "asked" => {
                let text = format!("{:?} {:?}", request.lookback(), request.timeout());
                QueryValue::String(t, text)
            }
            "counted" => {
                let mut output = QueryOutput::new(QueryValue::Vector(Vec::new()));
                output.statistics.total_samples = 7;
                output.statistics.peak_samples = 5;
                if request.step_statistics() {
                    output.statistics.samples_per_step = vec![3, 4];
                }
                return Ok(output);
            }
            "gone" => return Err(Error::new(ErrorKind::Canceled, "query was canceled")),
            "slow" => return Err(Error::new(ErrorKind::Timeout, "query timed out")),
            "broken" => return Err(Error::new(ErrorKind::Corrupt, "bad chunk")),
            "many" => return Err(Error::new(ErrorKind::Limit, "too many samples")),
            _ => return Err(Error::new(ErrorKind::Execution, "no answer")),
        };
        Ok(QueryOutput::new(value))
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        if text.ends_with('[') {
            return Err(Error::new(ErrorKind::Invalid, "1:2: parse error: unexpected end"));
        }
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(text.into())
    }
}

/// Explains queries over a store of its own.
struct Explainer<S>(skopos_promql::Engine<S>);

impl<S: SeriesSource> Explain for Explainer<S> {
    fn explain(&self, request: &QueryRequest<'_>) -> Result<Explanation, Error> {
        self.0.explain(request)
    }

    fn analyze(&self, request: &QueryRequest<'_>) -> Result<Explanation, Error> {
        Ok(self.0.analyze(request)?.1)
    }
}

/// A fixed world.
struct World;

impl Parts for World {
    fn targets(&self) -> Targets {
        let discovered = Labels::from_pairs([("__address__", "localhost:9100")]);
        let active = ActiveTarget {
            discovered_labels: discovered.clone(),
            labels: Labels::from_pairs([("job", "node")]),
            pool: "node".into(),
            url: "http://localhost:9100/metrics".into(),
            last_error: String::new(),
            last_scrape: Some(Timestamp::from_millis(1_500)),
            last_duration: 0.25,
            health: "up",
            interval: 15_000,
            timeout: 10_000,
        };
        Targets {
            active: vec![active],
            dropped: vec![DroppedTarget { discovered_labels: discovered, pool: "node".into() }],
            dropped_counts: BTreeMap::from([("node".into(), 1)]),
        }
    }

    fn pools(&self) -> Vec<String> {
        vec!["node".into()]
    }

    fn metadata(&self) -> Vec<(Labels, Vec<(String, Metadata)>)> {
        let of = |help: &str| Metadata {
            metric_type: MetricType::Counter,
            unit: String::new(),
            help: help.into(),
        };
        vec![
            (
                Labels::from_pairs([("job", "a")]),
                vec![("x_total".into(), of("one")), ("y_total".into(), of("two"))],
            ),
            (Labels::from_pairs([("job", "b")]), vec![("x_total".into(), of("other"))]),
        ]
    }

    fn groups(&self) -> Vec<Group> {
        let alert = Alert {
            labels: Labels::from_pairs([("alertname", "Down")]),
            annotations: Labels::empty(),
            state: "firing",
            active_at: Timestamp::from_millis(2_000),
            keep_firing_since: None,
            v: 0.0,
        };
        let alerting = Alerting {
            state: "firing",
            duration: 60.0,
            keep_firing_for: 0.0,
            annotations: Labels::from_pairs([("summary", "x")]),
            alerts: vec![alert],
        };
        let rule = |name: &str, alerting| Rule {
            name: name.into(),
            query: "up > 1".into(),
            labels: Labels::from_pairs([("severity", name)]),
            health: "ok",
            last_error: String::new(),
            evaluation_time: 0.5,
            last_evaluation: Some(Timestamp::from_millis(3_000)),
            alerting,
        };
        let group = |name: &str, rules| Group {
            name: name.into(),
            file: "r.yml".into(),
            interval: 15.0,
            limit: 0,
            evaluation_time: 0.001,
            last_evaluation: None,
            rules,
        };
        vec![group("a", vec![rule("Down", Some(alerting))]), group("b", vec![rule("job:up", None)])]
    }

    fn alertmanagers(&self) -> (Vec<String>, Vec<String>) {
        (vec!["http://am:9093/api/v2/alerts".into()], Vec::new())
    }

    fn config_yaml(&self) -> String {
        "global: {}\n".into()
    }

    fn config_state(&self) -> (bool, Timestamp) {
        (true, Timestamp::from_millis(500))
    }

    fn head(&self, limit: usize) -> Head {
        let by_metric = vec![("x<".to_owned(), 2), ("y".to_owned(), 1)];
        Head {
            series: 3,
            label_pairs: 4,
            chunks: 5,
            times: Some((Timestamp::from_millis(1), Timestamp::from_millis(9))),
            series_by_metric: by_metric.into_iter().take(limit).collect(),
            ..Head::default()
        }
    }

    fn collect(&self, page: &mut Page) {
        page.gauge("prometheus_tsdb_head_series", "Total number of series.", 3.0);
    }
}

fn api() -> Api {
    let lifecycle = Lifecycle::default();
    lifecycle.enter(Phase::Ready);
    let one = |name: &'static str, job: &'static str| vec![("__name__", name), ("job", job)];
    let series = [one("up", "a"), one("up", "b"), one("down", "b")];
    let store = MemoryStore::with_series(series.iter().map(|s| (s.as_slice(), vec![(1_000, 1.0)])));
    let promql = skopos_promql::Engine::new(
        MemoryStore::with_series([(one("up", "a").as_slice(), vec![(1_000, 1.0)])]),
        EngineOptions::default(),
    );
    Api {
        engine: Arc::new(Engine),
        explainer: Arc::new(Explainer(promql)),
        source: Arc::new(store),
        clock: Arc::new(ManualClock::new(Timestamp::from_millis(7_070))),
        query_timeout: 120_000,
        permits: Arc::new(Semaphore::new(2)),
        max_queries: 2,
        origins: Origins::new(".*").unwrap(),
        lifecycle: Arc::new(lifecycle),
        meters: Arc::new(Meters::default()),
        parts: Arc::new(World),
        place: Place::new(Some("http://mon.example/"), "box", 9090).unwrap(),
        flags: BTreeMap::from([("a.b".into(), "<c>".into())]),
        retention: 7_200_000,
        started: Timestamp::from_millis(0),
        language: ParseOptions::default(),
    }
}

async fn call(router: Router, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    use tower::ServiceExt as _;

    let response = router.oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
}

fn ask(api: Api, request: Request<Body>) -> (u16, HeaderMap, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (status, headers, body) = runtime.block_on(call(router(Arc::new(api)), request));
    (status.as_u16(), headers, String::from_utf8(body).unwrap())
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[track_caller]
fn check(path: &str, status: u16, expected: &str) {
    let (got, _, body) = ask(api(), get(path));
    assert_eq!((got, body.as_str()), (status, expected), "{path}");
}

#[track_caller]
fn check_data(path: &str, data: &str) {
    check(path, 200, &format!("{{\"status\":\"success\",\"data\":{data}}}"));
}

#[track_caller]
fn check_error(path: &str, status: u16, kind: &str, message: &str) {
    let message = message.replace('"', "\\\"");
    let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"{message}"}}"#);
    check(path, status, &body);
}

#[test]
fn results_have_prometheus_shapes() {
    check_data(
        "/query?query=scalar&time=1.5",
        r#"{"resultType":"scalar","result":[1.5,"1000000000000000000000"]}"#,
    );
    check_data("/query?query=string", r#"{"resultType":"string","result":[7.07,"a\u003cb"]}"#);
    check_data("/query?query=empty", r#"{"resultType":"vector","result":[]}"#);
    check_data(
        "/query?query=vector",
        r#"{"resultType":"vector","result":[{"metric":{"__name__":"x","le":"a<b"},"value":[7.070,"0.5"]},{"metric":{},"histogram":[7.070,{"count":"3","sum":"4.5","buckets":[[0,"0.5","1","1"],[0,"1","2","2"]]}]}]}"#,
    );
    check_data(
        "/query_range?query=matrix&start=1&end=2&step=1",
        r#"{"resultType":"matrix","result":[{"metric":{"__name__":"x","le":"a<b"},"values":[[1,"1"],[2,"NaN"]],"histograms":[[1,{"count":"3","sum":"4.5","buckets":[[0,"0.5","1","1"],[0,"1","2","2"]]}]]},{"metric":{},"values":[[1,"2"]]}]}"#,
    );
}

#[test]
fn limits_cut_results_and_say_so() {
    check(
        "/query_range?query=matrix&start=1&end=2&step=1&limit=1",
        200,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x","le":"a<b"},"values":[[1,"1"],[2,"NaN"]],"histograms":[[1,{"count":"3","sum":"4.5","buckets":[[0,"0.5","1","1"],[0,"1","2","2"]]}]]}]},"warnings":["results truncated due to limit"]}"#,
    );
    check(
        "/labels?limit=1",
        200,
        r#"{"status":"success","data":["__name__"],"warnings":["results truncated due to limit"]}"#,
    );
    check(
        "/series?match[]=up&limit=1",
        200,
        r#"{"status":"success","data":[{"__name__":"up","job":"a"}],"warnings":["results truncated due to limit"]}"#,
    );
}

#[test]
fn annotations_are_shown_up_to_ten() {
    let (_, _, body) = ask(api(), get("/query?query=notes"));
    let (_, notes) = body.split_once("]},").unwrap();
    assert_eq!(
        notes,
        r#""warnings":["w1","w2","w3","w4","w5","w6","w7","w8","w9","w10","2 more warning annotations omitted"],"infos":["i\u003c1"]}"#
    );
}

#[test]
fn failures_have_their_type_and_status() {
    check_error("/query?query=slow", 503, "timeout", "query timed out");
    check_error("/query?query=gone", 499, "canceled", "query was canceled");
    check_error("/query?query=broken", 500, "internal", "bad chunk");
    check_error("/query?query=many", 422, "execution", "too many samples");
    check_error("/query?query=other", 422, "execution", "no answer");
    check_error(
        "/query?query=a[",
        400,
        "bad_data",
        r#"invalid parameter "query": 1:2: parse error: unexpected end"#,
    );
    check_error(
        "/query?query=empty&time=x",
        400,
        "bad_data",
        r#"invalid parameter "time": invalid time value for 'time': cannot parse "x" to a valid timestamp"#,
    );
    check_error(
        "/query?query=empty&lookback_delta=x",
        400,
        "bad_data",
        r#"error parsing lookback delta duration: cannot parse "x" to a valid duration"#,
    );
    check_error("/series", 400, "bad_data", "no match[] parameter provided");
    check_error(
        "/labels?match[]={a=''}",
        400,
        "bad_data",
        "match[] must contain at least one non-empty matcher",
    );
    check_error("/nothing", 404, "not_found", "there is no endpoint /nothing");
    check_error(
        "/query_exemplars?query=up",
        501,
        "unavailable",
        "/query_exemplars is not supported by this version of skopos",
    );
}

#[test]
fn ranges_are_checked_in_order() {
    let range = |parameters: &str| format!("/query_range?query=matrix&{parameters}");
    let bad =
        |parameters: &str, message: &str| check_error(&range(parameters), 400, "bad_data", message);
    bad(
        "start=2&end=1&step=1",
        r#"invalid parameter "end": end timestamp must not be before start time"#,
    );
    bad(
        "start=1&end=2&step=0",
        r#"invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
    );
    bad(
        "start=&end=2&step=1",
        r#"invalid parameter "start": cannot parse "" to a valid timestamp"#,
    );
    bad(
        "start=0&end=11001&step=1",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
    bad(
        "start=-1e30&end=1e30&step=9e9",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
    let (status, _, _) = ask(api(), get(&range("start=0&end=11000.999&step=1")));
    assert_eq!(status, 200, "11,001 points are allowed");
}

#[test]
fn lookback_and_timeout_reach_the_engine() {
    let (_, _, body) = ask(api(), get("/query?query=asked&lookback_delta=1m&timeout=5s"));
    assert!(body.contains("Some(60000) Some(5000)"), "{body}");
    let (_, _, body) = ask(api(), get("/query?query=asked&timeout=1h"));
    assert!(body.contains("None Some(120000)"), "{body}");
}

#[test]
fn statistics_are_times_and_samples() {
    let stats = |path: &str| {
        let (_, _, body) = ask(api(), get(path));
        let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
        parsed["data"]["stats"].clone()
    };
    assert!(stats("/query?query=counted").is_null());
    let some = stats("/query?query=counted&stats=1");
    let timings = some["timings"].as_object().unwrap();
    assert_eq!(timings.len(), 6);
    assert!(timings.values().all(serde_json::Value::is_number), "{some}");
    assert_eq!(some["samples"], json!({"totalQueryableSamples": 7, "peakSamples": 5}));
    let all = stats("/query_range?query=counted&stats=all&start=1.5&end=2&step=0.5");
    let steps = json!([[1.5, 3], [2, 4]]);
    assert_eq!(
        all["samples"],
        json!({"totalQueryableSamplesPerStep": steps, "totalQueryableSamples": 7, "peakSamples": 5})
    );
    let (_, _, page) = {
        let api = api();
        api.meters.query(0.0, 0.5, 7);
        let text = super::own::page(&api, skopos_exposition::choose_output(""));
        ((), (), String::from_utf8(text).unwrap())
    };
    assert!(page.contains("prometheus_engine_query_samples_total 7\n"), "{page}");
}

#[test]
fn queries_are_explained_and_analyzed() {
    let data = |path: &str| {
        let (status, _, body) = ask(api(), get(path));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<serde_json::Value>(&body).unwrap()["data"].clone()
    };
    let plan = data("/query_explain?query=-up");
    assert_eq!(plan["explanation"]["plan"]["inputs"][0]["text"], "up");
    assert!(plan["explanation"]["statistics"].is_null());
    assert!(plan["text"].as_str().unwrap().starts_with("query  -up\n"), "{plan}");
    let ran = data("/query_explain?query=-up&analyze=true&start=1&end=3&step=1");
    assert_eq!(ran["explanation"]["plan"]["inputs"][0]["samples"], 3);
    assert_eq!(ran["explanation"]["statistics"]["totalQueryableSamples"], 3);
    assert_eq!(ran["explanation"]["step"], 1);
    for (path, error) in [
        (
            "/query_explain?query=sum(",
            "invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis",
        ),
        (
            "/query_explain?query=up&analyze=x",
            "invalid parameter \"analyze\": strconv.ParseBool: parsing \"x\": invalid syntax",
        ),
        (
            "/query_explain?query=up&step=0&start=0&end=1",
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
        ),
    ] {
        let (status, _, body) = ask(api(), get(path));
        let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, parsed["error"].as_str()), (400, Some(error)));
    }
}

#[test]
fn forms_in_bodies_come_first() {
    let request = Request::post("/query?query=scalar")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("query=empty"))
        .unwrap();
    let (status, _, body) = ask(api(), request);
    assert_eq!(status, 200);
    assert!(body.contains(r#""result":[]"#), "{body}");
    let request = Request::post("/query")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from("--x--"))
        .unwrap();
    assert_eq!(ask(api(), request).0, 400);
}

#[test]
fn expressions_are_formatted_and_parsed() {
    check_data("/format_query?query=sum(up)by(job)", r#""sum by (job) (up)""#);
    let (status, _, body) = ask(api(), get("/parse_query?query=-rate(up[5m])"));
    assert_eq!(status, 200);
    let tree: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(tree["data"]["type"], "unaryExpr");
    assert_eq!(tree["data"]["expr"]["func"]["name"], "rate");
    assert_eq!(tree["data"]["expr"]["args"][0]["range"], 300_000);
    check_data(
        "/parse_query?query=%22%3Ca%3E%22",
        r#"{"type":"stringLiteral","val":"\u003ca\u003e"}"#,
    );
}

#[test]
fn series_and_labels_are_looked_up() {
    check_data(
        "/series?match[]=up&match[]={job='b'}",
        r#"[{"__name__":"down","job":"b"},{"__name__":"up","job":"a"},{"__name__":"up","job":"b"}]"#,
    );
    check_data("/series?match[]=up&start=2", "[]");
    check_data("/labels", r#"["__name__","job"]"#);
    check_data("/label/job/values?match[]=up", r#"["a","b"]"#);
    check_data("/label/__name__/values?match[]={job='b'}&match[]=up", r#"["down","up"]"#);
    check_data("/label/U__job/values", r#"["a","b"]"#);
    check_data("/label/none/values", "[]");
}

#[test]
fn targets_are_shown() {
    let active = r#"[{"discoveredLabels":{"__address__":"localhost:9100"},"labels":{"job":"node"},"scrapePool":"node","scrapeUrl":"http://localhost:9100/metrics","globalUrl":"http://mon.example:9100/metrics","lastError":"","lastScrape":"1970-01-01T00:00:01.5Z","lastScrapeDuration":0.25,"health":"up","scrapeInterval":"15s","scrapeTimeout":"10s"}]"#;
    let dropped = r#"[{"discoveredLabels":{"__address__":"localhost:9100"},"scrapePool":"node"}]"#;
    let all = |active: &str, dropped: &str, counts: &str| {
        format!(
            r#"{{"activeTargets":{active},"droppedTargets":{dropped},"droppedTargetCounts":{counts}}}"#
        )
    };
    check_data("/targets", &all(active, dropped, r#"{"node":1}"#));
    check_data("/targets?state=Active", &all(active, "[]", "null"));
    check_data("/targets?state=dropped", &all("[]", dropped, r#"{"node":1}"#));
    check_data("/targets?scrapePool=x", &all("[]", "[]", r#"{"node":1}"#));
    check_data("/scrape_pools", r#"{"scrapePools":["node"]}"#);
    check_data(
        "/alertmanagers",
        r#"{"activeAlertmanagers":[{"url":"http://am:9093/api/v2/alerts"}],"droppedAlertmanagers":[]}"#,
    );
}

#[test]
fn metadata_is_merged_over_targets() {
    check_data(
        "/metadata",
        r#"{"x_total":[{"type":"counter","unit":"","help":"one"},{"type":"counter","unit":"","help":"other"}],"y_total":[{"type":"counter","unit":"","help":"two"}]}"#,
    );
    check_data(
        "/metadata?metric=x_total&limit_per_metric=1",
        r#"{"x_total":[{"type":"counter","unit":"","help":"one"}]}"#,
    );
    check_data("/metadata?limit=0", "{}");
    check_error("/metadata?limit=x", 400, "bad_data", "limit must be a number");
    check_data(
        "/targets/metadata?match_target={job='b'}",
        r#"[{"target":{"job":"b"},"metric":"x_total","type":"counter","help":"other","unit":""}]"#,
    );
    check_data(
        "/targets/metadata?metric=y_total",
        r#"[{"target":{"job":"a"},"type":"counter","help":"two","unit":""}]"#,
    );
}

#[test]
fn rules_are_filtered_and_paged() {
    let alert = r#"{"labels":{"alertname":"Down"},"annotations":{},"state":"firing","activeAt":"1970-01-01T00:00:02Z","value":"0e+00"}"#;
    let rule = |alerts: &str| {
        format!(
            r#"{{"state":"firing","name":"Down","query":"up \u003e 1","duration":60,"keepFiringFor":0,"labels":{{"severity":"Down"}},"annotations":{{"summary":"x"}},"alerts":{alerts},"health":"ok","evaluationTime":0.5,"lastEvaluation":"1970-01-01T00:00:03Z","type":"alerting"}}"#
        )
    };
    let tail = r#""interval":15,"limit":0,"evaluationTime":0.001,"lastEvaluation":"0001-01-01T00:00:00Z"}"#;
    let first =
        |alerts: &str| format!(r#"{{"name":"a","file":"r.yml","rules":[{}],{tail}"#, rule(alerts));
    let second = format!(
        r#"{{"name":"b","file":"r.yml","rules":[{{"name":"job:up","query":"up \u003e 1","labels":{{"severity":"job:up"}},"health":"ok","evaluationTime":0.5,"lastEvaluation":"1970-01-01T00:00:03Z","type":"recording"}}],{tail}"#
    );
    let alerts = format!("[{alert}]");
    check_data("/rules", &format!(r#"{{"groups":[{},{second}]}}"#, first(&alerts)));
    check_data("/rules?type=record", &format!(r#"{{"groups":[{second}]}}"#));
    check_data("/rules?rule_group[]=b", &format!(r#"{{"groups":[{second}]}}"#));
    check_data("/rules?match[]={severity='job:up'}", &format!(r#"{{"groups":[{second}]}}"#));
    check_data("/rules?rule_name[]=none", r#"{"groups":[]}"#);
    check_data(
        "/rules?type=alert&exclude_alerts=true",
        &format!(r#"{{"groups":[{}]}}"#, first("null")),
    );
    check_error(
        "/rules?type=x",
        400,
        "bad_data",
        r#"invalid parameter "type": not supported value "x""#,
    );
    check_error(
        "/rules?group_limit=0",
        400,
        "bad_data",
        r#"invalid parameter "group_limit": group_limit needs to be greater than 0"#,
    );
    check_error(
        "/rules?group_limit=1&group_next_token=zz",
        400,
        "bad_data",
        r#"invalid parameter "group_next_token": invalid group_next_token 'zz'. were rule groups changed?"#,
    );
    let (_, _, page) = ask(api(), get("/rules?group_limit=1"));
    let (_, token) = page.split_once(r#""groupNextToken":""#).unwrap();
    let token = &token[..16];
    check_data(
        &format!("/rules?group_limit=1&group_next_token={token}"),
        &format!(r#"{{"groups":[{second}]}}"#),
    );
    check_data("/alerts", &format!(r#"{{"alerts":[{alert}]}}"#));
}

#[test]
fn the_server_shows_itself() {
    check_data("/status/flags", r#"{"a.b":"\u003cc\u003e"}"#);
    check_data("/status/config", r#"{"yaml":"global: {}\n"}"#);
    check_data("/status/walreplay", r#"{"min":0,"max":0,"current":0}"#);
    check_data("/notifications", "[]");
    check_data(
        "/status/tsdb?limit=1",
        r#"{"headStats":{"numSeries":3,"numLabelPairs":4,"chunkCount":5,"minTime":1,"maxTime":9},"seriesCountByMetricName":[{"name":"x\u003c","value":2}],"labelValueCountByLabelName":[],"memoryInBytesByLabelName":[],"seriesCountByLabelValuePair":[]}"#,
    );
    check_error("/status/tsdb?limit=0", 400, "bad_data", "limit must be a positive number");
    check_error("/status/tsdb?limit=10001", 400, "bad_data", "limit must not exceed 10000");
    let (status, _, body) = ask(api(), get("/status/runtimeinfo"));
    assert_eq!(status, 200);
    let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(parsed["data"]["storageRetention"], "2h");
    assert_eq!(parsed["data"]["serverTime"], "1970-01-01T00:00:07.07Z");
}

#[test]
fn browsers_get_their_headers() {
    let request = Request::options("/query").header(header::ORIGIN, "http://a");
    let (status, headers, body) = ask(api(), request.body(Body::empty()).unwrap());
    assert_eq!((status, body.as_str()), (204, ""));
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "http://a");
    let request = Request::options("/anything/else").body(Body::empty()).unwrap();
    assert_eq!(ask(api(), request).0, 204);
    let (_, headers, _) = ask(api(), get("/labels"));
    assert_eq!(headers[header::VARY], "Origin");
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
}

#[test]
fn wrong_methods_are_refused() {
    let request = Request::delete("/query").body(Body::empty()).unwrap();
    let (status, headers, _) = ask(api(), request);
    assert_eq!(status, 405);
    assert!(headers.contains_key(header::ALLOW));
}

#[test]
fn nothing_is_answered_before_the_start_is_over() {
    let api = api();
    api.lifecycle.enter(Phase::Starting);
    let (status, headers, body) = ask(api, get("/labels"));
    assert_eq!((status, body.as_str()), (503, "Service Unavailable"));
    assert_eq!(headers["x-prometheus-stopping"], "false");
}

#[test]
fn queries_wait_for_their_turn_and_give_up() {
    let mut api = api();
    api.permits = Arc::new(Semaphore::new(0));
    api.query_timeout = 1;
    let (status, _, body) = ask(api, get("/query?query=empty"));
    assert_eq!(status, 503);
    assert!(body.contains("query timed out in query queue"), "{body}");
}

#[test]
fn large_answers_are_compressed_on_request() {
    use std::io::Read as _;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = Request::get(
        "/parse_query?query=rate(up[5m])+%2B+rate(up[5m])+%2B+rate(up[5m])+%2B+rate(up[5m])",
    )
    .header(header::ACCEPT_ENCODING, "br, gzip;q=0, gzip")
    .body(Body::empty())
    .unwrap();
    let (_, headers, body) = runtime.block_on(call(router(Arc::new(api())), request));
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(body.as_slice()).read_to_string(&mut text).unwrap();
    assert!(text.starts_with(r#"{"status":"success","data":{"#), "{text}");
}
