//! Rules as they are written: fields and their defaults.
//!
//! Nothing is checked or compiled here; [`Rule`](crate::Rule) does that.

use std::fmt;
use std::str::FromStr;

use skopos_core::text::{Quoted, is_legacy_label_name};

use crate::error::{Error, ErrorKind};
use crate::rule::Rule;

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Drops what matches.
    Drop,
    /// Drops if the joined values equal the target label's value.
    DropEqual,
    /// Sets the target label to the hash of the joined values modulo `modulus`.
    HashMod,
    /// Drops what does not match.
    Keep,
    /// Drops if the joined values differ from the target label's value.
    KeepEqual,
    /// Removes the labels whose names match.
    LabelDrop,
    /// Removes the labels whose names do not match.
    LabelKeep,
    /// Copies the labels whose names match to the names that the replacement says.
    LabelMap,
    /// Sets the target label to the joined values in lower case.
    Lowercase,
    /// Sets the target label to the replacement if the joined values match.
    #[default]
    Replace,
    /// Sets the target label to the joined values in upper case.
    Uppercase,
}

impl Action {
    /// All actions.
    pub(crate) const ALL: [Self; 11] = [
        Self::Drop,
        Self::DropEqual,
        Self::HashMod,
        Self::Keep,
        Self::KeepEqual,
        Self::LabelDrop,
        Self::LabelKeep,
        Self::LabelMap,
        Self::Lowercase,
        Self::Replace,
        Self::Uppercase,
    ];

    /// The action as configuration files name it.
    ///
    /// ```
    /// assert_eq!(skopos_relabel::Action::HashMod.as_str(), "hashmod");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::Keep => "keep",
            Self::KeepEqual => "keepequal",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::LabelMap => "labelmap",
            Self::Lowercase => "lowercase",
            Self::Replace => "replace",
            Self::Uppercase => "uppercase",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads a name without regard to case.
///
/// ```
/// use skopos_relabel::Action;
///
/// assert_eq!("LabelMap".parse::<Action>().unwrap(), Action::LabelMap);
/// assert_eq!("x".parse::<Action>().unwrap_err().to_string(), r#"unknown relabel action "x""#);
/// ```
impl FromStr for Action {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let lower = name.to_lowercase();
        Self::ALL.into_iter().find(|action| action.as_str() == lower).ok_or_else(|| {
            let message = format!("unknown relabel action {}", Quoted(name));
            Error::new(ErrorKind::InvalidAction, message)
        })
    }
}

/// Which names of labels are valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "configuration files know these two")]
pub enum NameScheme {
    /// Those that fit `[a-zA-Z_][a-zA-Z0-9_]*`.
    Legacy,
    /// All but the empty one.
    #[default]
    Utf8,
}

impl NameScheme {
    /// Whether a label may have this name.
    ///
    /// ```
    /// use skopos_relabel::NameScheme;
    ///
    /// assert!(NameScheme::Utf8.allows("service.name"));
    /// assert!(!NameScheme::Legacy.allows("service.name"));
    /// ```
    #[must_use]
    pub fn allows(self, name: &str) -> bool {
        match self {
            Self::Legacy => is_legacy_label_name(name),
            Self::Utf8 => !name.is_empty(),
        }
    }
}

/// A rule as it is written, before it is checked.
///
/// ```
/// use skopos_relabel::{Action, NameScheme, RuleConfig};
///
/// let rule = RuleConfig::new(Action::Replace)
///     .source_labels(["__address__"])
///     .regex("([^:]+)(:[0-9]+)?")
///     .target_label("instance")
///     .replacement("$1")
///     .build(NameScheme::Utf8)
///     .unwrap();
/// assert_eq!(rule.config().action, Some(Action::Replace));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RuleConfig {
    /// What the rule does; none if the field is there without a value, which is an error.
    pub action: Option<Action>,
    /// What the hash is taken modulo; 0 if not set.
    pub modulus: u64,
    /// The expression that the joined values, or names of labels, are matched with; `(.*)` if none.
    pub regex: Option<String>,
    /// What the target label is set to, or names are mapped to.
    pub replacement: String,
    /// What stands between the joined values.
    pub separator: String,
    /// The labels whose values are joined; none and an empty list differ for some actions.
    pub source_labels: Option<Vec<String>>,
    /// The label that is written or compared with; empty if not set.
    pub target_label: String,
}

/// The expression of a rule that names none.
const DEFAULT_REGEX: &str = "(.*)";
/// The replacement of a rule that names none.
pub(crate) const DEFAULT_REPLACEMENT: &str = "$1";
/// The separator of a rule that names none.
pub(crate) const DEFAULT_SEPARATOR: &str = ";";

impl Default for RuleConfig {
    fn default() -> Self {
        Self::new(Action::Replace)
    }
}

impl RuleConfig {
    /// A rule that has an action, and all else as Prometheus has it by default.
    #[must_use]
    pub fn new(action: Action) -> Self {
        Self {
            action: Some(action),
            modulus: 0,
            regex: None,
            replacement: DEFAULT_REPLACEMENT.into(),
            separator: DEFAULT_SEPARATOR.into(),
            source_labels: None,
            target_label: String::new(),
        }
    }

    /// The rule with other source labels.
    #[must_use]
    pub fn source_labels<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.source_labels = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The rule with another separator.
    #[must_use]
    pub fn separator(mut self, separator: impl Into<String>) -> Self {
        self.separator = separator.into();
        self
    }

    /// The rule with another expression.
    #[must_use]
    pub fn regex(mut self, regex: impl Into<String>) -> Self {
        self.regex = Some(regex.into());
        self
    }

    /// The rule with another modulus.
    #[must_use]
    pub fn modulus(mut self, modulus: u64) -> Self {
        self.modulus = modulus;
        self
    }

    /// The rule with another target label.
    #[must_use]
    pub fn target_label(mut self, name: impl Into<String>) -> Self {
        self.target_label = name.into();
        self
    }

    /// The rule with another replacement.
    #[must_use]
    pub fn replacement(mut self, replacement: impl Into<String>) -> Self {
        self.replacement = replacement.into();
        self
    }

    /// The expression as text, the default one included.
    ///
    /// ```
    /// use skopos_relabel::{Action, RuleConfig};
    ///
    /// assert_eq!(RuleConfig::new(Action::Keep).regex_or_default(), "(.*)");
    /// ```
    #[must_use]
    pub fn regex_or_default(&self) -> &str {
        self.regex.as_deref().unwrap_or(DEFAULT_REGEX)
    }

    /// The checked and compiled rule.
    ///
    /// # Errors
    ///
    /// Those of [`Rule::new`].
    pub fn build(self, scheme: NameScheme) -> Result<Rule, Error> {
        Rule::new(self, scheme)
    }
}
