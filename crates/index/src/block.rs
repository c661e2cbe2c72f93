//! The index file of a block: opened over bytes, searched in place.
//!
//! What is kept beside the bytes is made at the first question that needs it. Reading files or mapping
//! them into memory is the caller's: who owns the block knows that nobody changes it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use skopos_core::SeriesId;

use crate::error::{Error, Section};
use crate::explain::Explanation;
use crate::filter::Filter;
use crate::ids::SeriesIds;
use crate::plan::Plan;
use crate::set::IdSet;

mod cache;
mod direct;
mod gather;
mod ids;
mod labels;
mod list;
mod lookups;
mod scan;
mod series;
mod source;
mod symbols;
mod table;
mod toc;
mod values;
mod verify;
mod write;

pub use self::list::BlockPostings;
pub use self::series::{BlockSeries, ChunkMeta};
pub use self::write::BlockIndexWriter;

use self::cache::{Key, SetCache};
use self::list::List;
use self::series::Record;
use self::symbols::Symbols;
use self::table::{Name, Place, Table};
use self::toc::{Toc, Variant};

/// Long lists that were asked for are remembered up to this part of the file's size.
const CACHED_PART: usize = 16;

/// The index file of a block, for reading: Prometheus' versions 1, 2 and 3.
///
/// It works over any bytes: a memory map, a vector, a slice. Opening reads the header and the table of
/// contents alone. The first question for labels passes once over the postings offset table, the first
/// one that reads series once over the symbols; both prove the section's checksum and note places, so
/// that later questions touch only what they need. A list's checksum is proven when the list is first
/// read, a series' one each time. Long lists are remembered as compressed sets, those that were answers
/// as they are in a form that is read faster; together they take up to a sixteenth of the file's size. So
/// is a bounded number of places that were looked up. What is remembered in all is
/// [`heap_bytes`](Self::heap_bytes).
///
/// Threads can share it. Ids are those of the file: stable, ascending in the order of labels.
///
/// ```
/// use skopos_core::{MatchOp, Matcher};
/// use skopos_index::{BlockIndex, BlockIndexWriter, Filter};
///
/// let mut writer = BlockIndexWriter::new(Vec::new(), ["api", "api-0", "api-1", "job", "pod"])?;
/// let first = writer.add_series(&[("job", "api"), ("pod", "api-0")], &[])?;
/// let second = writer.add_series(&[("job", "api"), ("pod", "api-1")], &[])?;
///
/// let index = BlockIndex::new(writer.finish()?)?;
/// let filter = Filter::new(&[Matcher::new("pod", MatchOp::Regex, ".*-1")])?;
/// assert_eq!(index.select(&filter)?.iter().collect::<Vec<_>>(), [second]);
/// assert_eq!(index.series(first)?.labels(), [("job", "api"), ("pod", "api-0")]);
/// # Ok::<(), skopos_index::Error>(())
/// ```
///
/// # Over a memory map
///
/// The crate maps no files, since mapping is sound only while the file does not change, and who owns the
/// block knows that. With the crate `memmap2` it is one line more:
///
/// ```
/// use std::fs::File;
///
/// use skopos_index::{BlockIndex, BlockIndexWriter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("index");
/// let mut writer = BlockIndexWriter::new(File::create(&path)?, ["api", "job"])?;
/// writer.add_series(&[("job", "api")], &[])?;
/// writer.finish()?.sync_all()?;
///
/// // SAFETY: the file of a finished block is never written again; removing it leaves the map whole.
/// let bytes = unsafe { memmap2::Mmap::map(&File::open(&path)?)? };
/// let index = BlockIndex::new(bytes)?;
/// assert_eq!(index.postings("job", "api")?.len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct BlockIndex<B> {
    bytes: B,
    found: Found,
}

/// What is known of the bytes.
struct Found {
    version: u8,
    toc: Toc,
    /// Where the series end.
    series_end: u64,
    symbols: OnceLock<Result<symbols::Places, Error>>,
    table: OnceLock<Result<table::Places, Error>>,
    /// All series, once asked for as a set.
    all: OnceLock<Arc<IdSet>>,
    /// Long lists as sets.
    sets: SetCache,
}

