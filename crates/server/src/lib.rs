//! The monitoring server: configuration, HTTP API and wiring.
//!
//! ```
//! use skopos_server::{Options, start};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let mut options = Options::default();
//! options.listen_addresses = vec!["127.0.0.1:0".into()];
//! let server = start(options).await?;
//! assert_ne!(server.addresses()[0].port(), 0);
//! server.stop().await;
//! server.wait().await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if your program shall be, or contain, a server with Prometheus' HTTP API: one that scrapes,
//! stores, evaluates rules and answers queries. If you need one of these alone, take its crate; this
//! one has what is left when they are taken away. The program `skopos` is a command line around it.
//!
//! # Concepts
//!
//! * [`Options`] are Prometheus' flags. [`start`] gives a [`Handle`] once everything runs, or an
//!   [`Error`] with all that is wrong; [`run`] is what a program's `main` calls.
//! * A [`Config`] is `prometheus.yml`, checked whole: unknown keys, repeated keys and sections that
//!   are not served are errors with file, line and column. Without a file the server watches itself.
//! * A reload (SIGHUP, `POST /-/reload`, [`Handle::reload`]) reads everything before it changes
//!   anything: what is in force stays so where a file is broken.
//! * [`SystemClock`] is the only reader of the wall clock; all parts are given the time.
//!
//! # The HTTP API
//!
//! Under `/api/v1`, in the shapes, texts and statuses of Prometheus 3.5 ([`COMPATIBLE_VERSION`]):
//! `query`, `query_range`, `format_query`, `parse_query`, `series`, `labels`, `label/NAME/values`,
//! `metadata`, `targets`, `targets/metadata`, `scrape_pools`, `alertmanagers`, `rules`, `alerts`,
//! `notifications`, `status/buildinfo`, `status/config`, `status/flags`, `status/runtimeinfo`,
//! `status/tsdb`, `status/walreplay`. Beside it `/metrics`, `/version`, `/-/healthy`, `/-/ready`,
//! `/-/reload`, `/-/quit`.
//!
//! Endpoints of Prometheus that are not here answer 501 and name themselves: the admin API, remote
//! write, remote read and OTLP, `query_exemplars`, `features`, `notifications/live`, the search API,
//! `scrape_pools/config`, `targets/relabel_steps`, `status/tsdb/blocks`, federation. There is no
//! graphical interface; its paths lead to a page that says where to go.
//!
//! `query_explain` is our own: it takes the parameters of `query`, or of `query_range` where a `step` is
//! given, and `analyze=true` to run the query too. Its `data` has a `text` for people and an `explanation`:
//! the tree of operators with what each computes (`name`, `text`, `span`, `marks`, `steps`) and, if it ran,
//! gave (`series`, `samples`, `bytes`) and took (`seconds`); the `selections` that the store is asked for;
//! `statistics` of the whole.
//!
//! Differences that clients may see: `stats=all` of a query has the samples of each step without a flag,
//! and `peakSamples` is what this engine held, which is mostly less; the token of
//! the next page of rules has another form (clients only give it back); `group_limit` and the other
//! limits are the same. Multipart forms are refused.
//!
//! # Limits
//!
//! * Samples live in memory for [`Options::retention`], two hours by default, and are gone at the end.
//!   The `for` state of alerts is therefore not restored after a restart.
//! * Refused by name in a configuration: `remote_write`, `remote_read`, `storage`, `tracing`, `otlp`,
//!   `global.query_log_file`, `global.scrape_failure_log_file`, native histograms, every service
//!   discovery but `static_configs` and `file_sd_configs`, and for Alertmanagers `sigv4`, `oauth2`,
//!   TLS certificates and server names, `http_headers` and `no_proxy`. `runtime` has no effect.
//! * Relabeling of Alertmanagers sees the path of their API as `__metrics_path__`.
//! * There is neither TLS nor authentication for clients: put a proxy before it.
//! * A request's body has at most 10 MiB, a connection may be silent for [`Options::read_timeout`],
//!   and there are at most [`Options::max_connections`] of them and
//!   [`Options::query_max_concurrency`] queries at a time; others wait.
//! * A query whose client closes the connection stops, and its place is free.
//!
//! # Crate features
//!
//! None.
#![forbid(unsafe_code)]

mod api;
mod clock;
mod config;
mod error;
mod groups;
mod lifecycle;
mod listener;
mod meter;
mod notify;
mod options;
mod origin;
mod page;
mod place;
mod process;
mod server;
mod view;
mod web;
mod wiring;

pub use crate::clock::SystemClock;
pub use crate::config::Config;
pub use crate::error::{Error, ErrorKind};
pub use crate::options::Options;
pub use crate::server::{Handle, run, start};

/// The version of Prometheus whose API this is.
pub const COMPATIBLE_VERSION: &str = "3.5.3";

/// The example in the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
