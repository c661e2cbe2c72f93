//! PromQL: lexer, AST, type checker, printer and an evaluator over any series source.
#![forbid(unsafe_code)]

mod annotation;
pub mod ast;
mod check;
pub mod duration;
pub mod engine;
pub mod error;
mod eval;
mod functions;
mod histogram;
mod kahan;
mod lexer;
mod math;
pub mod options;
mod parse;
mod parser;
mod plan;
mod printer;
pub mod series_desc;
pub mod signature;
pub mod span;
mod text;
mod token;
pub mod types;

pub use crate::duration::{format_duration, parse_duration, parse_signed_duration};
pub use crate::engine::{Engine, EngineOptions};
pub use crate::error::{Error, ErrorKind};
pub use crate::options::ParseOptions;
pub use crate::parse::{MAX_DEPTH, MAX_NESTING, parse, parse_selector};
pub use crate::series_desc::{parse_metric, parse_series_description};
pub use crate::signature::Signature;
pub use crate::span::Span;
pub use crate::types::ValueType;
