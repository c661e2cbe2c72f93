//! The routes beside the API: health, reload, the program's own metrics, and where people land.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use tokio::sync::{mpsc, oneshot};

use crate::api::json::Json;
use crate::api::reply::{Answer, Encoding};
use crate::api::{self, Api};
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::page;

/// What people's requests ask the server itself to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// End.
    Quit,
    /// Read the configuration again and answer how it went.
    Reload(oneshot::Sender<Result<(), Error>>),
}

/// What the routes work on.
pub(crate) struct Web {
    /// The API's state, which has all the parts.
    pub(crate) api: Arc<Api>,
    /// Where commands go.
    pub(crate) commands: mpsc::Sender<Command>,
    /// Whether commands are taken.
    pub(crate) lifecycle_enabled: bool,
    /// What all paths begin with: empty, or a slash and more.
    pub(crate) prefix: String,
    /// Whether somebody asked for the end already.
    pub(crate) quitting: AtomicBool,
}

impl Web {
    /// Where people land.
    fn home(&self) -> &str {
        if self.prefix.is_empty() { "/" } else { &self.prefix }
    }
}

/// Paths of Prometheus' own pages; whoever follows a link to one lands on something useful.
const PAGES: &[&str] = &[
    "/agent",
    "/alertmanager-discovery",
    "/alerts",
    "/config",
    "/flags",
    "/rules",
    "/service-discovery",
    "/status",
    "/targets",
    "/tsdb-status",
];

/// All routes.
pub(crate) fn router(web: Arc<Web>) -> Router {
    let api = Arc::clone(&web.api);
    let mut router: Router<Arc<Web>> = Router::new()
        .route("/", get(landing))
        .route("/graph", get(graph))
        .route("/query", get(graph))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/reload", lifecycle(post(reload).put(reload)))
        .route("/-/quit", lifecycle(post(quit).put(quit)))
        .route("/metrics", get(metrics))
        .route("/version", get(version))
        .route("/federate", get(federate));
    for path in PAGES {
        router = router.route(path, get(home));
    }
    let router = router.with_state(Arc::clone(&web)).nest("/api/v1", api::router(api));
    let router = if web.prefix.is_empty() {
        router
    } else {
        let home = web.prefix.clone();
        let toward = move || async move { found(&home) };
        let with_slash = format!("{}/", web.prefix);
        Router::new()
            .route("/", get(toward.clone()))
            .route(&with_slash, get(toward))
            .nest(&web.prefix, router)
    };
    router.layer(middleware::from_fn_with_state(web, count))
}

/// Counts each request that found its route.
async fn count(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| handler_name(path.as_str()));
    let watch = Stopwatch::start();
    let response = next.run(request).await;
    if let Some(path) = path {
        let path = path.strip_prefix(web.prefix.as_str()).unwrap_or(&path);
        let bytes = response.body().size_hint().lower() as f64;
        web.api.meters.request(path, response.status().as_u16(), watch.seconds(), bytes);
    }
    response
}

/// A route's path as Prometheus names handlers: `/label/:name/values`, `/*path`.
fn handler_name(path: &str) -> String {
    path.replace("{*", "*").replace('{', ":").replace('}', "")
}

/// A route that only commands take.
fn lifecycle(methods: MethodRouter<Arc<Web>>) -> MethodRouter<Arc<Web>> {
    let refuse = || async {
        Answer::text(StatusCode::METHOD_NOT_ALLOWED, "Only POST or PUT requests allowed")
    };
    methods.get(refuse)
}

async fn healthy() -> Answer {
    Answer::text(StatusCode::OK, "Prometheus Server is Healthy.\n")
}

async fn ready(State(web): State<Arc<Web>>) -> Response {
    let answer = || Answer::text(StatusCode::OK, "Prometheus Server is Ready.\n").into_response();
    web.api.lifecycle.refusal().unwrap_or_else(answer)
}

fn forbidden() -> Answer {
    Answer::text(StatusCode::FORBIDDEN, "Lifecycle API is not enabled.")
}

async fn reload(State(web): State<Arc<Web>>) -> Answer {
    if !web.lifecycle_enabled {
        return forbidden();
    }
    let (answer, result) = oneshot::channel();
    let sent = web.commands.send(Command::Reload(answer)).await.is_ok();
    match result.await {
        Ok(Ok(())) if sent => Answer::text(StatusCode::OK, ""),
        Ok(Err(error)) => {
            let message = format!("failed to reload config: {error}\n");
            Answer::text(StatusCode::INTERNAL_SERVER_ERROR, message)
        }
        _ => Answer::text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}

async fn quit(State(web): State<Arc<Web>>) -> Answer {
    if !web.lifecycle_enabled {
        return forbidden();
    }
    if web.quitting.swap(true, Ordering::SeqCst) {
        return Answer::text(StatusCode::OK, "Termination already in progress.");
    }
    // Nobody is left to ask only where the end has begun.
    let _ = web.commands.send(Command::Quit).await;
    Answer::text(StatusCode::OK, "Requesting termination... Goodbye!")
}

async fn metrics(State(web): State<Arc<Web>>, headers: HeaderMap) -> Answer {
    let encoding = Encoding::accepted(&headers);
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = skopos_exposition::choose_output(accept.unwrap_or_default());
    let page = api::own::page(&web.api, format);
    Answer::new(StatusCode::OK, format.content_type(), page).compressed(encoding)
}

async fn version(State(web): State<Arc<Web>>) -> Answer {
    let mut json = Json::new();
    api::status::write_build(&web.api, &mut json);
    Answer::new(StatusCode::OK, "application/json", json.into_bytes())
}

async fn federate() -> Answer {
    let message = "federation is not supported by this version of skopos\n";
    Answer::text(StatusCode::NOT_IMPLEMENTED, message)
}

/// Links in alerts lead to a graph of an expression; here they lead to its values.
async fn graph(State(web): State<Arc<Web>>, uri: Uri) -> Response {
    let expression = uri.query().and_then(|query| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("g0.expr=").or(pair.strip_prefix("expr=")))
    });
    let prefix = &web.prefix;
    match expression {
        Some(text) => found(&format!("{prefix}/api/v1/query?query={text}")),
        None => found(web.home()),
    }
}

/// Sends the client to another path.
fn found(path: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

async fn home(State(web): State<Arc<Web>>) -> Response {
    found(web.home())
}

async fn landing(State(web): State<Arc<Web>>) -> Response {
    let mut response = Html(page::landing(&web.prefix)).into_response();
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

#[cfg(test)]
mod tests {
    use super::handler_name;

    #[test]
    fn handlers_are_named_as_prometheus_names_them() {
        assert_eq!(handler_name("/api/v1/label/{name}/values"), "/api/v1/label/:name/values");
        assert_eq!(handler_name("/api/v1/{*path}"), "/api/v1/*path");
        assert_eq!(handler_name("/-/ready"), "/-/ready");
    }
}
