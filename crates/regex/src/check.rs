//! Questions about patterns that need no compiled form: for parsers of larger languages.

#[cfg(test)]
mod tests;

use regex_syntax::hir::Look;

use crate::ast::Node;
use crate::error::Error;
use crate::label::check_wrapped_height;
use crate::parse::{Flags, Parsed, parse};

/// Whether a pattern is one that [`LabelRegex`](crate::LabelRegex) takes, without compiling it.
///
/// Takes time linear in the pattern.
///
/// ```
/// assert!(skopos_regex::check("prod-(eu|us)-.*").is_ok());
/// let error = skopos_regex::check("prod-(eu").unwrap_err();
/// assert_eq!(error.to_string(), "error parsing regexp: missing closing ): `prod-(eu`");
/// ```
///
/// # Errors
///
/// Those of [`LabelRegex::new`](crate::LabelRegex::new), but for the limit of 32 MiB on the compiled
/// form: that one only compiling can tell.
pub fn check(pattern: &str) -> Result<(), Error> {
    if plain_matches_empty(pattern).is_some() {
        return Ok(());
    }
    parse_label(pattern).map(drop)
}

/// Whether a pattern matches the empty text, as [`LabelRegex`](crate::LabelRegex) would, without
/// compiling it.
///
/// ```
/// assert_eq!(skopos_regex::matches_empty("a*|b"), Ok(true));
/// assert_eq!(skopos_regex::matches_empty("a+|b"), Ok(false));
/// ```
///
/// # Errors
///
/// Those of [`check`].
pub fn matches_empty(pattern: &str) -> Result<bool, Error> {
    match plain_matches_empty(pattern) {
        Some(empty) => Ok(empty),
        None => parse_label(pattern).map(|parsed| is_empty(&parsed.node)),
    }
}

/// Whether a pattern matches the empty text, if it is a short one of plain characters, dots, single
/// repetitions and alternatives: most are, and need no parser.
fn plain_matches_empty(pattern: &str) -> Option<bool> {
    const LONGEST: usize = 256;
    if LONGEST < pattern.len() {
        return None;
    }
    // Of all alternatives before, and of what was read of this one.
    let (mut found, mut empty) = (false, true);
    // Whether the last byte may still be repeated.
    let mut single = false;
    for byte in pattern.bytes() {
        match byte {
            b'*' | b'?' if single => single = false,
            b'+' if single => (single, empty) = (false, false),
            b'|' => {
                found |= empty && !single;
                (single, empty) = (false, true);
            }
            b'.' | b'_' | b'-' | b'/' | b':' | b' ' | b',' | b'=' | b'%' | b'@' => {
                (single, empty) = (true, empty && !single);
            }
            _ if byte.is_ascii_alphanumeric() => (single, empty) = (true, empty && !single),
            _ => return None,
        }
    }
    Some(found || (empty && !single))
}

fn parse_label(pattern: &str) -> Result<Parsed, Error> {
    let parsed = parse(pattern, Flags { dot_newline: true, ..Flags::default() })?;
    check_wrapped_height(&parsed, pattern)?;
    Ok(parsed)
}

/// Whether the node matches the empty text by itself. Recurses as deep as the pattern nests, for which
/// the parser has a limit.
fn is_empty(node: &Node) -> bool {
    match node {
        Node::Empty => true,
        Node::Literal { text, .. } => text.is_empty(),
        Node::Class(_) | Node::Any | Node::AnyButNewline => false,
        // The empty text has both ends and no word.
        Node::Look(look) => !matches!(look, Look::WordAscii | Look::WordUnicode),
        Node::Capture(_, node) => is_empty(node),
        Node::Repeat { min, node, .. } => *min == 0 || is_empty(node),
        Node::Concat(nodes) => nodes.iter().all(is_empty),
        Node::Alternate(nodes) => nodes.iter().any(is_empty),
    }
}
