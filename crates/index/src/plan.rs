//! From a filter to the series: in which order, and by which way of access.
//!
//! Each condition becomes a step. With `P` the predicate of its matcher, `U` the union of the lists
//! of all values in `P`, and `presence` the series that carry the label at all, there are four cases,
//! since a missing label is an empty value:
//!
//! | operator | `P` accepts `""` | series |
//! |---|---|---|
//! | positive | no | those in `U` |
//! | positive | yes | all but `presence − U` |
//! | negative | no | all but `U` |
//! | negative | yes | those in `presence − U` |
//!
//! Steps that select come before those that drop, lookups before scans, small before large.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use roaring::RoaringBitmap;

use crate::filter::{Condition, Filter, Predicate};
use crate::list::{self, PostingList};
use crate::memory::{MemoryIndex, NameIndex};

/// A filter's steps over one index, in the order of execution.
pub(crate) struct Plan<'a> {
    all: &'a RoaringBitmap,
    steps: Vec<Step<'a>>,
}

struct Step<'a> {
    condition: &'a Condition,
    entry: Option<&'a NameIndex>,
    effect: Effect,
    access: Access<'a>,
    /// No more series than these have a value in the predicate.
    at_most: u64,
}

/// What a step does to the series selected so far. In the order of execution.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// Keeps those with a value in the predicate.
    Intersect,
    /// Keeps those with a value outside of the predicate.
    IntersectRest,
    /// Drops those with a value in the predicate.
    Subtract,
    /// Drops those with a value outside of the predicate.
    SubtractRest,
}

/// How the values in the predicate are found.
enum Access<'a> {
    /// The lists of these values.
    Lists(Vec<&'a PostingList>),
    /// Every value of the label is in.
    Presence,
    /// The values that start with this text are tested.
    Prefix(&'a str),
    /// All values are tested.
    Scan,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(index: &'a MemoryIndex, filter: &'a Filter) -> Self {
        let steps = filter.conditions().iter().map(|c| Step::new(c, index.name(c.name())));
        let mut steps: Vec<Step<'_>> = steps.collect();
        // Stable, so that equal steps keep the order in which they were asked.
        steps.sort_by_key(|step| (step.effect, step.access.is_test(), step.at_most));
        Self { all: index.all_bitmap(), steps }
    }

    /// The series that all steps leave.
    pub(crate) fn run(&self) -> RoaringBitmap {
        let mut selected = None;
        for step in &self.steps {
            let next = step.run(self.all, selected);
            if next.is_empty() {
                return next;
            }
            selected = Some(next);
        }
        selected.unwrap_or_else(|| self.all.clone())
    }
}

impl<'a> Step<'a> {
    fn new(condition: &'a Condition, entry: Option<&'a NameIndex>) -> Self {
        let accepts_missing = condition.predicate().accepts("");
        let effect = match (condition.op().is_negative(), accepts_missing) {
            (false, false) => Effect::Intersect,
            (false, true) => Effect::SubtractRest,
            (true, false) => Effect::Subtract,
            (true, true) => Effect::IntersectRest,
        };
        let access = Access::new(condition.predicate(), entry);
        let present = entry.map_or(0, |entry| entry.presence.len());
        let at_most = match &access {
            Access::Lists(lists) => lists.iter().map(|list| list.len()).sum(),
            Access::Presence | Access::Prefix(_) | Access::Scan => present,
        };
        Self { condition, entry, effect, access, at_most }
    }

    /// What this step leaves of `selected`, which stands for all series if it is `None`.
    fn run(&self, all: &RoaringBitmap, selected: Option<RoaringBitmap>) -> RoaringBitmap {
        let Some(entry) = self.entry else {
            return match self.effect {
                Effect::Intersect | Effect::IntersectRest => RoaringBitmap::new(),
                Effect::Subtract | Effect::SubtractRest => selected.unwrap_or_else(|| all.clone()),
            };
        };
        match self.effect {
            Effect::Intersect => match selected {
                None => self.union(entry, None),
                Some(selected) => self.intersect(entry, selected),
            },
            Effect::IntersectRest => {
                let mut kept = match selected {
                    None => entry.presence.clone(),
                    Some(selected) => selected & &entry.presence,
                };
                kept -= self.union(entry, Some(&kept));
                kept
            }
            Effect::Subtract => {
                let mut kept = selected.unwrap_or_else(|| all.clone());
                kept -= self.union(entry, Some(&kept));
                kept
            }
            Effect::SubtractRest => {
                let mut kept = selected.unwrap_or_else(|| all.clone());
                let mut dropped = &kept & &entry.presence;
                dropped -= self.union(entry, Some(&dropped));
                kept -= dropped;
                kept
            }
        }
    }

    fn intersect(&self, entry: &NameIndex, selected: RoaringBitmap) -> RoaringBitmap {
        match &self.access {
            Access::Presence => selected & &entry.presence,
            Access::Lists(lists) => match lists.as_slice() {
                [PostingList::Many(one)] => selected & one,
                _ => self.union(entry, Some(&selected)),
            },
            Access::Prefix(_) | Access::Scan => self.union(entry, Some(&selected)),
        }
    }

    /// The series with a value in the predicate; of those in `within` only, if it is given.
    fn union(&self, entry: &NameIndex, within: Option<&RoaringBitmap>) -> RoaringBitmap {
        match &self.access {
            Access::Presence => match within {
                None => entry.presence.clone(),
                Some(within) => within & &entry.presence,
            },
            Access::Lists(lists) => unite(lists.iter().copied(), within),
            Access::Prefix(prefix) => {
                let from = (Bound::Included(*prefix), Bound::Unbounded);
                let values = entry.values.range::<str, _>(from);
                self.test(values.take_while(|(value, _)| value.starts_with(prefix)), within)
            }
            Access::Scan => self.test(entry.values.iter(), within),
        }
    }

    fn test<'v>(
        &self,
        values: impl Iterator<Item = (&'v Box<str>, &'v PostingList)>,
        within: Option<&RoaringBitmap>,
    ) -> RoaringBitmap {
        let predicate = self.condition.predicate();
        let lists = values
            // Looking into a short list is cheaper than running a regular expression.
            .filter(|(_, list)| within.is_none_or(|within| !list.surely_misses(within)))
            .filter(|(value, _)| predicate.accepts(value))
            .map(|(_, list)| list);
        unite(lists, within)
    }
}

