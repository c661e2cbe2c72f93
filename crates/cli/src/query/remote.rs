//! Queries asked of a server over HTTP.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::header::CONTENT_TYPE;
use skopos_core::Timestamp;
use url::Url;
use url::form_urlencoded::Serializer;

use super::answer::Answer;
use super::{Times, json};

/// The most bytes of an answer that are read.
const MAX_ANSWER: usize = 1 << 30;
/// How much longer than the query we wait for the server's own word about its end.
const GRACE: Duration = Duration::from_secs(5);

/// Asks the server at `url`.
pub(super) fn ask(
    url: &Url,
    expression: &str,
    times: Times,
    timeout: i64,
) -> anyhow::Result<Answer> {
    let (endpoint, form) = request(url, expression, times, timeout)?;
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
        let body = serde_json::from_slice(&body)
            .with_context(|| format!("{endpoint} answered {status}, but not as Prometheus does"))?;
        json::read(&body)
    })
}

/// The address and the form of a question.
fn request(
    url: &Url,
    expression: &str,
    times: Times,
    timeout: i64,
) -> anyhow::Result<(Url, String)> {
    if !matches!(url.scheme(), "http" | "https") {
        bail!("{url}: only http and https are supported");
    }
    let seconds = |t: Timestamp| t.as_seconds().to_string();
    let mut form = Serializer::new(String::new());
    form.append_pair("query", expression);
    form.append_pair("timeout", &format!("{timeout}ms"));
    let name = match times.step {
        None => {
            form.append_pair("time", &seconds(times.start));
            "query"
        }
        Some(step) => {
            form.append_pair("start", &seconds(times.start));
            form.append_pair("end", &seconds(times.end));
            form.append_pair("step", &format!("{step}ms"));
            "query_range"
        }
    };
    let mut endpoint = url.clone();
    let path = format!("{}/api/v1/{name}", url.path().trim_end_matches('/'));
    endpoint.set_path(&path);
    Ok((endpoint, form.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_go_to_the_api_below_the_prefix() {
        let url: Url = "http://host:9090/prometheus/".parse().expect("a URL");
        let t = Timestamp::from_millis(1_500);
        let instant = Times { start: t, end: t, step: None };
        let (endpoint, form) = request(&url, "up{a=\"b\"}", instant, 2_000).expect("fine");
        assert_eq!(endpoint.as_str(), "http://host:9090/prometheus/api/v1/query");
        assert_eq!(form, "query=up%7Ba%3D%22b%22%7D&timeout=2000ms&time=1.5");
        let range = Times { step: Some(15_000), ..instant };
        let (endpoint, form) = request(&url, "up", range, 2_000).expect("fine");
        assert_eq!(endpoint.path(), "/prometheus/api/v1/query_range");
        assert_eq!(form, "query=up&timeout=2000ms&start=1.5&end=1.5&step=15000ms");
        let odd: Url = "ftp://host".parse().expect("a URL");
        assert!(request(&odd, "up", instant, 0).is_err());
    }
}
