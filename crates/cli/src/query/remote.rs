//! Queries asked of a server over HTTP.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::header::CONTENT_TYPE;
use serde_json::Value as Json;
use skopos_core::Timestamp;
use url::Url;
use url::form_urlencoded::Serializer;

use super::answer::Answer;
use super::{Times, json};

/// The most bytes of an answer that are read.
const MAX_ANSWER: usize = 1 << 30;
/// How much longer than the query we wait for the server's own word about its end.
const GRACE: Duration = Duration::from_secs(5);

/// How long a query may take and how far back it looks, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) timeout: i64,
    /// Nothing for the server's default.
    pub(super) lookback: Option<i64>,
}

/// Asks the server at `url`.
pub(super) fn ask(
    url: &Url,
    expression: &str,
    times: Times,
    limits: Limits,
) -> anyhow::Result<Answer> {
    let name = if times.step.is_none() { "query" } else { "query_range" };
    let mut form = form(expression, times, limits.timeout);
    if let Some(lookback) = limits.lookback {
        form.append_pair("lookback_delta", &format!("{lookback}ms"));
    }
    json::read(&post(url, name, form, limits.timeout)?)
}

/// Asks the server at `url` what an expression costs; the `data` of its answer.
pub(super) fn analyze(
    url: &Url,
    expression: &str,
    times: Times,
    timeout: i64,
) -> anyhow::Result<Json> {
    let mut form = form(expression, times, timeout);
    form.append_pair("analyze", "true");
    let mut body = post(url, "query_explain", form, timeout)?;
    if body["status"] != "success" {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        bail!("{}: {}", text("errorType"), text("error"));
    }
    Ok(body["data"].take())
}

/// Sends a form to an endpoint of the API; its answer.
fn post(
    url: &Url,
    name: &str,
    mut form: Serializer<'static, String>,
    timeout: i64,
) -> anyhow::Result<Json> {
    let (endpoint, form) = (endpoint(url, name)?, form.finish());
    // An earlier call, or another part of the program, may have chosen: that is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .user_agent(concat!("skopos/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_millis(timeout.unsigned_abs()).saturating_add(GRACE))
            .build()?;
        let mut response = client
            .post(endpoint.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .with_context(|| format!("cannot ask {endpoint}"))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.context("the answer broke off")? {
            if MAX_ANSWER < body.len() + chunk.len() {
                bail!("the answer has more than {MAX_ANSWER} bytes");
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body)
            .with_context(|| format!("{endpoint} answered {status}, but not as Prometheus does"))
    })
}

/// The address of an endpoint of the API.
fn endpoint(url: &Url, name: &str) -> anyhow::Result<Url> {
    if !matches!(url.scheme(), "http" | "https") {
        bail!("{url}: only http and https are supported");
    }
    let mut endpoint = url.clone();
    let path = format!("{}/api/v1/{name}", url.path().trim_end_matches('/'));
    endpoint.set_path(&path);
    Ok(endpoint)
}

/// The form of a question.
fn form(expression: &str, times: Times, timeout: i64) -> Serializer<'static, String> {
    let seconds = |t: Timestamp| t.as_seconds().to_string();
    let mut form = Serializer::new(String::new());
    form.append_pair("query", expression);
    form.append_pair("timeout", &format!("{timeout}ms"));
    match times.step {
        None => {
            form.append_pair("time", &seconds(times.start));
        }
        Some(step) => {
            form.append_pair("start", &seconds(times.start));
            form.append_pair("end", &seconds(times.end));
            form.append_pair("step", &format!("{step}ms"));
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_go_to_the_api_below_the_prefix() {
        let url: Url = "http://host:9090/prometheus/".parse().expect("a URL");
        let t = Timestamp::from_millis(1_500);
        let instant = Times { start: t, end: t, step: None };
        let address = endpoint(&url, "query").expect("fine");
        assert_eq!(address.as_str(), "http://host:9090/prometheus/api/v1/query");
        let text = form("up{a=\"b\"}", instant, 2_000).finish();
        assert_eq!(text, "query=up%7Ba%3D%22b%22%7D&timeout=2000ms&time=1.5");
        let range = Times { step: Some(15_000), ..instant };
        let text = form("up", range, 2_000).finish();
        assert_eq!(text, "query=up&timeout=2000ms&start=1.5&end=1.5&step=15000ms");
        let odd: Url = "ftp://host".parse().expect("a URL");
        assert!(endpoint(&odd, "query").is_err());
    }
}
