//! PromQL: lexer, AST, type checker, printer and an evaluator over any series source.
//!
//! ```
//! use skopos_promql::{ParseOptions, ValueType, parse};
//!
//! let query = "SUM(rate(requests_total{code=~\"5..\"}[300])) by (job)";
//! let expr = parse(query, &ParseOptions::default())?;
//!
//! assert_eq!(expr.value_type(), ValueType::Vector);
//! assert_eq!(expr.to_string(), "sum by (job) (rate(requests_total{code=~\"5..\"}[5m]))");
//!
//! let error = parse("rate(requests_total)", &ParseOptions::default()).unwrap_err();
//! assert_eq!((error.line(), error.column()), (Some(1), Some(6)));
//! # Ok::<(), skopos_promql::Error>(())
//! ```
//!
//! Data of one's own, queried:
//!
//! ```
//! use skopos_core::{Labels, QueryEngine, QueryRequest, QueryValue, Sample, SampleValue, Timestamp};
//! use skopos_promql::{Engine, EngineOptions, Table};
//!
//! let labels = Labels::from_pairs([("__name__", "requests_total"), ("job", "api")]);
//! let samples = (0..20).map(|i| Sample::new(i * 15_000, 30.0 * i as f64)).collect();
//! let engine = Engine::new(Table::from_iter([(labels, samples)]), EngineOptions::default());
//!
//! let request = QueryRequest::instant("sum(increase(requests_total[1m]))", Timestamp::from_seconds(240.0));
//! let QueryValue::Vector(vector) = engine.query(&request)?.value else { unreachable!("a vector") };
//! assert_eq!(vector[0].value, SampleValue::Float(120.0));
//! # Ok::<(), skopos_core::Error>(())
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if a program of yours takes queries in PromQL: to check or format them, to see which series
//! they ask for, or to answer them from data of your own. Texts, types, errors (words and places) and
//! results are those of Prometheus 3.14.
//!
//! # Concepts
//!
//! * [`parse`] gives a checked tree of [`ast::Expr`]; every node has its [`Span`] in the text.
//!   [`ParseOptions`] enable what Prometheus keeps behind feature flags.
//! * `Display` prints the canonical text, [`pretty`](ast::Expr::pretty) breaks long ones into lines.
//! * With the feature `serde`, trees are serialized in the shape of Prometheus' `/api/v1/parse_query`.
//! * [`Error::render`] points at the place of an error; [`parse_recovering`] finds several.
//!   [`Error::hint`] says what to do about the commonest.
//! * [`build`] makes queries by code; [`walk`](ast::Expr::walk), [`walk_mut`](ast::Expr::walk_mut)
//!   and [`rewrite`](ast::Expr::rewrite) look at trees and change them.
//! * [`complete()`] says what may be written at a place, [`hover()`] what stands there.
//! * [`lint`](lint::lint) advises against what is probably not meant, such as the rate of a gauge, each
//!   with a code, a place, a reason and a switch; [`labels_of`](lint::labels_of) tells which labels a
//!   result surely has and has not.
//! * [`Engine`] answers instant and range queries over any
//!   [`SeriesSource`](skopos_core::SeriesSource); it is a [`QueryEngine`](skopos_core::QueryEngine).
//!   [`EngineOptions`] hold what Prometheus has flags for. [`Engine::explain`] draws a query's plan,
//!   [`Engine::analyze`] tells what each operator gave and how long it took, [`Engine::selections`] lists
//!   what the source will be asked for, so that a remote one can be resolved beforehand. Whoever has no source yet fills a
//!   [`Table`], or a [`LiveTable`] that is written and read at the same time; the example `embed`
//!   writes a source in a hundred lines.
//! * [`parse_selector`], [`parse_metric`] and [`parse_series_description`] read the smaller languages
//!   of `match[]` parameters and test scripts; [`parse_duration`] reads `1h30m`.
//!
//! # Editors
//!
//! A text that is being written is wrong most of the time. [`parse_recovering`] reads on after errors,
//! so that all are reported and [`hover()`] finds what stands at a place; [`complete()`] needs the
//! text before the cursor alone and tells what is wanted there, metric names and label values to be looked up
//! by the caller included.
//!
//! ```
//! use skopos_promql::{ParseOptions, parse_recovering};
//!
//! let found = parse_recovering("sum(up) + rate(up)", &ParseOptions::default());
//! assert!(found.expr.is_some());
//! let hint = found.errors[0].hint().unwrap_or_default();
//! assert!(hint.contains("up[5m]"), "{hint}");
//! ```
//!
//! # Queries by code
//!
//! [`build`] has a type each for vectors, ranges, numbers and durations, so that what compiles is
//! well-typed, and quotes and parenthesizes by itself. All of the language can be built. Given trees are changed by [`rewrite`](ast::Expr::rewrite).
//!
//! # Limits
//!
//! Parsing takes time linear in the text. Regular expressions in matchers are parsed and not compiled: one
//! whose compiled form is too large is refused by who evaluates the query. At most [`MAX_NESTING`] constructs stand within each other and a tree is
//! at most [`MAX_DEPTH`] high; a series description has at most
//! [`MAX_VALUES`](series_desc::MAX_VALUES) values. Strings are UTF-8: escapes that make other bytes
//! are refused, where Prometheus keeps the bytes.
//!
//! Printed text parses to the same tree but in five cases that Prometheus shares: a duration below
//! a millisecond prints as `0s`, and one of more than a hundred days can lose a millisecond; `Inf` before `^` prints with a sign, which then binds looser; an
//! operator after `offset (…)` is read as part of the duration; numbers in `@` lose digits beyond 2^53
//! milliseconds.
//!
//! Evaluation works series by series, all steps at once: an aggregation over a function over a
//! selector holds one series of its input at a time, while operators between vectors, `topk` and
//! sorting hold theirs. A function of a range vector takes time in proportion to steps times the
//! samples of a window. Results have Prometheus' bits, NaN
//! payloads aside: elementary functions are computed as on its main platform.
//!
//! [`EngineOptions::with_max_samples`], [`with_max_bytes`](EngineOptions::with_max_bytes),
//! [`with_max_series`](EngineOptions::with_max_series) and [`with_max_points`](EngineOptions::with_max_points)
//! bound what a query holds, [`with_timeout`](EngineOptions::with_timeout) with a clock how long it takes.
//! What it used is in its output's [`statistics`](skopos_core::QueryOutput::statistics). A
//! [`Cancellation`](skopos_core::Cancellation) in the request stops it within milliseconds; what it does not
//! reach is a source that does not answer and the sorting of a result.
//!
//! # Crate features
//!
//! * `engine` (default): the evaluator and the descriptions of series. Without it there are the parser, the printer and the tools for
//!   editors, and two dependencies less.
//! * `parallel`: `EngineOptions::with_threads`, by which a query's series are worked on by several
//!   threads; answers are the same for any number of them. Without it no thread is started.
//! * `serde`: [`ast::Expr`] and its parts implement `serde::Serialize`, in the shape of Prometheus'
//!   `/api/v1/parse_query` with its order of keys; an [`Explanation`] and its operators implement it too.
//! * `test-script`: the runner of Prometheus' `.test` scripts, `test_script`; needs `engine`.
#![forbid(unsafe_code)]

