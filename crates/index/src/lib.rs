//! An inverted label index, in memory and in the index file of a block: from matchers to series ids.
//!
//! ```
//! use skopos_core::{Labels, MatchOp, Matcher};
//! use skopos_index::{Filter, MemoryIndex};
//!
//! let mut index = MemoryIndex::new();
//! let api = Labels::from_pairs([("__name__", "up"), ("job", "api"), ("zone", "a")]);
//! let web = Labels::from_pairs([("__name__", "up"), ("job", "web")]);
//! let (api, web) = (index.insert(&api)?, index.insert(&web)?);
//!
//! // A missing label is an empty value: `web` has no zone, so its zone is not "a".
//! let filter = Filter::new(&[
//!     Matcher::equal("__name__", "up"),
//!     Matcher::new("job", MatchOp::Regex, "api|w.*"),
//!     Matcher::new("zone", MatchOp::NotEqual, "a"),
//! ])?;
//! let selected = index.select(&filter);
//! assert!(selected.contains(web) && !selected.contains(api));
//! # Ok::<(), skopos_index::Error>(())
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if you keep many labelled things and want to ask for them in the way of Prometheus: series of
//! a store, targets, alerts. Label sets go in and ids come out; the index knows nothing of chunks or
//! samples. It keeps no label sets: whoever owns the series has them, finds duplicates, and gives
//! them back on removal. To test a single label set, [`Filter::matches`] alone will do.
//!
//! Yes too, if you read or write blocks of Prometheus, Thanos or Mimir: [`BlockIndex`] and
//! [`BlockIndexWriter`] stand alone.
//!
//! # Concepts
//!
//! * A [`Filter`] is a list of matchers made ready: literals extracted, regular expressions compiled.
//!   It depends on no index, so it is made before any lock is taken. A [`FilterCache`] remembers a
//!   bounded number of compiled expressions.
//! * A [`MemoryIndex`] gives each series a dense `u32` id and holds, for each label name, the set of
//!   series that carry it and a sorted dictionary of its values with their series. Each text is
//!   stored once.
//! * [`SeriesIds`] is what a selection returns: a compressed set that borrows nothing, with a
//!   [`Cursor`] for merges. [`MemoryIndex::explain`] shows how a selection is evaluated.
//! * A [`BlockIndex`] is Prometheus' index file, searched where it lies: it opens over any bytes in
//!   constant time and answers the same filters, resolves ids to [`BlockSeries`] and checks the whole
//!   file. A [`BlockIndexWriter`] writes one, with Prometheus' bytes.
//! * [`Cardinality`] says which names, values and pairs the series come from.
//!
//! # Limits and complexity
//!
//! * 2³¹ series in memory. Ids of removed series are given out again; an owner who hands ids to others
//!   resolves them under the lock under which they were selected.
//! * The index has no lock of its own: put a read-write lock around it. Readers hold it while a
//!   selection is evaluated, which is linear in the values that a regular expression has to be asked
//!   about and close to constant for everything else, and not while they read the ids: what is
//!   selected is shared with the index, and a list that is still read is copied by the writer that
//!   changes it, once. Writers hold it for a series at a time, or for a slice of those to remove.
//! * The worst case of a selection is linear in the number of values of the labels it names times the
//!   size of each value: expressions never backtrack.
//! * Memory: a value costs its text and nine bytes, of which four are the id of its series if it is
//!   one; sets of series take what is smallest of two bytes an id, four bytes a run of ids and a bit
//!   for each id from the first word of 64 that has some to the last. Series that were added in the
//!   order of their label sets make runs, and [`MemoryIndex::seal`] returns what was held for growth.
//!   [`MemoryIndex::heap_bytes`] says how much it is.
//! * A block's index file has at most 64 GiB. The crate opens no files: hand in a memory map (the
//!   example `block_index` does), since who owns a block is who knows that its file will not change,
//!   which is what mapping it safely asks for.
//!
//! # Crate features
//!
//! * `roaring`: conversions between [`SeriesIds`] and `roaring::RoaringBitmap`, which has a portable
//!   serialized form.
#![forbid(unsafe_code)]

mod block;
mod cardinality;
mod dictionary;
mod error;
mod explain;
mod filter;
mod ids;
mod list;
mod memory;
mod names;
mod plan;
#[cfg(feature = "roaring")]
mod roaring;
mod set;
mod values;

pub use crate::block::{BlockIndex, BlockIndexWriter, BlockPostings, BlockSeries, ChunkMeta};
pub use crate::cardinality::{Cardinality, Ranked};
pub use crate::error::{Error, ErrorKind, Section};
pub use crate::explain::{Action, ExplainedStep, Explanation, Strategy};
pub use crate::filter::{Filter, FilterCache};
pub use crate::ids::{Cursor, SeriesIds};
pub use crate::memory::MemoryIndex;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
