//! Writing an index file: symbols first, then series in order, then what follows from them.
//!
//! Every byte is known when its turn comes, so a sink needs no seeking. The layout is that of
//! Prometheus' current writer, which no longer writes label indices.

use std::io::Write;

use hashbrown::HashMap;
use skopos_core::text::Quoted;
use skopos_core::{LabelSet, Labels, SeriesId};

use crate::block::series::ChunkMeta;
use crate::block::toc::{MAGIC, Toc, WRITTEN_VERSION};
use crate::error::Error;

mod output;
mod pending;
mod symbols;

use self::output::{Output, put_uvarint, put_varint, uvarint_length};
use self::pending::{Pending, Sorter};
use self::symbols::SymbolSet;

/// Series begin at multiples of this, and are referred to by how many.
const SERIES_ALIGN: u64 = 16;
/// The file must end here at the latest, so that references fit 32 bits.
const MAX_FILE_LENGTH: u64 = 16 * u32::MAX as u64;

/// Writes the index file of a block, version 2, with the bytes that Prometheus writes.
///
/// The symbols (all label names and values) come with the constructor, the series in ascending order
/// of their labels; [`finish`](Self::finish) writes the postings, the postings offset table and the
/// table of contents. What is refused leaves the writer as it was; after an error of the sink what
/// was written is of no use.
///
/// # Memory
///
/// There is no setting for it: what is held follows from what is written. The texts of the symbols and
/// about 10 bytes for each; for each label of each series, until the end, the distance from the series
/// before and the number of the value, 2 to 6 bytes together and below 4 on average where most series
/// have one value of their own (buffers grow by doubling, so up to twice that is set aside); at the end,
/// one label name after the other, 4 bytes for each series that has it, and 24 bytes for each list, of
/// which there are as many as distinct pairs of name and value.
///
/// ```
/// use skopos_core::{Matcher, TimeRange, Timestamp};
/// use skopos_index::{BlockIndex, BlockIndexWriter, ChunkMeta, Filter};
///
/// let mut writer = BlockIndexWriter::new(Vec::new(), ["__name__", "a", "job", "up"])?;
/// let range = TimeRange::new(Timestamp::from_millis(0), Timestamp::from_millis(60_000));
/// let chunk = ChunkMeta { range, reference: 8 };
/// writer.add_series(&[("__name__", "up")], &[])?;
/// let id = writer.add_series(&[("__name__", "up"), ("job", "a")], &[chunk])?;
/// let file = writer.finish()?;
///
/// let index = BlockIndex::new(file)?;
/// let selected = index.select(&Filter::new(&[Matcher::equal("job", "a")])?)?;
/// assert_eq!(selected.iter().collect::<Vec<_>>(), [id]);
/// assert_eq!(index.series(id)?.chunks(), [chunk]);
/// # Ok::<(), skopos_index::Error>(())
/// ```
#[derive(Debug)]
pub struct BlockIndexWriter<W> {
    out: Output<W>,
    symbols: SymbolSet,
    toc: Toc,
    /// The ids of all series.
    all: Pending,
    /// By the symbol of the name: the value of each series that has the label.
    names: HashMap<u32, Pending>,
    /// The symbols of the last series' labels, by which order is told: that of symbols is the same.
    last: Vec<(u32, u32)>,
    last_chunk: u64,
    /// Memory that is used again: the symbols of the labels of the series that is added.
    labels: Vec<(u32, u32)>,
    /// The same: its bytes.
    body: Vec<u8>,
}

impl<W: Write> BlockIndexWriter<W> {
    /// A writer to `out`, which need not be buffered. `symbols` are all names and values that the
    /// series will use, ascending and without duplicates; it may have others, and Prometheus' blocks
    /// cut from a head have the empty text.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::ErrorKind::Refused) for symbols out of order, [`Limit`](crate::ErrorKind::Limit)
    /// for more than 4 GiB of them, [`Io`](crate::ErrorKind::Io) from the sink.
    pub fn new<S: AsRef<str>>(out: W, symbols: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let symbols = SymbolSet::collect(symbols)?;
        let mut out = Output::new(out);
        out.buffer().extend(MAGIC.to_be_bytes());
        out.buffer().push(WRITTEN_VERSION);
        let toc = Toc { symbols: out.position(), ..Toc::default() };
        out.write_framed(symbols.encoded_length()?, |frame| symbols.encode(frame))?;
        let toc = Toc { series: out.position(), ..toc };
        Ok(Self {
            out,
            symbols,
            toc,
            all: Pending::default(),
            names: HashMap::new(),
            last: Vec::new(),
            last_chunk: 0,
            labels: Vec::new(),
            body: Vec::new(),
        })
    }

