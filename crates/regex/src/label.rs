//! Matchers of label values: expressions that must match the whole value, with literals in charge.
//!
//! It answers `is_match` alone: who needs groups or replacements takes a
//! [`Regex`](crate::Regex).

use std::fmt;
use std::sync::Arc;

use crate::ast::Node;
use crate::engine::{Engine, between_ends};
use crate::error::{Error, ErrorKind};
use crate::literal::{Required, Shapes, heads};
use crate::lower::{Groups, lower};
use crate::parse::{Flags, MAX_HEIGHT, Parsed, parse};

mod folded;
mod glob;
mod set;
#[cfg(test)]
mod tests;

use self::folded::FoldedSet;
use self::glob::Glob;
use self::set::Set;

/// The most globs that are tried one after the other; with more the engine is faster.
const MAX_GLOBS: usize = 16;

/// A regular expression as a matcher of labels: anchored at both ends, `.` matches newlines.
///
/// Where literals alone decide (`a|b`, `a(b|c)?`, `foo.*`, `.+foo.*bar`, `(?i:a|b)`), nothing is
/// compiled and a match costs about a comparison. Elsewhere the literals that every match must have
/// are looked for before the engine is asked. Clones share everything.
///
/// ```
/// use skopos_regex::LabelRegex;
///
/// let regex = LabelRegex::new("5..").unwrap();
/// assert!(regex.is_match("503"));
/// assert!(!regex.is_match("5033"));
/// assert_eq!(regex.prefix(), "5");
/// assert_eq!(regex.set_matches(), None);
/// ```
#[derive(Clone)]
pub struct LabelRegex(Arc<Inner>);

struct Inner {
    pattern: Box<str>,
    strategy: Strategy,
    required: Required,
    heads: Box<[Box<str>]>,
}

/// How matches are found.
#[derive(Debug)]
enum Strategy {
    /// By comparing with all texts that match.
    Set(Set),
    /// The same without regard to case.
    FoldedSet(FoldedSet),
    /// By literals in their order.
    Globs(Vec<Glob>),
    /// By the compiled expression, if the required literals are there.
    Engine(Engine),
}

