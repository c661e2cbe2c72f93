//! Reading the samples of a range of times into columns, block by block, for XOR and XOR2.
//!
//! Decoding stops behind the range. Times that do not ascend are refused, since readers of series
//! rely on the order.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use skopos_core::{Columns, TimeRange};

use crate::codec::keep;
use crate::encoding::SampleKind;
use crate::error::{Error, Problem};

/// How many samples are decoded into columns at a time; a chunk has 120 as a rule.
pub(crate) const BLOCK: usize = 256;

/// A decoder that appends samples to columns, some at a time.
pub(crate) trait Blocks: Clone + Iterator {
    /// Whether no sample follows.
    fn is_over(&self) -> bool;

    /// Goes behind the last sample.
    fn finish(&mut self);

    /// How many samples were read, and the offset of the byte behind them.
    fn sound(&self) -> (usize, usize);

    /// Appends up to [`BLOCK`] of the remaining samples.
    fn fill_block(&mut self, columns: &mut Columns) -> Result<(), Error>;
}

/// Appends the remaining samples with times in `range`, and uses the decoder up.
pub(crate) fn read<D: Blocks>(
    decoder: &mut D,
    range: TimeRange,
    columns: &mut Columns,
) -> Result<(), Error> {
    let (mut last, mut result) = (None, Ok(()));
    while !decoder.is_over() && result.is_ok() {
        let begin = decoder.clone();
        let from = columns.timestamps.len();
        result = decoder.fill_block(columns);
        let new = columns.timestamps.get(from..).unwrap_or_default();
        let sound = count_ascending(last, new);
        let (sound, rest) = new.split_at(sound);
        let skipped = sound.partition_point(|t| *t < range.start.as_millis());
        let kept = sound.partition_point(|t| *t <= range.end.as_millis()).max(skipped);
        if kept < sound.len() {
            // What follows is not asked for, faults neither.
            decoder.finish();
            result = Ok(());
        } else if !rest.is_empty() {
            result = Err(not_ascending(begin, sound.len()));
        }
        last = sound.last().copied();
        keep(columns, SampleKind::Float, from, skipped..kept);
    }
    decoder.finish();
    result
}

/// The error for the sample so many after the decoder's next one.
#[cold]
fn not_ascending<D: Blocks>(mut decoder: D, after: usize) -> Error {
    decoder.by_ref().take(after).for_each(drop);
    let (sound, offset) = decoder.sound();
    let number = sound.saturating_add(1);
    Error::new(Problem::NotAscending { number }, offset).after(sound)
}

/// How many of the times ascend, behind the last one before them.
fn count_ascending(last: Option<i64>, times: &[i64]) -> usize {
    let Some(first) = times.first() else { return 0 };
    if last.is_some_and(|last| *first <= last) {
        return 0;
    }
    let pairs = || times.iter().zip(times.get(1..).unwrap_or_default());
    // Nearly always all of them do, which is seen faster without a way out.
    if pairs().fold(true, |all, (a, b)| all & (a < b)) {
        return times.len();
    }
    pairs().take_while(|(a, b)| a < b).count().saturating_add(1)
}
