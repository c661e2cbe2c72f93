//! What the evaluation of rules needs of the world around it.

use std::sync::atomic::{AtomicU64, Ordering};

use skopos_core::{Clock, Error, Expander, Expansion, Ingest, Labels, QueryEngine};

use crate::execute::Executor;

/// Who answers queries, expands templates, takes samples and tells the time; and the settings that
/// all groups share.
#[derive(Clone, Copy)]
pub struct Evaluator<'a> {
    pub(crate) engine: &'a dyn QueryEngine,
    pub(crate) expander: &'a dyn Expander,
    pub(crate) sink: &'a dyn Ingest,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) external_labels: Option<&'a Labels>,
    pub(crate) external_url: &'a str,
    pub(crate) resend_delay: i64,
    pub(crate) executor: Option<&'a dyn Executor>,
    pub(crate) annotates: bool,
    pub(crate) writes_states: bool,
}

impl<'a> Evaluator<'a> {
    /// An evaluator without external labels and URL, that sends a firing alert every minute.
    #[must_use]
    pub fn new(
        engine: &'a dyn QueryEngine,
        expander: &'a dyn Expander,
        sink: &'a dyn Ingest,
        clock: &'a dyn Clock,
    ) -> Self {
        Self {
            engine,
            expander,
            sink,
            clock,
            external_labels: None,
            external_url: "",
            resend_delay: 60_000,
            executor: None,
            annotates: true,
            writes_states: true,
        }
    }

    /// The same with the labels and the URL under which the outside knows this system.
    #[must_use]
    pub fn with_external(self, labels: &'a Labels, url: &'a str) -> Self {
        Self { external_labels: Some(labels), external_url: url, ..self }
    }

    /// The same with how many milliseconds lie at least between two sendings of a firing alert.
    #[must_use]
    pub fn with_resend_delay(self, millis: i64) -> Self {
        Self { resend_delay: millis, ..self }
    }

    /// The same with somebody who runs rules of a group that do not depend on each other at the same
    /// time (`concurrent-rule-eval`). Results are those of running them in order.
    #[must_use]
    pub fn with_executor(self, executor: &'a dyn Executor) -> Self {
        Self { executor: Some(executor), ..self }
    }

    /// The same with annotations expanded or not; without, alerts keep those that they have, and new ones
    /// get none. For replays of which nobody looks at annotations.
    #[must_use]
    pub fn with_annotations(self, enabled: bool) -> Self {
        Self { annotates: enabled, ..self }
    }

    /// The same with the series `ALERTS` and `ALERTS_FOR_STATE` written or not. For replays in which
    /// nothing reads them.
    #[must_use]
    pub fn with_state_series(self, enabled: bool) -> Self {
        Self { writes_states: enabled, ..self }
    }
}

/// An expander of which it is counted how often it is asked, and how often it fails.
pub(crate) struct CountedExpander<'a> {
    expander: &'a dyn Expander,
    expansions: AtomicU64,
    failures: AtomicU64,
}

impl<'a> CountedExpander<'a> {
    pub(crate) fn new(expander: &'a dyn Expander) -> Self {
        Self { expander, expansions: AtomicU64::default(), failures: AtomicU64::default() }
    }

    /// How many templates were expanded, and how many of them failed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.expansions.load(Ordering::Relaxed), self.failures.load(Ordering::Relaxed))
    }
}

impl Expander for CountedExpander<'_> {
    fn check(&self, name: &str, text: &str) -> Result<(), Error> {
        self.expander.check(name, text)
    }

    fn expand(&self, text: &str, expansion: &Expansion<'_>) -> Result<String, Error> {
        let result = self.expander.expand(text, expansion);
        self.expansions.fetch_add(1, Ordering::Relaxed);
        self.failures.fetch_add(u64::from(result.is_err()), Ordering::Relaxed);
        result
    }
}