impl LabelRegex {
    /// Parses and, where needed, compiles a pattern. Linear in the pattern and its repetitions.
    ///
    /// # Errors
    ///
    /// What Go refuses, in Go's words; [`TooLarge`](ErrorKind::TooLarge) also where the compiled
    /// form would take more than 32 MiB.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        let parsed = parse(pattern, Flags { dot_newline: true, ..Flags::default() })?;
        check_wrapped_height(&parsed, pattern)?;
        let strategy = match from_literals(&parsed) {
            Some(strategy) => strategy,
            None => {
                let hir = between_ends(lower(&parsed.node, Groups::Drop));
                Strategy::Engine(Engine::compile(&hir, pattern)?)
            }
        };
        let required = Required::of(&parsed.node);
        let heads = heads(&parsed.node);
        Ok(Self(Arc::new(Inner { pattern: pattern.into(), strategy, required, heads })))
    }

    /// Whether the whole text matches.
    ///
    /// ```
    /// let regex = skopos_regex::LabelRegex::new("(?i:get|post)").unwrap();
    /// assert!(regex.is_match("Get"));
    /// assert!(!regex.is_match("getter"));
    /// ```
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match &self.0.strategy {
            Strategy::Set(set) => set.contains(text),
            Strategy::FoldedSet(set) => set.contains(text),
            Strategy::Globs(globs) => globs.iter().any(|glob| glob.is_match(text)),
            Strategy::Engine(engine) => self.0.required.allow(text) && engine.is_full_match(text),
        }
    }

    /// All texts that match, if there are finitely many, known ones: ascending, without duplicates.
    ///
    /// ```
    /// let matches = |pattern| skopos_regex::LabelRegex::new(pattern).unwrap().set_matches().map(<[_]>::len);
    /// assert_eq!(matches("a|b|c"), Some(3));
    /// assert_eq!(matches("v[0-9]"), Some(10));
    /// assert_eq!(matches(r"v\d+"), None);
    /// assert_eq!(matches(""), Some(1));
    /// ```
    #[must_use]
    pub fn set_matches(&self) -> Option<&[String]> {
        match &self.0.strategy {
            Strategy::Set(set) => Some(set.texts()),
            _ => None,
        }
    }

    /// Whether every text matches, as with `.*`.
    ///
    /// ```
    /// assert!(skopos_regex::LabelRegex::new("(.*)").unwrap().matches_everything());
    /// ```
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        matches!(&self.0.strategy, Strategy::Globs(globs) if globs.iter().any(|g| g.is_any(0)))
    }

    /// Whether every text but the empty one matches, as with `.+`, and the empty one does not.
    ///
    /// ```
    /// assert!(skopos_regex::LabelRegex::new(".+").unwrap().matches_everything_but_empty());
    /// ```
    #[must_use]
    pub fn matches_everything_but_empty(&self) -> bool {
        matches!(&self.0.strategy, Strategy::Globs(globs) if globs.iter().any(|g| g.is_any(1)))
            && !self.is_match("")
    }

    /// What every match begins with; empty if nothing is known.
    ///
    /// ```
    /// assert_eq!(skopos_regex::LabelRegex::new("ab(c|d).*").unwrap().prefix(), "ab");
    /// ```
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.0.required.prefix
    }

    /// A few texts of which every match begins with exactly one: ascending, none begins with another.
    /// Without any, nothing is known.
    ///
    /// Where [`prefix`](Self::prefix) has what all matches share, these tell choices apart: each is a
    /// range of an ordered dictionary.
    ///
    /// ```
    /// let heads = |pattern| {
    ///     let regex = skopos_regex::LabelRegex::new(pattern).unwrap();
    ///     regex.prefixes().map(str::to_owned).collect::<Vec<_>>()
    /// };
    /// assert_eq!(heads("(api|web)-.*"), ["api-", "web-"]);
    /// assert_eq!(heads("(?i)a-.*"), ["A-", "a-"]);
    /// assert!(heads(".*a").is_empty());
    /// ```
    pub fn prefixes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.heads.iter().map(|head| &**head)
    }

    /// What every match ends with; empty if nothing is known.
    ///
    /// ```
    /// assert_eq!(skopos_regex::LabelRegex::new(".*(a|b)c").unwrap().suffix(), "c");
    /// ```
    #[must_use]
    pub fn suffix(&self) -> &str {
        &self.0.required.suffix
    }

    /// What every match contains between its prefix and its suffix, in this order, without overlaps.
    ///
    /// ```
    /// assert_eq!(skopos_regex::LabelRegex::new("a.*b.*c.*d").unwrap().contains(), ["b", "c"]);
    /// ```
    #[must_use]
    pub fn contains(&self) -> &[String] {
        &self.0.required.contains
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.pattern
    }
}

/// Go compiles the pattern once more, as a part of an anchored one: a level more.
pub(crate) fn check_wrapped_height(parsed: &Parsed, pattern: &str) -> Result<(), Error> {
    let is_sequence = matches!(parsed.node, Node::Concat(_));
    if parsed.height + u32::from(!is_sequence) <= MAX_HEIGHT {
        return Ok(());
    }
    let wrapped = format!("^(?s:{pattern})$");
    Err(Error::new(ErrorKind::NestingDepth, &wrapped, None))
}

fn from_literals(parsed: &Parsed) -> Option<Strategy> {
    let shapes = Shapes::of(&parsed.node)?;
    if let Some(texts) = shapes.texts() {
        return Some(if shapes.fold {
            Strategy::FoldedSet(FoldedSet::new(texts))
        } else {
            Strategy::Set(Set::new(texts))
        });
    }
    if shapes.fold || MAX_GLOBS < shapes.choices.len() {
        return None;
    }
    Some(Strategy::Globs(shapes.choices.into_iter().map(Glob::new).collect()))
}

/// The pattern.
impl fmt::Display for LabelRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.pattern)
    }
}

impl fmt::Debug for LabelRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LabelRegex").field(&self.0.pattern).finish()
    }
}

impl std::str::FromStr for LabelRegex {
    type Err = Error;

    fn from_str(pattern: &str) -> Result<Self, Error> {
        Self::new(pattern)
    }
}
