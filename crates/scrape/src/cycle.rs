//! What one scrape does to the sink: samples, staleness markers, report series.
//!
//! Pure: a page, a time and a sink go in. Fetching the page and keeping the time are the manager's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use skopos_core::{
    Appender, Ingest, Labels, Sample, SeriesRef, Timestamp, is_stale_nan, stale_nan,
};
use skopos_exposition::{
    Entry, Layout, NativeHistograms, PageParser, ParserOptions, SeriesEntry, choose_format,
};

use self::cache::{Cache, Cached};
use self::report::Reports;
use crate::config::Job;
use crate::error::{Error, ErrorKind};

mod cache;
mod metadata;
mod report;
mod series;
#[cfg(test)]
mod tests;

pub use self::metadata::FamilyMetadata;
pub(crate) use self::metadata::MetadataCache;

/// How far ahead of the clock a sample may be: ten minutes.
const MAX_AHEAD_MILLIS: i64 = 10 * 60 * 1_000;

/// A target's answer.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a page is its bytes and what they claim to be")]
pub struct Page<'a> {
    /// The uncompressed body.
    pub body: &'a [u8],
    /// The header `Content-Type`; empty if there is none.
    pub content_type: &'a str,
}

/// When a scrape happens.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "the caller's clock in its three uses")]
pub struct ScrapeTime<'a> {
    /// The time of the samples.
    pub at: Timestamp,
    /// What the clock shows: samples much later than that are refused.
    pub now: Timestamp,
    /// How long the scrape took, asked for when the samples are in.
    pub elapsed: &'a dyn Fn() -> Duration,
}

/// What a scrape came to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// Why it failed, if it did.
    pub error: Option<Error>,
    /// How long it took.
    pub duration: Duration,
    /// Samples on the page.
    pub scraped: u64,
    /// Samples left after relabeling, those that the sink refused among them.
    pub post_relabeling: u64,
    /// Series that were not known before.
    pub series_added: u64,
    /// Samples older than the newest of their series.
    pub out_of_order: u64,
    /// Samples with another value at the same time, or a second one on the page.
    pub duplicates: u64,
    /// Samples too old or too far ahead.
    pub out_of_bounds: u64,
}

/// The scrapes of one target, one after the other.
///
/// It remembers the last page's layout and its series: one that comes again costs a comparison of
/// bytes and an append. Memory is linear in the last page.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use skopos_core::{Labels, Sample, Timestamp};
/// use skopos_scrape::{Page, ScrapeConfig, ScrapeCycle, ScrapeDefaults, ScrapeTime};
/// use skopos_testkit::MemoryStore;
///
/// let config: ScrapeConfig = serde_saphyr::from_str("job_name: api")?;
/// let job = config.resolve(&ScrapeDefaults::default(), "".as_ref())?;
/// let labels = Labels::from_pairs([("job", "api"), ("instance", "host:80")]);
/// let mut cycle = ScrapeCycle::new(Arc::new(job), labels);
///
/// let store = MemoryStore::new();
/// let at = Timestamp::from_millis(1_000);
/// let time = ScrapeTime { at, now: at, elapsed: &|| Duration::from_millis(5) };
/// let page = Page { body: b"requests_total 7\n", content_type: "text/plain" };
/// let outcome = cycle.scrape(&store, time, Ok(page));
/// assert_eq!((outcome.scraped, outcome.error.is_none()), (1, true));
///
/// let series = [("__name__", "requests_total"), ("instance", "host:80"), ("job", "api")];
/// assert_eq!(store.floats(&Labels::from_pairs(series)), [Sample::new(1_000, 7.0)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ScrapeCycle {
    job: Arc<Job>,
    target_labels: Labels,
    timeout: Duration,
    cache: Cache,
    layout: Layout,
    metadata: Arc<Mutex<MetadataCache>>,
    reports: Reports,
}

impl ScrapeCycle {
    /// A target's first scrape is to come. `target_labels` are those of its series.
    #[must_use]
    pub fn new(job: Arc<Job>, target_labels: Labels) -> Self {
        Self {
            timeout: job.timeout,
            reports: Reports::new(&target_labels),
            job,
            target_labels,
            cache: Cache::new(),
            layout: Layout::new(),
            metadata: Arc::default(),
        }
    }

