//! The structural pass: where quotes, braces, spaces and line feeds are, found in blocks of 64 bytes.
//!
//! A block becomes bit masks, one bit a byte; what lines are made of falls out of a few operations on
//! words. A window of the page is looked through at a time. Only lines in the shape that exporters
//! write are taken (no escapes, no blanks between braces); every other line is left to the byte-wise
//! fast path, which agrees with this one where both dare to. The masks need AVX-512, looked for at run
//! time; where it is not, all lines are left to the byte-wise path, which narrower vectors do not beat.
#![deny(clippy::indexing_slicing)]

use alloc::vec::Vec;
use core::mem;

use super::work;
use crate::TextFormat;

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;

/// Bytes in a block.
const BLOCK: usize = 64;

/// Bytes in a window; places in it are numbers of 16 bits.
const WINDOW: usize = 64 * BLOCK;

/// In a line's entry: it is not a usual one.
const UNUSUAL: u16 = 1 << 15;

/// What is known of the bytes of a block, the first byte in the lowest bit.
#[derive(Clone, Copy, Debug)]
struct Masks {
    newline: u64,
    quote: u64,
    /// Backslashes and NUL, which make a line an unusual one.
    rare: u64,
    /// `{` and `}`.
    brace: u64,
    space: u64,
    /// Those that may stand in a metric's name.
    name: u64,
    /// Those that must not be followed by the byte after them, where labels are and strings are not.
    /// For an opening brace this says nothing.
    misfit: u64,
}

/// The way to look through blocks on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scanner {
    /// There is none: lines are read byte by byte.
    Bytewise,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx512,
}

impl Scanner {
    /// All that this machine has.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        alloc::vec![Self::Bytewise, Self::new()]
    }

    /// The best one for this machine.
    pub(super) fn new() -> Self {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        return x86::best();
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        Self::Bytewise
    }
}

/// What a window of the page is made of.
#[derive(Debug)]
pub(super) struct Index {
    scanner: Scanner,
    /// The window's first byte.
    base: usize,
    /// Places of quotes, of braces and spaces outside of strings, and of line feeds, counted from
    /// `base`.
    marks: Vec<u16>,
    /// For each line that ends in the window, which mark its line feed is, and [`UNUSUAL`].
    lines: Vec<u16>,
    line_count: usize,
    /// Whether there is no backslash and no NUL in the window.
    is_plain: bool,
    /// The last bytes of the page, made up to whole blocks.
    end: Vec<u8>,
    /// All bits where an opening brace must follow a line's name to be usual.
    one_pair: u64,
    /// The next line, the first of its marks, and where it begins.
    line: usize,
    mark: usize,
    start: usize,
}

/// A line's marks: at least the line feed, which is the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexedLine<'i> {
    pub(super) marks: &'i [u16],
    /// What the marks are counted from.
    pub(super) base: usize,
    /// Which of all marks is the first one.
    pub(super) first: usize,
    pub(super) is_usual: bool,
}

impl Index {
    pub(super) fn new(scanner: Scanner, format: TextFormat, page_len: usize) -> Self {
        let len = if scanner == Scanner::Bytewise {
            0
        } else {
            page_len.next_multiple_of(BLOCK).min(WINDOW) + BLOCK
        };
        Self {
            scanner,
            base: 0,
            marks: alloc::vec![0; len],
            lines: alloc::vec![0; len],
            line_count: 0,
            is_plain: false,
            end: Vec::new(),
            one_pair: if format == TextFormat::Prometheus { !0 } else { 0 },
            line: 0,
            mark: 0,
            start: usize::MAX,
        }
    }

