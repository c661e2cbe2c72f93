//! What every match of a pattern begins with, ends with and contains.

use core::mem;

use regex_syntax::hir::ClassUnicode;

use crate::ast::Node;

/// Necessary conditions on the whole text, each case-sensitive; an empty string says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Required {
    pub(crate) prefix: String,
    pub(crate) suffix: String,
    /// In this order, without overlaps, not counting prefix and suffix.
    pub(crate) contains: Vec<String>,
}

impl Required {
    pub(crate) fn of(node: &Node) -> Self {
        let mut required = Self {
            prefix: edge(node, Side::Front).text,
            suffix: edge(node, Side::Back).text,
            contains: Vec::new(),
        };
        if let Node::Concat(nodes) = without_groups(node) {
            required.contains = inner_literals(nodes);
        }
        required
    }

    /// Whether the text may match.
    pub(crate) fn allow(&self, text: &str) -> bool {
        // Comparing with nothing is a call all the same, and on some machines a slow one.
        let begins = self.prefix.is_empty() || text.starts_with(&self.prefix);
        if !begins || !(self.suffix.is_empty() || text.ends_with(&self.suffix)) {
            return false;
        }
        let mut rest = text;
        for literal in &self.contains {
            let Some(at) = rest.find(literal.as_str()) else { return false };
            rest = &rest[at + literal.len()..];
        }
        true
    }
}

fn without_groups(mut node: &Node) -> &Node {
    while let Node::Capture(_, inner) = node {
        node = inner;
    }
    node
}

/// The literals between the first and the last node of a sequence.
fn inner_literals(nodes: &[Node]) -> Vec<String> {
    let inner = nodes.get(1..nodes.len().saturating_sub(1)).unwrap_or_default();
    let mut literals = Vec::new();
    let mut run = String::new();
    for node in inner {
        match exact(node) {
            Some(text) => run.push_str(&text),
            None if run.is_empty() => {}
            None => literals.push(mem::take(&mut run)),
        }
    }
    if !run.is_empty() {
        literals.push(run);
    }
    literals
}

/// The only text that the node matches, if it is plain.
fn exact(node: &Node) -> Option<String> {
    match without_groups(node) {
        Node::Literal { text, fold: false } => Some(text.clone()),
        Node::Class(class) => single(class).map(String::from),
        _ => None,
    }
}

fn single(class: &ClassUnicode) -> Option<char> {
    match class.ranges() {
        [range] if range.start() == range.end() => Some(range.start()),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Back,
    Front,
}

/// A text that all matches share at one side.
#[derive(Debug, Default)]
struct Edge {
    text: String,
    /// Whether it is all that the node matches, so that what is next can extend it.
    is_all: bool,
}

fn edge(node: &Node, side: Side) -> Edge {
    match node {
        Node::Empty | Node::Look(_) => Edge { text: String::new(), is_all: true },
        Node::Literal { text, fold: false } => Edge { text: text.clone(), is_all: true },
        Node::Class(class) => {
            single(class).map_or_else(Edge::default, |c| Edge { text: c.into(), is_all: true })
        }
        Node::Literal { .. } | Node::Any | Node::AnyButNewline => Edge::default(),
        Node::Capture(_, node) => edge(node, side),
        Node::Repeat { min: 1.., node, .. } => Edge { is_all: false, ..edge(node, side) },
        Node::Repeat { .. } => Edge::default(),
        Node::Concat(nodes) => match side {
            Side::Front => sequence(nodes.iter(), side),
            Side::Back => sequence(nodes.iter().rev(), side),
        },
        Node::Alternate(nodes) => choice(nodes, side),
    }
}

fn sequence<'n>(nodes: impl Iterator<Item = &'n Node>, side: Side) -> Edge {
    let mut whole = Edge { text: String::new(), is_all: true };
    for node in nodes {
        let next = edge(node, side);
        match side {
            Side::Front => whole.text.push_str(&next.text),
            Side::Back => whole.text.insert_str(0, &next.text),
        }
        if !next.is_all {
            whole.is_all = false;
            break;
        }
    }
    whole
}

fn choice(nodes: &[Node], side: Side) -> Edge {
    let mut edges = nodes.iter().map(|node| edge(node, side));
    let Some(mut common) = edges.next() else { return Edge::default() };
    for next in edges {
        let len = shared(&common.text, &next.text, side);
        let is_same = len == common.text.len() && len == next.text.len();
        common.is_all &= next.is_all && is_same;
        common.text = text_of(&next.text, len, side).into();
        if common.text.is_empty() && !common.is_all {
            break;
        }
    }
    common
}

/// How many bytes both share at the side, cut between characters.
fn shared(a: &str, b: &str, side: Side) -> usize {
    let same = |(x, y): &(char, char)| x == y;
    let width = |(x, _): (char, char)| x.len_utf8();
    match side {
        Side::Front => a.chars().zip(b.chars()).take_while(same).map(width).sum(),
        Side::Back => a.chars().rev().zip(b.chars().rev()).take_while(same).map(width).sum(),
    }
}

fn text_of(text: &str, len: usize, side: Side) -> &str {
    match side {
        Side::Front => &text[..len],
        Side::Back => &text[text.len() - len..],
    }
}
