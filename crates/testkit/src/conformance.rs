//! The laws of each trait, as functions that an implementation's own tests call.
//!
//! A law that is broken panics with a sentence that says which one.

mod ingest;
mod labels;
mod postings;
mod query;
mod source;

pub use self::ingest::ingest;
pub use self::labels::label_set;
pub use self::postings::postings;
pub use self::query::{clock, expander, query_engine};
pub use self::source::{Fixture, collect, sample_cursor, series_source};
