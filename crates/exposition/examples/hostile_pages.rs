//! Measures hostile pages against a usual one: ns a byte, strict and recovering, with their labels,
//! with classic histograms made native, and over the layout of the same page.
//!
//! ```text
//! cargo run --release -p skopos-exposition --example hostile_pages [PAGE | FILE]...
//! ```

extern crate alloc;

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use skopos_core::LabelSet as _;
use skopos_exposition::{
    ClassicHistograms, CreatedLines, Entry, Layout, Parser, ParserOptions, RecoveringParser,
    SeriesEntry, TextFormat,
};

#[path = "../src/parser/tests/pages.rs"]
mod pages;

const LEN: usize = 400_000;
const ROUNDS: usize = 20;

fn main() {
    let chosen: Vec<_> = std::env::args().skip(1).collect();
    println!(
        "{:24} {:12} {:>9} {:>11} {:>9} {:>9} {:>9} {:>9}",
        "page", "format", "strict", "recovering", "labels", "owned", "native", "known"
    );
    for (name, page) in pages::hostile_pages(LEN) {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            measure(name, &page);
        }
    }
    for file in chosen {
        if let Ok(page) = fs::read(&file) {
            measure(&file, &page);
        }
    }
}

fn measure(name: &str, page: &[u8]) {
    let options = ParserOptions::default().with_created_lines(CreatedLines::StartTimestamps);
    let native = options.with_classic_histograms(ClassicHistograms::Native);
    for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
        let mut read = 0;
        let strict = least(|| read = walk(Parser::new(format, page, options)));
        let mut layout = Layout::new();
        let known = least(|| _ = walk(Parser::with_layout(format, page, options, &mut layout)));
        let recovering = |options, look: fn(SeriesEntry<'_, '_>)| {
            least(|| {
                let mut parser = RecoveringParser::new(format, page, options);
                while let Some(entry) = parser.next() {
                    let Entry::Series(sample) = entry else { continue };
                    look(sample);
                }
            })
        };
        let times = [
            recovering(options, raw),
            recovering(options, |mut sample| {
                sample.labels().visit(&mut |name, value| _ = black_box((name, value)));
            }),
            recovering(options, |mut sample| _ = black_box(sample.owned_labels())),
            recovering(native, raw),
        ];
        // Strict reading ends with the first error.
        let shown = |time: Duration| match read {
            _ if read < page.len() / 2 => String::from("(error)"),
            read => format!("{:.3}", time.as_nanos() as f64 / read as f64),
        };
        let format = format!("{format:?}");
        print!("{name:24} {format:12} {:>9}", shown(strict));
        for (time, width) in times.iter().zip([11, 9, 9, 9]) {
            print!(" {:width$.3}", time.as_nanos() as f64 / page.len() as f64);
        }
        println!(" {:>9}", shown(known));
    }
}

fn walk(mut parser: Parser<'_>) -> usize {
    while let Ok(Some(entry)) = parser.next() {
        if let Entry::Series(sample) = entry {
            raw(sample);
        }
    }
    parser.position()
}

fn raw(mut sample: SeriesEntry<'_, '_>) {
    black_box((sample.value(), sample.start_timestamp()));
    sample.raw_labels().for_each(|pair| _ = black_box(pair));
}

fn least(mut round: impl FnMut()) -> Duration {
    let time = |_| {
        #[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
        let start = Instant::now();
        round();
        start.elapsed()
    };
    (0..ROUNDS).map(time).min().unwrap_or_default()
}
