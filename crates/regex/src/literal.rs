//! What the literals of a pattern say about the texts that it matches.
//!
//! Two questions are answered from the tree, under the meaning that the pattern must match the whole
//! text: *which* texts match, if they can be described by literals and gaps ([`Shapes`]); and what
//! every match must begin with, end with and contain ([`Required`]). Neither approximates: a shape
//! matches exactly what the pattern does, and what is required is a necessary condition.

use regex_syntax::hir::{ClassUnicode, Look};

use crate::ast::Node;
use crate::unicode;

mod heads;
mod required;
#[cfg(test)]
mod tests;

pub(crate) use self::heads::heads;
pub(crate) use self::required::Required;

/// The most shapes that sequences of choices are multiplied out to; a choice alone may have more.
const MAX_PRODUCT: usize = 256;
/// The most bytes of literals that they are multiplied out to.
const MAX_BYTES: usize = 64 << 10;

/// A part of a shape.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    /// This text.
    Literal(String),
    /// At least so many characters, whatever they are.
    Gap(u32),
    /// The beginning of the text.
    Start,
    /// The end of the text.
    End,
}

/// Literals and gaps in turn: no two literals and no two gaps next to each other.
pub(crate) type Shape = Vec<Part>;

/// Every text that a pattern matches, as choices of shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shapes {
    /// Sorted, without duplicates, without anchors.
    pub(crate) choices: Vec<Shape>,
    /// Whether case is ignored; all literals are folded then.
    pub(crate) fold: bool,
}

impl Shapes {
    /// The shapes of the tree, or `None` if literals and gaps cannot say what it matches.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        Self::with_case(node, false).or_else(|| Self::with_case(node, true))
    }

    fn with_case(node: &Node, fold: bool) -> Option<Self> {
        let mut choices = Vec::new();
        for shape in expand(node, fold)? {
            choices.push(without_anchors(shape)?);
        }
        choices.sort_unstable();
        choices.dedup();
        Some(Self { choices, fold })
    }

    /// The texts themselves, if there are no gaps; ascending.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        self.choices.iter().map(text).collect()
    }
}

/// The only text that the shape matches, if there is only one.
fn text(shape: &Shape) -> Option<String> {
    match shape.as_slice() {
        [] => Some(String::new()),
        [Part::Literal(text)] => Some(text.clone()),
        _ => None,
    }
}

/// Removes anchors where they say nothing: `None` if one is elsewhere.
fn without_anchors(shape: Shape) -> Option<Shape> {
    let is_start = |part: &&Part| **part == Part::Start;
    let is_end = |part: &&Part| **part == Part::End;
    let skip = shape.iter().take_while(is_start).count();
    let kept = shape[skip..].iter().rev().skip_while(is_end).count();
    let inner: Shape = shape.into_iter().skip(skip).take(kept).collect();
    let is_anchor = |part: &Part| matches!(part, Part::Start | Part::End);
    (!inner.iter().any(is_anchor)).then_some(inner)
}

/// The choices of the tree.
fn expand(node: &Node, fold: bool) -> Option<Vec<Shape>> {
    match node {
        Node::Empty => Some(vec![Vec::new()]),
        Node::Literal { text, fold: folds } => {
            literal(text, *folds, fold).map(|text| vec![vec![Part::Literal(text)]])
        }
        Node::Class(class) => expand_class(class, fold),
        Node::Any | Node::AnyButNewline => None,
        Node::Look(Look::Start) => Some(vec![vec![Part::Start]]),
        Node::Look(Look::End) => Some(vec![vec![Part::End]]),
        Node::Look(_) => None,
        Node::Capture(_, node) => expand(node, fold),
        Node::Repeat { min, max, node, .. } => expand_repeat(*min, *max, node, fold),
        Node::Concat(nodes) => {
            let mut choices = vec![Vec::new()];
            for node in nodes {
                choices = product(choices, expand(node, fold)?)?;
            }
            Some(choices)
        }
        Node::Alternate(nodes) => {
            let mut choices = Vec::with_capacity(nodes.len());
            for node in nodes {
                choices.append(&mut expand(node, fold)?);
            }
            Some(choices)
        }
    }
}

