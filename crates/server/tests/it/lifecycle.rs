//! Start, reload and end.

use skopos_server::{ErrorKind, start};

use super::client::{Server, ask, exporter, get, options, wait_for};

const TWO_RULES: &str = "groups:\n- name: g\n  rules:\n  - record: a\n    expr: vector(1)\n  \
                         - record: b\n    expr: vector(2)\n";

#[tokio::test(flavor = "multi_thread")]
async fn health_and_pages_answer_as_prometheus_does() {
    let server = Server::start("", "").await;
    let address = server.address;
    for (method, path, status, body) in [
        ("GET", "/-/healthy", 200, "Prometheus Server is Healthy.\n"),
        ("HEAD", "/-/healthy", 200, ""),
        ("GET", "/-/ready", 200, "Prometheus Server is Ready.\n"),
        ("POST", "/-/healthy", 405, ""),
        ("GET", "/-/reload", 405, "Only POST or PUT requests allowed"),
        ("GET", "/-/quit", 405, "Only POST or PUT requests allowed"),
        ("PUT", "/-/reload", 200, ""),
        ("GET", "/targets", 302, ""),
        ("GET", "/graph?g0.expr=up", 302, ""),
        ("GET", "/federate", 501, "federation is not supported by this version of skopos\n"),
    ] {
        let answer = ask(address, method, path, "").await;
        assert_eq!((answer.status, answer.body.as_str()), (status, body), "{method} {path}");
    }
    let graph = get(address, "/graph?g0.expr=up%20%3D%3D%200&g0.tab=1").await;
    assert!(graph.head.contains("location: /api/v1/query?query=up%20%3D%3D%200"), "{}", graph.head);
    let landing = get(address, "/").await;
    assert!(landing.body.contains("/api/v1/targets"), "{}", landing.body);
    let version = get(address, "/version").await.json();
    assert_eq!(version["version"], "3.5.3");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_refused_unless_enabled() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("p.yml");
    std::fs::write(&file, "").unwrap();
    let mut options = options(&file);
    options.enable_lifecycle = false;
    let handle = start(options).await.unwrap();
    let address = handle.addresses()[0];
    for path in ["/-/reload", "/-/quit"] {
        let answer = ask(address, "POST", path, "").await;
        assert_eq!((answer.status, answer.body.as_str()), (403, "Lifecycle API is not enabled."));
    }
    handle.stop().await;
    handle.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_stops_a_start_with_all_that_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("p.yml");
    std::fs::write(&file, "rule_files: ['r*.yml']\n").unwrap();
    let rules = "groups:\n- name: g\n  rules:\n  - record: a\n    expr: sum(\n";
    std::fs::write(directory.path().join("r1.yml"), rules).unwrap();
    std::fs::write(directory.path().join("r2.yml"), "grups: []\n").unwrap();
    let error = start(options(&file)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = error.to_string();
    assert!(
        text.contains(
            "r1.yml:5:11: groups[0].rules[0].expr: group \"g\", rule 1, \"a\": could not"
        ),
        "{text}"
    );
    assert!(text.contains("r2.yml:1:1: grups: field grups not found"), "{text}");
    let mut wrong = options(&file);
    wrong.query_max_concurrency = 0;
    assert_eq!(start(wrong).await.unwrap_err().kind(), ErrorKind::Option);
    let mut wrong = options(&file);
    wrong.listen_addresses = vec!["256.0.0.1:1".into()];
    assert_eq!(start(wrong).await.unwrap_err().kind(), ErrorKind::Listen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_a_good_configuration_and_keeps_the_old_one_otherwise() {
    let target = exporter("x 1\n").await;
    let server = Server::start("rule_files: [rules.yml]\n", TWO_RULES).await;
    let address = server.address;
    assert_eq!(get(address, "/api/v1/rules").await.body.matches("\"recording\"").count(), 2);

    std::fs::write(server.path("prometheus.yml"), "globl: {}\n").unwrap();
    let answer = ask(address, "POST", "/-/reload", "").await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.starts_with("failed to reload config: "), "{}", answer.body);
    assert!(answer.body.contains("prometheus.yml:1:1: "), "{}", answer.body);
    assert_eq!(get(address, "/api/v1/rules").await.body.matches("\"recording\"").count(), 2);
    let state = get(address, "/api/v1/status/runtimeinfo").await.json();
    assert_eq!(state["data"]["reloadConfigSuccess"], false);
    let notes = get(address, "/api/v1/notifications").await.json();
    assert_eq!(notes["data"][0]["text"], "Configuration reload has failed.");

    let good = format!(
        "rule_files: [rules.yml]\nglobal: {{scrape_interval: 1s}}\nscrape_configs:\n\
         - job_name: new\n  static_configs: [{{targets: ['{target}']}}]\n"
    );
    std::fs::write(server.path("prometheus.yml"), good).unwrap();
    std::fs::write(server.path("rules.yml"), TWO_RULES.split("  - record: b").next().unwrap())
        .unwrap();
    server.handle.reload().await.unwrap();
    assert_eq!(get(address, "/api/v1/rules").await.body.matches("\"recording\"").count(), 1);
    wait_for(address, "/api/v1/query?query=x", |v| v["data"]["result"][0]["value"][1] == "1").await;
    let state = get(address, "/api/v1/status/runtimeinfo").await.json();
    assert_eq!(state["data"]["reloadConfigSuccess"], true);
    let config = get(address, "/api/v1/status/config").await.json();
    assert!(config["data"]["yaml"].as_str().unwrap().contains("job_name: new"));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quitting_over_http_ends_the_server() {
    let server = Server::start("", "").await;
    let answer = ask(server.address, "POST", "/-/quit", "").await;
    assert_eq!(answer.body, "Requesting termination... Goodbye!");
    server.handle.wait().await.unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_are_closed_and_free_their_place() {
    use tokio::io::AsyncReadExt as _;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("p.yml");
    std::fs::write(&file, "").unwrap();
    let mut options = options(&file);
    options.read_timeout = std::time::Duration::from_millis(100);
    options.max_connections = 1;
    let handle = start(options).await.unwrap();
    let address = handle.addresses()[0];
    let mut silent = tokio::net::TcpStream::connect(address).await.unwrap();
    assert_eq!(get(address, "/-/healthy").await.status, 200);
    let mut rest = Vec::new();
    // A reset is as good an end as any.
    let read = silent.read_to_end(&mut rest).await.unwrap_or(0);
    assert_eq!(read, 0);
    handle.stop().await;
    handle.wait().await.unwrap();
}
