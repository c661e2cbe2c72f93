//! Series selectors in parameters: reading them, and matching labels that are not in the storage.

use skopos_core::{Labels, MatchOp, Matcher};
use skopos_regex::LabelRegex;

use super::form::Form;
use super::reply::Failure;

/// The parameter `match[]`: sets of matchers of which each selects something in particular.
pub(super) fn parse_all(form: &Form) -> Result<Vec<Vec<Matcher>>, Failure> {
    let mut sets = Vec::new();
    for text in form.values("match[]") {
        sets.push(parse(text)?);
    }
    for matchers in &sets {
        let compiled = Conditions::new(matchers)?;
        if !compiled.0.iter().any(|condition| !condition.holds("")) {
            let message = "match[] must contain at least one non-empty matcher";
            return Err(Failure::bad_data(message));
        }
    }
    Ok(sets)
}

/// One selector, without a range and without modifiers.
pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, Failure> {
    skopos_promql::parse_selector(text).map_err(|error| Failure::bad_data(error.to_string()))
}

/// Matchers that are ready to be applied to labels.
pub(super) struct Conditions(Vec<Condition>);

struct Condition {
    matcher: Matcher,
    /// There exactly for the operators that need it.
    regex: Option<LabelRegex>,
}

impl Conditions {
    /// The conditions that `matchers` state.
    pub(super) fn new(matchers: &[Matcher]) -> Result<Self, Failure> {
        let compile = |matcher: &Matcher| {
            let regex = match matcher.op().is_regex() {
                true => Some(LabelRegex::new(matcher.value())),
                false => None,
            };
            let regex = regex.transpose().map_err(|e| Failure::bad_data(e.to_string()))?;
            Ok(Condition { matcher: matcher.clone(), regex })
        };
        matchers.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// Whether all of them hold.
    pub(super) fn hold(&self, labels: &Labels) -> bool {
        self.0.iter().all(|c| c.holds(labels.get(c.matcher.name()).unwrap_or("")))
    }
}

impl Condition {
    fn holds(&self, value: &str) -> bool {
        let equal = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.matcher.value() == value,
        };
        match self.matcher.op() {
            MatchOp::Equal | MatchOp::Regex => equal,
            MatchOp::NotEqual | MatchOp::NotRegex => !equal,
        }
    }
}
