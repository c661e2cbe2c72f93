//! Writes the index file of a block again from what it holds, in the current format.
//!
//! ```text
//! cargo run --release -p skopos-index --example rewrite_block_index -- FROM TO
//! ```
//!
//! Files of older writers lose their label indices, which nothing reads any more.

use std::error::Error;
use std::fs::{self, File};
use std::{env, io};

use skopos_index::{BlockIndex, BlockIndexWriter, BlockSeries};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        return Err("which files? give the one to read and the one to write".into());
    };
    let index = BlockIndex::new(fs::read(from)?)?;
    index.verify()?;
    let symbols = index.symbols()?.collect::<Result<Vec<_>, _>>()?;
    let mut writer = BlockIndexWriter::new(File::create_new(to)?, symbols)?;
    let mut series = BlockSeries::default();
    for id in index.all()?.iter() {
        index.read_series(id, &mut series)?;
        writer.add_series(&series, series.chunks())?;
    }
    let file = writer.finish()?;
    file.sync_all()?;
    println!("{} bytes from {}", io::Seek::stream_position(&mut &file)?, index.bytes().len());
    Ok(())
}
