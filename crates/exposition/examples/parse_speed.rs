//! Measures the parser over pages from files: the least ns a sample of many rounds.
//!
//! ```text
//! cargo run --release -p skopos-exposition --example parse_speed -- page.prom page.om
//! ```
//! A file whose name ends in `.om` is read as OpenMetrics. An argument that begins with `+` chooses
//! what is measured, such as `+series`.

use std::error::Error;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::time::{Duration, Instant};

use hashbrown::DefaultHashBuilder;
use skopos_core::LabelSet as _;
use skopos_exposition::{Entry, Layout, Parser, ParserOptions, SeriesEntry, TextFormat};

fn main() -> Result<(), Box<dyn Error>> {
    let (chosen, files): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|a| a.starts_with('+'));
    for file in files {
        let page = std::fs::read(&file)?;
        let format =
            if file.ends_with(".om") { TextFormat::OpenMetrics } else { TextFormat::Prometheus };
        let samples = walk(format, &page, |_| {})?;
        let hasher = DefaultHashBuilder::default();
        let show =
            |name: &str, round: &mut dyn FnMut() -> Result<usize, skopos_exposition::Error>| {
                if !chosen.is_empty() && !chosen.iter().any(|chosen| chosen[1..] == *name) {
                    return Ok(());
                }
                let time = least(round)?;
                let nanos = time.as_nanos() as f64;
                let (a_sample, rate) = (nanos / samples as f64, page.len() as f64 / nanos);
                println!("{file} {name:12} {a_sample:8.1} ns/sample {rate:6.2} GB/s");
                Ok::<_, skopos_exposition::Error>(())
            };
        show("series", &mut || walk(format, &page, |s| _ = black_box(s.series())))?;
        let mut layout = Layout::new();
        show("known series", &mut || {
            let options = ParserOptions::default();
            walk_all(Parser::with_layout(format, &page, options, &mut layout), |s| {
                _ = black_box((s.series(), s.known_slot()));
            })
        })?;
        let raw = |s: &mut SeriesEntry<'_, '_>| s.raw_labels().for_each(|pair| _ = black_box(pair));
        show("raw labels", &mut || walk(format, &page, raw))?;
        let named = |s: &mut SeriesEntry<'_, '_>| {
            black_box(s.raw_name());
            black_box(s.raw_labels().map(black_box).count());
        };
        show("raw name and labels", &mut || walk(format, &page, named))?;
        let view = |s: &mut SeriesEntry<'_, '_>| {
            s.labels().visit(&mut |name, value| _ = black_box((name, value)));
        };
        show("labels", &mut || walk(format, &page, view))?;
        let owned = |s: &mut SeriesEntry<'_, '_>| drop(black_box(s.owned_labels()));
        show("owned", &mut || walk(format, &page, owned))?;
        let hashed = |s: &mut SeriesEntry<'_, '_>| {
            let labels = s.owned_labels();
            black_box((hasher.hash_one(&labels), labels));
        };
        show("owned, hashed", &mut || walk(format, &page, hashed))?;
    }
    Ok(())
}

fn walk(
    format: TextFormat,
    page: &[u8],
    f: impl FnMut(&mut SeriesEntry<'_, '_>),
) -> Result<usize, skopos_exposition::Error> {
    walk_all(Parser::new(format, page, ParserOptions::default()), f)
}

fn walk_all(
    mut parser: Parser<'_>,
    mut f: impl FnMut(&mut SeriesEntry<'_, '_>),
) -> Result<usize, skopos_exposition::Error> {
    let mut samples = 0;
    while let Some(entry) = parser.next()? {
        let Entry::Series(mut sample) = entry else { continue };
        black_box((sample.value(), sample.timestamp()));
        f(&mut sample);
        samples += 1;
    }
    Ok(samples)
}

/// The shortest of many rounds, for about a second.
fn least<T, E>(mut round: impl FnMut() -> Result<T, E>) -> Result<Duration, E> {
    let (mut best, mut spent) = (Duration::MAX, Duration::ZERO);
    while spent < Duration::from_millis(700) {
        #[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
        let start = Instant::now();
        round()?;
        let took = start.elapsed();
        best = best.min(took);
        spent += took;
    }
    Ok(best)
}
