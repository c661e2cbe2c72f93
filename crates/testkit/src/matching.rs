//! What matchers mean: the oracle for every index and planner.

use regex_automata::meta::Regex;
use skopos_core::{Error, ErrorKind, LabelSet, MatchOp, Matcher};

/// Whether all `matchers` hold for `labels`; a missing label counts as empty.
///
/// # Errors
///
/// `Invalid` for a regular expression that cannot be compiled.
///
/// ```
/// use skopos_core::{MatchOp, Matcher};
/// use skopos_testkit::matching::matches_all;
///
/// let labels = [("code", "200")];
/// let server_error = Matcher::new("code", MatchOp::Regex, "5..");
/// assert!(!matches_all(&[server_error], &labels).unwrap());
/// ```
pub fn matches_all(matchers: &[Matcher], labels: &dyn LabelSet) -> Result<bool, Error> {
    for matcher in matchers {
        if !matches(matcher, labels.value(matcher.name()).unwrap_or_default())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether `matcher` holds for the value of its label.
///
/// # Errors
///
/// `Invalid` for a regular expression that cannot be compiled.
pub fn matches(matcher: &Matcher, value: &str) -> Result<bool, Error> {
    Ok(match matcher.op() {
        MatchOp::Equal => value == matcher.value(),
        MatchOp::NotEqual => value != matcher.value(),
        MatchOp::Regex => compile(matcher.value())?.is_match(value),
        MatchOp::NotRegex => !compile(matcher.value())?.is_match(value),
    })
}

fn compile(pattern: &str) -> Result<Regex, Error> {
    Regex::new(&format!("^(?s:{pattern})$"))
        .map_err(|error| Error::caused(ErrorKind::Invalid, error).context("regular expression"))
}
