//! Conditions of selectors that say less, or other things, than they seem to.

use skopos_core::labels::METRIC_NAME;
use skopos_core::text::Quoted;
use skopos_core::{MatchOp, Matcher};

use super::{Code, Linter, metric};
use crate::ast::VectorSelector;
use crate::span::Span;

pub(super) fn lint(linter: &mut Linter<'_>, selector: &VectorSelector, span: Span) {
    for matcher in &selector.matchers[..] {
        if matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex) {
            lint_regex(linter, matcher, span);
        }
    }
    if metric::name(selector).is_none() && !selector.bypass_empty_matcher_check {
        let has_name = selector.matchers.iter().any(|m| m.name() == METRIC_NAME);
        if !has_name {
            linter.add(Code::SelectorWithoutName, span, || {
                "series of all metrics are selected".into()
            });
        }
    }
    // More conditions than a person writes are not compared with each other.
    if 1 < selector.matchers.len() && selector.matchers.len() <= 64 {
        lint_contradiction(linter, &selector.matchers, span);
    }
}

fn lint_regex(linter: &mut Linter<'_>, matcher: &Matcher, span: Span) {
    let (name, value) = (matcher.name(), matcher.value());
    let (op, plain) = match matcher.op() {
        MatchOp::Regex => ("=~", "="),
        _ => ("!~", "!="),
    };
    if value == ".*" {
        linter.add(Code::RegexMatchesEverything, span, || match matcher.op() {
            MatchOp::Regex => format!("{name}=~\".*\" holds for every series"),
            _ => format!("{name}!~\".*\" holds for no series"),
        });
        return;
    }
    let inner = value.strip_prefix('^').unwrap_or(value);
    let inner = inner.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(inner);
    // `$` before a name is a variable of a dashboard.
    if inner.len() < value.len() && !inner.is_empty() && !value.contains('|') {
        linter.add(Code::RegexIsAnchored, span, || {
            format!("{} is matched as a whole with and without ^ and $", Quoted(value))
        });
    } else if is_literal(value) {
        linter.add(Code::RegexCouldBeEquality, span, || {
            let value = Quoted(value);
            format!("{name}{op}{value} has nothing of a regular expression and says {name}{plain}{value}")
        });
    }
}

/// Whether a regular expression matches itself alone. An empty one is left alone, as are those with
/// escapes, which would have to be written anew.
fn is_literal(value: &str) -> bool {
    !value.is_empty() && !value.contains(|c: char| r"\.+*?()|[]{}^$".contains(c))
}

fn lint_contradiction(linter: &mut Linter<'_>, matchers: &[Matcher], span: Span) {
    for (at, a) in matchers.iter().enumerate() {
        let b = matchers[at + 1..].iter().find(|b| a.name() == b.name() && excludes(a, b));
        if let Some(b) = b {
            linter.add(Code::SelectorMatchesNothing, span, || {
                format!("no series has both {a} and {b}")
            });
            return;
        }
    }
}

fn excludes(a: &Matcher, b: &Matcher) -> bool {
    match (a.op(), b.op()) {
        (MatchOp::Equal, MatchOp::Equal) => a.value() != b.value(),
        (MatchOp::Equal, MatchOp::NotEqual) | (MatchOp::NotEqual, MatchOp::Equal) => {
            a.value() == b.value()
        }
        _ => false,
    }
}
