//! Checking a whole index file: what reading takes on trust is proven here.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use std::collections::HashMap;

use crate::block::View;
use crate::block::list::List;
use crate::block::scan::Encoded;
use crate::block::series::{BlockSeries, Record};
use crate::block::symbols::Symbols;
use crate::block::table::Table;
use crate::block::toc::Variant;
use crate::error::{Error, Section};
use crate::set::IdSet;

/// Series follow at multiples of this, except in version 1.
const SERIES_ALIGN: u64 = 16;
/// A series without labels and chunks takes so many bytes.
const MIN_RECORD: usize = 7;

pub(super) fn verify(view: View<'_>) -> Result<(), Error> {
    let symbols = view.symbols()?;
    let references = check_symbols(view, &symbols)?;
    let series = check_series(view, &symbols)?;
    check_lists(view, &view.table()?, &series, &references)
}

/// Checks that symbols ascend; returns the references to them.
fn check_symbols<'a>(
    view: View<'a>,
    symbols: &Symbols<'a>,
) -> Result<HashMap<&'a [u8], u32>, Error> {
    let mut references = HashMap::with_capacity(symbols.len());
    let mut last = None;
    for item in symbols.iter() {
        let (reference, text) = item?;
        if last.is_some_and(|last| text <= last) {
            let place = view.found.toc.symbols;
            let message = format!("symbol {text:?} is out of order");
            return Err(Error::corrupt(Section::Symbols, place, message));
        }
        last = Some(text);
        references.insert(text.as_bytes(), reference);
    }
    Ok(references)
}

/// What the series section holds.
struct Found {
    ids: IdSet,
    /// How many labels all series have together.
    labels: u64,
}

fn check_series(view: View<'_>, symbols: &Symbols<'_>) -> Result<Found, Error> {
    let section = view.series_section();
    let mut offset = view.found.toc.series;
    let (mut ids, mut labels) = (Vec::new(), 0_u64);
    let (mut series, mut last) = (BlockSeries::default(), Vec::new());
    let mut last_chunk = 0;
    while offset != 0 && offset < section.len() as u64 {
        let Some(record) = next_record(view, section, offset)? else { break };
        let record = record.sound()?;
        series.fill(record, symbols)?;
        if !ids.is_empty() && series.labels() <= last.as_slice() {
            return Err(record.corrupt("series are not in order"));
        }
        last.clear();
        last.extend_from_slice(series.labels());
        last_chunk = check_chunks(&record, &series, last_chunk)?;
        labels = labels.saturating_add(series.labels().len() as u64);
        ids.push(view.id_of(record.offset()).ok_or_else(|| record.corrupt("too far behind"))?);
        offset = record.end;
    }
    Ok(Found { ids: IdSet::from_sorted(ids), labels })
}

/// The record that begins at `offset` or behind the zeros there; `None` behind the last one.
fn next_record<'a>(
    view: View<'_>,
    section: &'a [u8],
    offset: u64,
) -> Result<Option<Record<'a>>, Error> {
    let start = match view.variant() {
        Variant::ByNumber => offset.checked_next_multiple_of(SERIES_ALIGN).unwrap_or(u64::MAX),
        Variant::ByOffset => offset,
    };
    let corrupt = |at, message: &str| Err(Error::corrupt(Section::Series, at, message.to_owned()));
    let range = usize::try_from(offset).ok().zip(usize::try_from(start).ok());
    let (from, to) = range.unwrap_or((section.len(), section.len()));
    let padding = section.get(from..to.min(section.len())).unwrap_or_default();
    if padding.iter().any(|byte| *byte != 0) {
        return corrupt(offset, "padding is not zero");
    }
    let rest = section.get(to..).unwrap_or_default();
    // Behind the last series there may be the padding of the section that follows.
    if rest.len() < MIN_RECORD && rest.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    match Record::at(section, start) {
        Some(record) => Ok(Some(record)),
        None => corrupt(start, "a series is cut off"),
    }
}

/// Checks that chunks follow each other; returns the last reference.
fn check_chunks(record: &Record<'_>, series: &BlockSeries<'_>, last: u64) -> Result<u64, Error> {
    let mut last = last;
    let mut end = None;
    for chunk in series.chunks() {
        let (first_time, last_time) = chunk.millis();
        if chunk.reference < last {
            return Err(record.corrupt("chunk references are not in order"));
        }
        if end.is_some_and(|end| first_time <= end) || last_time < first_time {
            return Err(record.corrupt("chunks are not in the order of time"));
        }
        (last, end) = (chunk.reference, Some(last_time));
    }
    Ok(last)
}

fn check_lists(
    view: View<'_>,
    table: &Table<'_>,
    series: &Found,
    references: &HashMap<&[u8], u32>,
) -> Result<(), Error> {
    let mut postings = 0_u64;
    let mut all = None;
    for name in table.names() {
        let name_bytes = table.name_bytes(name);
        let mut last: Option<&[u8]> = None;
        for entry in table.walk(name) {
            let entry = entry?;
            if last.is_some_and(|last| entry.value <= last) {
                return Err(table.corrupt("label values are not in order"));
            }
            last = Some(entry.value);
            let list = List::read(view.bytes, entry.place.offset, true)?;
            let corrupt = |message: &str| {
                Error::corrupt(Section::Postings, entry.place.offset, message.to_owned())
            };
            if !list.iter().is_sorted_by(|id, next| id < next) {
                return Err(corrupt("series are not in order"));
            }
            if list.iter().any(|id| !series.ids.contains(id)) {
                return Err(corrupt("there is no such series"));
            }
            if name_bytes.is_empty() && entry.value.is_empty() {
                all = Some(list.len() as u64);
                continue;
            }
            postings = postings.saturating_add(list.len() as u64);
            let key = references.get(name_bytes).zip(references.get(entry.value));
            let (name, value) = key.ok_or_else(|| corrupt("its label is no symbol"))?;
            let name = Encoded::new(*name);
            for id in list.iter() {
                if view.record(id)?.value_of(&name)? != Some(*value) {
                    return Err(corrupt("a series does not have the list's label"));
                }
            }
        }
    }
    if all.unwrap_or(0) != series.ids.len() {
        return Err(table.corrupt("the list of all series is not that"));
    }
    if postings != series.labels {
        return Err(table.corrupt("a series is missing in a list"));
    }
    Ok(())
}
