//! Prometheus' relabeling: rules that rewrite, keep and drop label sets.
//!
//! ```
//! use skopos_core::Labels;
//! use skopos_relabel::{Action, NameScheme, RuleConfig, relabel};
//!
//! let rules = [
//!     RuleConfig::new(Action::Replace)
//!         .source_labels(["__address__"])
//!         .regex("([^:]+):.*")
//!         .target_label("host"),
//!     RuleConfig::new(Action::Keep).source_labels(["env"]).regex("prod|staging"),
//! ]
//! .map(|config| config.build(NameScheme::Utf8).unwrap());
//!
//! let labels = Labels::from_pairs([("__address__", "db-1:9100"), ("env", "prod")]);
//! let labels = relabel(&rules, &labels).unwrap();
//! assert_eq!(labels.get("host"), Some("db-1"));
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if you have label sets and rules in the shape of `relabel_configs`: targets, scraped series,
//! alerts, remote write. It neither reads files nor knows what labels mean.
//!
//! # Concepts
//!
//! * A [`RuleConfig`] is a rule as written: fields with Prometheus' defaults.
//! * A [`Rule`] is a checked and compiled one; it gives its configuration back.
//! * [`apply`] changes a builder, [`relabel`] makes new labels. What is dropped is told apart.
//! * [`explain`] says rule by rule what was looked at, whether it matched and what changed.
//!
//! # Limits and complexity
//!
//! All eleven actions are there. Applying is linear in the rules and labels, times the cost of a
//! match, which is linear in the text. Upper and lower case follow Unicode's simple mapping, as Go's
//! do: `ß` has no upper case.
//!
//! # Crate features
//!
//! * `serde`: [`RuleConfig`] and [`Action`] are read from and written to the shape of configuration
//!   files.
#![forbid(unsafe_code)]

mod apply;
mod config;
mod error;
mod explain;
mod rule;
#[cfg(feature = "serde")]
mod serde;

pub use crate::apply::{apply, relabel};
pub use crate::config::{Action, NameScheme, RuleConfig};
pub use crate::error::{Error, ErrorKind};
pub use crate::explain::{Change, Step, explain};
pub use crate::rule::Rule;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
