//! Prometheus text, OpenMetrics and protobuf: borrowing parsers, encoders, content negotiation, a
//! linter.
//!
//! ```
//! use skopos_exposition::{Entry, Parser, ParserOptions, TextFormat};
//!
//! let page = b"# TYPE up gauge\nup{job=\"api\"} 1\n";
//! let mut parser = Parser::new(TextFormat::Prometheus, page, ParserOptions::default());
//! let mut sum = 0.0;
//! while let Some(entry) = parser.next()? {
//!     if let Entry::Series(sample) = entry {
//!         sum += sample.value();
//!     }
//! }
//! assert_eq!(sum, 1.0);
//! # Ok::<(), skopos_exposition::Error>(())
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if you read pages of exporters and want what Prometheus would have read, with its error
//! texts, or if you write such pages from values that you have. To instrument a program, take a
//! client library; it has counters and registries, which are not here.
//!
//! # Concepts
//!
//! * **Reading**: a [`Parser`] gives one [`Entry`] of a text page after the other, a `ProtobufParser`
//!   those of a protobuf page, a [`PageParser`] either. A [`SeriesEntry`] has the raw bytes of its
//!   series (the key of a scrape cache), its value and, if asked, its sorted labels, borrowed
//!   ([`labels`](SeriesEntry::labels)) or owned ([`owned_labels`](SeriesEntry::owned_labels)); a
//!   [`HistogramEntry`] is a native histogram. [`families`] reads a whole page into owned values, and
//!   a `PageReader` one that does not fit into memory.
//! * **Histograms**: classic ones become native ones with custom buckets if [`ParserOptions`] say so,
//!   in every format.
//! * **Reading again**: a [`Layout`] remembers the last page of a target; of a page that differs in
//!   its values alone, only those are read. A [`RecoveringParser`] goes on behind errors and lists
//!   them.
//! * **Writing**: [`encode`] writes [`Family`] values as text, `encode_protobuf` as protobuf;
//!   [`newest_families`] makes them of stored series, as a federation shows them.
//! * **Negotiating**: [`accept_header`] and [`choose_format`] for a scraper, [`choose_output`] and
//!   [`choose_page_output`] for a target, [`EscapingScheme`] for names that old readers do not know.
//! * **Checking**: [`lint`] is `promtool check metrics`.
//!
//! # Limits and complexity
//!
//! Parsing is linear in the page and allocates nothing for a sample; hostile pages give an error.
//! Not provided: the OpenMetrics 2.0 draft (its composite values are syntax errors, as in Prometheus).
//! Text has no native histograms; the encoder says what it writes for them.
//!
//! # Crate features
//!
//! * `protobuf`: the delimited protobuf format, native histograms included.
//! * `serde`: families, formats, schemes and the linter's problems are `Serialize` and `Deserialize`;
//!   `serial` shows their shapes, and gives them to the types of `skopos-core`.
//! * `std` (default): SIMD is chosen at run time. Without it the crate is `no_std` and needs `alloc`.
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod encode;
mod entry;
mod error;
mod escape;
mod family;
mod format;
mod lint;
mod media;
mod negotiate;
mod nhcb;
mod number;
mod page;
mod parser;
#[cfg(feature = "protobuf")]
mod protobuf;
mod quote;
#[cfg(feature = "serde")]
pub mod serial;
mod series;
#[cfg(feature = "std")]
mod stream;

pub use crate::encode::encode;
#[cfg(feature = "protobuf")]
pub use crate::encode::protobuf::encode_protobuf;
pub use crate::entry::{Entry, HistogramEntry, SeriesEntry, SeriesLabels};
pub use crate::error::{Error, ErrorKind};
pub use crate::escape::EscapingScheme;
#[cfg(feature = "protobuf")]
pub use crate::family::protobuf_families;
pub use crate::family::{Family, FamilyHistogram, FamilySample, families};
pub use crate::format::{PageFormat, TextFormat};
pub use crate::lint::{Problem, lint};
pub use crate::negotiate::{
    ChosenFormat, OutputFormat, PageOutput, ScrapeProtocol, accept_header, choose_format,
    choose_output, choose_page_output,
};
pub use crate::page::PageParser;
pub use crate::parser::{
    ClassicHistograms, CreatedLines, Layout, NativeHistograms, Parser, ParserOptions,
    RecoveringParser,
};

#[cfg(feature = "protobuf")]
pub use crate::protobuf::ProtobufParser;
pub use crate::series::newest_families;
#[cfg(feature = "std")]
pub use crate::stream::PageReader;

/// The example in the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
