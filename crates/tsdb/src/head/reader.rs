//! Answering selections: snapshots of many series, decoded one chunk at a time.
//!
//! A snapshot of a series is a range of times: what lies in it stays as it is. Chunks are looked up when
//! they are read, and the open one is decoded under its series' lock, which is a hundred samples or so.

use std::sync::Arc;

use skopos_chunk::XorDecoder;
use skopos_core::{
    Columns, Error, LabelSet, SampleCursor, Selection, Series, SeriesSet, SeriesSource, TimeRange,
    Timestamp,
};
use skopos_index::Filter;

use super::Head;
use super::chunk::Found;
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
        let newest = selection.hints().newest;
        Ok(Box::new(HeadSet { seen: seen.into_iter(), newest, query: Arc::new(query) }))
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
    /// Whether the range ends with the last sample, so that there is one.
    has_last: bool,
}

impl SeenSeries {
    /// The samples between the two times that are committed now, if there may be any.
    fn new(series: Arc<MemSeries>, start: i64, end: i64) -> Option<Self> {
        let (first, last) = series.times()?;
        let (start, end) = (start.max(first), end.min(last));
        let range = TimeRange::new(Timestamp::from_millis(start), Timestamp::from_millis(end));
        (start <= end).then_some(Self { series, range, has_last: end == last })
    }

    /// Whether there may be a sample in the range.
    fn may_have_samples(&self) -> bool {
        self.has_last || self.series.lock().chunks.first_in(self.range).is_some()
    }
}

/// The answer to a selection. Series that nobody reads cost nothing more.
struct HeadSet<'h> {
    seen: std::vec::IntoIter<SeenSeries>,
    /// Whether only the newest sample of each series is looked at.
    newest: bool,
    query: Arc<OpenQuery<'h>>,
}

impl<'h> SeriesSet<'h> for HeadSet<'h> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'h>>, Error> {
        let Some(SeenSeries { series, range, .. }) = self.seen.find(SeenSeries::may_have_samples)
        else {
            return Ok(None);
        };
        let query = Arc::clone(&self.query);
        Ok(Some(Box::new(HeadSeries { series, range, newest: self.newest, _query: query })))
    }
}

struct HeadSeries<'h> {
    series: Arc<MemSeries>,
    range: TimeRange,
    newest: bool,
    /// Truncations leave what it sees alone.
    _query: Arc<OpenQuery<'h>>,
}

impl HeadSeries<'_> {
    /// Appends the samples from a time on that lie in one chunk; returns from which time on there may
    /// be more.
    fn read_chunk(
        &self,
        from: Timestamp,
        columns: &mut Columns,
    ) -> Result<Option<Timestamp>, Error> {
        let range = TimeRange::new(from, self.range.end);
        let state = self.series.lock();
        if self.newest
            && let Some((t, v)) = state.chunks.last()
            && t == range.end.as_millis()
        {
            push(columns, t, v);
            return Ok(None);
        }
        let last = match state.chunks.first_in(range) {
            None => return Ok(None),
            Some(Found::Closed(chunk)) => {
                let chunk = chunk.clone();
                drop(state);
                XorDecoder::new(&chunk.bytes)?.read_range(range, columns)?;
                chunk.last
            }
            Some(Found::Open(chunk)) => {
                XorDecoder::new(chunk.bytes())?.read_range(range, columns)?;
                chunk.last()
            }
        };
        let next = Timestamp::from_millis(last.saturating_add(1));
        Ok((next <= range.end).then_some(next))
    }
}

/// Appends a sample of which it is not known when its counter started.
fn push(columns: &mut Columns, t: i64, v: f64) {
    if !columns.start_timestamps.is_empty() {
        columns.start_timestamps.push(0);
    }
    columns.push(t, v);
}

impl Series for HeadSeries<'_> {
    fn labels(&self) -> &dyn LabelSet {
        &self.series.labels
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(HeadCursor { series: self, next: Some(self.range.start) })
    }

    fn read_all(&self, columns: &mut Columns) -> Result<(), Error> {
        let mut next = Some(self.range.start);
        while let Some(from) = next {
            next = self.read_chunk(from, columns)?;
        }
        Ok(())
    }
}

/// Decodes a chunk at each read.
struct HeadCursor<'a> {
    series: &'a HeadSeries<'a>,
    /// From which time on there may be more.
    next: Option<Timestamp>,
}

impl SampleCursor for HeadCursor<'_> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        if let Some(from) = self.next.take() {
            self.next = self.series.read_chunk(from, columns)?;
        }
        Ok(self.next.is_some())
    }
}
