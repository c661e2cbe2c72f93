//! Tests of what Alertmanagers are sent.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use skopos_core::Timestamp;
use tokio::sync::mpsc;

use super::*;

fn notification() -> Notification {
    let labels = Labels::from_pairs([("alertname", "Down"), ("job", "a<b")]);
    let t = Timestamp::from_millis;
    Notification::new(labels, t(1_500), t(241_500))
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
        let labels = r#""labels":{"alertname":"Down","job":"a\u003cb","region":"eu","to":"first"}"#;
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
    for name in ["a", "b", "c"] {
        let labels = Labels::from_pairs([("alertname", name)]);
        let mut alert = notification();
        alert.labels = labels;
        lock(&queue.outbox).push(PostableAlert::new(alert, &Labels::empty()));
    }
    let outbox = lock(&queue.outbox);
    let left: Vec<_> = outbox.waiting().iter().map(|a| a.labels().to_string()).collect();
    assert_eq!(left, [r#"{alertname="b"}"#, r#"{alertname="c"}"#]);
    assert_eq!(outbox.counts().dropped, 1);
}
