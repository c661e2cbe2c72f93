//! Measures the index file of a block: opening it, the first question, selections with their ids
//! delivered, label values.
//!
//! ```text
//! cargo run --release -p skopos-index --example measure_block_index -- FILE CASES [VALUES]
//! ```
//!
//! `CASES` has a `name<TAB>selector` a line, `VALUES` a `name<TAB>label<TAB>selector`, the selectors in
//! the plain form `{name op "value",…}` without escapes but `\\`.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::time::Instant;
use std::{env, io};

use memmap2::Mmap;
use skopos_core::{MatchOp, Matcher, SeriesId};
use skopos_index::{BlockIndex, Filter, SeriesIds};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [path, cases, values @ ..] = arguments.as_slice() else {
        return Err("which file and which cases? give their paths".into());
    };
    let file = map(&File::open(path)?)?;
    let first = Filter::new(&matchers(r#"{__name__="idx_metric_07",env="prod"}"#)?)?;
    let opened = least(|| {
        black_box(BlockIndex::new(&*file).is_ok());
    });
    let asked = least(|| {
        let asked = BlockIndex::new(&*file).and_then(|index| index.select(&first));
        black_box(asked.is_ok());
    });
    println!("open\t{opened:.3} us\nopen and select\t{asked:.3} us");

    let index = BlockIndex::new(&*file)?;
    for (name, selector) in lines(&fs::read_to_string(cases)?) {
        let filter = Filter::new(&matchers(selector)?)?;
        let count = || index.select(&filter).map(|ids| deliver(&ids));
        let selected = count()?;
        let time = least(|| {
            black_box(count().is_ok());
        });
        println!("{name}\t{time:.3} us\t{selected} series");
        if env::var_os("EXPLAIN").is_some() {
            print!("{}", index.explain(&filter)?);
        }
    }
    let Some(values) = values.first() else { return Ok(()) };
    for (name, question) in lines(&fs::read_to_string(values)?) {
        let (label, selector) = question.split_once('\t').ok_or("want name, label, selector")?;
        let filter = Filter::new(&matchers(selector)?)?;
        let found = index.label_values(label, &filter, 0)?.len();
        let time = least(|| {
            black_box(index.label_values(label, &filter, 0).is_ok());
        });
        println!("{name}\t{time:.3} us\t{found} values");
    }
    println!("{} bytes beside the file", index.heap_bytes());
    Ok(())
}

/// Reads all ids in batches, as who turns them into series does; returns how many.
fn deliver(selected: &SeriesIds) -> usize {
    let (mut cursor, mut batch, mut delivered) = (selected.cursor(), [SeriesId(0); 512], 0);
    loop {
        match cursor.read(&mut batch) {
            0 => return delivered,
            count => delivered += black_box(&batch[..count]).len(),
        }
    }
}

/// The file as bytes.
#[expect(unsafe_code, reason = "only who owns the file can promise that it does not change")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file must not change while it is mapped, and index files are written once.
    unsafe { Mmap::map(file) }
}

fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

fn matchers(selector: &str) -> Result<Vec<Matcher>, String> {
    let wrong = || format!("cannot read {selector}");
    let Some(inner) = selector.strip_prefix('{').and_then(|text| text.strip_suffix("\"}")) else {
        return if selector.is_empty() { Ok(Vec::new()) } else { Err(wrong()) };
    };
    let matcher = |text: &str| {
        let (name, value) = text.split_once('"')?;
        let ops = [
            ("=~", MatchOp::Regex),
            ("!~", MatchOp::NotRegex),
            ("!=", MatchOp::NotEqual),
            ("=", MatchOp::Equal),
        ];
        let (name, op) =
            ops.into_iter().find_map(|(text, op)| Some((name.strip_suffix(text)?, op)))?;
        Some(Matcher::new(name, op, value.replace(r"\\", r"\")))
    };
    inner.split("\",").map(|text| matcher(text).ok_or_else(wrong)).collect()
}

/// The least time of many short measurements, in microseconds: some of them are not disturbed.
fn least(mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    run();
    let once = start.elapsed().as_nanos().max(50);
    let rounds = (2_000_000 / once).clamp(1, 20_000) as u32;
    let time = |_| {
        let start = Instant::now();
        (0..rounds).for_each(|_| run());
        start.elapsed().as_nanos() as f64 / f64::from(rounds) / 1e3
    };
    (0..40).map(time).fold(f64::MAX, f64::min)
}
