//! Fixtures, oracles and conformance suites for the crates of the workspace.
//!
//! Everything here is naive on purpose: it is read to see what is right, and slow code is easier to
//! read. It is a dev-dependency only and is never published.
//!
//! * [`MemoryStore`]: the simplest store that keeps the laws of reading and writing.
//! * [`matching`]: what matchers mean, one label set at a time.
//! * [`archive`]: a second decoder of archive chunks, from their document.
//! * [`conformance`]: one function for each trait of `skopos-core`; an implementation that does not
//!   call it in its tests is not finished.
//! * [`naive`]: random queries with their answers, worked out step by step.
//! * [`engine`]: doubles that answer queries from a table and expand templates by replacement.
//! * [`vectors`]: where the golden vectors are, if they are there.
//!
//! ```
//! use skopos_core::{Ingest, Labels, Sample};
//! use skopos_testkit::{MemoryStore, conformance};
//!
//! let store = MemoryStore::new();
//! let mut appender = store.appender();
//! appender.append(None, &Labels::from_pairs([("__name__", "up")]), Sample::new(0, 1.0)).unwrap();
//! appender.commit().unwrap();
//! assert_eq!(store.series().len(), 1);
//!
//! conformance::ingest(MemoryStore::new);
//! ```
#![forbid(unsafe_code)]

pub mod archive;
pub mod conformance;
pub mod engine;
pub mod matching;
pub mod naive;
pub mod random;
pub mod store;
pub mod vectors;

pub use crate::engine::{ReplacingExpander, TableEngine};
pub use crate::store::MemoryStore;

/// The example in the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
