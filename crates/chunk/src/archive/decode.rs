//! Decoding archive chunks.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use alloc::vec::Vec;

use skopos_core::Columns;

use super::input::{Fault, Input, Wrong};
use super::{BLOCK, HEADER_LEN, STARTS, VERSION, column, float};
use crate::codec::{level_starts, start_times};
use crate::encoding::SampleKind;
use crate::error::{Error, Problem};

/// Reads an archive chunk, column by column.
///
/// ```
/// use skopos_chunk::archive::{self, ArchiveDecoder, Tier};
/// use skopos_core::Columns;
///
/// let mut columns = Columns::new();
/// for i in 0..1_000_i64 {
///     columns.push(i * 15_000, (i % 7) as f64 / 100.0);
/// }
/// let mut chunk = Vec::new();
/// archive::encode(&columns, 0..1_000, Tier::Hot, &mut chunk)?;
/// assert!(chunk.len() < 500);
///
/// let decoder = ArchiveDecoder::new(&chunk)?;
/// assert_eq!(decoder.len(), 1_000);
/// let mut again = Columns::new();
/// decoder.read_all(&mut again)?;
/// assert_eq!(again.timestamps, columns.timestamps);
/// assert_eq!(again.values, columns.values);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ArchiveDecoder<'a> {
    chunk: &'a [u8],
    len: usize,
    has_starts: bool,
}

impl<'a> ArchiveDecoder<'a> {
    /// A decoder of a chunk.
    ///
    /// # Errors
    ///
    /// `Truncated` if there is no whole header, `Unsupported` if another version or something else
    /// wrote it.
    pub fn new(chunk: &'a [u8]) -> Result<Self, Error> {
        let Some([version, flags, count @ ..]) = chunk.first_chunk::<HEADER_LEN>() else {
            return Err(Error::new(Problem::EndInHeader, chunk.len()));
        };
        if *version != VERSION {
            return Err(Error::new(Problem::UnknownArchive(*version), 0));
        }
        if flags & !STARTS != 0 {
            return Err(Error::new(Problem::UnknownFlags(*flags), 1));
        }
        let len = usize::from(u16::from_le_bytes(*count));
        Ok(Self { chunk, len, has_starts: flags & STARTS != 0 })
    }

    /// The number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends the samples' times alone.
    ///
    /// ```
    /// use skopos_chunk::archive::{self, ArchiveDecoder, Tier};
    /// use skopos_core::Columns;
    ///
    /// let mut columns = Columns::new();
    /// columns.push(1_000, 0.5);
    /// let mut chunk = Vec::new();
    /// archive::encode(&columns, 0..1, Tier::Cold, &mut chunk)?;
    /// let mut times = Vec::new();
    /// ArchiveDecoder::new(&chunk)?.read_times(&mut times)?;
    /// assert_eq!(times, [1_000]);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`; the times before the fault are appended.
    pub fn read_times(&self, times: &mut Vec<i64>) -> Result<(), Error> {
        self.read_column(&mut Input::new(self.chunk, HEADER_LEN), times).map_err(error)
    }

    /// Appends all samples to `columns`.
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`; the [sound samples](Error::sound_samples) before, whose times and
    /// values could both be read, are appended.
    pub fn read_all(&self, columns: &mut Columns) -> Result<(), Error> {
        let before = columns.timestamps.len();
        let result = self.read_columns(columns);
        if let Err(fault) = result {
            let end = columns.timestamps.len().min(columns.values.len());
            columns.timestamps.truncate(end);
            columns.values.truncate(end);
            columns.start_timestamps.truncate(end);
            level_starts(columns, SampleKind::Float);
            return Err(error(fault).after(end.saturating_sub(before)));
        }
        level_starts(columns, SampleKind::Float);
        Ok(())
    }

    fn read_columns(&self, columns: &mut Columns) -> Result<(), Fault> {
        let mut input = Input::new(self.chunk, HEADER_LEN);
        if self.len == 0 {
            return Self::at_end(&input);
        }
        let before = columns.timestamps.len();
        let times = self.read_column(&mut input, &mut columns.timestamps);
        if let Err(fault) = times {
            // Without the times' end the values cannot be found.
            columns.timestamps.truncate(before);
            return Err(fault);
        }
        columns.values.reserve(self.len);
        float::read(&mut input, self.len, &mut columns.values)?;
        if self.has_starts {
            let starts = start_times(columns, SampleKind::Float);
            starts.truncate(before);
            let result = self.read_column(&mut input, starts);
            if let Err(fault) = result {
                let end = starts.len();
                columns.values.truncate(end);
                return Err(fault);
            }
        }
        Self::at_end(&input)
    }

    fn at_end(input: &Input<'_>) -> Result<(), Fault> {
        if input.rest().is_empty() { Ok(()) } else { Err(input.wrong("end")) }
    }

    fn read_column(&self, input: &mut Input<'_>, column: &mut Vec<i64>) -> Result<(), Fault> {
        if self.len == 0 {
            return Ok(());
        }
        column.reserve(self.len.saturating_add(BLOCK));
        column::read(input, self.len, column)
    }
}

fn error(fault: Fault) -> Error {
    let problem = match fault.what {
        Wrong::End => Problem::EndInColumn,
        Wrong::Part(part) => Problem::BadPart(part),
    };
    Error::new(problem, fault.offset)
}
