//! Filters that ask for a value of each label they name: most of those that are asked.
//!
//! Their answers are small, so that what counts is what is done beside finding them: there is no plan,
//! nothing is shared that is not whole, and ids are collected straight into the answer.

use std::sync::Arc;

use skopos_core::SeriesId;

use crate::filter::Condition;
use crate::ids::{Collected, Selected};
use crate::list::List;
use crate::names::Names;
use crate::set::{Cut, IdSet, MOST};
use crate::values::Series;

/// Where there may be more ids than these, sets are smaller than a list and faster.
const MOST_LISTED: u64 = 8 << 10;
/// So many ids are met without a look at how many are in common.
const MOST_CUT: u64 = 1 << 10;
/// So many ids are looked up one by one.
const FEW: usize = 64;

/// The series that all `conditions` ask for, if they are a few equalities with values, and not met
/// faster as sets.
pub(super) fn select(names: &Names, conditions: &[Condition]) -> Option<Selected> {
    if conditions.is_empty() || MOST < conditions.len() {
        return None;
    }
    let mut series = [const { Series::One(0) }; MOST];
    for (found, condition) in series.iter_mut().zip(conditions) {
        let (value, key) = condition.equality()?;
        // Nothing has such a value, so nothing else has to be asked.
        let Some(values) = names.values_by(condition.name_hash(), condition.name()) else {
            return Some(Selected::default());
        };
        let Some(slot) = values.slot_by(key, value) else { return Some(Selected::default()) };
        *found = values.series(slot);
    }
    meet(&series[..conditions.len()])
}

fn meet(series: &[Series<'_>]) -> Option<Selected> {
    if let [Series::List(List::Many(set))] = series {
        return Some(Selected::Set(Arc::clone(set)));
    }
    if let [Series::List(List::Many(one)), Series::List(List::Many(other))] = series
        && one.len().min(other.len()) <= MOST_CUT
    {
        let mut met = Collected::default();
        let is_cut = one.cut(other, |cut| match cut {
            Cut::Lows(base, lows) => {
                met.extend(lows.iter().map(|low| SeriesId(base | u32::from(*low))));
            }
            Cut::Run(first, count) => met.extend((0..count).map(|i| SeriesId(first + i))),
        });
        if is_cut {
            return Some(met.finish());
        }
    }
    let lists = series.iter().filter_map(listed);
    if let Some(shortest) = lists.min_by_key(|ids| ids.len()) {
        return Some(match shortest.len() {
            0..=FEW => few_within(shortest, series),
            _ => Selected::List(within(shortest, series)),
        });
    }
    let mut sets = [None; MOST];
    for (slot, series) in sets.iter_mut().zip(series) {
        *slot = set(series);
    }
    let first = sets[0]?;
    let sets = sets.map(|set| set.unwrap_or(first));
    let sets = &sets[..series.len()];
    (IdSet::most_in_common(sets) <= MOST_LISTED).then(|| Selected::List(IdSet::meet(sets)))
}

/// The ids themselves, if they are a list.
fn listed<'a>(series: &'a Series<'_>) -> Option<&'a [u32]> {
    match series {
        Series::One(id) => Some(std::slice::from_ref(id)),
        Series::List(List::Few(ids)) => Some(ids),
        Series::List(List::Many(_)) => None,
    }
}

fn set<'a>(series: &Series<'a>) -> Option<&'a IdSet> {
    match series {
        Series::List(List::Many(set)) => Some(set),
        _ => None,
    }
}

/// Those of the few ids that all `series` have.
fn few_within(ids: &[u32], series: &[Series<'_>]) -> Selected {
    let mut met = Collected::default();
    for id in ids {
        let has = |series: &Series<'_>| match series {
            Series::One(only) => only == id,
            Series::List(List::Few(others)) => others.binary_search(id).is_ok(),
            Series::List(List::Many(set)) => set.contains(*id),
        };
        if series.iter().all(has) {
            met.push(*id);
        }
    }
    met.finish()
}

/// Those of the ids that all `series` have, of which they are one.
fn within(list: &[u32], series: &[Series<'_>]) -> Vec<SeriesId> {
    let mut ids = list;
    // The series of a metric lie side by side: most of the others are not even copied.
    for set in series.iter().filter_map(set) {
        let Some((first, last)) = set.span() else { return Vec::new() };
        ids = &ids[ids.partition_point(|id| *id < first)..];
        ids = &ids[..ids.partition_point(|id| *id <= last)];
    }
    let mut ids: Vec<SeriesId> = list.iter().copied().map(SeriesId).collect();
    for other in series {
        match other {
            Series::One(only) => ids.retain(|id| id.0 == *only),
            Series::List(List::Few(others)) if std::ptr::eq(others.as_slice(), list) => {}
            Series::List(List::Few(others)) => {
                let mut others = others.as_slice();
                ids.retain(|id| {
                    others = &others[others.partition_point(|other| *other < id.0)..];
                    others.first() == Some(&id.0)
                });
            }
            Series::List(List::Many(set)) => set.retain_in(&mut ids),
        }
    }
    ids
}
