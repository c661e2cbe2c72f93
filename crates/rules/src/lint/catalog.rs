//! The lints of rules: their codes and what they say.

use std::fmt;

/// A lint of rules.
///
/// ```
/// use skopos_rules::lint::Code;
///
/// assert_eq!(Code::find("alert-without-for"), Some(Code::AlertWithoutFor));
/// assert!(Code::AlertWithoutFor.is_default() && !Code::MissingSummary.is_default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is described by `summary`")]
pub enum Code {
    AlertWithoutFor,
    DependsOnLaterRule,
    DuplicateRules,
    ForShorterThanInterval,
    KeepFiringWithoutFor,
    LabelNotInResult,
    MissingSeverity,
    MissingSummary,
    RecordingRuleName,
    ValueInLabel,
}

impl Code {
    /// All lints, ascending by code.
    pub const ALL: &'static [Self] = &[
        Self::AlertWithoutFor,
        Self::DependsOnLaterRule,
        Self::DuplicateRules,
        Self::ForShorterThanInterval,
        Self::KeepFiringWithoutFor,
        Self::LabelNotInResult,
        Self::MissingSeverity,
        Self::MissingSummary,
        Self::RecordingRuleName,
        Self::ValueInLabel,
    ];

    /// The lint of this code.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }

    /// The code: words in lower case with hyphens, which stay the same in later versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlertWithoutFor => "alert-without-for",
            Self::DependsOnLaterRule => "depends-on-later-rule",
            Self::DuplicateRules => "duplicate-rules",
            Self::ForShorterThanInterval => "for-shorter-than-interval",
            Self::KeepFiringWithoutFor => "keep-firing-without-for",
            Self::LabelNotInResult => "label-not-in-result",
            Self::MissingSeverity => "missing-severity",
            Self::MissingSummary => "missing-summary",
            Self::RecordingRuleName => "recording-rule-name",
            Self::ValueInLabel => "value-in-label",
        }
    }

    /// Whether it is on where nothing is said: those that are not are conventions.
    #[must_use]
    pub const fn is_default(self) -> bool {
        !matches!(
            self,
            Self::KeepFiringWithoutFor
                | Self::MissingSeverity
                | Self::MissingSummary
                | Self::RecordingRuleName
        )
    }

    /// What it finds, in a sentence.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::AlertWithoutFor => "an alert compares single scrapes and has no `for`",
            Self::DependsOnLaterRule => "a rule needs what a later rule of its group records",
            Self::DuplicateRules => "two rules of a file have a name and labels in common",
            Self::ForShorterThanInterval => "`for` is shorter than the time between evaluations",
            Self::KeepFiringWithoutFor => "an alert has `keep_firing_for` and no `for`",
            Self::LabelNotInResult => "a template uses a label that the expression has lost",
            Self::MissingSeverity => "an alert has no label `severity`",
            Self::MissingSummary => "an alert has no annotation `summary`",
            Self::RecordingRuleName => "a recorded metric is not named level:metric:operations",
            Self::ValueInLabel => "the label of an alert shows its value",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::AlertWithoutFor => "set `for` to some evaluations",
            Self::DependsOnLaterRule => "put the rule after the one that it depends on",
            Self::DuplicateRules => "tell them apart by a label, or leave one out",
            Self::ForShorterThanInterval => "set `for` to some evaluations, or leave it out",
            Self::KeepFiringWithoutFor => "set `for` too, so that one evaluation alone cannot fire",
            Self::LabelNotInResult => "keep the label in the aggregation, or do not use it",
            Self::MissingSeverity => "set the label `severity`, by which alerts are routed",
            Self::MissingSummary => "set the annotation `summary`",
            Self::RecordingRuleName => "name it level:metric:operations",
            Self::ValueInLabel => "show the value in an annotation",
        }
    }

    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
