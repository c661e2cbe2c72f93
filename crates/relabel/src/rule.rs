//! Checked and compiled rules.

use skopos_core::text::Quoted;
use skopos_regex::{LabelRegex, Regex};

use crate::config::{Action, DEFAULT_REPLACEMENT, DEFAULT_SEPARATOR, NameScheme, RuleConfig};
use crate::error::{Error, ErrorKind};

/// A relabeling rule, ready to be applied. Threads may share it.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) config: RuleConfig,
    pub(crate) action: Action,
    pub(crate) pattern: Pattern,
    pub(crate) scheme: NameScheme,
}

/// A rule's expression, in the cheapest form that its action can do with.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// `(.*)` by default, and templates are plain or `$1`: the text is the first group.
    Everything,
    /// Only whether it matches is asked.
    Match(LabelRegex),
    /// Groups are asked for, or the pattern is only right inside of the parentheses around it.
    Full(Regex),
}

impl Rule {
    /// Checks and compiles a rule. The expression is compiled first, as Prometheus does when it reads
    /// the file; other checks follow.
    ///
    /// ```
    /// use skopos_relabel::{Action, NameScheme, Rule, RuleConfig};
    ///
    /// let config = RuleConfig::new(Action::LabelDrop).regex("__meta_(");
    /// let error = Rule::new(config, NameScheme::Utf8).unwrap_err();
    /// assert_eq!(error.to_string(), "error parsing regexp: missing closing ): `^(?s:__meta_()$`");
    /// ```
    ///
    /// # Errors
    ///
    /// The first mistake, of any [`ErrorKind`] but `InvalidAction`, in Prometheus' words.
    pub fn new(config: RuleConfig, scheme: NameScheme) -> Result<Self, Error> {
        let pattern = compile(&config)?;
        let action = validate(&config, scheme)?;
        Ok(Self { config, action, pattern, scheme })
    }

    /// What the rule was made of.
    #[must_use]
    pub fn config(&self) -> &RuleConfig {
        &self.config
    }

    /// The scheme that names are valid under.
    #[must_use]
    pub fn scheme(&self) -> NameScheme {
        self.scheme
    }
}

/// Rules are equal if they were made of the same.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.scheme == other.scheme
    }
}

impl Eq for Rule {}

fn compile(config: &RuleConfig) -> Result<Pattern, Error> {
    if config.regex.is_none() && is_whole(config) {
        return Ok(Pattern::Everything);
    }
    let pattern = config.regex_or_default();
    if !needs_groups(config) && !pattern.contains(r"\Q") {
        // What is right alone means the same inside of parentheses, but for an open quotation.
        if let Ok(regex) = LabelRegex::new(pattern) {
            return Ok(Pattern::Match(regex));
        }
    }
    Regex::new(&format!("^(?s:{pattern})$")).map(Pattern::Full).map_err(Error::regex)
}

/// Whether the templates ask for nothing but the whole text.
fn is_whole(config: &RuleConfig) -> bool {
    let replacement = config.replacement.as_str();
    !config.target_label.contains('$')
        && (replacement == DEFAULT_REPLACEMENT || !replacement.contains('$'))
}

/// Whether the action looks at what the expression's groups matched.
fn needs_groups(config: &RuleConfig) -> bool {
    match config.action {
        Some(Action::LabelMap) => true,
        Some(Action::Replace) => {
            config.target_label.contains('$') || config.replacement.contains('$')
        }
        _ => false,
    }
}

/// Checks what goes together, in Prometheus' order.
fn validate(config: &RuleConfig, scheme: NameScheme) -> Result<Action, Error> {
    let Some(action) = config.action else {
        let message = "relabel action cannot be empty".into();
        return Err(Error::new(ErrorKind::MissingAction, message));
    };
    if action == Action::HashMod && config.modulus == 0 {
        let message = "relabel configuration for hashmod requires non-zero modulus".into();
        return Err(Error::new(ErrorKind::MissingModulus, message));
    }
    check_target(action, config, scheme)?;
    check_replacement(action, config, scheme)?;
    check_unused(action, config)?;
    Ok(action)
}

