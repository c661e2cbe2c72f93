//! Prometheus alerting and recording rules: types, loading, linting, evaluation.
//!
//! ```
//! use std::num::NonZeroU64;
//! # use skopos_core::{
//! #     Appender, Error, Expander, Expansion, Ingest, LabelSet, Labels, ManualClock, QueryEngine,
//! #     QueryOutput, QueryRequest, QueryValue, Sample, SampleValue, SeriesRef, Timestamp,
//! #     VectorSample,
//! # };
//! use skopos_rules::{AlertState, Evaluator, Group, GroupDefaults, GroupState, Rule};
//! # struct World;
//! # impl QueryEngine for World {
//! #     fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
//! #         Ok(QueryOutput::new(QueryValue::Vector(vec![VectorSample {
//! #             labels: Labels::from_pairs([("__name__", "up"), ("instance", "db-1")]),
//! #             t: request.start(),
//! #             value: SampleValue::Float(0.0),
//! #         }])))
//! #     }
//! #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
//! #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.to_owned()) }
//! # }
//! # impl Expander for World {
//! #     fn check(&self, _: &str, _: &str) -> Result<(), Error> { Ok(()) }
//! #     fn expand(&self, text: &str, _: &Expansion<'_>) -> Result<String, Error> {
//! #         Ok(text.to_owned())
//! #     }
//! # }
//! # impl Ingest for World {
//! #     fn appender(&self) -> Box<dyn Appender + '_> { Box::new(Nowhere) }
//! # }
//! # struct Nowhere;
//! # impl Appender for Nowhere {
//! #     fn append(
//! #         &mut self, _: Option<SeriesRef>, _: &dyn LabelSet, _: Sample,
//! #     ) -> Result<SeriesRef, Error> { Ok(SeriesRef(NonZeroU64::MIN)) }
//! #     fn commit(self: Box<Self>) -> Result<(), Error> { Ok(()) }
//! #     fn rollback(self: Box<Self>) {}
//! # }
//! # let (engine, expander, sink, clock) = (World, World, World, ManualClock::default());
//!
//! let mut group = Group::new("availability");
//! group.rules.push(Rule::alerting("Down", "up == 0"));
//! let mut state = GroupState::new(&group, "rules.yml", GroupDefaults::default(), &engine, false)?;
//!
//! let slot = state.next_evaluation(Timestamp::from_millis(0));
//! let outcome = state.evaluate(slot, &Evaluator::new(&engine, &expander, &sink, &clock));
//! assert_eq!(outcome.notifications[0].labels.to_string(), r#"{alertname="Down", instance="db-1"}"#);
//! assert_eq!(state.view().rules[0].state, Some(AlertState::Firing));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, if you have something that answers PromQL and want alerts and recorded series of it as
//! Prometheus makes them, or if you check rule files. It knows no engine, no template language and
//! no store: it asks for a [`QueryEngine`](skopos_core::QueryEngine), an
//! [`Expander`](skopos_core::Expander) and an [`Ingest`](skopos_core::Ingest). It has no timer
//! and no notifier either: call [`GroupState::evaluate`] at the slots that
//! [`GroupState::next_evaluation`] names, and send what the [`Outcome`] holds.
//!
//! # Concepts
//!
//! * **Files**: [`load`] reads a YAML text into a [`RuleFile`] of [`Group`]s of [`Rule`]s, or
//!   gives every [`LoadError`] with Prometheus' words, the place and the key; [`lint`](lint()) finds [`duplicates`].
//!   [`load_kubernetes`] takes the `PrometheusRule` objects of the Prometheus operator.
//! * **Hysteresis**: if [asked](LoadOptions::with_extensions), [`load`] takes alerts that say when they
//!   recover and how many evaluations must agree, and makes them into plain rules.
//! * **Lints**: [`lint_file`](lint::lint_file) advises against what is probably not meant, such as a template
//!   that uses a label that an aggregation took away. It asks an
//!   [`ExpressionAdvisor`](lint::ExpressionAdvisor) about expressions.
//! * **Evaluation**: a [`GroupState`] runs its rules in order at one time, each seeing what those
//!   before it wrote. Series that a rule gave last time and not now are marked as stale.
//!   Rules that do not [depend](Dependencies) on each other may be asked at the same time
//!   ([`Evaluator::with_executor`], Prometheus' `concurrent-rule-eval`), with the same results, and
//!   what several of them select may be read [once](SharedSource).
//! * **Alerts** are pending, fire once the condition held for long enough, and are remembered for a
//!   quarter of an hour after they resolved. Their state is written as `ALERTS` and
//!   `ALERTS_FOR_STATE`, and [restored](GroupState::restore) from the latter after a restart.
//! * **Reloads**: [`GroupState::is_same`] says whether a group can go on untouched;
//!   [`GroupState::take_over`] brings the state into its successor.
//! * **Unit tests**: with the feature `unit-test`, test files of `promtool test rules` are read and
//!   played over any engine.
//! * **Backtests**: [`backtest`] replays groups over the past and says when each alert would have been
//!   pending, firing and resolved; [`differences`] compares two replays.
//! * **Why**: [`why`](why::why) says of an alert after a replay why it is firing, pending or absent: the
//!   comparison that does not hold, with its values, the condition that no series fits, the label that changed. It has
//!   an [`ExpressionReader`](why::ExpressionReader) take expressions apart.
//! * **Notifications**: an [`Outcome`] has what is to be sent now, again or as resolved. A
//!   [`PostableAlert`] has the labels for the outside; an [`Outbox`] holds it until a sender takes a batch, whose
//!   [JSON](PostableAlerts::to_json) is that of Alertmanager's API, and drops the oldest where there is no room.
//! * **Views**: [`GroupState::view`] is what the HTTP API shows.
//!
//! # Limits
//!
//! A group holds its rules one after the other, or those together that an [`Executor`] may run at the
//! same time; groups are independent of each other and may run on as many threads as you like. A file may hold a million values, aliases expanded,
//! and nest a hundred levels deep. What is wrong with the shape of a file is told in Prometheus'
//! words; of YAML syntax errors the words and the line can differ, and a few texts that only YAML 1.2
//! allows load here and not there. Times are milliseconds. A rule without results and without
//! alerts costs its query and no memory.
//!
//! # Crate features
//!
//! * `yaml` (default): [`load`]; without it groups are built in code.
//! * `parallel`: `Threads`, an [`Executor`] that starts threads; without it the crate starts none.
//! * `serde`: [`RuleFile`], [`Group`] and [`Rule`] are read and written by `serde` in the shape of rule
//!   files, and `RuleFile::to_yaml` prints them; [`why::Why`] is written.
//! * `unit-test`: `unit_test`, Prometheus' unit tests of rules; needs `yaml`.
#![forbid(unsafe_code)]

