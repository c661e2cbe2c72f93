//! Blocks of Prometheus read into memory: the data of the index and query benches.
//!
//! A plain reader of the index's symbols and series and of the chunk segments, for data that we made
//! ourselves: it checks lengths, not checksums. A block here answers selections through a
//! `MemoryIndex` and decodes its chunks as they are asked for, as a store over mapped files does.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use skopos_chunk::{Codec as _, XorCodec};
use skopos_core::{
    Columns, Error, ErrorKind, LabelSet, Labels, SampleCursor, Selection, Series, SeriesSet,
    SeriesSource, TimeRange, Timestamp,
};
use skopos_index::{Filter, MemoryIndex};

/// A block, or several, in memory.
#[derive(Debug, Default)]
pub struct Block {
    series: Vec<BlockSeries>,
    index: MemoryIndex,
    segments: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct BlockSeries {
    labels: Labels,
    chunks: Vec<ChunkRef>,
}

/// A chunk's times, and where its bytes are.
#[derive(Clone, Copy, Debug)]
struct ChunkRef {
    range: TimeRange,
    segment: usize,
    start: usize,
    end: usize,
}

impl Block {
    /// Reads `folder`: a block, or a data directory's first one.
    ///
    /// # Errors
    ///
    /// Where there is none, or it is not as expected: another index version, chunks other than XOR.
    pub fn open(folder: &Path) -> Result<Self> {
        let folder = block_folder(folder)?;
        let index = fs::read(folder.join("index")).context("cannot read the index")?;
        let mut block = Self::default();
        let mut segment = 1;
        while let Ok(bytes) = fs::read(folder.join(format!("chunks/{segment:06}"))) {
            block.segments.push(bytes);
            segment += 1;
        }
        block.read_series(&index)?;
        Ok(block)
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The series' labels, in order.
    pub fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.series.iter().map(|series| &series.labels)
    }

    /// The index over the series' labels.
    #[must_use]
    pub fn index(&self) -> &MemoryIndex {
        &self.index
    }

    fn read_series(&mut self, index: &[u8]) -> Result<()> {
        if index.len() < 64 || index[..5] != [0xba, 0xaa, 0xd7, 0x00, 2] {
            bail!("not an index file of version 2");
        }
        let toc = &index[index.len() - 52..];
        let offsets: Vec<usize> =
            toc[..48].chunks_exact(8).map(|o| Reader::new(o).big_endian(8) as usize).collect();
        let symbols = read_symbols(index, offsets[0])?;
        let later = offsets.iter().copied().filter(|&offset| offsets[1] < offset);
        let end = later.min().unwrap_or(index.len());
        let mut at = offsets[1];
        loop {
            at = at.next_multiple_of(16);
            let mut reader = Reader { bytes: &index[..end], at };
            let length = if at < end { reader.varint()? as usize } else { 0 };
            if length == 0 {
                return Ok(());
            }
            let next = reader.at + length + 4;
            let series = self.read_entry(&mut reader, &symbols)?;
            self.index.insert(&series.labels)?;
            self.series.push(series);
            at = next;
        }
    }

    fn read_entry(&self, reader: &mut Reader<'_>, symbols: &[&str]) -> Result<BlockSeries> {
        let mut pairs = Vec::new();
        for _ in 0..reader.varint()? {
            let name = reader.varint()? as usize;
            let value = reader.varint()? as usize;
            pairs.push((symbols[name], symbols[value]));
        }
        let labels = pairs.as_slice().to_labels();
        let mut chunks = Vec::new();
        let (mut time, mut place) = (0, 0);
        for i in 0..reader.varint()? {
            let from = if i == 0 { reader.signed()? } else { time + reader.varint()? as i64 };
            time = from + reader.varint()? as i64;
            place = if i == 0 { reader.varint()? as i64 } else { place + reader.signed()? };
            let range = TimeRange::new(Timestamp::from_millis(from), Timestamp::from_millis(time));
            chunks.push(self.chunk(place, range)?);
        }
        Ok(BlockSeries { labels, chunks })
    }

