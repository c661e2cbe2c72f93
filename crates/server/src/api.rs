//! The HTTP API under `/api/v1`: which endpoints there are and how a request reaches one.
//!
//! An endpoint is a plain function: it reads parameters and writes its data into a buffer that
//! already holds the head of the answer. Everything that endpoints have in common happens here:
//! collecting parameters, readiness, threads for work that blocks, the limit on concurrent queries,
//! compression, and the headers for browsers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts as RequestHead;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, options};
use skopos_core::{Cancellation, Clock, QueryEngine, SeriesSource, Timestamp};
use skopos_promql::ParseOptions;
use tokio::sync::Semaphore;

mod form;
pub(crate) mod json;
mod metadata;
pub(crate) mod own;
mod param;
mod query;
pub(crate) mod reply;
mod rule;
mod selector;
pub(crate) mod status;
mod target;
#[cfg(test)]
mod tests;

use self::form::Form;
use self::json::Json;
use self::reply::{Answer, Encoding, Failure, FailureKind, HEAD, Notes};
use crate::clock::Stopwatch;
use crate::lifecycle::Lifecycle;
use crate::meter::Meters;
use crate::origin::Origins;
use crate::place::Place;
use crate::view::{Explain, Parts};

/// The largest body of a request: what Go's servers accept for a form.
const MAX_BODY: usize = 10 << 20;

/// What the endpoints work on.
pub(crate) struct Api {
    /// Who answers expressions.
    pub(crate) engine: Arc<dyn QueryEngine>,
    /// Who tells how they are answered.
    pub(crate) explainer: Arc<dyn Explain>,
    /// Where series are looked up.
    pub(crate) source: Arc<dyn SeriesSource>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// How long a query may take at most, in milliseconds.
    pub(crate) query_timeout: i64,
    /// As many permits as queries may run at the same time.
    pub(crate) permits: Arc<Semaphore>,
    /// How many queries may run at the same time.
    pub(crate) max_queries: usize,
    /// Which web pages may read the answers.
    pub(crate) origins: Origins,
    /// Whether the server is starting, ready or stopping.
    pub(crate) lifecycle: Arc<Lifecycle>,
    /// What is counted.
    pub(crate) meters: Arc<Meters>,
    /// The running parts.
    pub(crate) parts: Arc<dyn Parts>,
    /// Where the server is reached.
    pub(crate) place: Place,
    /// The flags that it was started with.
    pub(crate) flags: BTreeMap<String, String>,
    /// How long samples are kept, in milliseconds.
    pub(crate) retention: i64,
    /// When the server started.
    pub(crate) started: Timestamp,
    /// Which parts of the language are enabled.
    pub(crate) language: ParseOptions,
}

/// A request, as endpoints see it.
pub(crate) struct Call {
    /// The parameters of the body and of the URL.
    pub(crate) form: Form,
    /// The parameters of the URL alone.
    pub(crate) url: Form,
    /// The variable part of the path, decoded.
    pub(crate) name: String,
    /// How many seconds it waited for its turn.
    pub(crate) waited: f64,
    /// Whether the client has gone.
    pub(crate) cancellation: Cancellation,
}

/// Cancels what a request has begun once nobody waits for it.
struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// An endpoint: reads parameters, writes its data, tells what else there is to say.
type Run = fn(&Api, &Call, &mut Json) -> Result<Notes, Failure>;

/// An entry of the table of endpoints.
struct Endpoint {
    path: &'static str,
    post: bool,
    /// Whether it evaluates, and so needs one of the permits.
    evaluates: bool,
    run: Run,
}

impl Endpoint {
    const fn get(path: &'static str, run: Run) -> Self {
        Self { path, post: false, evaluates: false, run }
    }

    const fn form(path: &'static str, run: Run) -> Self {
        Self { path, post: true, evaluates: false, run }
    }

    const fn query(path: &'static str, run: Run) -> Self {
        Self { path, post: true, evaluates: true, run }
    }
}

/// The endpoints, as Prometheus documents them; `/query_explain` is our own.
const ENDPOINTS: &[Endpoint] = &[
    Endpoint::query("/query", query::instant),
    Endpoint::query("/query_range", query::range),
    Endpoint::query("/query_explain", query::explain),
    Endpoint::form("/format_query", query::format),
    Endpoint::form("/parse_query", query::tree),
    Endpoint::form("/series", metadata::series),
    Endpoint::form("/labels", metadata::label_names),
    Endpoint::get("/label/{name}/values", metadata::label_values),
    Endpoint::get("/scrape_pools", target::pools),
    Endpoint::get("/targets", target::targets),
    Endpoint::get("/targets/metadata", target::target_metadata),
    Endpoint::get("/alertmanagers", target::alertmanagers),
    Endpoint::get("/metadata", target::metadata),
    Endpoint::get("/rules", rule::rules),
    Endpoint::get("/alerts", rule::alerts),
    Endpoint::get("/notifications", status::notifications),
    Endpoint::get("/status/buildinfo", status::build),
    Endpoint::get("/status/config", status::config),
    Endpoint::get("/status/flags", status::flags),
    Endpoint::get("/status/runtimeinfo", status::runtime),
    Endpoint::get("/status/tsdb", status::head),
    Endpoint::get("/status/walreplay", status::replay),
];