    /// The same, with a timeout of the target's own to report.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same scrapes under another job, which must not differ in what makes series: see
    /// [`keeps_series`].
    pub(crate) fn set_job(&mut self, job: Arc<Job>) {
        self.job = job;
    }

    /// Stores what a target answered, or what follows from its not answering, and commits.
    ///
    /// A scrape is taken whole or not at all: after an error of any kind, the sink has no sample of
    /// it, `up` is 0, and the series of the scrape before are marked as stale. As in Prometheus, those
    /// that stand on a broken page before the mistake count as seen, and are marked one scrape later
    /// if they do not come back.
    pub fn scrape(
        &mut self,
        sink: &dyn Ingest,
        time: ScrapeTime<'_>,
        answer: Result<Page<'_>, Error>,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let mut appender = sink.appender();
        let mut body_size = 0.0;
        match answer {
            Ok(page) if !page.body.is_empty() => {
                body_size = page.body.len() as f64;
                self.cache.begin_pass();
                if let Err(error) = self.append_page(&mut *appender, time, page, &mut outcome) {
                    appender.rollback();
                    appender = sink.appender();
                    outcome.error = Some(error);
                    self.append_stale(&mut *appender, time.at);
                    self.cache.end_pass(false);
                }
            }
            Ok(_) => self.append_nothing(&mut *appender, time.at),
            Err(error) => {
                body_size = if error.kind() == ErrorKind::Limit { -1.0 } else { 0.0 };
                outcome.error = Some(error);
                self.append_nothing(&mut *appender, time.at);
            }
        }
        outcome.duration = (time.elapsed)();
        let values = report::Values {
            outcome: &outcome,
            timeout: self.timeout,
            sample_limit: self.job.limits.samples,
            body_size,
            extra: self.job.extra_scrape_metrics,
        };
        let reported = self.reports.append(&mut *appender, time.at, &values);
        let stored = match reported {
            Ok(()) => appender.commit(),
            Err(error) => {
                appender.rollback();
                Err(error)
            }
        };
        if let Err(error) = stored {
            tracing::error!(%error, labels = %self.target_labels, "storing a scrape failed");
            outcome.error.get_or_insert_with(|| sink_error(error));
        }
        outcome
    }

    /// Marks all series of the target as stale at `at`, the report series too, and commits: its
    /// scraping has ended.
    ///
    /// # Errors
    ///
    /// `Sink` where the markers cannot be stored.
    pub fn finish(&mut self, sink: &dyn Ingest, at: Timestamp) -> Result<(), Error> {
        let mut appender = sink.appender();
        self.append_nothing(&mut *appender, at);
        let stale = self.reports.append_stale(&mut *appender, at, self.job.extra_scrape_metrics);
        stale.and_then(|()| appender.commit()).map_err(sink_error)
    }

    /// Whether there is a series that [`finish`](Self::finish) would mark.
    #[must_use]
    pub fn has_series(&self) -> bool {
        self.reports.are_stored() || self.cache.has_tracked()
    }

    /// What pages said of metric families, in no particular order.
    #[must_use]
    pub fn metadata(&self) -> Vec<FamilyMetadata> {
        lock(&self.metadata).families()
    }

    pub(crate) fn shared_metadata(&self) -> Arc<Mutex<MetadataCache>> {
        Arc::clone(&self.metadata)
    }

    /// Marks the series of the scrape before as stale.
    fn append_nothing(&mut self, appender: &mut dyn Appender, at: Timestamp) {
        self.cache.begin_pass();
        self.append_stale(appender, at);
        self.cache.end_pass(false);
    }

    fn append_stale(&mut self, appender: &mut dyn Appender, at: Timestamp) {
        let marker = Sample { t: at, v: stale_nan() };
        self.cache.for_each_stale(|series, labels| {
            // The series may have come back under another scraper, or twice under different bytes.
            if let Err(error) = appender.append(Some(series), labels, marker) {
                tracing::debug!(%error, %labels, "a staleness marker was not stored");
            }
        });
    }

