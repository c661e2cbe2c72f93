//! The texts for people: the page at `/` and the greeting at the start.

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