/// Endpoints of Prometheus that are not here; they say so.
const ABSENT: &[&str] = &[
    "/admin/tsdb/clean_tombstones",
    "/admin/tsdb/delete_series",
    "/admin/tsdb/snapshot",
    "/features",
    "/notifications/live",
    "/openapi.yaml",
    "/otlp/v1/metrics",
    "/query_exemplars",
    "/read",
    "/scrape_pools/config",
    "/search/label_names",
    "/search/label_values",
    "/search/metric_names",
    "/status/self_metrics",
    "/status/tsdb/blocks",
    "/targets/relabel_steps",
    "/write",
];

/// The routes below `/api/v1`.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        let run =
            move |State(api): State<Arc<Api>>, request: Request| serve(api, request, endpoint);
        let mut methods: MethodRouter<Arc<Api>> = get(run).options(preflight);
        if endpoint.post {
            methods = methods.post(run);
        }
        router = router.route(endpoint.path, methods);
    }
    for path in ABSENT {
        router = router.route(path, axum::routing::any(absent).options(preflight));
    }
    router.route("/{*path}", options(preflight).fallback(unknown)).fallback(unknown).with_state(api)
}

/// Runs an endpoint and turns what it says into a response.
async fn serve(api: Arc<Api>, request: Request, endpoint: &'static Endpoint) -> Response {
    if let Some(refusal) = api.lifecycle.refusal() {
        return refusal;
    }
    let (mut head, body) = request.into_parts();
    let encoding = Encoding::accepted(&head.headers);
    let answer = match read_call(&mut head, body).await {
        Ok(call) => answer(&api, call, endpoint, encoding).await,
        Err(failure) => failure.into_answer(),
    };
    api.origins.allow(&head.headers, answer.into_response())
}

async fn answer(
    api: &Arc<Api>,
    mut call: Call,
    endpoint: &'static Endpoint,
    encoding: Option<Encoding>,
) -> Answer {
    let watch = Stopwatch::start();
    let permit = if endpoint.evaluates {
        let patience = Duration::from_millis(api.query_timeout.unsigned_abs());
        match tokio::time::timeout(patience, Arc::clone(&api.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Some(permit),
            _ => {
                let message = "query timed out in query queue";
                return Failure::new(FailureKind::Timeout, message).into_answer();
            }
        }
    } else {
        None
    };
    call.waited = watch.seconds();
    // Dropped with this future: at the end, or when the client closes the connection.
    let _guard = CancelOnDrop(call.cancellation.clone());
    let api = Arc::clone(api);
    let work = tokio::task::spawn_blocking(move || {
        // Held until the work is done, even when the client has gone.
        let _permit = permit;
        let mut json = Json::new();
        json.raw(HEAD);
        match (endpoint.run)(&api, &call, &mut json) {
            Ok(notes) => Answer::success(json, &notes),
            Err(failure) => failure.into_answer(),
        }
        .compressed(encoding)
    });
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, path = endpoint.path, "a request failed inside");
        Failure::new(FailureKind::Internal, "unexpected error: the request failed inside")
            .into_answer()
    })
}

async fn read_call(head: &mut RequestHead, body: axum::body::Body) -> Result<Call, Failure> {
    let url = Form::from_query(head.uri.query().unwrap_or(""));
    let mut form = Form::default();
    if head.method == Method::POST {
        let content_type = head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        match content_type.unwrap_or_default() {
            t if t.starts_with(b"application/x-www-form-urlencoded") => {
                let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| {
                    Failure::bad_data(format!("error parsing form values: the body cannot be read or is larger than {MAX_BODY} bytes"))
                })?;
                form.extend(&String::from_utf8_lossy(&bytes));
            }
            t if t.starts_with(b"multipart/") => {
                return Err(Failure::bad_data(
                    "bodies of type multipart/form-data are not supported by this version of \
                     skopos; send application/x-www-form-urlencoded",
                ));
            }
            _ => {}
        }
    }
    form.append(&url);
    let name = match RawPathParams::from_request_parts(head, &()).await {
        Ok(params) => params.iter().next().map_or_else(String::new, |(_, value)| value.into()),
        Err(_) => return Err(Failure::bad_data("the path is not valid UTF-8")),
    };
    Ok(Call { form, url, name, waited: 0.0, cancellation: Cancellation::new() })
}

/// Answers a browser that asks what it may ask.
async fn preflight(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = api.lifecycle.refusal() {
        return refusal;
    }
    api.origins.allow(&headers, StatusCode::NO_CONTENT.into_response())
}

async fn absent(State(api): State<Arc<Api>>, headers: HeaderMap, uri: Uri) -> Response {
    let message = format!("{} is not supported by this version of skopos", uri.path());
    let answer = Failure::new(FailureKind::NotImplemented, message).into_answer();
    api.origins.allow(&headers, answer.into_response())
}

async fn unknown(State(api): State<Arc<Api>>, headers: HeaderMap, uri: Uri) -> Response {
    let message = format!("there is no endpoint {}", uri.path());
    let answer = Failure::new(FailureKind::NotFound, message).into_answer();
    api.origins.allow(&headers, answer.into_response())
}
