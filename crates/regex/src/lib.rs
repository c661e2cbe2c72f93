//! Go's regular-expression language, RE2, as Prometheus uses it, with literal analysis for planners.
//!
//! ```
//! use skopos_regex::LabelRegex;
//!
//! let regex = LabelRegex::new("prod-(eu|us)-.*").unwrap();
//! assert!(regex.is_match("prod-eu-1"));
//! assert!(!regex.is_match("my-prod-eu-1"), "anchored at both ends");
//! assert_eq!(regex.prefix(), "prod-");
//!
//! let set = LabelRegex::new("GET|P(OS|U)T").unwrap();
//! assert_eq!(set.set_matches().unwrap(), ["GET", "POST", "PUT"]);
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if your patterns were written for Go: matchers of PromQL, relabeling rules, templates. The
//! popular `regex` crate speaks another language in a dozen places (there `\d`, `\w`, `\s` and `\b`
//! are Unicode, classes know `&&` and `--`, `\Q…\E`, octal codes and `{foo}` are errors, `a**` is
//! none), so the same pattern matches other things. If your patterns are your own, use `regex`.
//!
//! # Concepts
//!
//! * [`LabelRegex`] is a matcher of labels: anchored at both ends, `.` matches newlines, and it only
//!   says whether it matches. Where literals alone decide, nothing is compiled.
//! * [`Regex`] is Go's general-purpose expression: it captures, replaces and expands templates.
//! * [`check()`] and [`matches_empty`] answer without compiling.
//! * [`Error`] has Go's text, a kind, and the place in the pattern.
//!
//! The front end is our own: a parser of Go's language. What runs the expression is
//! [`regex-automata`](https://docs.rs/regex-automata).
//!
//! # Limits
//!
//! Patterns and texts are UTF-8. Matching takes time linear in the text, times the size of the
//! expression at worst. Patterns keep Go's limits (counts to 1000, also multiplied; 1000 levels of
//! nesting), and one of ours: a compiled expression takes at most 32 MiB, where Go allows more.
//! Unicode's tables are those of version 16: scripts that a later version added are not known.
//!
//! # Crate features
//!
//! None.
#![forbid(unsafe_code)]

mod ast;
mod check;
mod engine;
mod error;
mod label;
mod literal;
mod lower;
mod parse;
mod regex;
mod template;
mod unicode;

pub use crate::check::{check, matches_empty};
pub use crate::error::{Error, ErrorKind};
pub use crate::label::LabelRegex;
pub use crate::regex::{Captures, Regex};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
