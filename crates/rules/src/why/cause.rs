//! Why there is no alert: what a part of an expression lacked.

use std::ops::Range;

use skopos_core::{Labels, Matcher, Timestamp};

/// Why a part of an expression has no result, with those of its parts that are to blame.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Cause {
    /// The bytes of the expression that are to blame.
    pub span: Range<usize>,
    /// What is the matter with them.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub kind: CauseKind,
}

/// What can keep a result away.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")
)]
#[non_exhaustive]
pub enum CauseKind {
    /// A function that asks for absence, such as `absent`, was given series.
    AbsentOfSeries {
        /// The function.
        function: String,
        /// One of the series.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::labels"))]
        series: Labels,
        /// How many there are.
        count: usize,
    },
    /// Neither side of `or` has a result.
    Alternatives {
        /// Why, for each side.
        causes: Vec<Cause>,
    },
    /// A comparison does not hold.
    Comparison {
        /// The operator.
        operator: String,
        /// What was compared, the values that were nearest to holding first.
        compared: Vec<Compared>,
        /// How many more comparisons do not hold.
        more: usize,
        /// Why a value is missing, where one is.
        because: Vec<Cause>,
    },
    /// It was given series, and dropped all of them for a reason of its own.
    Dropped {
        /// The function or operator.
        operator: String,
    },
    /// `unless` took away what is on its right.
    Excluded {
        /// A series on the left.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::labels"))]
        left: Labels,
        /// The series on the right that took it away.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::labels"))]
        right: Labels,
    },
    /// The evaluation failed.
    Failed {
        /// Why.
        error: String,
    },
    /// The label that was asked for is not one of the result's.
    LabelLost {
        /// The label.
        label: String,
        /// Whether an aggregation or a match takes it away; else the series do not have it.
        taken_away: bool,
    },
    /// There are results, with other values of a label that was asked for.
    LabelValue {
        /// The label.
        label: String,
        /// The value that was asked for.
        wanted: String,
        /// Values that there are, the most similar first.
        found: Vec<String>,
    },
    /// There is no series of this name, nor was there lately.
    NoMetric {
        /// The name.
        name: String,
        /// Names that are similar.
        similar: Vec<String>,
    },
    /// The series on the two sides of an operator did not find each other.
    NoPartner {
        /// The operator.
        operator: String,
        /// A series on the left.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::labels"))]
        left: Labels,
        /// The most similar series on the right.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::labels"))]
        right: Labels,
        /// The labels in which they differ and must not.
        differing: Vec<LabelChange>,
    },
    /// No series fits all conditions of a selector.
    NoSeries {
        /// The conditions without each of which there would be series.
        without: Vec<LeftOut>,
        /// Where leaving out one is not enough: the conditions that no series of the metric fits.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::matchers"))]
        unmatched: Vec<Matcher>,
    },
    /// The group was not evaluated yet.
    NotEvaluated,
    /// Several operands have no result, each of which would be enough.
    Operands {
        /// Why, for each.
        causes: Vec<Cause>,
    },
    /// The rule gives its alerts another value of a label that was asked for.
    RuleLabel {
        /// The label.
        label: String,
        /// The value that was asked for.
        wanted: String,
        /// The value that the rule gives.
        given: String,
    },
    /// There was a series, and there is no more.
    Stale {
        /// The series that was seen last.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::labels"))]
        series: Labels,
        /// How many series there were.
        count: usize,
        /// The time of the last sample.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::time"))]
        last_seen: Timestamp,
        /// How it ended.
        ended: Ended,
    },
    /// The range holds samples, but fewer than the two that the function needs.
    TooFewSamples {
        /// The function.
        function: String,
        /// One of the series.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::labels"))]
        series: Labels,
        /// Its samples in the range.
        samples: u64,
    },
}

/// How a series came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "by", rename_all = "camelCase", rename_all_fields = "camelCase")
)]
#[non_exhaustive]
pub enum Ended {
    /// The last sample is older than what is looked at.
    Age {
        /// How many milliseconds are looked at.
        window: i64,
    },
    /// It was marked as stale.
    Marker {
        /// When.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::time"))]
        at: Timestamp,
    },
}

/// Two values that were compared.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Compared {
    /// The labels of the series.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::labels"))]
    pub series: Labels,
    /// The value on the left; nothing for a histogram.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::value"))]
    pub left: Option<f64>,
    /// The value on the right; nothing for a histogram.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::value"))]
    pub right: Option<f64>,
}

impl Compared {
    /// How far the values are from each other.
    pub(super) fn distance(&self) -> f64 {
        match (self.left, self.right) {
            (Some(left), Some(right)) => (left - right).abs(),
            _ => f64::NAN,
        }
    }
}

/// A condition that was left out.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LeftOut {
    /// The condition.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::written::matcher"))]
    pub matcher: Matcher,
    /// Whether it is not the selector's, but of the labels that were asked for.
    pub asked: bool,
    /// How many series there are without it.
    pub series: usize,
    /// Values that they have, the most similar first.
    pub values: Vec<String>,
    /// How many more values they have.
    pub more: usize,
}

/// A label with two values; no value where it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LabelChange {
    /// The label.
    pub name: String,
    /// The value on the left, or before.
    pub from: Option<String>,
    /// The value on the right, or after.
    pub to: Option<String>,
}

impl Cause {
    pub(super) fn new(span: &Range<usize>, kind: CauseKind) -> Self {
        Self { span: span.clone(), kind }
    }

    /// Whether series were there and did not fulfil the condition.
    pub(super) fn is_verdict(&self) -> bool {
        match &self.kind {
            CauseKind::Alternatives { causes } | CauseKind::Operands { causes } => {
                causes.iter().any(Self::is_verdict)
            }
            CauseKind::Comparison { .. }
            | CauseKind::Dropped { .. }
            | CauseKind::Excluded { .. }
            | CauseKind::NoPartner { .. } => true,
            _ => false,
        }
    }
}

/// The labels in which two sets differ, of those that `counts` names.
pub(super) fn changes(
    from: &Labels,
    to: &Labels,
    counts: impl Fn(&str) -> bool,
) -> Vec<LabelChange> {
    let mut names: Vec<&str> =
        from.iter().chain(to.iter()).map(|(name, _)| name).filter(|name| counts(name)).collect();
    names.sort_unstable();
    names.dedup();
    let owned = |value: Option<&str>| value.map(ToOwned::to_owned);
    names
        .into_iter()
        .filter(|name| from.get(name) != to.get(name))
        .map(|name| LabelChange {
            name: name.to_owned(),
            from: owned(from.get(name)),
            to: owned(to.get(name)),
        })
        .collect()
}
