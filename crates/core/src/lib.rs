//! The vocabulary of the Prometheus world and the trait interfaces that its parts meet at.
//!
//! A query engine, a store, a rule evaluator and a scraper need not know each other: what crosses
//! between them is a value or a trait of this crate.
//!
//! ```
//! use skopos_core::{Labels, LabelSet};
//!
//! let labels = Labels::from_pairs([("job", "api"), ("__name__", "up")]);
//! assert_eq!(labels.value("job"), Some("api"));
//! assert_eq!(labels.to_string(), r#"{__name__="up", job="api"}"#);
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if you write something that one of the other crates reads or drives: a store that PromQL
//! shall query ([`SeriesSource`]), a sink that a scraper shall write to ([`Ingest`]), an engine that
//! rules shall ask ([`QueryEngine`]). If you only use a ready-made part, its crate re-exports
//! nothing of this one: name both.
//!
//! # Concepts
//!
//! * **Values**: [`Labels`] (and the view [`LabelSet`]), [`Matcher`], [`Timestamp`], [`Sample`],
//!   [`Histogram`] and [`FloatHistogram`], [`Exemplar`], [`Metadata`].
//! * **Reading**: a [`SeriesSource`] answers a [`Selection`] with a [`SeriesSet`]; each [`Series`]
//!   decodes through a [`SampleCursor`] into reusable [`Columns`], one virtual call a chunk.
//! * **Writing**: an [`Ingest`] hands out an [`Appender`], whose commit is atomic to readers.
//! * **Asking**: [`QueryEngine`] answers queries, [`Expander`] expands templates, [`Clock`] tells
//!   the time, [`Cancellation`] stops work, [`Postings`] walks sorted series ids.
//!
//! Every trait states its *laws*; the workspace's test kit has a conformance function for each.
//!
//! # Limits
//!
//! Label names and values are UTF-8. Timestamps are milliseconds in an `i64`. There is no I/O, no
//! regular-expression engine and no runtime here, and there is no required dependency.
//!
//! # Crate features
//!
//! * `std` (default): nothing but the guarantee that the standard library is there. Without it the
//!   crate is `no_std` and needs `alloc` and atomic pointers.
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod cancel;
pub mod clock;
pub mod duration;
pub mod error;
pub mod histogram;
pub mod ingest;
pub mod labels;
pub mod matcher;
pub mod metadata;
pub mod postings;
pub mod query;
pub mod sample;
pub mod series;
pub mod template;
pub mod text;

pub use crate::cancel::Cancellation;
pub use crate::clock::{Clock, ManualClock};
pub use crate::error::{Error, ErrorKind};
pub use crate::histogram::{Bucket, FloatHistogram, Histogram, ResetHint, Span};
pub use crate::ingest::{Appender, HistogramSample, Ingest, SeriesRef};
pub use crate::labels::{LabelSet, Labels, LabelsBuilder};
pub use crate::matcher::{MatchOp, Matcher};
pub use crate::metadata::{Exemplar, Metadata, MetricType};
pub use crate::postings::{Postings, SeriesId};
pub use crate::query::{
    PreparedQuery, QueryEngine, QueryOutput, QueryRequest, QueryStatistics, QueryValue,
    RangeSeries, SampleValue, VectorSample,
};
pub use crate::sample::{STALE_NAN_BITS, Sample, Timestamp, is_stale_nan, stale_nan};
pub use crate::series::{
    Columns, SampleCursor, SelectHints, Selection, Series, SeriesSet, SeriesSource, TimeRange,
};
pub use crate::template::{Expander, Expansion};

/// The example in the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