    fn append_page(
        &mut self,
        appender: &mut dyn Appender,
        time: ScrapeTime<'_>,
        page: Page<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let fallback =
            self.job.fallback_protocol.map(skopos_exposition::ScrapeProtocol::media_type);
        let chosen = choose_format(page.content_type, fallback).map_err(page_error)?;
        if let Some(warning) = chosen.warning {
            tracing::debug!(labels = %self.target_labels, "{warning}");
        }
        // Of histograms with buckets of both kinds the classic ones are stored.
        let options = ParserOptions::default().with_native_histograms(NativeHistograms::Ignored);
        let mut layout = std::mem::take(&mut self.layout);
        let parser = PageParser::with_layout(chosen.format, page.body, options, &mut layout);
        let appended = match parser {
            Ok(parser) => self.append_entries(appender, time, parser, outcome),
            Err(error) => Err(page_error(error)),
        };
        self.layout = layout;
        appended
    }

    fn append_entries(
        &mut self,
        appender: &mut dyn Appender,
        time: ScrapeTime<'_>,
        mut parser: PageParser<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        self.cache.begin_slots();
        let metadata = Arc::clone(&self.metadata);
        let mut pass = Pass {
            appender,
            time,
            outcome,
            families: lock(&metadata),
            attempts: 0,
            over_limit: false,
        };
        let pass_number = self.cache.pass();
        // A page before may have broken off within a family.
        pass.families.end_family();
        while let Some(entry) = parser.next().map_err(page_error)? {
            match entry {
                Entry::Series(entry) => self.append_entry(&mut pass, entry)?,
                Entry::Type { name, metric_type } => {
                    pass.families.set(name, pass_number, |m| set(&mut m.metric_type, metric_type));
                }
                Entry::Help { name, help } => {
                    pass.families.set(name, pass_number, |m| set_text(&mut m.help, &help));
                }
                Entry::Unit { name, unit } => {
                    pass.families.set(name, pass_number, |m| set_text(&mut m.unit, unit));
                }
                _ => {}
            }
        }
        let Pass { appender, mut families, over_limit, outcome, .. } = pass;
        if over_limit {
            return Err(Error::new(ErrorKind::Limit, "sample limit exceeded"));
        }
        families.forget(pass_number);
        self.warn(outcome);
        self.append_stale(appender, time.at);
        self.cache.end_pass(true);
        Ok(())
    }

    #[inline]
    fn append_entry(
        &mut self,
        pass: &mut Pass<'_, '_>,
        mut entry: SeriesEntry<'_, '_>,
    ) -> Result<(), Error> {
        pass.outcome.scraped += 1;
        let explicit = if self.job.honor_timestamps { entry.timestamp() } else { None };
        let is_tracked = explicit.is_none() || self.job.track_timestamps_staleness;
        let sample = Sample { t: explicit.unwrap_or(pass.time.at), v: entry.value() };
        match self.cache.get(entry.series(), entry.slot(), entry.known_slot()) {
            Cached::Dropped => return Ok(()),
            Cached::Kept { id, is_repeated } => {
                pass.outcome.post_relabeling += 1;
                if is_repeated && explicit.is_none() {
                    pass.outcome.duplicates += 1;
                    return Ok(());
                }
                let (known, labels) = self.cache.series(id);
                let stored = pass.append(self.job.limits.samples, Some(known), labels, sample)?;
                let Some(series) = stored else { return Ok(()) };
                pass.append_extras(&entry, series, labels, sample.t, false);
                self.cache.touch(id, series, is_tracked);
            }
            Cached::Unknown => {
                let labels = series::labels_of(&self.job, &self.target_labels, &entry.labels())?;
                let Some(labels) = labels else {
                    self.cache.insert_dropped(entry.series(), entry.slot());
                    return Ok(());
                };
                pass.outcome.post_relabeling += 1;
                let stored = pass.append(self.job.limits.samples, None, &labels, sample)?;
                let Some(series) = stored else { return Ok(()) };
                if !pass.over_limit {
                    pass.outcome.series_added += 1;
                }
                pass.append_extras(&entry, series, &labels, sample.t, true);
                self.cache.insert(entry.series(), entry.slot(), series, labels, is_tracked);
            }
        }
        Ok(())
    }

