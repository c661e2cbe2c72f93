//! The symbols of an index file: numbers, or offsets in version 1, to texts.
//!
//! Symbols have no fixed width, so finding the n-th takes a walk. Where every sixteenth begins is
//! noted at the first question, in one pass that also proves the checksum.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use std::ops::Range;

use crate::block::scan::{Frame, Scan};
use crate::block::toc::{Toc, Variant};
use crate::error::{Error, Section};

/// One symbol in so many has its place noted.
const STRIDE: u32 = 16;

/// Where symbols are.
#[derive(Debug)]
pub(super) struct Places {
    /// Of every [`STRIDE`]-th symbol, from the start of the contents; empty in version 1, where
    /// references are places.
    sparse: Vec<u32>,
    count: u32,
}

/// The symbols, to be looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbols<'a> {
    places: &'a Places,
    /// Count and texts.
    contents: &'a [u8],
    toc: &'a Toc,
    variant: Variant,
}

impl Places {
    /// Notes where symbols are. Linear in their number.
    pub(super) fn find(bytes: &[u8], toc: &Toc, variant: Variant) -> Result<Self, Error> {
        let contents = frame(bytes, toc)?;
        if !contents.is_sound() {
            return Err(corrupt(toc, "invalid checksum"));
        }
        let contents = contents.contents;
        let mut scan = Scan::new(contents);
        let count = scan.be32().ok_or_else(|| corrupt(toc, "invalid size"))?;
        let mut sparse = Vec::new();
        for number in 0..count {
            if variant == Variant::ByNumber && number.is_multiple_of(STRIDE) {
                // Contents are shorter than 4 GiB: their length is 32 bits wide.
                sparse.push(u32::try_from(contents.len().wrapping_sub(scan.left())).unwrap_or(0));
            }
            scan.prefixed().ok_or_else(|| corrupt(toc, "a symbol is cut off"))?;
        }
        Ok(Self { sparse, count })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(self.sparse.as_slice())
    }
}

impl<'a> Symbols<'a> {
    pub(super) fn new(
        places: &'a Places,
        bytes: &'a [u8],
        toc: &'a Toc,
        variant: Variant,
    ) -> Result<Self, Error> {
        Ok(Self { places, contents: frame(bytes, toc)?.contents, toc, variant })
    }

    /// How many symbols there are.
    pub(super) fn len(&self) -> usize {
        self.places.count as usize
    }

    /// The text that `reference` stands for.
    pub(super) fn text(&self, reference: u32) -> Result<&'a str, Error> {
        let bytes = match self.variant {
            Variant::ByNumber => self.numbered(reference),
            Variant::ByOffset => self.placed(reference),
        };
        let unknown = || corrupt(self.toc, &format!("unknown symbol offset {reference}"));
        let text = bytes.ok_or_else(unknown)?;
        str::from_utf8(text).map_err(|_| corrupt(self.toc, "a symbol is not UTF-8"))
    }

    /// The reference that `text` has, if it is a symbol. Symbols of version 1 are tried one by one.
    pub(super) fn reference(&self, text: &str) -> Option<u32> {
        let sparse = &self.places.sparse;
        let at = |place: u32| Some(Scan::new(self.contents.get(place as usize..)?));
        let behind = sparse.partition_point(|place| {
            at(*place).and_then(|mut scan| scan.prefixed()).is_some_and(|t| t <= text.as_bytes())
        });
        let before = behind.saturating_sub(1);
        let mut scan = match self.variant {
            Variant::ByNumber => at(*sparse.get(before)?)?,
            Variant::ByOffset => at(4)?,
        };
        let first = u32::try_from(before).ok()?.checked_mul(STRIDE)?;
        let limit = match self.variant {
            Variant::ByNumber => STRIDE.min(self.places.count.checked_sub(first)?),
            Variant::ByOffset => self.places.count,
        };
        for step in 0..limit {
            let left = scan.left();
            if scan.prefixed()? != text.as_bytes() {
                continue;
            }
            return match self.variant {
                Variant::ByNumber => first.checked_add(step),
                Variant::ByOffset => {
                    let place = self.contents.len().checked_sub(left)? as u64;
                    u32::try_from(place.checked_add(self.start())?).ok()
                }
            };
        }
        None
    }

    /// The references of all texts with this prefix; of more texts in version 1.
    pub(super) fn with_prefix(&self, prefix: &str) -> Range<u32> {
        let prefix = prefix.as_bytes();
        if prefix.is_empty() || self.variant == Variant::ByOffset {
            return 0..u32::MAX;
        }
        let from = self.count_while(|text| text < prefix);
        from..self.count_while(|text| text < prefix || text.starts_with(prefix))
    }

    /// How many symbols there are before the first one that is not `before`.
    fn count_while(&self, before: impl Fn(&[u8]) -> bool) -> u32 {
        let sparse = &self.places.sparse;
        let at = |place: u32| Some(Scan::new(self.contents.get(place as usize..)?));
        let behind = sparse.partition_point(|place| {
            at(*place).and_then(|mut scan| scan.prefixed()).is_some_and(&before)
        });
        let stride = behind.saturating_sub(1);
        let Some(mut scan) = sparse.get(stride).and_then(|place| at(*place)) else { return 0 };
        let mut number = u32::try_from(stride).unwrap_or(u32::MAX).saturating_mul(STRIDE);
        while number < self.places.count && scan.prefixed().is_some_and(&before) {
            number = number.wrapping_add(1);
        }
        number
    }

    /// All symbols with their references, in their order.
    pub(super) fn iter(self) -> impl Iterator<Item = Result<(u32, &'a str), Error>> + use<'a> {
        let this = self;
        let mut scan = Scan::new(this.contents.get(4..).unwrap_or_default());
        let mut number = 0_u32;
        std::iter::from_fn(move || {
            if number == this.places.count {
                return None;
            }
            let place = this.contents.len().wrapping_sub(scan.left()) as u64;
            let reference = match this.variant {
                Variant::ByNumber => Some(number),
                Variant::ByOffset => u32::try_from(place.wrapping_add(this.start())).ok(),
            };
            number = number.wrapping_add(1);
            let text = scan.prefixed().and_then(|text| str::from_utf8(text).ok());
            let item = reference.zip(text);
            Some(item.ok_or_else(|| corrupt(this.toc, "a symbol is cut off or not UTF-8")))
        })
    }

    fn numbered(&self, number: u32) -> Option<&'a [u8]> {
        if self.places.count <= number {
            return None;
        }
        let place = *self.places.sparse.get((number / STRIDE) as usize)?;
        let mut scan = Scan::new(self.contents.get(place as usize..)?);
        for _ in 0..number % STRIDE {
            scan.prefixed()?;
        }
        scan.prefixed()
    }

    fn placed(&self, offset: u32) -> Option<&'a [u8]> {
        // A place before the first text would read the count.
        let place = u64::from(offset).checked_sub(self.start())?;
        let place = usize::try_from(place).ok().filter(|place| 4 <= *place)?;
        Scan::new(self.contents.get(place..)?).prefixed()
    }

    /// Where the contents begin in the file.
    fn start(&self) -> u64 {
        self.toc.symbols.wrapping_add(4)
    }
}

fn frame<'a>(bytes: &'a [u8], toc: &Toc) -> Result<Frame<'a>, Error> {
    Frame::at(bytes, toc.symbols).ok_or_else(|| corrupt(toc, "invalid size"))
}

#[cold]
fn corrupt(toc: &Toc, message: &str) -> Error {
    Error::corrupt(Section::Symbols, toc.symbols, message.to_owned())
}