    /// The marks of the line at `pos`; nothing where it is not a usual one.
    #[inline]
    pub(super) fn line_at(&mut self, bytes: &[u8], pos: usize) -> Option<IndexedLine<'_>> {
        self.any_line_at(bytes, pos).filter(|line| line.is_usual)
    }

    /// The same of any line; in an unusual one nothing is known of strings and names.
    #[inline]
    pub(super) fn any_line_at(&mut self, bytes: &[u8], pos: usize) -> Option<IndexedLine<'_>> {
        if pos != self.start || self.line_count <= self.line {
            self.seek(bytes, pos)?;
        }
        let entry = *self.lines.get(self.line)?;
        let (first, last) = (self.mark, usize::from(entry & !UNUSUAL));
        let marks = self.marks.get(first..=last)?;
        let end = usize::from(*marks.last()?);
        self.line += 1;
        self.mark = last + 1;
        self.start = self.base + end + 1;
        Some(IndexedLine { marks, base: self.base, first, is_usual: entry & UNUSUAL == 0 })
    }

    #[cfg(test)]
    pub(super) fn is_bytewise(&self) -> bool {
        self.scanner == Scanner::Bytewise
    }

    /// Whether there is surely no backslash and no NUL on the lines that the index gives now.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Some of the marks.
    #[inline]
    pub(super) fn marks(&self, start: usize, end: usize) -> &[u16] {
        self.marks.get(start..end).unwrap_or_default()
    }

    /// What the marks are counted from.
    #[inline]
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// Where the index is, to come back to.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { base: self.base, line: self.line, mark: self.mark, start: self.start }
    }

    /// Goes back to a place; costs a new look at the window if that is another one now.
    pub(super) fn go_back(&mut self, to: Cursor) {
        if self.base == to.base {
            (self.line, self.mark, self.start) = (to.line, to.mark, to.start);
        } else {
            self.start = usize::MAX;
        }
    }

    /// Makes the line at `pos` the next one, if lines are to be found there.
    #[cold]
    #[inline(never)]
    fn seek(&mut self, bytes: &[u8], pos: usize) -> Option<()> {
        if self.scanner == Scanner::Bytewise {
            return None;
        }
        while self.start < pos && self.line < self.line_count {
            let last = usize::from(self.lines.get(self.line)? & !UNUSUAL);
            self.start = self.base + usize::from(*self.marks.get(last)?) + 1;
            self.mark = last + 1;
            self.line += 1;
        }
        if self.start != pos || self.line_count <= self.line {
            self.fill(bytes, pos);
        }
        (self.line < self.line_count).then_some(())
    }

    /// Looks through the window at `pos`.
    fn fill(&mut self, bytes: &[u8], pos: usize) {
        (self.base, self.start, self.line, self.mark, self.line_count) = (pos, pos, 0, 0, 0);
        let rest = bytes.get(pos..).unwrap_or_default();
        if let Some(window) = rest.get(..WINDOW + 1) {
            return self.look_through(window);
        }
        // The end of the page; what is behind it counts as NUL.
        let mut end = mem::take(&mut self.end);
        end.clear();
        end.extend_from_slice(rest);
        end.resize(rest.len().next_multiple_of(BLOCK) + 1, 0);
        self.look_through(&end);
        self.end = end;
    }

    /// Looks through whole blocks and the one byte after them.
    fn look_through(&mut self, window: &[u8]) {
        work::add(window.len());
        match self.scanner {
            Scanner::Bytewise => {}
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Scanner::Avx512 => x86::fill_avx512(self, window),
        }
    }
}

/// Where an [`Index`] is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    base: usize,
    line: usize,
    mark: usize,
    start: usize,
}

/// What one block hands on to the next. Of the first two all bits are set or none, the others are 1 or
/// 0.
#[derive(Clone, Copy, Debug, Default)]
struct Carry {
    in_string: u64,
    in_braces: u64,
    /// Whether the block begins with a line or within a metric's name.
    in_name: u64,
    /// Whether it begins within a line that is unusual.
    unusual: u64,
}

/// The lines that end in a block.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(all(feature = "std", target_arch = "x86_64")),
    expect(dead_code, reason = "no SIMD")
)]
struct BlockLines {
    newline: u64,
    marked: u64,
    /// Line feeds of unusual lines.
    unusual: u64,
    /// How many marks there are before the block.
    count: u16,
}

