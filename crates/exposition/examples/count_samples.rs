//! Counts the samples of a page of Prometheus text from standard input, in little memory whatever its size.
//!
//! `curl -s localhost:9100/metrics | cargo run --release -p skopos-exposition --example count_samples`

use std::io;
use std::ops::ControlFlow;

use skopos_exposition::{Entry, PageFormat, PageReader, ParserOptions, TextFormat};

fn main() -> Result<(), skopos_exposition::Error> {
    let format = PageFormat::Text(TextFormat::Prometheus);
    let mut samples = 0_u64;
    let reader = PageReader::new(format, io::stdin().lock(), ParserOptions::default());
    let end = reader.for_each(|entry| {
        samples += u64::from(matches!(entry, Entry::Series(_)));
        ControlFlow::<()>::Continue(())
    })?;
    println!("{samples} samples to the end: {}", end.is_continue());
    Ok(())
}
