//! The series that a scrape adds about itself: `up` and the others.

use std::time::Duration;

use skopos_core::labels::METRIC_NAME;
use skopos_core::{
    Appender, Error, ErrorKind, Labels, LabelsBuilder, Metadata, MetricType, Sample, SeriesRef,
    Timestamp, stale_nan,
};

use super::Outcome;

/// How many of the reports are always there.
const ALWAYS: usize = 5;

/// Name, unit and help of the reports.
const REPORTS: [(&str, &str, &str); 8] = [
    (
        "up",
        "targets",
        "Health of the scrape target. 1 means the target is healthy, 0 if the scrape failed.",
    ),
    ("scrape_duration_seconds", "seconds", "Duration of the last scrape in seconds."),
    ("scrape_samples_scraped", "samples", "Number of samples last scraped."),
    (
        "scrape_samples_post_metric_relabeling",
        "samples",
        "Number of samples remaining after metric relabeling was applied.",
    ),
    ("scrape_series_added", "series", "Number of series in the last scrape."),
    ("scrape_timeout_seconds", "seconds", "The configured scrape timeout for a target."),
    (
        "scrape_sample_limit",
        "samples",
        "The configured sample limit for a target. Returns zero if there is no limit configured.",
    ),
    (
        "scrape_body_size_bytes",
        "bytes",
        "The uncompressed size of the last scrape response, if successful. Scrapes failing because body_size_limit is exceeded report -1, other scrape failures report 0.",
    ),
];

/// The report series of one target.
#[derive(Debug)]
pub(super) struct Reports {
    series: Vec<(Labels, Option<SeriesRef>)>,
}

/// What a scrape reports.
pub(super) struct Values<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) timeout: Duration,
    pub(super) sample_limit: u64,
    pub(super) body_size: f64,
    /// Whether the last three are reported.
    pub(super) extra: bool,
}

impl Values<'_> {
    fn numbers(&self) -> [f64; REPORTS.len()] {
        let outcome = self.outcome;
        [
            if outcome.error.is_none() { 1.0 } else { 0.0 },
            outcome.duration.as_secs_f64(),
            outcome.scraped as f64,
            outcome.post_relabeling as f64,
            outcome.series_added as f64,
            self.timeout.as_secs_f64(),
            self.sample_limit as f64,
            self.body_size,
        ]
    }
}

impl Reports {
    pub(super) fn new(target_labels: &Labels) -> Self {
        let series = REPORTS.iter().map(|(name, ..)| (labels_of(name, target_labels), None));
        Self { series: series.collect() }
    }

    /// Adds a sample to each report series.
    pub(super) fn append(
        &mut self,
        appender: &mut dyn Appender,
        at: Timestamp,
        values: &Values<'_>,
    ) -> Result<(), Error> {
        self.append_values(appender, at, values.numbers(), values.extra)
    }

    /// Whether any was stored.
    pub(super) fn are_stored(&self) -> bool {
        self.series.iter().any(|(_, series)| series.is_some())
    }

    /// Marks each report series as stale.
    pub(super) fn append_stale(
        &mut self,
        appender: &mut dyn Appender,
        at: Timestamp,
        extra: bool,
    ) -> Result<(), Error> {
        self.append_values(appender, at, [stale_nan(); REPORTS.len()], extra)
    }

    fn append_values(
        &mut self,
        appender: &mut dyn Appender,
        t: Timestamp,
        values: [f64; REPORTS.len()],
        extra: bool,
    ) -> Result<(), Error> {
        let count = if extra { REPORTS.len() } else { ALWAYS };
        let reports = self.series.iter_mut().zip(values).zip(REPORTS).take(count);
        for (((labels, series), v), (_, unit, help)) in reports {
            match appender.append(*series, labels, Sample { t, v }) {
                Ok(stored) => {
                    if series.replace(stored).is_none() {
                        set_metadata(appender, stored, unit, help);
                    }
                }
                // The target went away and came back under another scraper.
                Err(error)
                    if matches!(error.kind(), ErrorKind::OutOfOrder | ErrorKind::Duplicate) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn set_metadata(appender: &mut dyn Appender, series: SeriesRef, unit: &str, help: &str) {
    let metadata =
        Metadata { metric_type: MetricType::Gauge, unit: unit.into(), help: help.into() };
    if let Err(error) = appender.set_metadata(series, &metadata) {
        tracing::debug!(%error, "metadata of a report series was not stored");
    }
}

fn labels_of(name: &str, target: &Labels) -> Labels {
    let mut builder = LabelsBuilder::new();
    builder.set(METRIC_NAME, name);
    for (name, value) in target {
        // A label that scraped ones are moved aside to is not the target's to give.
        builder.remove(&format!("exported_{name}"));
        builder.set(name, value);
    }
    builder.finish()
}
