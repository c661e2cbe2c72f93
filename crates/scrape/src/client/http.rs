//! Pages over HTTP, by `reqwest` and `rustls`.
//!
//! TLS files are read when a client is made, secrets of requests at each of them. The process'
//! default crypto provider is used; if there is none, `ring` becomes it.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{
    Certificate, Client, ClientBuilder, Identity, NoProxy, Proxy, RequestBuilder, Response, Url,
    redirect,
};

use super::body::Receiver;
use super::{Answer, Connect, Fetch, FetchRequest, Fetching};
use crate::config::{Credentials, HttpConfig, SecretSource, TlsConfig};
use crate::cycle::lock;
use crate::error::{Error, ErrorKind};

/// How often a redirect is followed.
const MAX_REDIRECTS: usize = 10;
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// Makes HTTP clients.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct HttpConnector;

impl Connect for HttpConnector {
    fn connect(&self, config: &HttpConfig) -> Result<Arc<dyn Fetch>, Error> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Somebody else may have been faster, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = build(builder(config)?)?;
        Ok(Arc::new(HttpClient { config: config.clone(), client, special: Mutex::default() }))
    }
}

/// A job's client.
struct HttpClient {
    config: HttpConfig,
    client: Client,
    /// Clients for targets that cannot share the one: by socket or by host.
    special: Mutex<HashMap<String, Client>>,
}

impl Fetch for HttpClient {
    fn fetch<'a>(&'a self, request: &'a FetchRequest) -> Fetching<'a> {
        Box::pin(async move {
            match tokio::time::timeout(request.timeout, self.fetch_untimed(request)).await {
                Ok(result) => result,
                Err(_) => Err(fetch_error(&request.url, "context deadline exceeded")),
            }
        })
    }
}

impl HttpClient {
    async fn fetch_untimed(&self, request: &FetchRequest) -> Result<Answer, Error> {
        let mut response = self.send(request).await?;
        let status = response.status();
        if status.as_u16() != 200 {
            let reason = status.canonical_reason().unwrap_or_default();
            let message = format!("server returned HTTP status {} {reason}", status.as_u16());
            return Err(Error::new(ErrorKind::Fetch, message.trim_end()));
        }
        let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
        let is_gzip = header(CONTENT_ENCODING) == Some("gzip");
        let content_type = header(CONTENT_TYPE).unwrap_or_default().to_owned();
        let mut receiver = Receiver::new(is_gzip, request.body_size_limit);
        while let Some(piece) = next_piece(&mut response, &request.url).await? {
            receiver.push(&piece)?;
        }
        Ok(Answer { body: receiver.finish()?, content_type })
    }

    async fn send(&self, request: &FetchRequest) -> Result<Response, Error> {
        let wrong = |e: &dyn std::fmt::Display| fetch_error(&request.url, &e.to_string());
        let mut url = Url::parse(&request.url).map_err(|e| wrong(&e))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            headers.insert(*name, HeaderValue::from_str(value).map_err(|e| wrong(&e))?);
        }
        self.add_headers(&mut headers).await?;
        let client = match (&request.unix_socket, &self.config.tls.server_name) {
            (Some(path), _) => self.socket_client(path)?,
            (None, Some(name)) if url.scheme() == "https" => {
                // TLS takes the name from the URL; the connection still goes to the address.
                let authority = url.authority().to_owned();
                let host = url.host_str().unwrap_or_default().to_owned();
                headers.insert(HOST, HeaderValue::from_str(&authority).map_err(|e| wrong(&e))?);
                url.set_host(Some(name)).map_err(|e| wrong(&e))?;
                let fixed = FixedHost { host: host.trim_matches(['[', ']']).into() };
                self.special(&host, |b| b.dns_resolver(Arc::new(fixed)))?
            }
            _ => self.client.clone(),
        };
        let built = self.authorize(client.get(url).headers(headers)).await?;
        let sent = built.send().await;
        sent.map_err(|e| fetch_error(&request.url, &describe(&e, &request.url)))
    }

    #[cfg(unix)]
    fn socket_client(&self, path: &str) -> Result<Client, Error> {
        self.special(path, |builder| builder.unix_socket(path))
    }

    #[cfg(not(unix))]
    fn socket_client(&self, path: &str) -> Result<Client, Error> {
        let message = format!("unix sockets are not supported on this system: {path}");
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// The client for one socket or host, made when it is first asked for.
    fn special(
        &self,
        key: &str,
        adapt: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, Error> {
        if let Some(client) = lock(&self.special).get(key) {
            return Ok(client.clone());
        }
        let client = build(adapt(builder(&self.config)?))?;
        lock(&self.special).insert(key.into(), client.clone());
        Ok(client)
    }

    async fn add_headers(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        for (name, sources) in &self.config.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|e| Error::config(format!("http_headers: {e}")))?;
            for source in sources {
                headers.append(name.clone(), sensitive(&read(source).await?)?);
            }
        }
        Ok(())
    }

    /// The request with who asks.
    async fn authorize(&self, request: RequestBuilder) -> Result<RequestBuilder, Error> {
        Ok(match &self.config.credentials {
            Some(Credentials::Authorization { scheme, token: Some(token) }) => {
                let value = sensitive(&format!("{scheme} {}", read(token).await?))?;
                request.header(AUTHORIZATION, value)
            }
            Some(Credentials::Basic { username, password }) => {
                let username = read_optional(username.as_ref()).await?;
                let password = read_optional(password.as_ref()).await?;
                request.basic_auth(username, Some(password))
            }
            _ => request,
        })
    }
}

