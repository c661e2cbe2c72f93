//! The few texts of which every match begins with one.

use regex_syntax::hir::ClassUnicodeRange;

use crate::ast::Node;
use crate::unicode;

/// The most texts.
const MAX_HEADS: usize = 32;
/// The longest text, in bytes; it may be exceeded by a literal, which is taken whole.
const MAX_LEN: usize = 64;

/// The beginning of a match.
#[derive(Clone, Debug)]
struct Head {
    text: String,
    /// Whether it is all that the node matches, so that what is next can extend it.
    is_all: bool,
}

/// Ascending texts, none of which begins with another, so that every match of the pattern begins with
/// exactly one of them. Without any, nothing is known.
pub(crate) fn heads(node: &Node) -> Box<[Box<str>]> {
    let mut texts: Vec<String> = heads_of(node).into_iter().map(|head| head.text).collect();
    texts.sort_unstable();
    texts.dedup_by(|text, before| text.starts_with(before.as_str()));
    if texts.first().is_some_and(String::is_empty) {
        texts.clear();
    }
    texts.into_iter().map(Into::into).collect()
}

fn unknown() -> Vec<Head> {
    vec![Head { text: String::new(), is_all: false }]
}

fn heads_of(node: &Node) -> Vec<Head> {
    let exact = |text: String| vec![Head { text, is_all: true }];
    match node {
        Node::Empty | Node::Look(_) => exact(String::new()),
        Node::Literal { text, fold: false } => exact(text.clone()),
        Node::Literal { text, fold: true } => {
            text.chars().fold(exact(String::new()), |heads, c| {
                let cases = unicode::orbit(c);
                let cases = cases.ranges().iter().flat_map(|range| range.start()..=range.end());
                extend(heads, &cases.map(String::from).collect::<Vec<_>>(), true)
            })
        }
        Node::Class(class) => {
            let count: usize = class.ranges().iter().map(ClassUnicodeRange::len).sum();
            if MAX_HEADS < count {
                return unknown();
            }
            let members = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            members.flat_map(|c| exact(c.into())).collect()
        }
        Node::Any | Node::AnyButNewline => unknown(),
        Node::Capture(_, node) => heads_of(node),
        Node::Repeat { max: Some(0), .. } => exact(String::new()),
        Node::Repeat { min, max, node, .. } => {
            let mut heads = heads_of(node);
            if *max != Some(1) {
                heads.iter_mut().for_each(|head| head.is_all = false);
            }
            if *min == 0 {
                heads.push(Head { text: String::new(), is_all: true });
            }
            heads
        }
        Node::Concat(nodes) => {
            let mut heads = exact(String::new());
            for node in nodes {
                if !heads.iter().any(|head| head.is_all) {
                    break;
                }
                heads = follow(heads, &heads_of(node));
            }
            heads
        }
        Node::Alternate(nodes) => {
            let heads: Vec<Head> = nodes.iter().flat_map(heads_of).collect();
            if MAX_HEADS < heads.len() { common(&heads) } else { heads }
        }
    }
}

/// Every head that may go on, with every one of `next` behind it; those that may not as they are.
fn follow(heads: Vec<Head>, next: &[Head]) -> Vec<Head> {
    let mut all = Vec::with_capacity(heads.len() * next.len());
    for head in &heads {
        if head.is_all && head.text.len() < MAX_LEN {
            all.extend(next.iter().map(|next| Head {
                text: [&*head.text, &*next.text].concat(),
                is_all: next.is_all,
            }));
        } else {
            all.push(Head { text: head.text.clone(), is_all: false });
        }
    }
    if MAX_HEADS < all.len() { stopped(heads) } else { all }
}

fn extend(heads: Vec<Head>, texts: &[String], is_all: bool) -> Vec<Head> {
    let next: Vec<Head> = texts.iter().map(|text| Head { text: text.clone(), is_all }).collect();
    if heads.iter().any(|head| head.is_all) { follow(heads, &next) } else { heads }
}

fn stopped(mut heads: Vec<Head>) -> Vec<Head> {
    heads.iter_mut().for_each(|head| head.is_all = false);
    heads
}

/// Too many heads, cut to their first characters.
fn common(heads: &[Head]) -> Vec<Head> {
    for len in [4, 3, 2, 1] {
        let cut = heads.iter().map(|head| head.text.chars().take(len).collect::<String>());
        let mut texts: Vec<String> = cut.collect();
        texts.sort_unstable();
        texts.dedup();
        if texts.len() <= MAX_HEADS {
            return texts.into_iter().map(|text| Head { text, is_all: false }).collect();
        }
    }
    unknown()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Flags, parse};

    #[track_caller]
    fn check(pattern: &str, expected: &[&str]) {
        let parsed = parse(pattern, Flags { dot_newline: true, ..Flags::default() }).unwrap();
        let heads = heads(&parsed.node);
        assert_eq!(heads.iter().map(|head| &**head).collect::<Vec<_>>(), expected, "{pattern}");
    }

    #[test]
    fn choices_repetitions_and_cases_have_their_heads() {
        check("ab.*", &["ab"]);
        check("(ab|cd).*", &["ab", "cd"]);
        check(
            "(prod|prod-eu|test)-[12].*",
            &["prod-1", "prod-2", "prod-eu-1", "prod-eu-2", "test-1", "test-2"],
        );
        check("a?b+", &["ab", "b"]);
        check("(?i)ab-.*", &["AB-", "Ab-", "aB-", "ab-"]);
        check("^x.*", &["x"]);
        check("(x|xy).*", &["x"]);
        check("a{2}b", &["a"]);
    }

    #[test]
    fn where_nothing_is_known_there_is_none() {
        check(".*a", &[]);
        check("(a|.*)b", &[]);
        check("a*", &[]);
        check("[a-z0-9]x", &[]);
        check("", &[]);
    }

    #[test]
    fn too_many_are_cut() {
        check(
            "(?i)abcdefgh",
            &[
                "ABCDE", "ABCDe", "ABCdE", "ABCde", "ABcDE", "ABcDe", "ABcdE", "ABcde", "AbCDE",
                "AbCDe", "AbCdE", "AbCde", "AbcDE", "AbcDe", "AbcdE", "Abcde", "aBCDE", "aBCDe",
                "aBCdE", "aBCde", "aBcDE", "aBcDe", "aBcdE", "aBcde", "abCDE", "abCDe", "abCdE",
                "abCde", "abcDE", "abcDe", "abcdE", "abcde",
            ],
        );
        let many: Vec<String> = (0..500).map(|i| format!("host-{i:03}.*")).collect();
        check(&many.join("|"), &["host"]);
    }
}
