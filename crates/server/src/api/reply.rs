//! What endpoints answer with, and how it becomes an HTTP response.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use skopos_core::text::Quoted;
use skopos_core::{Error, ErrorKind};

use super::json::Json;

/// Responses below this size gain nothing from compression.
const COMPRESS_FROM: usize = 1024;
/// How many warnings, and how many infos, are written before the rest is only counted.
const MAX_NOTES: usize = 10;

/// What an endpoint has to say beside its data.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// What is probably wrong with the request or the data.
    pub(crate) warnings: Vec<String>,
    /// What may be worth knowing.
    pub(crate) infos: Vec<String>,
}

impl Notes {
    /// Nothing to say.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Adds what clients are told when a limit cut their results.
    pub(crate) fn truncated(&mut self) {
        self.warnings.push("results truncated due to limit".into());
    }
}

/// The classes of failures that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// A parameter or an expression is wrong.
    BadData,
    /// The client went away.
    Canceled,
    /// The expression could not be evaluated.
    Execution,
    /// A fault of ours or of the storage.
    Internal,
    /// There is no such endpoint here.
    NotFound,
    /// Prometheus has the endpoint, this program does not.
    NotImplemented,
    /// The query took too long, or waited too long for its turn.
    Timeout,
}

impl FailureKind {
    fn name(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Canceled => "canceled",
            Self::Execution => "execution",
            Self::Internal => "internal",
            Self::NotFound => "not_found",
            Self::NotImplemented => "unavailable",
            Self::Timeout => "timeout",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            // Not in the standard: the client closed the connection.
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Why an endpoint has no answer.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(super) kind: FailureKind,
    pub(super) message: String,
}

impl Failure {
    /// A failure of the given kind.
    #[cold]
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A fault of the client.
    #[cold]
    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(FailureKind::BadData, message)
    }

    /// A failure while looking into the storage or evaluating.
    #[cold]
    pub(crate) fn from_error(error: &Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Canceled => FailureKind::Canceled,
            ErrorKind::Timeout => FailureKind::Timeout,
            ErrorKind::Corrupt | ErrorKind::Internal => FailureKind::Internal,
            _ => FailureKind::Execution,
        };
        Self::new(kind, error.to_string())
    }

    /// The same, as a fault in the parameter `name`.
    #[must_use]
    #[cold]
    pub(crate) fn of_parameter(self, name: &str) -> Self {
        let message = format!("invalid parameter {}: {}", Quoted(name), self.message);
        Self { kind: FailureKind::BadData, message }
    }

    /// The same with `context` and a colon before its sentence.
    #[must_use]
    #[cold]
    pub(crate) fn context(self, context: impl fmt::Display) -> Self {
        Self { message: format!("{context}: {}", self.message), ..self }
    }

    /// The sentence.
    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The answer that tells it.
    pub(crate) fn into_answer(self) -> Answer {
        let mut json = Json::new();
        json.raw("{\"status\":\"error\",\"errorType\":").string(self.kind.name());
        json.raw(",\"error\":").string(&self.message).raw("}");
        Answer::new(self.kind.status(), JSON, json.into_bytes())
    }
}

/// The beginning of every successful answer; the data follows.
pub(crate) const HEAD: &str = "{\"status\":\"success\",\"data\":";
/// The type of every body of the API.
const JSON: &str = "application/json";

/// A finished answer, on its way to the socket.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    content_type: Cow<'static, str>,
    encoding: Option<&'static str>,
    body: Vec<u8>,
}

impl Answer {
    /// An answer with a body.
    pub(crate) fn new(
        status: StatusCode,
        content_type: impl Into<Cow<'static, str>>,
        body: Vec<u8>,
    ) -> Self {
        Self { status, content_type: content_type.into(), encoding: None, body }
    }

    /// A plain text.
    pub(crate) fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.into().into_bytes())
    }

    /// The successful answer whose head and data are in `json`.
    pub(crate) fn success(mut json: Json, notes: &Notes) -> Self {
        write_notes(&mut json, "warnings", "warning", &notes.warnings);
        write_notes(&mut json, "infos", "info", &notes.infos);
        json.raw("}");
        Self::new(StatusCode::OK, JSON, json.into_bytes())
    }

    /// The same with its body in the encoding that the client accepts, where it is worth it.
    #[must_use]
    pub(crate) fn compressed(self, encoding: Option<Encoding>) -> Self {
        let worthwhile = encoding.filter(|_| COMPRESS_FROM <= self.body.len());
        match worthwhile.map(|encoding| (encoding.name(), encoding.encode(&self.body))) {
            Some((name, Ok(body))) => Self { encoding: Some(name), body, ..self },
            _ => self,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_str(&self.content_type);
        if let Some(content_type) = content_type.ok().filter(|text| !text.is_empty()) {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if let Some(encoding) = self.encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }
}

fn write_notes(json: &mut Json, key: &str, what: &str, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    let shown = notes.iter().take(MAX_NOTES).cloned();
    let more = notes.len().saturating_sub(MAX_NOTES);
    let omitted = (0 < more).then(|| format!("{more} more {what} annotations omitted"));
    json.raw(",\"").raw(key).raw("\":").strings(shown.chain(omitted));
}

/// The encodings of bodies that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// zlib, as HTTP means it.
    Deflate,
    /// gzip.
    Gzip,
}

impl Encoding {
    /// The first encoding in `Accept-Encoding` that is spoken here; quality values are ignored, as
    /// Prometheus does.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
        accepted.split(',').find_map(|encoding| match encoding.trim() {
            "gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Deflate => "deflate",
            Self::Gzip => "gzip",
        }
    }

    fn encode(self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let room = Vec::with_capacity(body.len() / 8);
        match self {
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(room, Compression::fast());
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(room, Compression::fast());
                encoder.write_all(body)?;
                encoder.finish()
            }
        }
    }
}
