//! Which names and values the selected series have.

use crate::block::View;
use crate::block::scan::Encoded;
use crate::block::series::BlockSeries;
use crate::block::source::Values;
use crate::dictionary::{Dictionary as _, Source as _};
use crate::error::Error;
use crate::filter::Filter;
use crate::plan::Plan;
use crate::set::IdSet;

/// So many series of a value are looked at before all of them are.
const PROBES: usize = 4;
/// More values than these are not told from single series.
const MOST_PROBED: usize = 64;

pub(super) fn label_names<'a>(
    view: View<'a>,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<&'a str>, Error> {
    let table = view.table()?;
    let names = table.names().iter().map(|name| table.name_text(name));
    let names = names.filter(|name| !matches!(name, Ok("")));
    if filter.is_empty() {
        return names.take(at_most(limit)).collect();
    }
    let series = Plan::new(&view, filter)?.run()?;
    let mut met = carried(view, &series, table.names().len())?;
    met.truncate(at_most(limit));
    Ok(met)
}

pub(super) fn label_values<'a>(
    view: View<'a>,
    name: &str,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<&'a str>, Error> {
    let Some(values) = view.dictionary(name)? else { return Ok(Vec::new()) };
    let conditions = filter.conditions();
    if conditions.iter().all(|condition| condition.name() == name) {
        // Every value has a series, so the values alone decide.
        let holds = |text: &&str| conditions.iter().all(|condition| condition.holds(text));
        let holding = values.texts().filter(|text| text.as_ref().map_or(true, holds));
        return holding.take(at_most(limit)).collect();
    }
    if let Some(found) = probe(view, &values, filter, at_most(limit))? {
        return Ok(found);
    }
    let series = Plan::new(&view, filter)?.run()?;
    let mut found = if series.len() < values.value_count() as u64 {
        values_of(view, &series, name)?
    } else {
        values_meeting(&values, &series, at_most(limit))?
    };
    found.truncate(at_most(limit));
    Ok(found)
}

pub(super) fn counts<'a>(view: View<'a>, name: &str) -> Result<Vec<(&'a str, usize)>, Error> {
    let Some(values) = view.dictionary(name)? else { return Ok(Vec::new()) };
    values.lists().map(|item| item.map(|(value, list)| (value, list.len()))).collect()
}

/// The names of the labels that some of `series` carry, ascending; there are `all` names at most.
fn carried<'a>(view: View<'a>, series: &IdSet, all: usize) -> Result<Vec<&'a str>, Error> {
    // Few names, and nearly always the same ones: a sorted vector is found in at once.
    let mut names: Vec<u32> = Vec::new();
    for id in series.ids() {
        let record = view.record(id)?.sound()?;
        let mut scan = record.scan();
        for _ in 0..record.count(&mut scan)? {
            let (name, _) = record.pair(&mut scan)?;
            if let Err(at) = names.binary_search(&name) {
                names.insert(at, name);
            }
        }
        // The empty name is the key of all series.
        if all <= names.len().saturating_add(1) {
            break;
        }
    }
    texts(view, &names)
}

/// The values of the label `name` that some of `series` have, read from the series, ascending.
fn values_of<'a>(view: View<'a>, series: &IdSet, name: &str) -> Result<Vec<&'a str>, Error> {
    let Some(name) = view.symbols()?.reference(name) else { return Ok(Vec::new()) };
    let (name, mut values) = (Encoded::new(name), Vec::new());
    for id in series.ids() {
        values.extend(view.record(id)?.sound()?.value_of(&name)?);
    }
    values.sort_unstable();
    values.dedup();
    texts(view, &values)
}

/// The values of which a series is selected, where for each of them one of its first series shows it:
/// so it is where a filter leaves out little of what has few values. `None` at the first doubt.
fn probe<'a>(
    view: View<'a>,
    values: &Values<'a>,
    filter: &Filter,
    limit: usize,
) -> Result<Option<Vec<&'a str>>, Error> {
    let (mut found, mut series) = (Vec::new(), BlockSeries::default());
    if MOST_PROBED < values.value_count() {
        return Ok(None);
    }
    let symbols = view.symbols()?;
    for item in values.lists().take(limit) {
        let (value, list) = item?;
        let mut is_met = false;
        for id in list.iter().take(PROBES) {
            series.fill(view.record(id)?.sound()?, &symbols)?;
            is_met = filter.matches(&series);
            if is_met {
                break;
            }
        }
        if !is_met {
            return Ok(None);
        }
        found.push(value);
    }
    Ok(Some(found))
}

/// The values of which a series is in `series`, ascending.
fn values_meeting<'a>(
    values: &Values<'a>,
    series: &IdSet,
    limit: usize,
) -> Result<Vec<&'a str>, Error> {
    let (Some(first), Some(last)) = (series.min(), series.max()) else { return Ok(Vec::new()) };
    let (series, range) = (series.packed(), first..=last);
    let meeting = values.places().filter_map(|item| {
        let meets =
            item.and_then(|(value, place)| Ok((value, values.meets(place, &series, &range)?)));
        meets.map(|(value, meets)| meets.then_some(value)).transpose()
    });
    meeting.take(limit).collect()
}

/// The texts of ascending references, which ascend as well.
fn texts<'a>(view: View<'a>, references: &[u32]) -> Result<Vec<&'a str>, Error> {
    let symbols = view.symbols()?;
    let texts = references.iter().map(|reference| symbols.text(*reference));
    texts.filter(|text| !matches!(text, Ok(""))).collect()
}

fn at_most(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}
