//! The name order of a line's labels, which is learned once for lines of the same names.

use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use skopos_core::MetricType;
use skopos_core::labels::{BUCKET_BOUND, QUANTILE};

use crate::parser::{Page, Span};

/// A label's name, and its first eight bytes, in which most names differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'n> {
    pub(super) prefix: u64,
    pub(super) bytes: &'n [u8],
}

/// The name order of labels with certain names.
#[derive(Debug, Default)]
pub(super) struct Order {
    prefixes: Vec<u64>,
    /// The names, one after the other, and where each ends.
    names: Vec<u8>,
    ends: Vec<usize>,
    /// Whether the prefixes tell the order alone.
    is_told: bool,
    /// The labels' numbers in name order.
    pub(super) numbers: Vec<u32>,
    /// Whether each name is there once.
    pub(super) is_distinct: bool,
    /// The numbers of the labels with floats of one form; 0 where there are none.
    bound: u32,
    quantile: u32,
    /// How the labels begin that stand behind the metric's name, in name order, if that is the first
    /// and the beginnings tell the order.
    pub(super) beginnings: Vec<Beginning>,
}

impl Order {
    /// Whether the names are these, behind so many others; as far as it matters to the order.
    #[inline]
    pub(super) fn is_of<'n>(
        &self,
        skipped: usize,
        names: impl ExactSizeIterator<Item = Name<'n>> + Clone,
    ) -> bool {
        let Some(prefixes) = self.prefixes.get(skipped..) else { return false };
        if prefixes.len() != names.len() {
            return false;
        }
        let both = prefixes.iter().zip(names.clone());
        let different = both.fold(0, |sum, (prefix, name)| sum | (prefix ^ name.prefix));
        different == 0 && (self.is_told || self.has_names(skipped, names))
    }

    #[inline(never)]
    fn has_names<'n>(&self, skipped: usize, names: impl Iterator<Item = Name<'n>>) -> bool {
        names.enumerate().all(|(at, name)| self.name(skipped + at) == name.bytes)
    }

    fn name(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(number).copied().unwrap_or_default();
        self.names.get(start.copied().unwrap_or_default()..end).unwrap_or_default()
    }

    /// Sorts names.
    pub(super) fn learn<'n>(&mut self, names: impl Iterator<Item = Name<'n>>) {
        self.prefixes.clear();
        self.names.clear();
        self.ends.clear();
        for name in names {
            self.prefixes.push(name.prefix);
            self.names.extend_from_slice(name.bytes);
            self.ends.push(self.names.len());
        }
        let mut numbers = mem::take(&mut self.numbers);
        numbers.clear();
        numbers.extend(0..self.prefixes.len() as u32);
        let prefix = |number: &u32| self.prefixes.get(*number as usize);
        let name = |number: &u32| self.name(*number as usize);
        numbers.sort_by(|a, b| prefix(a).cmp(&prefix(b)).then_with(|| name(a).cmp(name(b))));
        let is_told = numbers.is_sorted_by(|a, b| prefix(a) < prefix(b));
        let is_distinct = numbers.is_sorted_by(|a, b| name(a) < name(b));
        // What tells the order tells which label has a bound, but for its length.
        let of = |wanted: &str| {
            let wanted = Name { prefix: self::prefix(wanted.as_bytes()), bytes: wanted.as_bytes() };
            numbers.iter().find(|number| match is_told {
                true => prefix(number) == Some(&wanted.prefix),
                false => name(number) == wanted.bytes,
            })
        };
        let (bound, quantile) = (of(BUCKET_BOUND).copied(), of(QUANTILE).copied());
        (self.bound, self.quantile) = (bound.unwrap_or(0), quantile.unwrap_or(0));
        (self.is_told, self.is_distinct) = (is_told, is_distinct);
        self.numbers = numbers;
        self.learn_beginnings();
    }

    fn learn_beginnings(&mut self) {
        let mut beginnings = mem::take(&mut self.beginnings);
        beginnings.clear();
        if let Some((0, labels)) = self.numbers.split_first()
            && self.is_told
            && self.is_distinct
            && memchr::memchr(b'=', &self.names).is_none()
        {
            beginnings.extend(labels.iter().map(|&number| {
                let number = number as usize;
                Beginning::new(self.name(number), number - 1)
            }));
        }
        self.beginnings = beginnings;
    }

    /// Whether the names are these, as far as it matters to the order, of a metric's name and labels
    /// that stand in a window of the page as marks tell.
    #[inline]
    pub(super) fn is_of_marked(&self, window: &[u8], marks: &[u16]) -> bool {
        let mut different = 0;
        for beginning in &self.beginnings {
            beginning.places(window, marks, &mut different);
        }
        // One that was not learned has not even the metric's name.
        different == 0
            && self.beginnings.len() == marks.len() / 2
            && self.numbers.len() == marks.len() / 2 + 1
    }

    /// The number of the label whose floats have one form in metrics of a type; 0 where there is none.
    #[inline]
    pub(super) fn bound(&self, metric_type: MetricType) -> u32 {
        match metric_type {
            MetricType::Histogram => self.bound,
            MetricType::Summary => self.quantile,
            _ => 0,
        }
    }
}

