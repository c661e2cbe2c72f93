//! Matchers made ready for evaluation: literals extracted, regular expressions compiled.
//!
//! A filter depends on no index. It is made before a lock is taken, and can be used again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skopos_core::{LabelSet, MatchOp, Matcher};
use skopos_regex::LabelRegex;

use crate::dictionary::Scan;
use crate::error::Error;
use crate::names;
use crate::values::Key;

/// Matchers that all have to hold, ready for evaluation.
///
/// ```
/// use skopos_core::{MatchOp, Matcher};
/// use skopos_index::Filter;
///
/// let filter = Filter::new(&[
///     Matcher::new("job", MatchOp::Regex, "api|web"),
///     Matcher::new("zone", MatchOp::NotEqual, "a"),
/// ])?;
/// assert!(filter.matches(&[("job", "api")]));
/// assert!(!filter.matches(&[("job", "api"), ("zone", "a")]));
/// # Ok::<(), skopos_index::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    conditions: Vec<Condition>,
}

impl Filter {
    /// The filter of all `matchers` together; without one, everything passes.
    ///
    /// # Errors
    ///
    /// [`Regex`](crate::ErrorKind::Regex) for a regular expression that cannot be compiled.
    pub fn new(matchers: &[Matcher]) -> Result<Self, Error> {
        Self::build(matchers, Predicate::compile)
    }

    /// Whether all matchers hold for `labels`; a missing label counts as empty.
    #[must_use]
    pub fn matches(&self, labels: &(impl LabelSet + ?Sized)) -> bool {
        self.conditions.iter().all(|c| c.holds(labels.value(c.name()).unwrap_or("")))
    }

    /// Whether there is no matcher, so that everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    pub(crate) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn build(
        matchers: &[Matcher],
        mut compile: impl FnMut(&str) -> Result<Predicate, skopos_regex::Error>,
    ) -> Result<Self, Error> {
        let conditions = matchers.iter().map(|matcher| {
            let predicate = if matcher.op().is_regex() {
                compile(matcher.value()).map_err(|source| Error::regex(matcher, source))?
            } else {
                Predicate::Literals(Arc::new([matcher.value().into()]))
            };
            Ok(Condition::new(matcher.clone(), predicate))
        });
        Ok(Self { conditions: conditions.collect::<Result<_, Error>>()? })
    }
}

/// One matcher, ready for evaluation.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    matcher: Matcher,
    /// What the operator asks for or, where it is negative, against.
    predicate: Predicate,
    name_hash: u64,
    /// Of the value, if the condition asks for one that is not empty and for nothing else.
    key: Option<Key>,
}

impl Condition {
    fn new(matcher: Matcher, predicate: Predicate) -> Self {
        let key = match &predicate {
            Predicate::Literals(texts) if !matcher.op().is_negative() => match &**texts {
                [text] if !text.is_empty() => Some(Key::of(text)),
                _ => None,
            },
            _ => None,
        };
        Self { name_hash: names::hash_of(matcher.name()), key, matcher, predicate }
    }

    /// What the label name is found by.
    pub(crate) fn name_hash(&self) -> u64 {
        self.name_hash
    }

    /// The value that the condition asks for, if that is all it does and the value is not empty.
    pub(crate) fn equality(&self) -> Option<(&str, Key)> {
        match &self.predicate {
            Predicate::Literals(texts) => Some((texts.first()?, self.key?)),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.matcher.name()
    }

    pub(crate) fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    pub(crate) fn op(&self) -> MatchOp {
        self.matcher.op()
    }

    pub(crate) fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// Where the values that the matcher asks for are, in order, if there is more to say than
    /// everywhere.
    pub(crate) fn scans(&self) -> Option<Vec<Scan<'_>>> {
        match &self.predicate {
            Predicate::Pattern(pattern) if !self.op().is_negative() => {
                let mut scans: Vec<_> = pattern.scans().collect();
                scans.sort_unstable_by_key(|scan| scan.prefix);
                Some(scans)
            }
            _ => None,
        }
    }

    /// The values that the matcher asks for, if it names them.
    pub(crate) fn texts(&self) -> Option<&[Box<str>]> {
        match &self.predicate {
            Predicate::Literals(texts) if !self.op().is_negative() => Some(texts),
            _ => None,
        }
    }

    /// Whether the matcher holds for `value`, which is empty for a missing label.
    pub(crate) fn holds(&self, value: &str) -> bool {
        self.predicate.accepts(value) != self.op().is_negative()
    }
}

/// A set of values.
#[derive(Clone)]
pub(crate) enum Predicate {
    /// Every value: `.*`.
    Any,
    /// These values. Invariant: ascending, distinct.
    Literals(Arc<[Box<str>]>),
    /// What the expression matches.
    Pattern(Arc<Pattern>),
    /// Every value but the empty one: `.+`.
    Present,
}

