//! Filters that are answered without a plan: most of those that are asked.
//!
//! Such are a few values and labels that series have to have, or one condition that others do not
//! narrow down. What a label has that is nowhere, or any value, is no condition. Small answers are lists
//! of ids; long lists that are answers as they are come from the cache, in the form that is read fastest.

use std::sync::Arc;

use crate::block::View;
use crate::block::cache::Key;
use crate::block::gather::gather;
use crate::block::list::List;
use crate::block::source::{LONG, Values};
use crate::block::table::Place;
use crate::dictionary::{Dictionary as _, Source as _};
use crate::error::Error;
use crate::filter::{Condition, Filter, Predicate};
use crate::ids::Selected;
use crate::set::{IdSet, MOST};

/// Where there may be more ids than these, sets are smaller than a list.
const MOST_LISTED: usize = 32 << 10;

/// What a condition asks for.
enum Asked<'a> {
    Nothing,
    /// A value that is nowhere.
    Missing,
    Value(Place, List<'a>),
    /// The label, whatever its value.
    Label(Values<'a>),
    /// Something else.
    Other(Values<'a>),
}

/// What all conditions ask for, together.
#[derive(Default)]
struct Parts<'a> {
    lists: [(Place, List<'a>); MOST],
    count: usize,
    labels: Vec<Values<'a>>,
}

/// The series for which the filter holds; `None` if that takes a plan.
pub(super) fn select(view: View<'_>, filter: &Filter) -> Result<Option<Selected>, Error> {
    let (mut parts, mut other) = (Parts::default(), None);
    for condition in filter.conditions() {
        match ask(view, condition)? {
            Asked::Nothing => {}
            Asked::Missing => return Ok(Some(Selected::default())),
            Asked::Value(place, list) => {
                let Some(free) = parts.lists.get_mut(parts.count) else { return Ok(None) };
                *free = (place, list);
                parts.count += 1;
            }
            Asked::Label(values) => parts.labels.push(values),
            Asked::Other(values) if other.is_none() => other = Some((condition, values)),
            Asked::Other(_) => return Ok(None),
        }
    }
    match (&mut parts, other) {
        (Parts { count: 0, labels, .. }, Some((condition, values))) if labels.is_empty() => {
            one(view, &values, condition)
        }
        (_, Some(_)) => Ok(None),
        (Parts { count: 0, labels, .. }, None) => match labels.as_slice() {
            [] => read_fast(view, Key::AllIds, || view.all()).map(Some),
            [values] => {
                let key = Key::PresentIds(values.number());
                read_fast(view, key, || values.presence()).map(Some)
            }
            _ => Ok(None),
        },
        (parts, None) => values_and_labels(view, parts),
    }
}

fn ask<'a>(view: View<'a>, condition: &Condition) -> Result<Asked<'a>, Error> {
    let is_negative = condition.op().is_negative();
    let Some(values) = view.dictionary(condition.name())? else {
        return Ok(if condition.holds("") { Asked::Nothing } else { Asked::Missing });
    };
    Ok(match condition.predicate() {
        Predicate::Any if !is_negative => Asked::Nothing,
        Predicate::Present if !is_negative => Asked::Label(values),
        Predicate::Literals(texts) => match (&**texts, is_negative) {
            ([text], true) if text.is_empty() => Asked::Label(values),
            ([text], false) if !text.is_empty() => match values.get(text)? {
                None => Asked::Missing,
                Some(place) => Asked::Value(place, values.list(place)?),
            },
            _ => Asked::Other(values),
        },
        _ => Asked::Other(values),
    })
}

/// A set in the form in which its ids are read fastest.
fn read_fast(
    view: View<'_>,
    key: Key,
    set: impl FnOnce() -> Result<Arc<IdSet>, Error>,
) -> Result<Selected, Error> {
    let cache = &view.found.sets;
    if let Some(ids) = cache.get(key) {
        return Ok(Selected::Set(ids));
    }
    let ids = Arc::new(set()?.unpacked());
    cache.put(key, &ids);
    Ok(Selected::Set(ids))
}

/// The series of a single condition that asks for several values.
fn one(
    view: View<'_>,
    values: &Values<'_>,
    condition: &Condition,
) -> Result<Option<Selected>, Error> {
    let predicate = condition.predicate();
    if condition.op().is_negative() || predicate.accepts("") {
        return Ok(None);
    }
    let mut places = Vec::new();
    match predicate {
        Predicate::Any | Predicate::Present => return Ok(None),
        Predicate::Literals(texts) => {
            for text in texts.iter() {
                places.extend(values.get(text)?);
            }
        }
        Predicate::Pattern(pattern) => {
            for scan in pattern.scans() {
                values.scan(&scan, |value, place| {
                    if predicate.accepts(value) {
                        places.push(place);
                    }
                })?;
            }
        }
    }
    if places.len() == values.value_count() {
        let key = Key::PresentIds(values.number());
        return read_fast(view, key, || values.presence()).map(Some);
    }
    let lists = places.iter().map(|place| values.list(*place));
    let lists = lists.collect::<Result<Vec<_>, Error>>()?;
    if lists.iter().map(List::len).sum::<usize>() <= MOST_LISTED {
        return Ok(Some(Selected::of(gather(&lists))));
    }
    values.union(&places, None).map(|set| Some(Selected::Set(set)))
}

/// The series that are in all lists, of which there is one at least, and have all labels.
fn values_and_labels(view: View<'_>, parts: &mut Parts<'_>) -> Result<Option<Selected>, Error> {
    let mut sets = Vec::new();
    let all = if parts.labels.is_empty() { None } else { Some(view.all()?) };
    for values in &parts.labels {
        let presence = values.presence()?;
        if all.as_ref().is_none_or(|all| !Arc::ptr_eq(all, &presence)) {
            sets.push(presence);
        }
    }
    let lists = &mut parts.lists[..parts.count];
    lists.sort_unstable_by_key(|(_, list)| list.len());
    let Some(((place, shortest), longer)) = lists.split_first() else { return Ok(None) };
    if longer.is_empty() && LONG <= shortest.len() && !sets.is_empty() {
        let series = view.set(*place, *shortest);
        // Labels that all series of the list have leave the list as it is.
        sets.retain(|set| !series.is_surely_within(set));
    }
    if longer.is_empty() && sets.is_empty() {
        if shortest.len() < LONG {
            return Ok(Some(Selected::of(gather(&[*shortest]))));
        }
        let set = || Ok(Arc::new(shortest.to_set()));
        return read_fast(view, Key::Ids(place.number), set).map(Some);
    }
    if shortest.len() < LONG {
        let narrower = longer.first().map_or(*shortest, |(_, other)| shortest.within(*other));
        let mut ids = gather(&[narrower]);
        for (place, list) in longer {
            if list.len() < LONG {
                ids = list.common(&ids);
            } else {
                view.set(*place, *list).retain_in(&mut ids);
            }
        }
        sets.iter().for_each(|set| set.retain_in(&mut ids));
        return Ok(Some(Selected::of(ids)));
    }
    sets.extend(lists.iter().map(|(place, list)| view.set(*place, *list)));
    let sets: Vec<&IdSet> = sets.iter().map(|set| &**set).collect();
    let is_small = sets.len() <= MOST && IdSet::most_in_common(&sets) <= MOST_LISTED as u64;
    Ok(is_small.then(|| Selected::List(IdSet::meet(&sets))))
}
