//! The symbols of an index file while it is written: texts to their numbers and back.

use std::fmt;
use std::hash::BuildHasher as _;
use std::io::Write;

use hashbrown::{DefaultHashBuilder, HashTable};
use skopos_core::text::Quoted;

use crate::block::write::output::{Contents, put_uvarint, uvarint_length};
use crate::error::Error;

/// Texts with numbers that follow their order.
pub(super) struct SymbolSet {
    /// All texts, one behind the other.
    text: String,
    /// Where each ends in `text`.
    ends: Vec<u32>,
    /// The numbers, by the hash of their texts.
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl fmt::Debug for SymbolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SymbolSet").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl SymbolSet {
    /// Numbers texts that must ascend.
    pub(super) fn collect<S: AsRef<str>>(
        symbols: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let mut set = Self {
            text: String::new(),
            ends: Vec::new(),
            numbers: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        };
        for symbol in symbols {
            set.push(symbol.as_ref())?;
        }
        Ok(set)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn text(&self, number: u32) -> &str {
        text_of(&self.text, &self.ends, number)
    }

    /// The number of `text`, which may well be that of `guess`.
    pub(super) fn find(&self, text: &str, guess: Option<u32>) -> Option<u32> {
        if let Some(guess) = guess.filter(|guess| self.text(*guess) == text) {
            return Some(guess);
        }
        let hash = self.hasher.hash_one(text);
        self.numbers.find(hash, |number| self.text(*number) == text).copied()
    }

    /// The length of the symbol table without its frame.
    pub(super) fn encoded_length(&self) -> Result<u32, Error> {
        let mut length = 4 + self.text.len();
        let mut start = 0;
        for end in &self.ends {
            length += uvarint_length(u64::from(end - start));
            start = *end;
        }
        u32::try_from(length).map_err(|_| too_large(length))
    }

    pub(super) fn encode<W: Write>(&self, frame: &mut Contents<'_, W>) -> Result<(), Error> {
        // Each has a byte at least, so that their count fits where their length does.
        let count = self.ends.len() as u32;
        frame.extend(&count.to_be_bytes())?;
        (0..count).try_for_each(|number| {
            let text = self.text(number);
            put_uvarint(frame.scratch(), text.len() as u64);
            frame.extend(text.as_bytes())
        })
    }

    fn push(&mut self, symbol: &str) -> Result<(), Error> {
        let number = self.ends.len() as u32;
        if let Some(last) = number.checked_sub(1)
            && symbol <= self.text(last)
        {
            return Err(Error::refused(format!("symbol {} out-of-order", Quoted(symbol))));
        }
        let end = self.text.len() + symbol.len();
        self.text.push_str(symbol);
        self.ends.push(u32::try_from(end).map_err(|_| too_large(end))?);
        let Self { text, ends, numbers, hasher } = self;
        let hash_of = |number: &u32| hasher.hash_one(text_of(text, ends, *number));
        numbers.insert_unique(hasher.hash_one(symbol), number, hash_of);
        Ok(())
    }
}

fn text_of<'a>(text: &'a str, ends: &[u32], number: u32) -> &'a str {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start as usize..ends[number] as usize]
}

#[cold]
fn too_large(length: usize) -> Error {
    Error::limit(format!("symbol table size exceeds {} bytes: {length}", u32::MAX))
}
