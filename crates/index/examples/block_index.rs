//! Maps the index file of a block into memory and asks it for series.
//!
//! ```text
//! cargo run --release -p skopos-index --example block_index -- FILE [NAME=VALUE | NAME=~REGEX]...
//! cargo run --release -p skopos-index --example block_index -- FILE verify
//! ```

use std::error::Error;
use std::fs::File;
use std::{env, io};

use memmap2::Mmap;
use skopos_core::{MatchOp, Matcher};
use skopos_index::{BlockIndex, BlockSeries, Filter};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (path, questions) =
        arguments.split_first().ok_or("which file? give its path, then matchers or `verify`")?;
    let index = BlockIndex::new(map(&File::open(path)?)?)?;
    if questions == ["verify"] {
        index.verify()?;
        println!("version {}: all is well", index.version());
        return Ok(());
    }
    let matchers = questions.iter().map(|question| matcher(question));
    let filter = Filter::new(&matchers.collect::<Result<Vec<_>, _>>()?)?;
    let selected = index.select(&filter)?;
    let mut series = BlockSeries::default();
    for id in selected.iter().take(10) {
        index.read_series(id, &mut series)?;
        println!("{}: {:?}, {} chunks", id.0, series.labels(), series.chunks().len());
    }
    println!("{} series; {} bytes beside the file", selected.len(), index.heap_bytes());
    print!("{}", index.explain(&filter)?);
    Ok(())
}

/// The file as bytes.
#[expect(unsafe_code, reason = "only who owns the file can promise that it does not change")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file must not change while it is mapped. Blocks are made under another name, renamed
    // when they are whole, and never written again; deleting one leaves the map as it is.
    unsafe { Mmap::map(file) }
}

fn matcher(text: &str) -> Result<Matcher, String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("no matcher: {text}"))?;
    Ok(match value.strip_prefix('~') {
        Some(pattern) => Matcher::new(name, MatchOp::Regex, pattern),
        None => Matcher::equal(name, value),
    })
}