    fn chunk(&self, place: i64, range: TimeRange) -> Result<ChunkRef> {
        let (segment, at) = ((place >> 32) as usize, (place & 0xffff_ffff) as usize);
        let bytes = self.segments.get(segment).context("no such chunk segment")?;
        let mut reader = Reader { bytes, at };
        let length = reader.varint()? as usize;
        if bytes.get(reader.at) != Some(&1) {
            bail!("a chunk of another encoding than XOR");
        }
        let start = reader.at + 1;
        Ok(ChunkRef { range, segment, start, end: start + length })
    }

    fn bytes(&self, chunk: ChunkRef) -> &[u8] {
        &self.segments[chunk.segment][chunk.start..chunk.end]
    }

    /// Samples in all chunks, by their headers.
    ///
    /// # Errors
    ///
    /// Where a chunk has no header.
    pub fn count_samples(&self) -> Result<usize> {
        let chunks = self.series.iter().flat_map(|series| &series.chunks);
        chunks.map(|&chunk| Ok(XorCodec::default().count(self.bytes(chunk))?)).sum()
    }
}

/// `folder` itself if it is a block, or the only one in it.
pub(crate) fn block_folder(folder: &Path) -> Result<PathBuf> {
    if folder.join("meta.json").exists() {
        return Ok(folder.into());
    }
    let mut blocks: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("meta.json").exists())
        .collect();
    blocks.sort();
    if 1 < blocks.len() {
        bail!("{}: more than one block, name one of them", folder.display());
    }
    blocks.pop().with_context(|| format!("{}: no block", folder.display()))
}

fn read_symbols(index: &[u8], at: usize) -> Result<Vec<&str>> {
    let mut reader = Reader { bytes: index, at: at + 4 };
    let count = reader.big_endian(4) as usize;
    let mut symbols = Vec::new();
    for _ in 0..count {
        let length = reader.varint()? as usize;
        let bytes = index.get(reader.at..reader.at + length).context("a symbol is cut off")?;
        symbols.push(std::str::from_utf8(bytes)?);
        reader.at += length;
    }
    Ok(symbols)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn big_endian(&mut self, width: usize) -> u64 {
        let number = self.bytes[self.at..self.at + width].iter();
        self.at += width;
        number.fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }

    fn varint(&mut self) -> Result<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let &byte = self.bytes.get(self.at).context("a number is cut off")?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 || 56 < shift {
                return Ok(number);
            }
            shift += 7;
        }
    }

    fn signed(&mut self) -> Result<i64> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

impl SeriesSource for Block {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let filter = Filter::new(selection.matchers())
            .map_err(|error| Error::caused(ErrorKind::Invalid, error))?;
        // Ids are given out in the order of the block, which is that of the labels.
        let ids: Vec<usize> = self.index.select(&filter).iter().map(|id| id.0 as usize).collect();
        Ok(Box::new(Selected { block: self, ids: ids.into_iter(), range: selection.range() }))
    }
}

struct Selected<'a> {
    block: &'a Block,
    ids: std::vec::IntoIter<usize>,
    range: TimeRange,
}

impl<'a> SeriesSet<'a> for Selected<'a> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        let (block, range) = (self.block, self.range);
        let in_range =
            |series: &&BlockSeries| series.chunks.iter().any(|chunk| chunk.range.overlaps(&range));
        let series = self.ids.by_ref().map(|id| &block.series[id]).find(in_range);
        Ok(series.map(|series| Box::new(SelectedSeries { block, series, range }) as _))
    }
}

struct SelectedSeries<'a> {
    block: &'a Block,
    series: &'a BlockSeries,
    range: TimeRange,
}

impl Series for SelectedSeries<'_> {
    fn labels(&self) -> &dyn LabelSet {
        &self.series.labels
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(Cursor { selected: self, chunks: self.series.chunks.iter() })
    }
}

struct Cursor<'a> {
    selected: &'a SelectedSeries<'a>,
    chunks: std::slice::Iter<'a, ChunkRef>,
}

impl SampleCursor for Cursor<'_> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        let range = self.selected.range;
        let Some(&chunk) = self.chunks.find(|chunk| chunk.range.overlaps(&range)) else {
            return Ok(false);
        };
        XorCodec::default()
            .read(self.selected.block.bytes(chunk), range, columns)
            .map_err(|error| Error::caused(ErrorKind::Corrupt, error))?;
        Ok(true)
    }
}
