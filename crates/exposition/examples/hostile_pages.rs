//! Measures hostile pages against a usual one: ns a byte, strict and recovering.
//!
//! ```text
//! cargo run --release -p skopos-exposition --example hostile_pages [PAGE]
//! ```

extern crate alloc;

use std::hint::black_box;
use std::time::{Duration, Instant};

use skopos_exposition::{
    CreatedLines, Entry, Parser, ParserOptions, RecoveringParser, SeriesEntry, TextFormat,
};

#[path = "../src/parser/tests/pages.rs"]
mod pages;

const LEN: usize = 400_000;
const ROUNDS: usize = 20;

fn main() {
    let options = ParserOptions::default().with_created_lines(CreatedLines::StartTimestamps);
    println!("{:24} {:12} {:>9} {:>11}", "page", "format", "strict", "recovering");
    let chosen = std::env::args().nth(1);
    for (name, page) in pages::hostile_pages(LEN) {
        if chosen.as_ref().is_some_and(|chosen| chosen != name) {
            continue;
        }
        for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
            let mut read = 0;
            let strict = least(|| {
                let mut parser = Parser::new(format, &page, options);
                while let Ok(Some(entry)) = parser.next() {
                    look_at(entry);
                }
                read = parser.position();
            });
            let recovering = least(|| {
                let mut parser = RecoveringParser::new(format, &page, options);
                while let Some(entry) = parser.next() {
                    look_at(entry);
                }
            });
            // Strict reading ends with the first error.
            let strict = strict.as_nanos() as f64 / read.max(1) as f64;
            let recovering = recovering.as_nanos() as f64 / page.len() as f64;
            let format = format!("{format:?}");
            let shown = if read < page.len() / 2 {
                String::from("(error)")
            } else {
                format!("{strict:.3}")
            };
            println!("{name:24} {format:12} {shown:>9} {recovering:11.3}");
        }
    }
}

fn look_at(entry: Entry<'_, '_>) {
    let Entry::Series(mut sample) = entry else { return };
    black_box((sample.value(), sample.start_timestamp()));
    SeriesEntry::raw_labels(&sample).for_each(|pair| _ = black_box(pair));
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
