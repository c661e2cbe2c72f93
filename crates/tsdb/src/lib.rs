//! A time series store: head, chunks and index behind the reading and writing interfaces.
//!
//! ```
//! use skopos_core::{Columns, Ingest, Labels, Matcher, Sample, Selection, SeriesSource, TimeRange};
//! use skopos_tsdb::{Head, HeadOptions};
//!
//! let head = Head::new(HeadOptions::new());
//! let mut batch = head.appender();
//! batch.append(None, &Labels::from_pairs([("__name__", "up"), ("job", "api")]), Sample::new(0, 1.0))?;
//! batch.commit()?;
//!
//! let mut set = head.select(&Selection::new([Matcher::equal("job", "api")], TimeRange::ALL))?;
//! let series = set.advance()?.expect("a series");
//! let mut columns = Columns::new();
//! series.read_all(&mut columns)?;
//! assert_eq!(columns.values, [1.0]);
//! # Ok::<(), skopos_core::Error>(())
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if you want a store that speaks [`Ingest`](skopos_core::Ingest) and
//! [`SeriesSource`](skopos_core::SeriesSource), so that a scraper can fill it and a query engine can
//! ask it. **This version keeps everything in memory**: when the process ends, the samples are gone.
//! The durable store, with Prometheus' files, follows behind the same two interfaces.
//!
//! # Concepts
//!
//! * A [`Head`] holds the newest samples of each series in compressed chunks, cut where Prometheus
//!   cuts them and of the same bytes, and finds series through a `skopos-index`.
//! * Its window is bounded: [`HeadOptions`] say for how long and for how many series, and
//!   [`Head::maintain`], which the owner calls every minute or so, lets go of the rest.
//! * A batch ([`Appender`](skopos_core::Appender)) becomes visible at its commit, whole, to every
//!   query that begins later; one that began earlier goes on without it.
//! * [`HeadStats`], [`HeadMemory`] and [`Cardinality`] say what is there, for metrics and status pages.
//!
//! # What is accepted
//!
//! * A sample must be later than the last one of its series: an earlier one is `OutOfOrder`, the same
//!   time with another value is `Duplicate`, the same sample again is taken and ignored. Values are
//!   compared and kept bit by bit, staleness markers and other NaNs among them.
//! * A sample that lies more than half a chunk range behind the newest one of the head as a batch is
//!   opened, or before the last truncation, is `OutOfBounds`, as in Prometheus. So is the earliest
//!   representable time.
//! * If two batches hold samples of one series and the later ones are committed first, the earlier
//!   ones are dropped at their own commit and counted (Prometheus does so too).
//! * New series are refused with `Limit` when the head is full.
//! * Native histograms are refused with `Unsupported`. Exemplars are dropped, as the trait allows.
//! * There is no out-of-order window and no deletion of single series.
//!
//! # Limits and complexity
//!
//! * At most 2³² − 1 series. A commit costs a lock and some bits a sample, a selection what the index
//!   costs and a few nanoseconds a series; commits wait that long, for no selection's decoding.
//! * Memory: about 400 bytes a series beside its labels and its closed chunks, and one to three bytes
//!   a sample of well-behaved values; [`Head::memory`] measures it. The example `measure_head` prints
//!   times and sizes.
//! * Truncation walks all series. What an open query may still read is dropped after it is closed.
//!
//! # Crate features
//!
//! None.
#![forbid(unsafe_code)]

mod head;

pub use skopos_index::{Cardinality, Ranked};

pub use crate::head::{Head, HeadMemory, HeadOptions, HeadStats, Truncation};

/// The example in the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
