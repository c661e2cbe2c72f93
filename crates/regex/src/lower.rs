//! From the parsed tree to the representation that `regex-automata` compiles.
//!
//! Everything about flags is decided by then: classes are folded, `.` and `^` say what they mean.

use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, Repetition};

use crate::ast::Node;
use crate::unicode;

/// Whether groups are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    /// For who asks what they matched.
    Keep,
    /// For who asks only whether the whole matches: cheaper to build and to run.
    Drop,
}

/// The node for `regex-automata`.
///
/// It recurses as deep as the pattern nests, for which the parser has a limit.
pub(crate) fn lower(node: &Node, groups: Groups) -> Hir {
    match node {
        Node::Empty => Hir::empty(),
        Node::Literal { text, fold: false } => Hir::literal(text.as_bytes()),
        Node::Literal { text, fold: true } => folded_literal(text),
        Node::Class(class) => Hir::class(Class::Unicode(class.clone())),
        Node::Any => Hir::dot(Dot::AnyChar),
        Node::AnyButNewline => Hir::dot(Dot::AnyCharExceptLF),
        Node::Look(look) => Hir::look(*look),
        Node::Capture(_, node) if groups == Groups::Drop => lower(node, groups),
        Node::Capture(index, node) => {
            // Names stay outside: Go allows one name for two groups, `regex-automata` does not.
            let sub = Box::new(lower(node, groups));
            Hir::capture(Capture { index: *index, name: None, sub })
        }
        Node::Repeat { min, max, greedy, node } => Hir::repetition(Repetition {
            min: *min,
            max: *max,
            greedy: *greedy,
            sub: Box::new(lower(node, groups)),
        }),
        Node::Concat(nodes) => Hir::concat(nodes.iter().map(|n| lower(n, groups)).collect()),
        Node::Alternate(nodes) => {
            Hir::alternation(nodes.iter().map(|n| lower(n, groups)).collect())
        }
    }
}

fn folded_literal(text: &str) -> Hir {
    Hir::concat(text.chars().map(|c| Hir::class(Class::Unicode(orbit(c)))).collect())
}

fn orbit(c: char) -> ClassUnicode {
    match c {
        // All but `K` and `S`, which Kelvin's sign and the long s are equal to.
        'a'..='j' | 'l'..='r' | 't'..='z' | 'A'..='J' | 'L'..='R' | 'T'..='Z' => {
            let (upper, lower) = (c.to_ascii_uppercase(), c.to_ascii_lowercase());
            let one = |c| ClassUnicodeRange::new(c, c);
            ClassUnicode::new([one(upper), one(lower)])
        }
        _ => unicode::orbit(c),
    }
}
