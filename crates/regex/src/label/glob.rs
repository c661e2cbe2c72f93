//! Literals in order with gaps between them, as `foo.*bar.+` describes them.
//!
//! Gaps have no upper limit, so the first place of a literal is as good as any later one: one pass,
//! no backtracking.

use crate::literal::{Part, Shape};

#[derive(Debug)]
pub(super) struct Glob {
    /// What the text begins with.
    head: String,
    /// Gaps, each with the literal after it.
    inner: Vec<(u32, String)>,
    /// The last gap and what the text ends with; without it the head is everything.
    tail: Option<(u32, String)>,
}

impl Glob {
    /// A glob of a shape without anchors.
    pub(super) fn new(shape: Shape) -> Self {
        let mut parts = shape.into_iter().peekable();
        let head = match parts.next_if(|part| matches!(part, Part::Literal(_))) {
            Some(Part::Literal(text)) => text,
            _ => String::new(),
        };
        let mut gaps: Vec<(u32, String)> = Vec::new();
        for part in parts {
            match part {
                Part::Gap(gap) => gaps.push((gap, String::new())),
                Part::Literal(text) => {
                    if let Some((_, literal)) = gaps.last_mut() {
                        *literal = text;
                    }
                }
                Part::Start | Part::End => {}
            }
        }
        let tail = gaps.pop();
        Self { head, inner: gaps, tail }
    }

    /// Whether it asks for nothing but so many characters.
    pub(super) fn is_any(&self, count: u32) -> bool {
        self.head.is_empty()
            && self.inner.is_empty()
            && matches!(&self.tail, Some((gap, text)) if *gap == count && text.is_empty())
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        // Most literals are missing at one end or both, and comparing with nothing is a call all the
        // same.
        let rest = if self.head.is_empty() { Some(text) } else { text.strip_prefix(&*self.head) };
        let (Some(mut rest), Some((gap, tail))) = (rest, &self.tail) else {
            return self.tail.is_none() && rest.is_some_and(str::is_empty);
        };
        if !tail.is_empty() {
            let Some(before) = rest.strip_suffix(tail.as_str()) else { return false };
            rest = before;
        }
        for (gap, literal) in &self.inner {
            let Some(after) = skip(rest, *gap) else { return false };
            let Some(at) = after.find(literal.as_str()) else { return false };
            rest = &after[at + literal.len()..];
        }
        skip(rest, *gap).is_some()
    }
}

/// The text without its first characters, if it has so many.
fn skip(text: &str, count: u32) -> Option<&str> {
    let mut chars = text.chars();
    for _ in 0..count {
        chars.next()?;
    }
    Some(chars.as_str())
}