async fn next_piece(
    response: &mut Response,
    url: &str,
) -> Result<Option<impl std::ops::Deref<Target = [u8]> + use<>>, Error> {
    response.chunk().await.map_err(|e| fetch_error(url, &causes(&e)))
}

async fn read_optional(source: Option<&SecretSource>) -> Result<String, Error> {
    match source {
        Some(source) => read(source).await,
        None => Ok(String::new()),
    }
}

async fn read(source: &SecretSource) -> Result<String, Error> {
    match source {
        SecretSource::Inline(secret) => Ok(secret.expose().into()),
        SecretSource::File(path) => {
            let text = tokio::fs::read_to_string(path).await.map_err(|e| file_error(path, e))?;
            Ok(text.trim().into())
        }
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::config("a header's value has characters that no header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The addresses of one host, whatever host is asked for.
struct FixedHost {
    host: String,
}

impl Resolve for FixedHost {
    fn resolve(&self, _name: Name) -> Resolving {
        let host = self.host.clone();
        Box::pin(async move {
            // The URL's port replaces this one.
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn builder(config: &HttpConfig) -> Result<ClientBuilder, Error> {
    let redirects = if config.follow_redirects {
        redirect::Policy::limited(MAX_REDIRECTS)
    } else {
        redirect::Policy::none()
    };
    // Bodies are uncompressed here, under the limit; proxies are what the configuration says.
    let mut builder = Client::builder()
        .no_gzip()
        .no_proxy()
        .redirect(redirects)
        .pool_idle_timeout(IDLE)
        .tls_backend_rustls();
    if !config.enable_http2 {
        builder = builder.http1_only();
    }
    if let Some(url) = &config.proxy_url {
        let no_proxy = config.no_proxy.as_deref().and_then(NoProxy::from_string);
        let proxy = Proxy::all(url).map_err(client_error)?;
        builder = builder.proxy(proxy.no_proxy(no_proxy));
    }
    with_tls(builder, &config.tls)
}

fn with_tls(mut builder: ClientBuilder, tls: &TlsConfig) -> Result<ClientBuilder, Error> {
    if let Some(ca) = &tls.ca {
        let certificates = Certificate::from_pem_bundle(&read_now(ca)?).map_err(client_error)?;
        if certificates.is_empty() {
            return Err(Error::config("unable to use specified CA cert"));
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        let mut pem = read_now(cert)?;
        pem.push(b'\n');
        pem.extend(read_now(key)?);
        builder = builder.identity(Identity::from_pem(&pem).map_err(client_error)?);
    }
    Ok(builder.tls_danger_accept_invalid_certs(tls.insecure_skip_verify))
}

fn read_now(source: &SecretSource) -> Result<Vec<u8>, Error> {
    match source {
        SecretSource::Inline(secret) => Ok(secret.expose().into()),
        SecretSource::File(path) => std::fs::read(path).map_err(|e| file_error(path, e)),
    }
}

fn build(builder: ClientBuilder) -> Result<Client, Error> {
    builder.build().map_err(client_error)
}

fn client_error(error: reqwest::Error) -> Error {
    let message = format!("error creating HTTP client: {}", causes(&error));
    Error::caused(ErrorKind::Config, message, error)
}

fn file_error(path: &std::path::Path, error: std::io::Error) -> Error {
    let message = format!("unable to read {}: {error}", path.display());
    Error::caused(ErrorKind::Config, message, error)
}

/// As Go's client says it.
fn fetch_error(url: &str, what: &str) -> Error {
    let url = skopos_core::text::Quoted(url);
    Error::new(ErrorKind::Fetch, format!("Get {url}: {what}"))
}

/// What went wrong with sending, in Go's words where the system says what.
fn describe(error: &reqwest::Error, url: &str) -> String {
    let causes = causes(error);
    let url = Url::parse(url).ok();
    let url = url.as_ref();
    let host = url.and_then(Url::host_str).unwrap_or_default();
    if causes.contains("dns error") {
        return format!("dial tcp: lookup {host}: no such host");
    }
    match system_error(error) {
        Some(what) if error.is_connect() => {
            let port = url.and_then(Url::port_or_known_default).unwrap_or_default();
            format!("dial tcp {host}:{port}: connect: {what}")
        }
        _ => causes,
    }
}

/// The system's own words for the innermost cause, if it is the system's: `connection refused`.
fn system_error(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
        {
            let text = io.to_string();
            let words = text.split(" (os error").next().unwrap_or_default();
            return Some(words.to_lowercase());
        }
        cause = inner.source();
    }
    None
}

/// The causes of an error, without the outermost, which only repeats the URL.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        // Writing into a `String` cannot fail.
        let _ = write!(text, "{inner}");
        cause = inner.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}
