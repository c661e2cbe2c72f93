//! Go's `text/template` language and Prometheus' alert-template functions.
//!
//! ```
//! use skopos_template::{Limits, Map, NoFunctions, Template, Value};
//!
//! let text = "{{ if eq .severity \"page\" }}Call {{ end }}{{ .team | printf \"%q\" }}";
//! let template = Template::parse("summary", text, &NoFunctions, &Limits::default())?;
//! let data = Value::Map(Map::of_texts([("severity", "page"), ("team", "infra")]));
//! assert_eq!(template.execute(&data, &NoFunctions)?, b"Call \"infra\"");
//! # Ok::<(), skopos_template::Error>(())
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if you evaluate Prometheus' alerting rules ([`AlertExpander`] is the
//! [`Expander`](skopos_core::Expander) that the rule evaluator asks for), or if you must run
//! templates that people wrote for a Go program and want the same output and the same error
//! messages, to the column. No, if you choose a template language for something new: there are
//! livelier ones.
//!
//! # Concepts
//!
//! * [`Template`]: parsed once, executed over a [`Value`], as often as you like.
//! * [`Value`]: what templates compute with. A host adds types of its own as [`Struct`]: fields,
//!   methods, a text form. Types carry the names that they have in Go, since messages show them.
//! * [`Functions`]: who provides functions beyond the built-in ones; [`Signature`] says what they
//!   take, so that arguments are checked before a call.
//! * [`AlertExpander`]: `$labels`, `$externalLabels`, `$externalURL`, `$value`, and the functions of
//!   Prometheus, `query` among them. Its time is that of the evaluation: also for `now`.
//! * [`HtmlTemplate`]: the same language for pages of HTML, with Go's `html/template`: each value is
//!   escaped by where it stands (text, attribute, URL, script, style sheet, comment), unless `safeHtml`
//!   or its type says that it is HTML. [`HtmlExpander`] adds the functions of Prometheus: its consoles.
//!
//! # Limits
//!
//! A template is bounded in text, output, work and depth ([`Limits`]; depth is fixed: 100 nested
//! actions in a text, 250 nested calls while it runs, where Go allows 100 000, and 100 JavaScript
//! template literals in one another). What goes beyond is
//! an error of the kind [`ErrorKind::Limit`], never a panic. Parsing is linear in the text, executing
//! is linear in the steps and the bytes that functions read and write.
//!
//! Differences to Go, on purpose: an address means nothing here, so `%p` is a bad verb, and a pointer
//! inside of a value prints what it points at. Of the types that Go's package takes for safe there is
//! `template.HTML` alone, the only one that Prometheus makes. A map key that is missing gives the zero value, as
//! Prometheus sets it (`missingkey=zero`). Time is UTC; of `time.Time`'s methods those that need a
//! time zone, and of a histogram's those that compute, are unknown fields. Capitalising with `title`
//! follows words of alphabets; scripts without spaces are not segmented.
//!
//! # Crate features
//!
//! None.
#![forbid(unsafe_code)]

mod alert;
mod builtin;
mod error;
mod exec;
mod function;
mod histogram;
mod html;
mod lexer;
mod limits;
mod literal;
mod node;
mod parser;
mod print;
mod template;
mod time;
mod unicode;
mod value;

pub use crate::alert::{AlertExpander, HtmlExpander};
pub use crate::error::{Error, ErrorKind};
pub use crate::function::{CallError, Functions, NoFunctions, Signature, Type};
pub use crate::html::HtmlTemplate;
pub use crate::limits::Limits;
pub use crate::template::Template;
pub use crate::value::{IntType, List, Map, Struct, Text, Value};