/// Looks through a window, block by block, without a branch that depends on the bytes where braces and
/// strings are closed.
///
/// `masks` takes a block and the same block one byte later; `parity` gives for each bit whether the
/// number of set bits up to it is odd; `append` writes the places of set bits, counted from a base, and
/// `append_lines` entries of [`Index::lines`].
#[inline(always)]
#[expect(clippy::inline_always, reason = "its SIMD is that of the function it is inlined into")]
#[cfg_attr(
    not(all(feature = "std", target_arch = "x86_64")),
    expect(dead_code, reason = "no SIMD")
)]
fn fill_window(
    index: &mut Index,
    bytes: &[u8],
    masks: impl Fn(&[u8; BLOCK], &[u8; BLOCK]) -> Masks,
    parity: impl Fn(u64) -> u64,
    append: impl Fn(u64, u16, &mut [u16; BLOCK]),
    append_lines: impl Fn(BlockLines, &mut [u16; BLOCK]),
) {
    let mut carry = Carry { in_name: 1, ..Carry::default() };
    let (mut base, mut count) = (0, 0);
    let mut rare = 0;
    let (mut marks, mut lines) = (index.marks.as_mut_slice(), index.lines.as_mut_slice());
    let (line_room, one_pair) = (lines.len(), index.one_pair);
    let (blocks, nexts) = (bytes, bytes.get(1..).unwrap_or_default());
    for (block, next) in blocks.as_chunks().0.iter().zip(nexts.as_chunks().0) {
        let found = masks(block, next);
        let newline = found.newline;
        let mut inside = parity(found.quote) ^ carry.in_string;
        let mut braces = found.brace & !inside;
        let mut labels = parity(braces) ^ carry.in_braces;
        rare |= found.rare;
        let mut unusual = found.rare | carry.unusual;
        if (inside | labels) & newline != 0 {
            (inside, braces, labels) =
                by_lines((newline, found.quote, found.brace), carry, &parity);
            unusual |= (inside | labels) & newline;
            (inside, labels) = (inside & !newline, labels & !newline);
        }
        let ends = braces | found.space & !inside;
        let starts = newline << 1 | carry.in_name;
        let (ran, in_name) = found.name.overflowing_add(starts);
        let after_names = ran & !found.name;
        unusual |= braces & labels & !after_names & one_pair
            | found.misfit & labels & !braces & !inside
            | after_names & !ends & !newline;
        let marked = found.quote | ends | newline;
        let Some(out) = marks.first_chunk_mut() else { break };
        append(marked, base as u16, out);
        marks = marks.get_mut(marked.count_ones() as usize..).unwrap_or_default();
        // From an unusual byte a carry runs to the line feed that ends its line, or out of the block.
        let (run, is_unusual) = (!newline).overflowing_add(unusual & !newline);
        let unusual = (run | unusual) & newline;
        let Some(out) = lines.first_chunk_mut() else { break };
        append_lines(BlockLines { newline, marked, unusual, count: count as u16 }, out);
        lines = lines.get_mut(newline.count_ones() as usize..).unwrap_or_default();
        carry = Carry {
            in_string: ((inside as i64) >> 63) as u64,
            in_braces: ((labels as i64) >> 63) as u64,
            in_name: u64::from(in_name) | newline >> 63,
            unusual: u64::from(is_unusual),
        };
        count += marked.count_ones() as usize;
        base += BLOCK;
    }
    index.line_count = line_room - lines.len();
    index.is_plain = rare == 0;
}

/// What is in strings, the braces outside of them, and what is between those, where a string or a
/// pair of braces is not closed on its line; each line begins outside of both.
#[cold]
#[inline(never)]
fn by_lines(
    (newline, quote, brace): (u64, u64, u64),
    carry: Carry,
    parity: &impl Fn(u64) -> u64,
) -> (u64, u64, u64) {
    let (mut inside, mut braces, mut labels) = (0, 0, 0);
    let (mut in_string, mut in_braces) = (carry.in_string, carry.in_braces);
    let mut left = newline;
    let mut rest = !0;
    while rest != 0 {
        // The bits of one line: up to the next line feed, or all that are left.
        let line = (left ^ left.wrapping_sub(1)) & rest;
        let line_inside = (parity(quote & line) ^ in_string) & line;
        let line_braces = brace & line & !line_inside;
        labels |= (parity(line_braces) ^ in_braces) & line;
        (inside, braces) = (inside | line_inside, braces | line_braces);
        (in_string, in_braces) = (0, 0);
        rest &= !line;
        left &= left.wrapping_sub(1);
    }
    (inside, braces, labels)
}
