//! Queries asked of a page of metrics, loaded into memory.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use skopos_core::{Clock as _, Ingest as _, QueryEngine as _, Sample, Timestamp};
use skopos_exposition::{Entry, Parser, ParserOptions, TextFormat};
use skopos_promql::{Engine, EngineOptions};
use skopos_tsdb::{Head, HeadOptions};

use super::answer::Answer;
use super::{Times, explain};
use crate::time::SystemClock;

/// A loaded page.
pub(crate) struct Page {
    head: Head,
    oldest: Timestamp,
    newest: Timestamp,
}

/// The bytes of a file, or of standard input where the path is `-`.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut page = Vec::new();
        io::stdin().read_to_end(&mut page).context("cannot read standard input")?;
        return Ok(page);
    }
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

impl Page {
    /// Reads a page from a file, or from standard input where the path is `-`.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let page = read(path)?;
        let loaded = Self::parse(&page, SystemClock.now());
        loaded.map_err(|error| located(path, error))
    }

    /// Loads a page of Prometheus text, or of OpenMetrics if it ends as such. Samples without a time
    /// are of the newest time on the page, or else of now.
    fn parse(page: &[u8], now: Timestamp) -> anyhow::Result<Self> {
        let format = if page.trim_ascii_end().ends_with(b"# EOF") {
            TextFormat::OpenMetrics
        } else {
            TextFormat::Prometheus
        };
        let (oldest, newest) = times(format, page)?.unwrap_or((now, now));
        let head = Head::new(HeadOptions::new().with_retention(Duration::MAX));
        let mut batch = head.appender();
        let mut parser = Parser::new(format, page, ParserOptions::default());
        while let Some(entry) = parser.next()? {
            if let Entry::Series(mut entry) = entry {
                let t = entry.timestamp().unwrap_or(newest);
                let sample = Sample { t, v: entry.value() };
                batch.append(None, &entry.labels(), sample)?;
            }
        }
        batch.commit()?;
        Ok(Self { head, oldest, newest })
    }

    /// Evaluates an expression over the page.
    pub(super) fn ask(
        self,
        expression: &str,
        times: Times,
        timeout: i64,
    ) -> anyhow::Result<Answer> {
        let options = EngineOptions::default().with_clock(SystemClock);
        let engine = Engine::new(self.head, options);
        let request = explain::request(expression, times).with_timeout(timeout);
        Ok(engine.query(&request)?.into())
    }

    /// The oldest time on the page.
    pub(crate) fn oldest(&self) -> Timestamp {
        self.oldest
    }

    /// The newest time on the page.
    pub(crate) fn newest(&self) -> Timestamp {
        self.newest
    }

    /// The samples.
    pub(crate) fn into_head(self) -> Head {
        self.head
    }
}

/// The error with the file it is in, and with line and column where it knows them.
fn located(path: &Path, error: anyhow::Error) -> anyhow::Error {
    let file = path.display();
    match error.downcast::<skopos_exposition::Error>() {
        Ok(error) => anyhow!("{file}:{}:{}: {error}", error.line(), error.column()),
        Err(error) => error.context(format!("cannot load {file}")),
    }
}

/// The oldest and the newest time on a page, if it has any.
fn times(format: TextFormat, page: &[u8]) -> anyhow::Result<Option<(Timestamp, Timestamp)>> {
    let mut times: Option<(Timestamp, Timestamp)> = None;
    let mut parser = Parser::new(format, page, ParserOptions::default());
    while let Some(entry) = parser.next()? {
        let Entry::Series(entry) = entry else { continue };
        let Some(t) = entry.timestamp() else { continue };
        times = Some(times.map_or((t, t), |(oldest, newest)| (oldest.min(t), newest.max(t))));
    }
    Ok(times)
}