    /// Adds a series, greater than the one before, and returns its id within the block.
    ///
    /// A chunk's reference is not below the one before, in the whole file; its first time is after the
    /// last one of the series' chunk before.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::ErrorKind::Refused) for a series or a chunk out of order or a text that is
    /// no symbol, [`Limit`](crate::ErrorKind::Limit) behind 64 GiB, [`Io`](crate::ErrorKind::Io) from
    /// the sink.
    ///
    /// ```
    /// use skopos_index::BlockIndexWriter;
    ///
    /// let mut writer = BlockIndexWriter::new(Vec::new(), ["a", "x", "y"])?;
    /// writer.add_series(&[("a", "y")], &[])?;
    /// let error = writer.add_series(&[("a", "x")], &[]).unwrap_err();
    /// let text = r#"out-of-order series added with label set "{a=\"x\"}", last label set "{a=\"y\"}""#;
    /// assert_eq!(error.to_string(), text);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    pub fn add_series(
        &mut self,
        labels: &(impl LabelSet + ?Sized),
        chunks: &[ChunkMeta],
    ) -> Result<SeriesId, Error> {
        self.resolve(labels)?;
        if self.labels <= self.last {
            return Err(self.out_of_order());
        }
        let last_chunk = check_chunks(chunks, self.last_chunk)?;
        self.encode_series(chunks);
        self.out.align(SERIES_ALIGN)?;
        let id = u32::try_from(self.out.position() / SERIES_ALIGN).map_err(|_| too_long())?;
        self.write_series()?;
        self.all.push(id, 0);
        for (name, value) in &self.labels {
            self.names.entry(*name).or_default().push(id, *value);
        }
        std::mem::swap(&mut self.labels, &mut self.last);
        self.last_chunk = last_chunk;
        Ok(SeriesId(id))
    }

    /// Writes what follows from the series, and returns the sink.
    ///
    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) for a list or a table that its length field cannot express,
    /// [`Io`](crate::ErrorKind::Io) from the sink.
    pub fn finish(mut self) -> Result<W, Error> {
        let mut toc = self.toc;
        // The file has no label indices: they would begin and end here.
        toc.label_indices = self.out.position();
        toc.postings = self.out.position();
        self.out.align(4)?;
        let lists = self.write_postings()?;
        toc.postings_table = self.out.position();
        toc.label_indices_table = self.out.position();
        self.write_postings_table(&lists)?;
        self.out.buffer().extend(toc.encode());
        self.out.finish()
    }

    /// Looks the labels' symbols up.
    fn resolve(&mut self, labels: &(impl LabelSet + ?Sized)) -> Result<(), Error> {
        let Self { labels: found, last, symbols, .. } = self;
        found.clear();
        let mut failed = None;
        labels.visit(&mut |name, value| {
            if failed.is_some() || value.is_empty() {
                return;
            }
            // Neighbors have most of their texts in common.
            let near = last.get(found.len());
            let name_symbol = symbols.find(name, near.map(|(name, _)| *name));
            let value_symbol = symbols.find(value, near.map(|(_, value)| *value));
            match (name_symbol, value_symbol) {
                (Some(name), Some(value)) => found.push((name, value)),
                (None, _) => failed = Some(unknown_symbol(name)),
                (_, None) => failed = Some(unknown_symbol(value)),
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let out_of_order = found.windows(2).find(|pair| pair[1].0 <= pair[0].0);
        out_of_order.map_or(Ok(()), |pair| {
            let name = Quoted(symbols.text(pair[1].0));
            Err(Error::refused(format!("label name {name} is out of order")))
        })
    }

    fn encode_series(&mut self, chunks: &[ChunkMeta]) {
        let body = &mut self.body;
        body.clear();
        put_uvarint(body, self.labels.len() as u64);
        for (name, value) in &self.labels {
            put_uvarint(body, u64::from(*name));
            put_uvarint(body, u64::from(*value));
        }
        put_uvarint(body, chunks.len() as u64);
        let mut before: Option<&ChunkMeta> = None;
        for chunk in chunks {
            let (first, last) = chunk.millis();
            match before {
                None => {
                    put_varint(body, first);
                    put_uvarint(body, last.wrapping_sub(first).cast_unsigned());
                    put_uvarint(body, chunk.reference);
                }
                Some(before) => {
                    put_uvarint(body, first.wrapping_sub(before.millis().1).cast_unsigned());
                    put_uvarint(body, last.wrapping_sub(first).cast_unsigned());
                    let step = chunk.reference.wrapping_sub(before.reference);
                    put_varint(body, step.cast_signed());
                }
            }
            before = Some(chunk);
        }
    }

    fn write_series(&mut self) -> Result<(), Error> {
        let length = uvarint_length(self.body.len() as u64) + self.body.len() + 4;
        if MAX_FILE_LENGTH < self.out.position() + length as u64 {
            return Err(too_long());
        }
        let buffer = self.out.buffer();
        put_uvarint(buffer, self.body.len() as u64);
        buffer.extend(&self.body);
        buffer.extend(crc32c::crc32c(&self.body).to_be_bytes());
        self.out.flush_if_full()
    }

    /// Writes all lists; returns their keys, in order.
    fn write_postings(&mut self) -> Result<Vec<List>, Error> {
        let mut sorter = Sorter::new(self.symbols.len());
        let mut lists = Vec::new();
        let all = std::mem::take(&mut self.all);
        sorter.sort(&all);
        for (_, ids) in sorter.lists() {
            lists.push(List { key: None, offset: self.out.position() });
            self.out.write_list(ids)?;
        }
        if all.is_empty() {
            lists.push(List { key: None, offset: self.out.position() });
            self.out.write_list(&[])?;
        }
        let mut names: Vec<(u32, Pending)> = self.names.drain().collect();
        names.sort_unstable_by_key(|(name, _)| *name);
        for (name, pending) in names {
            sorter.sort(&pending);
            drop(pending);
            for (value, ids) in sorter.lists() {
                lists.push(List { key: Some((name, value)), offset: self.out.position() });
                self.out.write_list(ids)?;
                if MAX_FILE_LENGTH < self.out.position() {
                    return Err(too_long());
                }
            }
        }
        Ok(lists)
    }

    fn write_postings_table(&mut self, lists: &[List]) -> Result<(), Error> {
        let symbols = &self.symbols;
        let length: usize =
            4 + lists.iter().map(|list| list.encoded_length(symbols)).sum::<usize>();
        let length = u32::try_from(length)
            .map_err(|_| Error::limit(format!("length size exceeds 4 bytes: {length}")))?;
        // A list takes 12 bytes of a file of 64 GiB at most, but its entry takes more of the table.
        let count = u32::try_from(lists.len())
            .map_err(|_| Error::limit(format!("length size exceeds 4 bytes: {}", lists.len())))?;
        self.out.write_framed(length, |frame| {
            frame.extend(&count.to_be_bytes())?;
            lists.iter().try_for_each(|list| {
                let (name, value) = list.texts(symbols);
                let entry = frame.scratch();
                entry.push(2);
                for text in [name, value] {
                    put_uvarint(entry, text.len() as u64);
                    entry.extend(text.as_bytes());
                }
                put_uvarint(entry, list.offset);
                frame.commit()
            })
        })
    }

    fn out_of_order(&self) -> Error {
        let quoted = |labels: &[(u32, u32)]| {
            let texts = labels.iter().map(|(n, v)| (self.symbols.text(*n), self.symbols.text(*v)));
            Quoted(&Labels::from_pairs(texts).to_string()).to_string()
        };
        let (added, last) = (quoted(&self.labels), quoted(&self.last));
        Error::refused(format!(
            "out-of-order series added with label set {added}, last label set {last}"
        ))
    }
}

/// A list that was written.
#[derive(Debug)]
struct List {
    /// Name and value; `None` for all series.
    key: Option<(u32, u32)>,
    offset: u64,
}

impl List {
    fn texts<'a>(&self, symbols: &'a SymbolSet) -> (&'a str, &'a str) {
        self.key.map_or(("", ""), |(name, value)| (symbols.text(name), symbols.text(value)))
    }

    fn encoded_length(&self, symbols: &SymbolSet) -> usize {
        let (name, value) = self.texts(symbols);
        let texts = [name, value].map(|text| uvarint_length(text.len() as u64) + text.len());
        1 + texts[0] + texts[1] + uvarint_length(self.offset)
    }
}

/// Checks the order of a series' chunks; returns the last reference.
fn check_chunks(chunks: &[ChunkMeta], mut last: u64) -> Result<u64, Error> {
    let mut last_time = None;
    for chunk in chunks {
        let ChunkMeta { reference, .. } = *chunk;
        let (first, end) = chunk.millis();
        if reference < last {
            let message = format!("unsorted chunk reference: {reference}, previous: {last}");
            return Err(Error::refused(message));
        }
        last = reference;
        if let Some(time) = last_time.filter(|time| first <= *time) {
            let message =
                format!("chunk minT {first} is not higher than previous chunk maxT {time}");
            return Err(Error::refused(message));
        }
        if end < first {
            return Err(Error::refused(format!("chunk maxT {end} is less than minT {first}")));
        }
        last_time = Some(end);
    }
    Ok(last)
}

#[cold]
fn unknown_symbol(text: &str) -> Error {
    Error::refused(format!("symbol entry for {} does not exist", Quoted(text)))
}

#[cold]
fn too_long() -> Error {
    Error::limit("the index is exceeding max size of 64GiB".to_owned())
}

#[cfg(test)]
mod tests;
