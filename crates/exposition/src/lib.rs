//! Prometheus text and OpenMetrics: a borrowing parser, an encoder, content negotiation, a linter.
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
//! * **Reading**: a [`Parser`] gives one [`Entry`] after the other; a [`SeriesEntry`] has the raw
//!   bytes of its series (the key of a scrape cache), its value and, if asked, its sorted labels.
//!   [`families`] reads a whole page into owned values.
//! * **Writing**: [`encode`] writes [`Family`] values.
//! * **Negotiating**: [`accept_header`] and [`choose_format`] for a scraper, [`choose_output`] for a
//!   target, [`EscapingScheme`] for names that old readers do not know.
//! * **Checking**: [`lint`] is `promtool check metrics`.
//!
//! # Limits and complexity
//!
//! Parsing is linear in the page and allocates nothing for a sample; hostile pages give an error.
//! Not provided, and refused by name where somebody asks for it: the protobuf format
//! ([`choose_format`] says so, and [`accept_header`] does not ask for it), and with it native
//! histograms other than those made of classic ones ([`ClassicHistograms`]); and the OpenMetrics 2.0
//! draft (its composite values are syntax errors, as in Prometheus).
//!
//! # Crate features
//!
//! * `std` (default): SIMD is chosen at run time. Without it the crate is `no_std` and needs `alloc`.
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

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
mod parser;
#[cfg(feature = "protobuf")]
mod protobuf;
mod quote;
mod series;

pub use crate::encode::encode;
#[cfg(feature = "protobuf")]
pub use crate::encode::protobuf::encode_protobuf;
pub use crate::entry::{Entry, HistogramEntry, SeriesEntry, SeriesLabels};
pub use crate::error::{Error, ErrorKind};
pub use crate::escape::EscapingScheme;
#[cfg(feature = "protobuf")]
pub use crate::family::protobuf_families;
pub use crate::family::{Family, FamilyHistogram, FamilySample, families};
pub use crate::format::TextFormat;
pub use crate::lint::{Problem, lint};
pub use crate::negotiate::{
    ChosenFormat, OutputFormat, ScrapeProtocol, accept_header, choose_format, choose_output,
};
pub use crate::parser::{ClassicHistograms, CreatedLines, NativeHistograms, Parser, ParserOptions};

#[cfg(feature = "protobuf")]
pub use crate::protobuf::ProtobufParser;
pub use crate::series::newest_families;

/// The example in the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