fn check_target(action: Action, config: &RuleConfig, scheme: NameScheme) -> Result<(), Error> {
    use Action::{DropEqual, HashMod, KeepEqual, Lowercase, Replace, Uppercase};

    let has_target =
        matches!(action, Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual);
    if !has_target {
        return Ok(());
    }
    let target = config.target_label.as_str();
    if target.is_empty() {
        let message =
            format!("relabel configuration for {action} action requires 'target_label' value");
        return Err(Error::new(ErrorKind::MissingTargetLabel, message));
    }
    let is_template = action == Replace && target.contains('$');
    let is_valid =
        if is_template { allows_template(scheme, target) } else { scheme.allows(target) };
    if is_valid {
        return Ok(());
    }
    let message = format!("{} is invalid 'target_label' for {action} action", Quoted(target));
    Err(Error::new(ErrorKind::InvalidTargetLabel, message))
}

fn check_replacement(action: Action, config: &RuleConfig, scheme: NameScheme) -> Result<(), Error> {
    use Action::{DropEqual, KeepEqual, LabelMap, Lowercase, Uppercase};

    let replacement = config.replacement.as_str();
    let is_unused = matches!(action, Lowercase | Uppercase | KeepEqual | DropEqual);
    if is_unused && replacement != DEFAULT_REPLACEMENT {
        let message = format!("'replacement' can not be set for {action} action");
        return Err(Error::new(ErrorKind::UnexpectedField, message));
    }
    if action == LabelMap && !allows_template(scheme, replacement) {
        let quoted = Quoted(replacement);
        let message = format!("{quoted} is invalid 'replacement' for {action} action");
        return Err(Error::new(ErrorKind::InvalidReplacement, message));
    }
    Ok(())
}

/// Refuses fields that the action does not use, where Prometheus does.
fn check_unused(action: Action, config: &RuleConfig) -> Result<(), Error> {
    let has_values = config.modulus != 0
        || config.separator != DEFAULT_SEPARATOR
        || config.replacement != DEFAULT_REPLACEMENT;
    let has_labels = config.source_labels.is_some() || !config.target_label.is_empty();
    let (is_wrong, used) = match action {
        Action::DropEqual | Action::KeepEqual => {
            (has_values || config.regex.is_some(), "'source_labels' and `target_label`")
        }
        Action::LabelDrop | Action::LabelKeep => (has_values || has_labels, "'regex'"),
        _ => (false, ""),
    };
    if is_wrong {
        let message = format!("{action} action requires only {used}, and no other fields");
        return Err(Error::new(ErrorKind::UnexpectedField, message));
    }
    Ok(())
}

/// Whether the template can become the name of a label.
fn allows_template(scheme: NameScheme, template: &str) -> bool {
    match scheme {
        NameScheme::Legacy => is_legacy_template(template),
        NameScheme::Utf8 => scheme.allows(template),
    }
}

/// Whether the template is made of letters, digits, `_`, `$name` and `${name}`, and does not start
/// with a digit.
fn is_legacy_template(template: &str) -> bool {
    let is_word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let mut rest = template;
    let mut is_first = true;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '$' {
            let (name, is_braced) = match rest.strip_prefix('{') {
                Some(name) => (name, true),
                None => (rest, false),
            };
            let len = name.find(|c| !is_word(c)).unwrap_or(name.len());
            if len == 0 {
                return false;
            }
            rest = &name[len..];
            if is_braced {
                let Some(after) = rest.strip_prefix('}') else { return false };
                rest = after;
            }
        } else if !is_word(c) || (is_first && c.is_ascii_digit()) {
            return false;
        }
        is_first = false;
    }
    !is_first
}
