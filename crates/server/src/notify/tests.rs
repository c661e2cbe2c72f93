//! Tests of what Alertmanagers are sent.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use skopos_core::{
    Labels, ManualClock, QueryEngine, QueryOutput, QueryRequest, QueryValue, SampleValue,
    Timestamp, VectorSample,
};
use skopos_rules::{Evaluator, Group, GroupDefaults, GroupState, Notification, Rule};
use skopos_testkit::{MemoryStore, ReplacingExpander};
use tokio::sync::mpsc;

use super::*;

/// Everything is down.
struct Engine;

impl QueryEngine for Engine {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, skopos_core::Error> {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a<b")]);
        let value = SampleValue::Float(0.0);
        let sample = VectorSample { labels, t: request.start(), value };
        Ok(QueryOutput::new(QueryValue::Vector(vec![sample])))
    }

    fn check(&self, _: &str) -> Result<(), skopos_core::Error> {
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, skopos_core::Error> {
        Ok(text.into())
    }
}

fn notification() -> Notification {
    let mut group = Group::new("g");
    group.rules.push(Rule::alerting("Down", "up == 0"));
    let defaults = GroupDefaults::default();
    let mut state = GroupState::new(&group, "r.yml", defaults, &Engine, false).unwrap();
    let (store, clock) = (MemoryStore::new(), ManualClock::default());
    let expander = ReplacingExpander::new();
    let labels = Labels::empty();
    let evaluator = Evaluator::new(&Engine, &expander, &store, &clock)
        .with_external(&labels, "http://mon:9090");
    state.evaluate(Timestamp::from_millis(1_500), &evaluator).notifications.remove(0)
}

#[test]
fn alerts_are_written_as_the_api_takes_them() {
    let alert = Alert {
        labels: Labels::from_pairs([("alertname", "Down")]),
        rest: Arc::new(notification()),
    };
    let body = String::from_utf8(payload(&[alert])).unwrap();
    assert_eq!(
        body,
        r#"[{"annotations":{},"endsAt":"1970-01-01T00:04:01.500Z","startsAt":"1970-01-01T00:00:01.500Z","generatorURL":"http://mon:9090/graph?g0.expr=up+%3D%3D+0\u0026g0.tab=1","labels":{"alertname":"Down"}}]"#
    );
}

#[test]
fn alerts_arrive_with_external_labels_and_relabeled() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (sender, mut bodies) = mpsc::unbounded_channel::<(Option<String>, String)>();
        let take = move |headers: axum::http::HeaderMap, body: String| async move {
            let who = headers.get("authorization").map(|v| v.to_str().unwrap().to_owned());
            sender.send((who, body)).unwrap();
            StatusCode::OK
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/am/api/v2/alerts", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let text = format!(
            "global:\n  external_labels: {{region: eu, job: other}}\nalerting:\n  \
             alert_relabel_configs:\n  - {{action: labeldrop, regex: secret}}\n  \
             alertmanagers:\n  - path_prefix: /am/\n    basic_auth: {{username: u, password: p}}\n    \
             static_configs: [{{targets: ['{address}']}}]\n    \
             alert_relabel_configs:\n    - {{target_label: to, replacement: first}}\n"
        );
        let config = Config::parse(&text, "prometheus.yml").unwrap();
        let notifier = Arc::new(Notifier::new(10, 256));
        notifier.apply(&config).unwrap();
        assert_eq!(notifier.urls().0, [format!("http://{address}/am/api/v2/alerts")]);
        notifier.send(vec![notification()]);
        let (who, body) = bodies.recv().await.unwrap();
        assert_eq!(who.as_deref(), Some("Basic dTpw"));
        let labels = r#""labels":{"alertname":"Down","job":"a<b","region":"eu","to":"first"}"#;
        assert!(body.contains(labels), "{body}");
        notifier.close(Duration::from_secs(5)).await;
        let mut page = Page::default();
        notifier.collect(&mut page);
        let sent = page.families.iter().find(|f| f.name == "prometheus_notifications_sent_total");
        assert_eq!(sent.unwrap().samples[0].v, 1.0);
    });
}

#[test]
fn a_full_queue_drops_the_oldest() {
    let config = Config::parse(
        "alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:1']}]}]}",
        "prometheus.yml",
    )
    .unwrap();
    let entry = Entry {
        config: config.alertmanagers[0].clone(),
        client: client(&config.alertmanagers[0]).unwrap(),
    };
    let queue = Queue::new("http://x".into(), Arc::new(entry), 2, 256);
    let rest = Arc::new(notification());
    for name in ["a", "b", "c"] {
        let labels = Labels::from_pairs([("alertname", name)]);
        lock(&queue.waiting).push(Alert { labels, rest: Arc::clone(&rest) });
    }
    let left: Vec<_> = lock(&queue.waiting).iter().map(|a| a.labels.to_string()).collect();
    assert_eq!(left, [r#"{alertname="b"}"#, r#"{alertname="c"}"#]);
    assert_eq!(queue.counts().dropped, 1);
}