#[cfg(feature = "engine")]
mod annotation;
pub mod ast;
pub mod build;
mod check;
pub mod complete;
pub mod duration;
#[cfg(feature = "engine")]
pub mod engine;
pub mod error;
#[cfg(feature = "engine")]
mod eval;
#[cfg(feature = "engine")]
pub mod explain;
#[cfg(feature = "engine")]
mod functions;
mod hint;
#[cfg(feature = "engine")]
mod histogram;
pub mod hover;
#[cfg(feature = "engine")]
mod kahan;
mod lexer;
pub mod lint;
#[cfg(feature = "engine")]
mod math;
mod names;
pub mod options;
mod parse;
mod parser;
#[cfg(feature = "engine")]
mod plan;
mod printer;
#[cfg(feature = "engine")]
mod read;
pub mod recover;
#[cfg(feature = "serde")]
mod serialize;
#[cfg(feature = "engine")]
pub mod series_desc;
pub mod signature;
pub mod span;
#[cfg(feature = "engine")]
pub mod table;
#[cfg(feature = "test-script")]
pub mod test_script;
mod text;
mod token;
pub mod types;

pub use crate::complete::{Choice, Completions, complete};
pub use crate::duration::{format_duration, parse_duration, parse_signed_duration};
#[cfg(feature = "engine")]
pub use crate::engine::{Engine, EngineOptions};
pub use crate::error::{Error, ErrorKind};
#[cfg(feature = "engine")]
pub use crate::explain::Explanation;
pub use crate::hover::{Hover, hover};
pub use crate::options::ParseOptions;
pub use crate::parse::{MAX_DEPTH, MAX_NESTING, parse, parse_selector};
pub use crate::recover::{Recovered, parse_recovering};
#[cfg(feature = "engine")]
pub use crate::series_desc::{parse_metric, parse_series_description};
pub use crate::signature::Signature;
pub use crate::span::Span;
#[cfg(feature = "engine")]
pub use crate::table::{LiveTable, Overlay, Table};
pub use crate::types::ValueType;

/// The examples in the workspace's README.
#[cfg(all(doctest, feature = "engine"))]
#[doc = include_str!("../../../README.md")]
struct WorkspaceReadme;

/// The examples in the crate's README.
#[cfg(all(doctest, feature = "engine"))]
#[doc = include_str!("../README.md")]
struct Readme;