/// A compiled expression.
pub(crate) struct Pattern {
    regex: LabelRegex,
}

impl Pattern {
    /// The ranges of values among which all matches are; none is in two.
    pub(crate) fn scans(&self) -> impl Iterator<Item = Scan<'_>> {
        let regex = &self.regex;
        let contains = regex.contains().iter().max_by_key(|text| text.len());
        let all = Scan {
            prefix: "",
            contains: contains.map_or("", String::as_str),
            suffix: regex.suffix(),
        };
        let unknown = (regex.prefixes().len() == 0).then_some(all);
        regex.prefixes().map(move |prefix| Scan { prefix, ..all }).chain(unknown)
    }
}

impl Predicate {
    pub(crate) fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            // Ascending, so that the empty one is the first. Comparing with it is a slow call.
            Self::Literals(values) if value.is_empty() => {
                values.first().is_some_and(|v| v.is_empty())
            }
            Self::Literals(values) => values.binary_search_by(|v| (**v).cmp(value)).is_ok(),
            Self::Pattern(pattern) => pattern.regex.is_match(value),
            Self::Present => !value.is_empty(),
        }
    }

    fn compile(pattern: &str) -> Result<Self, skopos_regex::Error> {
        let regex = LabelRegex::new(pattern)?;
        Ok(if regex.matches_everything() {
            Self::Any
        } else if regex.matches_everything_but_empty() {
            Self::Present
        } else if let Some(texts) = regex.set_matches() {
            // Ascending and distinct, as promised.
            Self::Literals(texts.iter().map(|text| Box::from(&**text)).collect())
        } else {
            Self::Pattern(Arc::new(Pattern { regex }))
        })
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any value"),
            Self::Literals(values) => write!(f, "one of {values:?}"),
            Self::Pattern(pattern) => write!(f, "a match of {}", pattern.regex),
            Self::Present => f.write_str("any value but the empty one"),
        }
    }
}

/// Remembers compiled regular expressions, up to a number of them: dashboards and rules ask the same
/// questions again and again, and compiling costs more than most lookups.
///
/// ```
/// use skopos_core::{MatchOp, Matcher};
/// use skopos_index::FilterCache;
///
/// let cache = FilterCache::new(100);
/// let matchers = [Matcher::new("pod", MatchOp::Regex, "api-.*")];
/// assert!(cache.filter(&matchers)?.matches(&[("pod", "api-7")]));
/// assert!(!cache.filter(&matchers)?.matches(&[("pod", "web-1")]));
/// assert_eq!(cache.len(), 1);
/// # Ok::<(), skopos_index::Error>(())
/// ```
#[derive(Debug)]
pub struct FilterCache {
    capacity: usize,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_pattern: HashMap<Box<str>, Entry>,
    /// Counts uses, and so orders them.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    predicate: Predicate,
    last_use: u64,
}

impl FilterCache {
    /// A cache of at most `capacity` regular expressions; the one not used for longest makes room.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
    }

    /// What [`Filter::new`] returns, from the cache where it can. Threads share the cache; none waits
    /// while another one compiles.
    ///
    /// # Errors
    ///
    /// Those of [`Filter::new`].
    pub fn filter(&self, matchers: &[Matcher]) -> Result<Filter, Error> {
        Filter::build(matchers, |pattern| self.predicate(pattern))
    }

    /// How many regular expressions are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().by_pattern.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn predicate(&self, pattern: &str) -> Result<Predicate, skopos_regex::Error> {
        if let Some(predicate) = self.entries().get(pattern) {
            return Ok(predicate);
        }
        let predicate = Predicate::compile(pattern)?;
        if 0 < self.capacity {
            self.entries().put(pattern, &predicate, self.capacity);
        }
        Ok(predicate)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // A panic elsewhere leaves the map whole: each change is one call.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn get(&mut self, pattern: &str) -> Option<Predicate> {
        self.uses += 1;
        let entry = self.by_pattern.get_mut(pattern)?;
        entry.last_use = self.uses;
        Some(entry.predicate.clone())
    }

    fn put(&mut self, pattern: &str, predicate: &Predicate, capacity: usize) {
        while capacity <= self.by_pattern.len() {
            let oldest = self.by_pattern.iter().min_by_key(|(_, entry)| entry.last_use);
            let Some(pattern) = oldest.map(|(pattern, _)| pattern.clone()) else { break };
            self.by_pattern.remove(&pattern);
        }
        let entry = Entry { predicate: predicate.clone(), last_use: self.uses };
        self.by_pattern.insert(pattern.into(), entry);
    }
}

#[cfg(test)]
mod tests;
