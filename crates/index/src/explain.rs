//! What the planner did with a filter, for people and for programs.

use std::fmt;

use skopos_core::Matcher;

/// How a selection was evaluated: its steps in the order of execution.
///
/// Printed, it has one line a step.
///
/// ```
/// use skopos_core::{MatchOp, Matcher};
/// use skopos_index::{Action, Filter, MemoryIndex, Strategy};
///
/// let mut index = MemoryIndex::new();
/// index.insert(&[("job", "api"), ("pod", "api-0")])?;
/// index.insert(&[("job", "api"), ("pod", "web-0")])?;
/// let filter = Filter::new(&[
///     Matcher::new("pod", MatchOp::Regex, "api-.*"),
///     Matcher::equal("job", "api"),
/// ])?;
/// let explanation = index.explain(&filter);
/// assert_eq!(explanation.series(), 1);
/// let [lookup, range] = explanation.steps() else { panic!("two matchers are two steps") };
/// assert_eq!((lookup.strategy, range.strategy), (Strategy::Lookup, Strategy::Ranges));
/// assert_eq!((range.action, range.values_looked_at), (Action::Intersect, 1));
/// assert_eq!((lookup.series_left, range.series_left), (2, 1));
/// assert_eq!(
///     explanation.to_string(),
///     "intersect job=\"api\": lookup, 1 of 1 value, at most 2 series, 2 left\n\
///      intersect pod=~\"api-.*\": ranges \"api-\", 1 of 1 value, at most 2 series, 1 left\n"
/// );
/// # Ok::<(), skopos_index::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    steps: Vec<ExplainedStep>,
    series: u64,
}

impl Explanation {
    pub(crate) fn new(steps: Vec<ExplainedStep>, series: u64) -> Self {
        Self { steps, series }
    }

    /// The steps that were run. Once no series is left, the remaining ones are not.
    #[must_use]
    pub fn steps(&self) -> &[ExplainedStep] {
        &self.steps
    }

    /// How many series were selected.
    #[must_use]
    pub fn series(&self) -> u64 {
        self.series
    }
}

/// One matcher's part in a selection; see [`Explanation`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExplainedStep {
    /// The matcher.
    pub matcher: Matcher,
    /// What it did to the series that were selected before.
    pub action: Action,
    /// How its values were found.
    pub strategy: Strategy,
    /// The texts that narrowed the values down: prefixes, then what they contain and end with.
    pub texts: Vec<String>,
    /// How many values were looked at.
    pub values_looked_at: usize,
    /// How many of those the matcher names (of series that were still selected).
    pub values_matched: usize,
    /// How many series these values had at most, as it was known before.
    pub estimated_series: u64,
    /// How many series were selected afterwards.
    pub series_left: u64,
}

/// What a step does to the series selected so far; in the order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Keeps those with one of the matcher's values.
    Intersect,
    /// Keeps those with another value than the matcher's.
    IntersectRest,
    /// Drops those with one of the matcher's values.
    Subtract,
    /// Drops those with another value than the matcher's.
    SubtractRest,
}

/// How a step finds its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// The values are known texts, and looked up.
    Lookup,
    /// Every value is in: the set of the series that carry the label does.
    Presence,
    /// The values with certain prefixes are tested.
    Ranges,
    /// All values are tested, or those with a text that all matches contain.
    Scan,
    /// The series that are left are tested by their own labels: they are fewer than the values. What
    /// was looked at and matched are then series.
    Labels,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for ExplainedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            Action::Intersect => "intersect",
            Action::IntersectRest => "intersect with the rest",
            Action::Subtract => "subtract",
            Action::SubtractRest => "subtract the rest",
        };
        let strategy = match self.strategy {
            Strategy::Lookup => "lookup",
            Strategy::Presence => "presence",
            Strategy::Ranges => "ranges",
            Strategy::Scan => "scan",
            Strategy::Labels => "labels",
        };
        write!(f, "{action} {}: {strategy}", self.matcher)?;
        self.texts.iter().try_for_each(|text| write!(f, " {text:?}"))?;
        if self.strategy != Strategy::Presence {
            let values = match (self.strategy, self.values_looked_at) {
                (Strategy::Labels, _) => "series",
                (_, 1) => "value",
                _ => "values",
            };
            write!(f, ", {} of {} {values}", self.values_matched, self.values_looked_at)?;
        }
        write!(f, ", at most {} series, {} left", self.estimated_series, self.series_left)
    }
}
