//! Encoding archive chunks.

use alloc::vec::Vec;
use core::ops::Range;

use skopos_core::Columns;

use super::predict::Predictor;
use super::{MAX_SAMPLES, STARTS, Tier, VERSION, column, float};
use crate::codec::floats;
use crate::error::Error;

/// Writes float samples, at the places `samples` of `columns`, as one chunk behind what `chunk`
/// holds; returns how many: all of them, or [`MAX_SAMPLES`].
///
/// Start timestamps are written unless all are unknown. Times need not ascend. It takes time and
/// memory in proportion to the number of samples.
///
/// ```
/// use skopos_chunk::archive::{self, Tier};
/// use skopos_core::Columns;
///
/// let mut columns = Columns::new();
/// columns.push(1_000, 0.5);
/// let mut chunk = Vec::new();
/// assert_eq!(archive::encode(&columns, 0..1, Tier::Hot, &mut chunk)?, 1);
/// assert!(archive::encode(&columns, 0..2, Tier::Hot, &mut chunk).is_err());
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
///
/// # Errors
///
/// `Invalid` if the columns have no such samples.
pub fn encode(
    columns: &Columns,
    samples: Range<usize>,
    tier: Tier,
    chunk: &mut Vec<u8>,
) -> Result<usize, Error> {
    let (times, values) = floats(columns, samples.clone())?;
    let len = times.len().min(MAX_SAMPLES);
    let (times, values) = (times.split_at(len).0, values.split_at(len).0);
    let starts = columns.start_timestamps.get(samples).unwrap_or_default();
    let starts = starts.get(..len).filter(|starts| starts.iter().any(|start| *start != 0));
    chunk.extend([VERSION, if starts.is_some() { STARTS } else { 0 }]);
    chunk.extend((len as u16).to_le_bytes());
    if len == 0 {
        return Ok(0);
    }
    write_column(times, tier, chunk);
    float::write(values, tier, chunk);
    if let Some(starts) = starts {
        write_column(starts, tier, chunk);
    }
    Ok(len)
}

fn write_column(xs: &[i64], tier: Tier, chunk: &mut Vec<u8>) {
    let xs: Vec<u64> = xs.iter().map(|x| x.cast_unsigned()).collect();
    column::write(&xs, &[Predictor::Line, Predictor::Last, Predictor::Trend], tier, chunk);
}
