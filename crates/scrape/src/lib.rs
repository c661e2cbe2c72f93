//! Scraping as Prometheus does it: from targets in a configuration to samples in a sink.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use skopos_core::{Labels, Timestamp};
//! use skopos_scrape::{Discovered, Page, ScrapeConfig, ScrapeCycle, ScrapeDefaults, ScrapeTime, Target};
//! use skopos_testkit::MemoryStore;
//!
//! let config: ScrapeConfig = serde_saphyr::from_str("job_name: api\nscrape_interval: 15s")?;
//! let job = config.resolve(&ScrapeDefaults::default(), "/etc/prometheus".as_ref())?;
//! let found = Labels::from_pairs([("__address__", "localhost:8080")]);
//! let Discovered::Active(target) = Target::discover(&job, &found, &Labels::empty()) else {
//!     unreachable!("there are no rules to drop it")
//! };
//! assert_eq!(target.url(), "http://localhost:8080/metrics");
//!
//! let store = MemoryStore::new();
//! let mut cycle = ScrapeCycle::new(Arc::new(job), target.labels().clone());
//! let at = Timestamp::from_millis(15_000);
//! let time = ScrapeTime { at, now: at, elapsed: &|| Duration::from_millis(3) };
//! cycle.scrape(&store, time, Ok(Page { body: b"hits 1\n", content_type: "text/plain" }));
//! assert_eq!(store.series()[0].to_string(), r#"{__name__="hits", instance="localhost:8080", job="api"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if your program shall collect metrics of others as Prometheus would: bring a sink
//! ([`Ingest`](skopos_core::Ingest)), a clock and a tokio runtime, and give a [`Manager`] the jobs. If
//! pages come to you by other ways, take a [`ScrapeCycle`], which needs no runtime. To read pages
//! alone, take `skopos-exposition`.
//!
//! # Concepts
//!
//! * A [`ScrapeConfig`] is one of `scrape_configs` as it is written; with [`ScrapeDefaults`] it
//!   becomes a [`Job`], checked and complete.
//! * [`Target::discover`] makes targets of discovered labels: a pure function.
//! * A [`ScrapeCycle`] does what a scrape does to the sink: samples, staleness markers, `up` and the
//!   other report series, limits, metadata. It remembers series by their bytes, and the last page's layout.
//! * A [`Manager`] runs the loops, fetches pages ([`client::Fetch`], over HTTP unless you bring your
//!   own [`client::Connect`]), looks at discovery files, reloads, and shows the state of targets.
//!
//! # Limits
//!
//! * Refused by name: all service discoveries but `static_configs` and `file_sd_configs`;
//!   native histograms (of a protobuf page the classic ones are scraped) and the conversion of classic
//!   ones; `oauth2`, secrets by
//!   reference, TLS version limits, `proxy_from_environment` and `proxy_connect_header`;
//!   `scrape_failure_log_file`. Start timestamps (`_created` lines) are ordinary series.
//! * Discovery files are read again and again instead of watched, every
//!   [`ManagerOptions::discovery_interval`]. TLS files are read when a job is applied.
//! * A page is held in memory, and is shorter than 1 GiB whatever the job's limit.
//! * A sample of a known series costs a comparison of bytes and an append; memory is linear in the
//!   series of the last page.
//!
//! # Crate features
//!
//! None.
#![forbid(unsafe_code)]

pub mod client;
pub mod config;
pub mod cycle;
pub mod discovery;
pub mod error;
pub mod manager;
pub mod quantity;
pub mod target;

pub use crate::config::{
    Job, ScrapeConfig, ScrapeDefaults, check_unique_names, parse_protocols, parse_validation,
};
pub use crate::cycle::{FamilyMetadata, Outcome, Page, ScrapeCycle, ScrapeTime};
pub use crate::discovery::{Discovery, FileDiscovery, TargetGroup};
pub use crate::error::{Error, ErrorKind};
pub use crate::manager::{
    DroppedTarget, Health, Manager, ManagerOptions, PoolStatus, TargetMetadata, TargetStatus,
};
pub use crate::quantity::{ByteSize, PromDuration};
pub use crate::target::{Discovered, Target, offset_seed};

/// The example in the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