    fn warn(&self, outcome: &Outcome) {
        let counts = [
            (outcome.out_of_order, "out-of-order samples"),
            (outcome.duplicates, "samples with different value but same timestamp"),
            (outcome.out_of_bounds, "samples that are too old or are too far into the future"),
        ];
        for (num_dropped, what) in counts.into_iter().filter(|(count, _)| *count != 0) {
            tracing::warn!(num_dropped, labels = %self.target_labels, "error on ingesting {what}");
        }
    }
}

/// Whether a job's scrapes may go on with the memory of another's: only when, how often, how and how
/// much they fetch may differ.
pub(crate) fn keeps_series(old: &Job, new: &Job) -> bool {
    let mut old = old.clone();
    old.interval = new.interval;
    old.timeout = new.timeout;
    old.limits.samples = new.limits.samples;
    old.http = new.http.clone();
    old == *new
}

/// The state of one pass over a page.
struct Pass<'a, 't> {
    appender: &'a mut dyn Appender,
    time: ScrapeTime<'t>,
    outcome: &'a mut Outcome,
    families: std::sync::MutexGuard<'a, MetadataCache>,
    /// Samples that were handed to the sink, or would have been.
    attempts: u64,
    over_limit: bool,
}

impl Pass<'_, '_> {
    /// Hands a sample to the sink; nothing comes back where the sink refused this sample alone, or
    /// the limit is reached.
    #[inline]
    fn append(
        &mut self,
        limit: u64,
        known: Option<SeriesRef>,
        labels: &Labels,
        sample: Sample,
    ) -> Result<Option<SeriesRef>, Error> {
        if !is_stale_nan(sample.v) {
            self.attempts += 1;
            if limit != 0 && limit < self.attempts {
                // The rest is still counted.
                self.over_limit = true;
                return Ok(None);
            }
        }
        if self.time.now.saturating_add(MAX_AHEAD_MILLIS) < sample.t {
            self.outcome.out_of_bounds += 1;
            return Ok(None);
        }
        match self.appender.append(known, labels, sample) {
            Ok(series) => Ok(Some(series)),
            Err(error) => self.refused(error).map(|()| None),
        }
    }

    #[cold]
    fn refused(&mut self, error: skopos_core::Error) -> Result<(), Error> {
        match error.kind() {
            skopos_core::ErrorKind::OutOfOrder => self.outcome.out_of_order += 1,
            skopos_core::ErrorKind::Duplicate => self.outcome.duplicates += 1,
            skopos_core::ErrorKind::OutOfBounds => self.outcome.out_of_bounds += 1,
            _ => return Err(sink_error(error)),
        }
        Ok(())
    }

    /// Hands what comes with a sample to the sink; none of it can fail the scrape.
    #[inline]
    fn append_extras(
        &mut self,
        entry: &SeriesEntry<'_, '_>,
        series: SeriesRef,
        labels: &Labels,
        t: Timestamp,
        is_new: bool,
    ) {
        if let Some(mut exemplar) = entry.exemplar() {
            exemplar.timestamp.get_or_insert(t);
            if let Err(error) = self.appender.append_exemplar(series, &exemplar) {
                tracing::debug!(%error, %labels, "an exemplar was not stored");
            }
        }
        if let Some(metadata) = self.families.news_of(labels, is_new)
            && let Err(error) = self.appender.set_metadata(series, metadata)
        {
            tracing::debug!(%error, %labels, "metadata was not stored");
        }
    }
}

fn set<T: PartialEq>(old: &mut T, new: T) -> bool {
    let is_news = *old != new;
    *old = new;
    is_news
}

fn set_text(old: &mut String, new: &str) -> bool {
    let is_news = old != new;
    if is_news {
        new.clone_into(old);
    }
    is_news
}

#[cold]
fn page_error(error: skopos_exposition::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let error = Error::caused(ErrorKind::Page, error.to_string(), error);
    if line == 0 { error } else { error.at(line, column) }
}

#[cold]
fn sink_error(error: skopos_core::Error) -> Error {
    Error::caused(ErrorKind::Sink, error.to_string(), error)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
