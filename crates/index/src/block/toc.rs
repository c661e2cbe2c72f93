//! The header and the table of contents: where the sections of an index file begin.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use crate::block::scan::Scan;
use crate::error::{Error, Section};

/// The first four bytes of an index file.
pub(super) const MAGIC: u32 = 0xbaaa_d700;
/// What a writer writes after the magic number.
pub(super) const WRITTEN_VERSION: u8 = 2;
/// The length of the header.
pub(super) const HEADER_LENGTH: usize = 5;
/// The length of the table of contents with its checksum.
const TOC_LENGTH: usize = 52;

/// Which of the format's variants a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// Version 1: references are offsets in bytes, and the postings offset table has no order.
    ByOffset,
    /// Versions 2 and 3: symbols are referred to by number, series by multiples of 16 bytes.
    ByNumber,
}

/// Offsets of sections; 0 stands for a section that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Toc {
    pub(super) symbols: u64,
    pub(super) series: u64,
    pub(super) label_indices: u64,
    pub(super) label_indices_table: u64,
    pub(super) postings: u64,
    pub(super) postings_table: u64,
}

/// The version of a file, if it is one that is read.
pub(super) fn read_header(bytes: &[u8]) -> Result<u8, Error> {
    let mut scan = Scan::new(bytes);
    let magic = scan.be32();
    let version = scan.take(1).and_then(<[u8]>::first);
    let (Some(magic), Some(&version)) = (magic, version) else {
        return Err(Error::truncated(Section::Header, 0));
    };
    if magic != MAGIC {
        return Err(Error::corrupt(Section::Header, 0, format!("invalid magic number {magic:x}")));
    }
    if !(1..=3).contains(&version) {
        return Err(Error::unsupported_version(version));
    }
    Ok(version)
}

impl Toc {
    /// The table at the end of the file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let start = bytes.len().checked_sub(TOC_LENGTH).filter(|start| HEADER_LENGTH <= *start);
        let table = start.and_then(|start| bytes.get(start..));
        let (Some(start), Some(table)) = (start, table) else {
            return Err(Error::truncated(Section::Toc, 0));
        };
        let invalid =
            |message: &str| Error::corrupt(Section::Toc, start as u64, message.to_owned());
        let Some((offsets, checksum)) = table.split_last_chunk::<4>() else {
            return Err(invalid("invalid size"));
        };
        if crc32c::crc32c(offsets) != u32::from_be_bytes(*checksum) {
            return Err(invalid("invalid checksum"));
        }
        let mut scan = Scan::new(offsets);
        let mut next = || scan.be64().filter(|offset| *offset <= start as u64);
        let (Some(symbols), Some(series)) = (next(), next()) else {
            return Err(invalid("an offset lies outside of the file"));
        };
        let (Some(label_indices), Some(label_indices_table)) = (next(), next()) else {
            return Err(invalid("an offset lies outside of the file"));
        };
        let (Some(postings), Some(postings_table)) = (next(), next()) else {
            return Err(invalid("an offset lies outside of the file"));
        };
        Ok(Self { symbols, series, label_indices, label_indices_table, postings, postings_table })
    }

    /// Where the table itself begins.
    pub(super) fn start(bytes: &[u8]) -> u64 {
        bytes.len().saturating_sub(TOC_LENGTH) as u64
    }

    /// Where the series end at the latest: where another section begins.
    pub(super) fn series_end(&self, bytes: &[u8]) -> u64 {
        let others =
            [self.label_indices, self.label_indices_table, self.postings, self.postings_table];
        let behind = others.into_iter().filter(|offset| *offset != 0 && self.series <= *offset);
        // Symbols stand before the series, unless the file was made up.
        let behind = behind.chain(Some(self.symbols).filter(|offset| self.series < *offset)).min();
        behind.unwrap_or_else(|| Self::start(bytes))
    }

    /// The bytes of the table.
    pub(super) fn encode(&self) -> [u8; TOC_LENGTH] {
        let offsets = [
            self.symbols,
            self.series,
            self.label_indices,
            self.label_indices_table,
            self.postings,
            self.postings_table,
        ];
        let mut bytes = [0; TOC_LENGTH];
        let (fields, checksum) = bytes.split_at_mut(TOC_LENGTH - 4);
        for (field, offset) in fields.chunks_exact_mut(8).zip(offsets) {
            field.copy_from_slice(&offset.to_be_bytes());
        }
        checksum.copy_from_slice(&crc32c::crc32c(fields).to_be_bytes());
        bytes
    }
}
