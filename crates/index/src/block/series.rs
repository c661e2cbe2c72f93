//! One series of an index file: its labels, borrowed from the file, and its chunks.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use skopos_core::{LabelSet, TimeRange, Timestamp};

use crate::block::scan::{Encoded, Scan};
use crate::block::symbols::Symbols;
use crate::error::{Error, Section};

/// Where a chunk of a series is, and which times it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format has these, and writers build them")]
pub struct ChunkMeta {
    /// From the time of the first sample to that of the last.
    pub range: TimeRange,
    /// What the owner of the chunks finds it by; the index does not look into it.
    pub reference: u64,
}

impl ChunkMeta {
    /// The first and the last time in milliseconds.
    pub(super) fn millis(&self) -> (i64, i64) {
        (self.range.start.as_millis(), self.range.end.as_millis())
    }
}

/// A series of a block index: its labels and its chunks.
///
/// Texts are borrowed from the file. A value can be [read into](crate::BlockIndex::read_series) again
/// and again, and then keeps its memory.
///
/// ```
/// use skopos_core::LabelSet;
/// use skopos_index::{BlockIndex, BlockIndexWriter, BlockSeries};
///
/// let mut writer = BlockIndexWriter::new(Vec::new(), ["a", "b", "job"])?;
/// writer.add_series(&[("job", "a")], &[])?;
/// writer.add_series(&[("job", "b")], &[])?;
/// let index = BlockIndex::new(writer.finish()?)?;
/// let (mut series, mut jobs) = (BlockSeries::default(), Vec::new());
/// for id in index.all()?.iter() {
///     index.read_series(id, &mut series)?;
///     jobs.push(series.labels()[0].1);
/// }
/// assert_eq!(jobs, ["a", "b"]);
/// assert_eq!(series.value("job"), Some("b"));
/// # Ok::<(), skopos_index::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BlockSeries<'a> {
    /// Invariant: names ascending and distinct, no empty value.
    labels: Vec<(&'a str, &'a str)>,
    chunks: Vec<ChunkMeta>,
}

impl<'a> BlockSeries<'a> {
    /// The labels in name order.
    #[must_use]
    pub fn labels(&self) -> &[(&'a str, &'a str)] {
        &self.labels
    }

    /// The chunks, in the order of the file, which is that of time.
    #[must_use]
    pub fn chunks(&self) -> &[ChunkMeta] {
        &self.chunks
    }

    /// Reads what `record` holds.
    pub(super) fn fill(&mut self, record: Record<'a>, symbols: &Symbols<'a>) -> Result<(), Error> {
        self.labels.clear();
        self.chunks.clear();
        let mut scan = record.scan();
        for _ in 0..record.count(&mut scan)? {
            let (name, value) = record.pair(&mut scan)?;
            let (name, value) = (symbols.text(name)?, symbols.text(value)?);
            if self.labels.last().is_some_and(|(last, _)| name <= *last) {
                return Err(record.corrupt("label names are not in order"));
            }
            if !value.is_empty() {
                self.labels.push((name, value));
            }
        }
        let count = record.count(&mut scan)?;
        for _ in 0..count {
            let chunk = read_chunk(&mut scan, self.chunks.last());
            self.chunks.push(chunk.ok_or_else(|| record.corrupt("a chunk's place is cut off"))?);
        }
        Ok(())
    }
}

impl LabelSet for BlockSeries<'_> {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a str)) {
        self.labels.as_slice().visit(visitor);
    }
}

/// A series' bytes in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    offset: u64,
    body: &'a [u8],
    checksum: u32,
    /// Where the next one may begin.
    pub(super) end: u64,
}

impl<'a> Record<'a> {
    /// The record at `offset` in `bytes`, which are the file up to the end of the section.
    pub(super) fn at(bytes: &'a [u8], offset: u64) -> Option<Self> {
        let mut scan = Scan::new(bytes.get(usize::try_from(offset).ok()?..)?);
        let body = scan.prefixed()?;
        let checksum = scan.be32()?;
        let end = (bytes.len() as u64).checked_sub(scan.left() as u64)?;
        Some(Self { offset, body, checksum, end })
    }

    /// The record itself, if its checksum is right.
    pub(super) fn sound(self) -> Result<Self, Error> {
        if crc32c::crc32c(self.body) == self.checksum {
            Ok(self)
        } else {
            Err(self.corrupt("invalid checksum"))
        }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn scan(&self) -> Scan<'a> {
        Scan::new(self.body)
    }

    /// How many labels or chunks follow.
    pub(super) fn count(&self, scan: &mut Scan<'a>) -> Result<u64, Error> {
        scan.uvarint().ok_or_else(|| self.corrupt("a count is cut off"))
    }

    /// References to a label's name and value.
    pub(super) fn pair(&self, scan: &mut Scan<'a>) -> Result<(u32, u32), Error> {
        let pair = scan.uvarint32().zip(scan.uvarint32());
        pair.ok_or_else(|| self.corrupt("a label is cut off"))
    }

    /// The reference to the value of the label whose name has this reference.
    #[inline]
    pub(super) fn value_of(&self, name: &Encoded) -> Result<Option<u32>, Error> {
        let mut scan = self.scan();
        for _ in 0..self.count(&mut scan)? {
            let value = if scan.skip_encoded(name) {
                scan.uvarint32().map(Some)
            } else {
                scan.skip_varint().and_then(|()| scan.skip_varint()).map(|()| None)
            };
            match value {
                Some(None) => {}
                Some(value) => return Ok(value),
                None => return Err(self.corrupt("a label is cut off")),
            }
        }
        Ok(None)
    }

    #[cold]
    pub(super) fn corrupt(&self, message: &str) -> Error {
        Error::corrupt(Section::Series, self.offset, message.to_owned())
    }
}

/// The next chunk; times that do not fit 64 bits are none.
fn read_chunk(scan: &mut Scan<'_>, before: Option<&ChunkMeta>) -> Option<ChunkMeta> {
    let (first, last, reference);
    match before {
        None => {
            first = scan.varint()?;
            last = first.checked_add_unsigned(scan.uvarint()?)?;
            reference = scan.uvarint()?;
        }
        Some(before) => {
            first = before.millis().1.checked_add_unsigned(scan.uvarint()?)?;
            last = first.checked_add_unsigned(scan.uvarint()?)?;
            reference = before.reference.wrapping_add_signed(scan.varint()?);
        }
    }
    let range = TimeRange::new(Timestamp::from_millis(first), Timestamp::from_millis(last));
    Some(ChunkMeta { range, reference })
}