/// How a label begins that stands on a line with nothing between its parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    /// The first eight bytes of the name and of the `=` behind it, and which bits of them count.
    bytes: u64,
    counts: u64,
    /// Which of the line's marks is the last one before the label, and how far it is to that.
    mark: u32,
    skip: u8,
}

impl Beginning {
    fn new(name: &[u8], index: usize) -> Self {
        let mut bytes = [0; 8];
        let mut counts = [0; 8];
        let all = name.iter().chain(b"=");
        for ((byte, counts), from) in bytes.iter_mut().zip(&mut counts).zip(all) {
            (*byte, *counts) = (*from, u8::MAX);
        }
        let (bytes, counts) = (u64::from_le_bytes(bytes), u64::from_le_bytes(counts));
        Self { bytes, counts, mark: 2 * index as u32, skip: 1 + u8::from(index != 0) }
    }

    /// Where the label's name and value are in a window of the page that the marks are of, and some
    /// bit of `different` where it begins otherwise.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a label goes from the marks to registers")]
    pub(super) fn places(
        &self,
        window: &[u8],
        marks: &[u16],
        different: &mut u64,
    ) -> [Range<usize>; 2] {
        let mark = self.mark as usize;
        let Some([before, open, close]) = marks.get(mark..mark + 3) else {
            *different = u64::MAX;
            return [0..0, 0..0];
        };
        let start = usize::from(*before) + usize::from(self.skip);
        let (open, close) = (usize::from(*open), usize::from(*close));
        *different |= match window.get(start..start + 8).and_then(<[u8]>::first_chunk) {
            Some(first) => (u64::from_le_bytes(*first) ^ self.bytes) & self.counts,
            None => u64::MAX,
        };
        [start..open.wrapping_sub(1), open + 1..close]
    }
}

/// Eight bytes of a name as a number that orders as they do; zeros where there are fewer.
#[inline]
pub(super) fn prefix(name: &[u8]) -> u64 {
    match name.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => name.iter().rev().fold(0, |sum, &byte| sum >> 8 | u64::from(byte) << 56),
    }
}

/// A name on the page.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a name goes from the marks to a comparison in registers")]
pub(super) fn page_name(page: Page<'_>, name: Span) -> Name<'_> {
    let prefix = match page.bytes.get(name.start..).and_then(<[u8]>::first_chunk) {
        Some(first) => {
            let behind = u64::MAX.checked_shr(8 * name.len() as u32).unwrap_or(0);
            u64::from_be_bytes(*first) & !behind
        }
        None => prefix(page.get(name)),
    };
    Name { prefix, bytes: page.get(name) }
}