/// The literal as it is compared, if `fold` fits it.
fn literal(text: &str, folds: bool, fold: bool) -> Option<String> {
    let has_case = |c| unicode::orbit(c).ranges() != ClassUnicode::new([one(c)]).ranges();
    if folds == fold {
        return Some(if fold { text.chars().map(folded).collect() } else { text.into() });
    }
    // Without other cases it makes no difference.
    (!text.chars().any(has_case)).then(|| text.into())
}

fn one(c: char) -> regex_syntax::hir::ClassUnicodeRange {
    regex_syntax::hir::ClassUnicodeRange::new(c, c)
}

/// The character that stands for all that differ from it in case only: the first of them.
pub(crate) fn folded(c: char) -> char {
    match c {
        'a'..='z' => c.to_ascii_uppercase(),
        _ if c.is_ascii() => c,
        _ => unicode::orbit(c)
            .ranges()
            .first()
            .map_or(c, regex_syntax::hir::ClassUnicodeRange::start),
    }
}

fn expand_class(class: &ClassUnicode, fold: bool) -> Option<Vec<Shape>> {
    let count: usize = class.ranges().iter().map(regex_syntax::hir::ClassUnicodeRange::len).sum();
    if MAX_PRODUCT < count {
        return None;
    }
    if fold && unicode::folded(class.clone()) != *class {
        return None;
    }
    let members = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    let mut members: Vec<char> =
        if fold { members.map(folded).collect() } else { members.collect() };
    members.sort_unstable();
    members.dedup();
    Some(members.into_iter().map(|c| vec![Part::Literal(c.into())]).collect())
}

fn expand_repeat(min: u32, max: Option<u32>, node: &Node, fold: bool) -> Option<Vec<Shape>> {
    let Some(max) = max else {
        return matches!(node, Node::Any).then(|| vec![vec![Part::Gap(min)]]);
    };
    if max == 0 {
        return Some(vec![Vec::new()]);
    }
    let once = expand(node, fold)?;
    let mut choices = vec![Vec::new()];
    for _ in 0..min {
        choices = product(choices, once.clone())?;
    }
    let mut more = choices.clone();
    for _ in min..max {
        more = product(more, once.clone())?;
        choices.extend_from_slice(&more);
        if MAX_PRODUCT < choices.len() || MAX_BYTES < bytes(&choices) {
            return None;
        }
    }
    Some(choices)
}

/// Every choice of the first followed by every choice of the second.
fn product(mut first: Vec<Shape>, mut second: Vec<Shape>) -> Option<Vec<Shape>> {
    if let [only] = second.as_slice() {
        // Anchors cost nothing; literals would be copied to each choice.
        let has_text = only.iter().any(|part| matches!(part, Part::Literal(_)));
        let copied = bytes(&second).saturating_mul(first.len());
        if has_text && (MAX_PRODUCT < first.len() || MAX_BYTES < copied) {
            return None;
        }
        for shape in &mut first {
            only.iter().for_each(|part| append(shape, part.clone()));
        }
        return Some(first);
    }
    if let [only] = first.as_slice()
        && only.iter().all(|part| matches!(part, Part::Start))
    {
        for shape in &mut second {
            shape.splice(0..0, only.iter().cloned());
        }
        return Some(second);
    }
    let total = bytes(&first)
        .saturating_mul(second.len())
        .saturating_add(bytes(&second).saturating_mul(first.len()));
    if MAX_PRODUCT < first.len().saturating_mul(second.len()) || MAX_BYTES < total {
        return None;
    }
    let mut choices = Vec::with_capacity(first.len() * second.len());
    for head in &first {
        for tail in &second {
            let mut shape = head.clone();
            tail.iter().for_each(|part| append(&mut shape, part.clone()));
            choices.push(shape);
        }
    }
    Some(choices)
}

/// Appends a part and joins it with the last one where they are of a kind.
fn append(shape: &mut Shape, part: Part) {
    match (shape.last_mut(), part) {
        (_, Part::Literal(text)) if text.is_empty() => {}
        (Some(Part::Literal(last)), Part::Literal(text)) => last.push_str(&text),
        (Some(Part::Gap(last)), Part::Gap(gap)) => *last = last.saturating_add(gap),
        (_, part) => shape.push(part),
    }
}

/// How much the shapes take, each part counted as one byte at least.
fn bytes(shapes: &[Shape]) -> usize {
    let part = |part: &Part| match part {
        Part::Literal(text) => text.len() + 1,
        _ => 1,
    };
    shapes.iter().flatten().map(part).sum()
}
