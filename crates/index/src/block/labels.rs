//! Testing a condition on the labels of single series: where few series are left, that is less than
//! visiting the values of the label.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use std::ops::Range;

use crate::block::View;
use crate::block::scan::Encoded;
use crate::block::symbols::Symbols;
use crate::dictionary::{Scan, Tested};
use crate::error::Error;
use crate::set::IdSet;

/// So many verdicts on values are remembered, each under the lowest bits of its symbol.
const VERDICTS: usize = 64;

/// Tests the series `within` by their value of the label `name`; `None` if that is no symbol.
pub(super) fn test(
    view: View<'_>,
    name: &str,
    within: &IdSet,
    scans: &[Scan<'_>],
    accepts: impl Fn(&str) -> bool,
) -> Result<Option<Tested>, Error> {
    let symbols = view.symbols()?;
    let Some(name) = symbols.reference(name).map(Encoded::new) else { return Ok(None) };
    let ranges: Vec<Range<u32>> =
        scans.iter().map(|scan| symbols.with_prefix(scan.prefix)).collect();
    let mut verdicts = Verdicts { symbols, accepts, slots: [None; VERDICTS] };
    let (mut ids, mut looked_at) = (Vec::new(), 0_usize);
    for id in within.ids() {
        looked_at = looked_at.saturating_add(1);
        let value = view.record(id)?.sound()?.value_of(&name)?;
        if let Some(value) = value
            && ranges.iter().any(|range| range.contains(&value))
            && verdicts.on(value)?
        {
            ids.push(id);
        }
    }
    Ok(Some(Tested { series: IdSet::from_ascending(&ids), looked_at }))
}

/// What was said of values, of which neighbors often have the same ones.
struct Verdicts<'a, F> {
    symbols: Symbols<'a>,
    accepts: F,
    slots: [Option<(u32, bool)>; VERDICTS],
}

impl<F: Fn(&str) -> bool> Verdicts<'_, F> {
    fn on(&mut self, value: u32) -> Result<bool, Error> {
        let slot = self.slots.get_mut(value as usize % VERDICTS);
        if let Some(Some((known, verdict))) = slot.as_deref()
            && *known == value
        {
            return Ok(*verdict);
        }
        let text = self.symbols.text(value)?;
        let verdict = !text.is_empty() && (self.accepts)(text);
        if let Some(slot) = slot {
            *slot = Some((value, verdict));
        }
        Ok(verdict)
    }
}
