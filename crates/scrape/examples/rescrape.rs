//! Measures what a scrape costs when all of its series are known: a page from a file, scraped again
//! and again into a sink that forgets.
//!
//! Prints one JSON object a line: ns a sample for the first scrape and for the best of the others,
//! and for parsing alone.
//!
//! ```text
//! cargo run --release -p skopos-scrape --example rescrape -- page.prom
//! ```

use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skopos_core::{Appender, Ingest, LabelSet, Labels, Sample, SeriesRef, Timestamp};
use skopos_exposition::{Entry, Parser, ParserOptions, TextFormat};
use skopos_scrape::{Page, ScrapeConfig, ScrapeCycle, ScrapeDefaults, ScrapeTime};

const ROUNDS: i64 = 50;

/// A sink that gives references and keeps nothing.
struct Nowhere;

struct Forgetful {
    next: u64,
}

impl Ingest for Nowhere {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(Forgetful { next: 0 })
    }
}

impl Appender for Forgetful {
    fn append(
        &mut self,
        series: Option<SeriesRef>,
        _labels: &dyn LabelSet,
        sample: Sample,
    ) -> Result<SeriesRef, skopos_core::Error> {
        black_box(sample);
        self.next += 1;
        Ok(series.unwrap_or(SeriesRef(NonZeroU64::new(self.next).unwrap_or(NonZeroU64::MIN))))
    }

    fn commit(self: Box<Self>) -> Result<(), skopos_core::Error> {
        Ok(())
    }

    fn rollback(self: Box<Self>) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("give a page of Prometheus text")?;
    let body = std::fs::read(file)?;
    let config: ScrapeConfig = serde_saphyr::from_str("job_name: bench")?;
    let job = config.resolve(&ScrapeDefaults::default(), Path::new(""))?;
    let labels = Labels::from_pairs([("instance", "localhost:9100"), ("job", "bench")]);
    let mut cycle = ScrapeCycle::new(Arc::new(job), labels);
    let page = Page { body: &body, content_type: "text/plain" };
    let mut samples = 0;
    let mut best = Duration::MAX;
    for round in 0..ROUNDS {
        let at = Timestamp::from_millis(round * 5_000);
        let (took, scraped) = timed(|| {
            let time = ScrapeTime { at, now: at, elapsed: &|| Duration::ZERO };
            let outcome = cycle.scrape(&Nowhere, time, Ok(page));
            outcome.error.map_or(Ok(outcome.scraped), Err)
        })?;
        samples = scraped;
        if round == 0 {
            print("scrape/first", took, samples);
        } else {
            best = best.min(took);
        }
    }
    print("scrape/again", best, samples);
    let mut parse = Duration::MAX;
    for _ in 0..ROUNDS {
        parse = parse.min(timed(|| count(&body))?.0);
    }
    print("scrape/parse", parse, samples);
    Ok(())
}

/// Parses a page and looks at nothing but bytes and values.
fn count(body: &[u8]) -> Result<u64, skopos_exposition::Error> {
    let mut parser = Parser::new(TextFormat::Prometheus, body, ParserOptions::default());
    let mut samples = 0;
    while let Some(entry) = parser.next()? {
        if let Entry::Series(entry) = entry {
            black_box((entry.series(), entry.value()));
            samples += 1;
        }
    }
    Ok(samples)
}

fn timed<T, E>(body: impl FnOnce() -> Result<T, E>) -> Result<(Duration, T), E> {
    #[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
    let start = Instant::now();
    let result = body()?;
    Ok((start.elapsed(), result))
}

fn print(bench: &str, took: Duration, samples: u64) {
    let value = took.as_nanos() as f64 / samples as f64;
    println!(r#"{{"bench":"{bench}","value":{value:.1},"unit":"ns/sample","samples":{samples}}}"#);
}