impl<B: AsRef<[u8]>> BlockIndex<B> {
    /// Opens an index file. Constant in its size.
    ///
    /// # Errors
    ///
    /// [`Truncated`](crate::ErrorKind::Truncated), [`Unsupported`](crate::ErrorKind::Unsupported), or
    /// [`Corrupt`](crate::ErrorKind::Corrupt) for the header or the table of contents.
    ///
    /// ```
    /// use skopos_index::BlockIndex;
    ///
    /// let error = BlockIndex::new([0; 64]).unwrap_err();
    /// assert_eq!(error.to_string(), "invalid magic number 0");
    /// ```
    pub fn new(bytes: B) -> Result<Self, Error> {
        let version = toc::read_header(bytes.as_ref())?;
        let toc = Toc::read(bytes.as_ref())?;
        let (symbols, table, all) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let sets = SetCache::new(bytes.as_ref().len() / CACHED_PART);
        let series_end = toc.series_end(bytes.as_ref());
        let found = Found { version, toc, series_end, symbols, table, all, sets };
        Ok(Self { bytes, found })
    }

    /// The version of the format.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.found.version
    }

    /// The bytes that it was opened over.
    #[must_use]
    pub fn bytes(&self) -> &B {
        &self.bytes
    }

    /// The ids of all series.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where the postings offset table or the list are.
    pub fn all(&self) -> Result<BlockPostings<'_>, Error> {
        self.postings("", "")
    }

    /// The series that have the label `name` with this value; none if it is not there.
    ///
    /// # Complexity
    ///
    /// A binary search over the values of the label.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where the postings offset table or the list are.
    pub fn postings(&self, name: &str, value: &str) -> Result<BlockPostings<'_>, Error> {
        let view = self.view();
        let table = view.table()?;
        let list = view.find(&table, table.name(name), value)?;
        Ok(BlockPostings::new(list.unwrap_or_default()))
    }

    /// The series for which all matchers of the filter hold.
    ///
    /// # Complexity
    ///
    /// Equality and sets of literals are binary searches over the values of a label, and their lists are
    /// searched in place; equalities and labels that have to be there need no plan, and what is asked
    /// again is found by its hash. A regular expression with a literal prefix visits the values with that prefix,
    /// others visit all values of their label; where fewer series are left than there are values to visit,
    /// their own labels are tested instead. What carries a label at all is remembered when it is first asked for: at most one bit for each
    /// 16 bytes of series.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where something that is read for it is.
    pub fn select(&self, filter: &Filter) -> Result<SeriesIds, Error> {
        let view = self.view();
        Ok(match direct::select(view, filter)? {
            Some(selected) => SeriesIds::from_selected(selected),
            None => SeriesIds::from_set(Plan::new(&view, filter)?.run()?),
        })
    }

    /// Selects, and tells how [`select`](Self::select) does it.
    ///
    /// # Errors
    ///
    /// Those of [`select`](Self::select).
    ///
    /// ```
    /// use skopos_core::Matcher;
    /// use skopos_index::{BlockIndex, BlockIndexWriter, Filter};
    ///
    /// let mut writer = BlockIndexWriter::new(Vec::new(), ["api", "job"])?;
    /// writer.add_series(&[("job", "api")], &[])?;
    /// let index = BlockIndex::new(writer.finish()?)?;
    /// let filter = Filter::new(&[Matcher::equal("job", "api")])?;
    /// let text = "intersect job=\"api\": lookup, 1 of 1 value, at most 1 series, 1 left\n";
    /// assert_eq!(index.explain(&filter)?.to_string(), text);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    pub fn explain(&self, filter: &Filter) -> Result<Explanation, Error> {
        Plan::new(&self.view(), filter)?.explain()
    }

    /// The labels and chunks of a series.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where the series or the symbols are, or where no series is
    /// at this place.
    pub fn series(&self, id: SeriesId) -> Result<BlockSeries<'_>, Error> {
        let mut series = BlockSeries::default();
        self.read_series(id, &mut series)?;
        Ok(series)
    }

    /// The same into a value whose memory is used again.
    ///
    /// # Errors
    ///
    /// Those of [`series`](Self::series); `series` then holds a part of it.
    pub fn read_series<'a>(
        &'a self,
        id: SeriesId,
        series: &mut BlockSeries<'a>,
    ) -> Result<(), Error> {
        let view = self.view();
        series.fill(view.record(id.0)?.sound()?, &view.symbols()?)
    }

    /// The names of the labels that the selected series carry, ascending; at most `limit` of them, or
    /// all for 0.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where something that is read for it is.
    ///
    /// ```
    /// use skopos_core::Matcher;
    /// use skopos_index::{BlockIndex, BlockIndexWriter, Filter};
    ///
    /// let mut writer = BlockIndexWriter::new(Vec::new(), ["a", "b", "job", "zone"])?;
    /// writer.add_series(&[("job", "a")], &[])?;
    /// writer.add_series(&[("job", "b"), ("zone", "a")], &[])?;
    /// let index = BlockIndex::new(writer.finish()?)?;
    /// assert_eq!(index.label_names(&Filter::default(), 0)?, ["job", "zone"]);
    /// let a = Filter::new(&[Matcher::equal("job", "a")])?;
    /// assert_eq!(index.label_names(&a, 0)?, ["job"]);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    pub fn label_names(&self, filter: &Filter, limit: usize) -> Result<Vec<&str>, Error> {
        values::label_names(self.view(), filter, limit)
    }

    /// The values of the label `name` over the selected series, ascending; at most `limit` of them, or
    /// all for 0.
    ///
    /// A matcher of the same label with a regular expression such as `pre.*` gives those with a prefix.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where something that is read for it is.
    ///
    /// ```
    /// use skopos_core::{MatchOp, Matcher};
    /// use skopos_index::{BlockIndex, BlockIndexWriter, Filter};
    ///
    /// let mut writer = BlockIndexWriter::new(Vec::new(), ["a", "aa", "b", "job"])?;
    /// for job in ["a", "aa", "b"] {
    ///     writer.add_series(&[("job", job)], &[])?;
    /// }
    /// let index = BlockIndex::new(writer.finish()?)?;
    /// let prefix = Filter::new(&[Matcher::new("job", MatchOp::Regex, "a.*")])?;
    /// assert_eq!(index.label_values("job", &prefix, 0)?, ["a", "aa"]);
    /// assert_eq!(index.label_values("job", &Filter::default(), 1)?, ["a"]);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    pub fn label_values(
        &self,
        name: &str,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<&str>, Error> {
        values::label_values(self.view(), name, filter, limit)
    }

    /// The values of the label `name`, ascending, each with the number of its series.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where something that is read for it is.
    ///
    /// ```
    /// use skopos_index::{BlockIndex, BlockIndexWriter};
    ///
    /// let mut writer = BlockIndexWriter::new(Vec::new(), ["a", "b", "job", "zone"])?;
    /// writer.add_series(&[("job", "a")], &[])?;
    /// writer.add_series(&[("job", "a"), ("zone", "a")], &[])?;
    /// writer.add_series(&[("job", "b")], &[])?;
    /// let index = BlockIndex::new(writer.finish()?)?;
    /// assert_eq!(index.label_value_counts("job")?, [("a", 2), ("b", 1)]);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    pub fn label_value_counts(&self, name: &str) -> Result<Vec<(&str, usize)>, Error> {
        values::counts(self.view(), name)
    }

    /// All texts that the file has for label names and values, ascending.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where the symbols are.
    ///
    /// ```
    /// use skopos_index::{BlockIndex, BlockIndexWriter};
    ///
    /// let index = BlockIndex::new(BlockIndexWriter::new(Vec::new(), ["", "a"])?.finish()?)?;
    /// assert_eq!(index.symbols()?.collect::<Result<Vec<_>, _>>()?, ["", "a"]);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    pub fn symbols(&self) -> Result<impl Iterator<Item = Result<&str, Error>>, Error> {
        Ok(self.view().symbols()?.iter().map(|item| item.map(|(_, text)| text)))
    }

    /// Checks everything that the file holds: every checksum, the order of symbols, of series, of their
    /// labels and chunks, of the postings offset table and of each list; that each list's series exist
    /// and have its label, and that no series is missing in one.
    ///
    /// # Complexity
    ///
    /// Linear in the file, and a bit for each 16 bytes of series.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) with the section and the place of the first finding.
    ///
    /// ```
    /// use skopos_index::{BlockIndex, BlockIndexWriter, Section};
    ///
    /// let mut file = BlockIndexWriter::new(Vec::new(), ["a", "b"])?.finish()?;
    /// BlockIndex::new(&file)?.verify()?;
    /// file[15] = b'c';
    /// let error = BlockIndex::new(&file)?.verify().unwrap_err();
    /// assert_eq!((error.section(), error.offset()), (Some(Section::Symbols), Some(5)));
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    pub fn verify(&self) -> Result<(), Error> {
        verify::verify(self.view())
    }

    /// The heap memory beside the bytes, estimated: what questions so far have left.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let symbols = self.found.symbols.get().and_then(|places| places.as_ref().ok());
        let table = self.found.table.get().and_then(|places| places.as_ref().ok());
        let all = self.found.all.get().map_or(0, |set| set.heap_bytes());
        symbols.map_or(0, symbols::Places::heap_bytes)
            + table.map_or(0, table::Places::heap_bytes)
            + all
            + self.found.sets.heap_bytes()
    }

    fn view(&self) -> View<'_> {
        View { bytes: self.bytes.as_ref(), found: &self.found }
    }
}

