//! Go's templates for replacements: text with `$1`, `${1}`, `$name`, `${name}` and `$$`.

use crate::unicode::is_letter_or_digit;

/// What a template asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable<'t> {
    Name(&'t str),
    Number(usize),
}

/// Appends the template with what `lookup` says about each variable.
///
/// A dollar sign that starts nothing is itself.
pub(crate) fn expand<'v>(
    template: &str,
    out: &mut String,
    mut lookup: impl FnMut(Variable<'_>) -> Option<&'v str>,
) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((variable, after)) = split_variable(after) {
            out.push_str(lookup(variable).unwrap_or_default());
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
}

/// Splits what follows a dollar sign into the variable and the rest.
fn split_variable(text: &str) -> Option<(Variable<'_>, &str)> {
    let (text, is_braced) = match text.strip_prefix('{') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let len = text.find(|c| c != '_' && !is_letter_or_digit(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(len);
    if name.is_empty() {
        return None;
    }
    let rest = if is_braced { rest.strip_prefix('}')? } else { rest };
    Some((variable(name), rest))
}

/// Digits without a superfluous zero are a number; whatever has too many is a name that no group has.
fn variable(name: &str) -> Variable<'_> {
    let is_number =
        name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    match name.parse() {
        Ok(number) if is_number => Variable::Number(number),
        _ => Variable::Name(name),
    }
}
