//! The texts for people: the page at `/` and the greeting at the start.

use std::time::Duration;

use skopos_promql::format_duration;

/// What is said at the start to a person at a terminal.
pub(crate) fn greeting(url: &str, embedded: bool, retention: Duration, colored: bool) -> String {
    let (bold, dim, plain) = if colored { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let kept = format_duration(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
    let mut text = format!("{bold}skopos listens on {url}{plain}\n");
    if embedded {
        text.push_str(
            "No --config.file was given: it watches itself, every 5 s, with one sample alert.\n",
        );
    }
    text.push_str(&format!(
        "Samples are kept in memory for {kept} (--storage.tsdb.retention.time) and are gone when it \
         ends.\n\nTry next:\n"
    ));
    for (command, what) in [
        (format!("curl '{url}/api/v1/query?query=up'"), "which targets answer"),
        (format!("curl '{url}/api/v1/targets'"), "what is scraped"),
        (format!("curl '{url}/api/v1/alerts'"), "what is pending or firing"),
    ] {
        text.push_str(&format!("  {command}  {dim}# {what}{plain}\n"));
    }
    text.push_str("In Grafana, add this address as a data source of the type Prometheus.\n");
    text
}

/// The page at `/`: what runs here and where to go next.
pub(crate) fn landing(prefix: &str) -> String {
    let links: String = LINKS
        .iter()
        .map(|(path, what)| {
            format!("<li><a href=\"{prefix}{path}\"><code>{path}</code></a> — {what}</li>\n")
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>skopos</title>\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;\
         padding:0 1rem}}code{{font-size:.9em}}</style>\n\
         <h1>skopos</h1>\n\
         <p>A monitoring server with Prometheus’ HTTP API. There is no graphical interface in this \
         version: add this address to Grafana as a data source of the type Prometheus, or start \
         here:</p>\n<ul>\n{links}</ul>\n</html>\n"
    )
}

/// Where the page leads.
const LINKS: &[(&str, &str)] = &[
    ("/api/v1/query?query=up", "which targets answer"),
    ("/api/v1/targets", "what is scraped"),
    ("/api/v1/rules", "rules and how they fare"),
    ("/api/v1/alerts", "what is pending or firing"),
    ("/api/v1/status/config", "the configuration"),
    ("/api/v1/status/tsdb", "what takes how much room"),
    ("/metrics", "the server’s own metrics"),
    ("/-/ready", "whether it is ready"),
];