fn unite<'a>(
    lists: impl Iterator<Item = &'a PostingList>,
    within: Option<&RoaringBitmap>,
) -> RoaringBitmap {
    match within {
        None => list::union(lists),
        Some(within) => list::union_within(within, lists),
    }
}

impl<'a> Access<'a> {
    fn new(predicate: &'a Predicate, entry: Option<&'a NameIndex>) -> Self {
        match predicate {
            Predicate::Any | Predicate::Present => Self::Presence,
            Predicate::Literals(values) => Self::Lists(match entry {
                None => Vec::new(),
                Some(entry) => find(&entry.values, values),
            }),
            Predicate::Pattern(regex) if regex.prefix().is_empty() => Self::Scan,
            Predicate::Pattern(regex) => Self::Prefix(regex.prefix()),
        }
    }

    /// Whether values have to be tested.
    fn is_test(&self) -> bool {
        matches!(self, Self::Prefix(_) | Self::Scan)
    }
}

fn find<'a>(
    lists: &'a BTreeMap<Box<str>, PostingList>,
    values: &[Box<str>],
) -> Vec<&'a PostingList> {
    values.iter().filter_map(|value| lists.get(value)).collect()
}

impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Intersect => "intersect",
            Effect::IntersectRest => "intersect with the rest",
            Effect::Subtract => "subtract",
            Effect::SubtractRest => "subtract the rest",
        };
        write!(f, "{effect} {}: ", self.condition.matcher())?;
        match &self.access {
            Access::Lists(lists) if lists.len() == 1 => f.write_str("1 value looked up")?,
            Access::Lists(lists) => write!(f, "{} values looked up", lists.len())?,
            Access::Prefix(prefix) => write!(f, "values that start with {prefix:?} tested")?,
            Access::Presence => f.write_str("every value")?,
            Access::Scan => {
                let count = self.entry.map_or(0, |entry| entry.values.len());
                write!(f, "{count} values tested")?;
            }
        }
        write!(f, ", at most {} series", self.at_most)
    }
}