impl<B> fmt::Debug for BlockIndex<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { version, toc, .. } = &self.found;
        f.debug_struct("BlockIndex")
            .field("version", version)
            .field("toc", toc)
            .finish_non_exhaustive()
    }
}

/// The index, whatever owns its bytes.
#[derive(Clone, Copy)]
struct View<'a> {
    bytes: &'a [u8],
    found: &'a Found,
}

impl<'a> View<'a> {
    fn variant(&self) -> Variant {
        if self.found.version == 1 { Variant::ByOffset } else { Variant::ByNumber }
    }

    fn symbols(&self) -> Result<Symbols<'a>, Error> {
        let (toc, variant) = (&self.found.toc, self.variant());
        let find = || symbols::Places::find(self.bytes, toc, variant);
        let places = self.found.symbols.get_or_init(find).as_ref().map_err(Error::clone)?;
        Symbols::new(places, self.bytes, toc, variant)
    }

    fn table(&self) -> Result<Table<'a>, Error> {
        let toc = &self.found.toc;
        let find = || table::Places::find(self.bytes, toc, self.variant());
        let places = self.found.table.get_or_init(find).as_ref().map_err(Error::clone)?;
        Table::new(places, self.bytes, toc)
    }

    /// The list of a value of `name`, if there is one.
    fn find(
        &self,
        table: &Table<'a>,
        name: Option<&Name>,
        value: &str,
    ) -> Result<Option<List<'a>>, Error> {
        let Some(name) = name else { return Ok(None) };
        let entry = table.find(name, value)?;
        entry.map(|entry| self.list(table, entry.place)).transpose()
    }

    /// The list at `place`, whose checksum is proven once.
    #[inline]
    fn list(&self, table: &Table<'a>, place: Place) -> Result<List<'a>, Error> {
        let known = table.is_known_sound(place.number);
        let list = List::read(self.bytes, place.offset, !known)?;
        if !known {
            table.set_known_sound(place.number);
        }
        Ok(list)
    }

    /// A long list as a set.
    fn set(&self, place: Place, list: List<'a>) -> Arc<IdSet> {
        let (cache, key) = (&self.found.sets, Key::Set(place.number));
        cache.get(key).unwrap_or_else(|| {
            let set = Arc::new(list.to_set());
            cache.put(key, &set);
            set
        })
    }

    /// The list of all series.
    fn all_list(&self, table: &Table<'a>) -> Result<List<'a>, Error> {
        Ok(self.find(table, table.name(""), "")?.unwrap_or_default())
    }

    /// The file up to the end of the series.
    fn series_section(&self) -> &'a [u8] {
        let end = self.found.series_end;
        usize::try_from(end).ok().and_then(|end| self.bytes.get(..end)).unwrap_or_default()
    }

    fn id_of(&self, offset: u64) -> Option<u32> {
        let id = match self.variant() {
            Variant::ByNumber => offset / 16,
            Variant::ByOffset => offset,
        };
        u32::try_from(id).ok()
    }

    fn offset_of(&self, id: u32) -> u64 {
        match self.variant() {
            Variant::ByNumber => u64::from(id) * 16,
            Variant::ByOffset => u64::from(id),
        }
    }

    /// The bytes of a series; the checksum is not proven.
    #[inline]
    fn record(&self, id: u32) -> Result<Record<'a>, Error> {
        let offset = self.offset_of(id);
        let inside = self.found.toc.series <= offset && self.found.toc.series != 0;
        let record = inside.then(|| Record::at(self.series_section(), offset)).flatten();
        record
            .ok_or_else(|| Error::corrupt(Section::Series, offset, "there is no series".to_owned()))
    }
}

#[cfg(test)]
mod tests;
