//! Answering selections: snapshots of many series, decoded one chunk at a time.

use std::sync::Arc;

use skopos_chunk::XorDecoder;
use skopos_core::{
    Columns, Error, LabelSet, Labels, SampleCursor, Selection, Series, SeriesSet, SeriesSource,
    TimeRange, Timestamp,
};
use skopos_index::Filter;

use super::Head;
use super::chunk::ClosedChunk;
use super::series::MemSeries;
use super::window::OpenQuery;

impl SeriesSource for Head {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let filter = self.filters.filter(selection.matchers())?;
        let query = self.window.open(selection.range().start.as_millis());
        let mut seen = self.snapshot(&filter, query.start(), selection.range().end.as_millis());
        if selection.is_sorted() {
            seen.sort_unstable_by(|a, b| a.series.labels.cmp(&b.series.labels));
        }
        if selection.limit() != 0 {
            seen.truncate(selection.limit());
        }
        Ok(Box::new(HeadSet { seen: seen.into_iter(), _query: query }))
    }

    /// From the index: names of series without samples in the range are among them.
    fn label_names(&self, selection: &Selection) -> Result<Vec<String>, Error> {
        let filter = self.filters.filter(selection.matchers())?;
        Ok(self.catalog().index.label_names(&filter, selection.limit()))
    }

    /// From the index: values of series without samples in the range are among them.
    fn label_values(&self, name: &str, selection: &Selection) -> Result<Vec<String>, Error> {
        let filter = self.filters.filter(selection.matchers())?;
        Ok(self.catalog().index.label_values(name, &filter, selection.limit()))
    }
}

impl Head {
    /// What a query sees: of each series the samples of commits that are over at one moment.
    fn snapshot(&self, filter: &Filter, start: i64, end: i64) -> Vec<SeenSeries> {
        let (mut found, generation) = {
            let catalog = self.catalog();
            (catalog.select(filter), catalog.generation)
        };
        let _no_commit = self.begin_snapshot();
        let catalog = self.catalog();
        if catalog.generation != generation {
            found = catalog.select(filter);
        }
        drop(catalog);
        found.into_iter().filter_map(|series| SeenSeries::new(series, start, end)).collect()
    }
}

/// A series and which of its samples a query sees.
struct SeenSeries {
    series: Arc<MemSeries>,
    range: TimeRange,
}

impl SeenSeries {
    /// The samples between the two times that are committed now, if there may be any.
    fn new(series: Arc<MemSeries>, start: i64, end: i64) -> Option<Self> {
        let (first, last) = series.times()?;
        let (start, end) = (start.max(first), end.min(last));
        let range = TimeRange::new(Timestamp::from_millis(start), Timestamp::from_millis(end));
        (start <= end).then_some(Self { series, range })
    }
}

/// The answer to a selection. Chunks are taken when their series' turn comes: series that nobody
/// asks for cost nothing more.
struct HeadSet<'h> {
    seen: std::vec::IntoIter<SeenSeries>,
    /// Truncations leave what it sees alone.
    _query: OpenQuery<'h>,
}

impl<'a> SeriesSet<'a> for HeadSet<'_> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        for SeenSeries { series, range } in self.seen.by_ref() {
            let chunks = series.lock().chunks.snapshot(range);
            if !chunks.is_empty() {
                let labels = series.labels.clone();
                return Ok(Some(Box::new(HeadSeries { labels, range, chunks })));
            }
        }
        Ok(None)
    }
}

struct HeadSeries {
    labels: Labels,
    range: TimeRange,
    chunks: Vec<ClosedChunk>,
}

impl Series for HeadSeries {
    fn labels(&self) -> &dyn LabelSet {
        &self.labels
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(HeadCursor { range: self.range, chunks: self.chunks.iter() })
    }
}

/// Decodes a chunk at each read.
struct HeadCursor<'a> {
    range: TimeRange,
    chunks: std::slice::Iter<'a, ClosedChunk>,
}

impl SampleCursor for HeadCursor<'_> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        let Some(chunk) = self.chunks.next() else { return Ok(false) };
        XorDecoder::new(&chunk.bytes)?.read_range(self.range, columns)?;
        Ok(self.chunks.len() != 0)
    }
}