mod alert;
mod backtest;
#[cfg(feature = "yaml")]
mod decode;
mod dependency;
#[cfg(feature = "yaml")]
mod error;
mod evaluator;
mod execute;
#[cfg(feature = "yaml")]
mod extension;
mod group;
#[cfg(feature = "yaml")]
mod kubernetes;
pub mod lint;
#[cfg(feature = "yaml")]
mod load;
mod model;
mod notification;
mod outbox;
mod override_labels;
#[cfg(feature = "yaml")]
mod place;
mod postable;
mod queue;
mod restore;
mod rule_state;
mod run;
#[cfg(feature = "yaml")]
mod shape;
mod shared;
#[cfg(feature = "unit-test")]
pub mod unit_test;
mod view;
pub mod why;
#[cfg(feature = "serde")]
mod written;
#[cfg(feature = "yaml")]
mod yaml;

pub use crate::alert::AlertState;
pub use crate::backtest::{Backtest, Difference, Incident, backtest, differences};
pub use crate::dependency::Dependencies;
#[cfg(feature = "yaml")]
pub use crate::error::{LoadError, LoadErrorKind, Mistake};
pub use crate::evaluator::Evaluator;
pub use crate::execute::Executor;
#[cfg(feature = "parallel")]
pub use crate::execute::Threads;
pub use crate::group::{GroupDefaults, GroupState, Outcome};
#[cfg(feature = "yaml")]
pub use crate::kubernetes::{is_kubernetes, load_kubernetes};
#[cfg(feature = "yaml")]
pub use crate::load::{LoadOptions, load};
pub use crate::model::{Duplicate, Group, Position, Rule, RuleFile, RuleKind, duplicates, lint};
pub use crate::notification::Notification;
pub use crate::outbox::{Outbox, OutboxCounts};
pub use crate::postable::{PostableAlert, PostableAlerts};
pub use crate::queue::NotificationQueue;
pub use crate::restore::RestoreOptions;
pub use crate::rule_state::Health;
pub use crate::shared::SharedSource;
pub use crate::view::{AlertView, GroupView, RuleView};
