//! The tree that a pattern is parsed into, and what its limits are measured by.
//!
//! It keeps what literal analysis asks for and the compiled form forgets: whole literals, their
//! sensitivity to case, and groups. It is not public; the intermediate representation of
//! `regex-syntax` is derived from it.

use regex_syntax::hir::{ClassUnicode, Look};

/// One node of a parsed pattern.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Matches the empty string.
    Empty,
    /// Matches this text; with `fold`, under simple case folding.
    Literal { text: String, fold: bool },
    /// Matches one character of the class; none if it is empty.
    Class(ClassUnicode),
    /// Matches any character.
    Any,
    /// Matches any character but a newline.
    AnyButNewline,
    /// Matches the empty string at some places.
    Look(Look),
    /// A group that captures, by its number.
    Capture(u32, Box<Node>),
    /// Matches so many times; no `max` means without limit.
    Repeat { min: u32, max: Option<u32>, greedy: bool, node: Box<Node> },
    /// Matches one after the other.
    Concat(Vec<Node>),
    /// Matches the first that can.
    Alternate(Vec<Node>),
}

/// A node with the measures that limits are stated in.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) node: Node,
    /// Levels of the tree.
    pub(crate) height: u32,
    /// Instructions of the program that Go would compile it to.
    pub(crate) size: u64,
    /// The largest product of nested repetition counts.
    pub(crate) copies: u64,
}

impl Item {
    pub(crate) fn leaf(node: Node) -> Self {
        let size = match &node {
            Node::Literal { text, .. } => text.chars().count() as u64,
            _ => 1,
        };
        Self { node, height: 1, size: size.max(1), copies: 1 }
    }

    pub(crate) fn capture(self, index: u32) -> Self {
        Self {
            node: Node::Capture(index, Box::new(self.node)),
            height: self.height + 1,
            size: self.size + 2,
            copies: self.copies,
        }
    }

    /// The item so many times; `counted` tells `{n,m}` from `*`, `+` and `?`.
    pub(crate) fn repeat(self, min: u32, max: Option<u32>, greedy: bool, counted: bool) -> Self {
        let size = match max {
            None if min == 0 => self.size + 2,
            None => (self.size * u64::from(min)).saturating_add(1),
            Some(max) => (self.size * u64::from(max)).saturating_add(u64::from(max - min)),
        };
        let copies = match max {
            Some(0) => 1,
            _ if counted => self.copies * u64::from(max.unwrap_or(min).max(1)),
            _ => self.copies,
        };
        Self {
            node: Node::Repeat { min, max, greedy, node: Box::new(self.node) },
            height: self.height + 1,
            size: size.max(1),
            copies,
        }
    }

    /// The items one after the other; literals next to each other become one.
    pub(crate) fn concat(items: Vec<Self>) -> Self {
        let mut merged: Vec<Self> = Vec::with_capacity(items.len());
        for item in items {
            let Some(last) = merged.last_mut() else {
                merged.push(item);
                continue;
            };
            match (&mut last.node, &item.node) {
                (Node::Literal { text, fold }, Node::Literal { text: more, fold: more_fold })
                    if fold == more_fold =>
                {
                    text.push_str(more);
                    last.size += item.size;
                }
                _ => merged.push(item),
            }
        }
        Self::join(merged, Node::Concat)
    }

    /// The items as choices.
    pub(crate) fn alternate(items: Vec<Self>) -> Self {
        Self::join(items, Node::Alternate)
    }

    fn join(mut items: Vec<Self>, op: fn(Vec<Node>) -> Node) -> Self {
        if items.len() < 2 {
            return items.pop().unwrap_or_else(|| Self::leaf(Node::Empty));
        }
        let of_kind =
            |node: &Node| core::mem::discriminant(node) == core::mem::discriminant(&op(Vec::new()));
        let (mut height, mut size, mut copies) = (0, 0_u64, 1);
        let mut nodes = Vec::with_capacity(items.len());
        for item in items {
            size = size.saturating_add(item.size);
            copies = copies.max(item.copies);
            // A sequence in a sequence is one sequence, a level less.
            if of_kind(&item.node) {
                height = height.max(item.height - 1);
                match item.node {
                    Node::Concat(inner) | Node::Alternate(inner) => nodes.extend(inner),
                    other => nodes.push(other),
                }
            } else {
                height = height.max(item.height);
                nodes.push(item.node);
            }
        }
        if matches!(op(Vec::new()), Node::Alternate(_)) {
            size = size.saturating_add(nodes.len() as u64 - 1);
        }
        Self { node: op(nodes), height: height + 1, size, copies }
    }
}
