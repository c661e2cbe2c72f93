//! Fetching pages: a small trait, and its implementation over HTTP.
//!
//! The manager knows the trait only, so that pages may come from elsewhere: another client, a test,
//! a simulation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::HttpConfig;
use crate::error::Error;

mod body;
mod http;

pub use self::http::HttpConnector;

/// A page is asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchRequest {
    /// Where it is.
    pub url: String,
    /// The Unix socket to ask, in place of the URL's host.
    pub unix_socket: Option<String>,
    /// The headers to send, beside the client's own.
    pub headers: Vec<(&'static str, String)>,
    /// How long it may take, from the connection to the last byte.
    pub timeout: Duration,
    /// The page must be smaller than so many bytes; 0 for no limit of the job's.
    pub body_size_limit: u64,
}

/// A page came.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "embedders make answers of their own")]
pub struct Answer {
    /// The uncompressed body.
    pub body: Vec<u8>,
    /// The header `Content-Type`; empty if there is none.
    pub content_type: String,
}

/// What [`Fetch::fetch`] returns.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send + 'a>>;

/// Fetches pages.
///
/// # Laws
///
/// A fetch ends within the request's timeout, or soon after, and gives no body as long as the limit.
pub trait Fetch: Send + Sync {
    /// Fetches a page.
    fn fetch<'a>(&'a self, request: &'a FetchRequest) -> Fetching<'a>;
}

/// Makes clients for jobs.
pub trait Connect: Send + Sync + fmt::Debug {
    /// A client that reaches targets as `config` says.
    ///
    /// # Errors
    ///
    /// `Config` where files cannot be read or hold nothing of use.
    fn connect(&self, config: &HttpConfig) -> Result<Arc<dyn Fetch>, Error>;
}
